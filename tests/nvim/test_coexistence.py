"""Ghost text beside everything else that Neovim and its plugins do while typing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from endpoint_thread import NOTHING, after
from fake_endpoint import Answer, FakeEndpoint
from nvim_driver import SERVER_COMMAND, Neovim

Open = Callable[..., Neovim]


def was_asked(endpoint: FakeEndpoint, text: str) -> bool:
    """Whether a text was sent in a prompt."""
    return any(text in request.body["prompt"] for request in endpoint.requests)


BLOCK = Answer(("a = 1\n", "    b = 2\n", "    return a\n"))


def test_the_menu_of_neovim(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = BLOCK
    nvim = opened("apple = apply = 0\ndef f():\n    █\n")
    nvim.command("set completeopt=menuone,noinsert")
    nvim.keys("<M-t>")
    nvim.shows("apple = apply = 0\ndef f():\n    █├a = 1┤\n├    b = 2┤\n├    return a┤")
    nvim.keys("a")
    nvim.keys("<C-n>")
    nvim.until(lambda: nvim.nvim.funcs.pumvisible(), 1)
    # The lines that the menu would cover are not drawn below it.
    nvim.until(lambda: nvim.screen().splitlines()[2], "    a█├ = 1┤ …")
    assert "return" not in nvim.screen()
    nvim.keys("<C-e>")
    nvim.shows("apple = apply = 0\ndef f():\n    a█├ = 1┤\n├    b = 2┤\n├    return a┤")


def test_accepting_while_the_menu_is_open(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"x = ": "apple + 1\n"})
    nvim = opened("apple = apply = 0\nx =█\n")
    nvim.command("set completeopt=menuone,noinsert")
    nvim.keys(" ")
    nvim.shows("apple = apply = 0\nx = █├apple + 1┤")
    nvim.keys("a")
    nvim.keys("<C-n>")
    nvim.until(lambda: nvim.nvim.funcs.pumvisible(), 1)
    nvim.keys("<Tab>")
    nvim.until(lambda: nvim.text, "apple = apply = 0\nx = apple + 1")
    nvim.until(lambda: nvim.nvim.funcs.pumvisible(), 0)


def test_an_entry_of_the_menu_that_agrees(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"x = ": "apple + 1\n"})
    nvim = opened("apple = apply = 0\nx =█\n")
    nvim.command("set completeopt=menuone")
    nvim.keys(" ")
    nvim.shows("apple = apply = 0\nx = █├apple + 1┤")
    nvim.keys("ap")
    # The first entry is in the text at once, the second disagrees.
    nvim.keys("<C-n>")
    nvim.until(lambda: nvim.screen().splitlines()[1], "x = apple█├ + 1┤")
    nvim.keys("<C-n>")
    nvim.until(lambda: nvim.screen().splitlines()[1], "x = apply█")


# What blink.cmp and nvim-cmp offer other plugins (their documentation).
BLINK = """
local is_open = false
package.loaded['blink.cmp'] = { is_menu_visible = function() return is_open end }
_G.menu = function(open)
  is_open = open
  local event = open and 'BlinkCmpMenuOpen' or 'BlinkCmpMenuClose'
  vim.api.nvim_exec_autocmds('User', { pattern = event })
end
"""
CMP = """
local is_open, callbacks = false, {}
package.loaded['cmp'] = {
  visible = function() return is_open end,
  event = {
    on = function(_, name, callback)
      callbacks[name] = callback
    end,
  },
}
_G.menu = function(open)
  is_open = open
  callbacks[open and 'menu_opened' or 'menu_closed']()
end
"""


@pytest.mark.parametrize("plugin", [BLINK, CMP], ids=["blink.cmp", "nvim-cmp"])
def test_the_menu_of_a_plugin(
    opened: Open, endpoint: FakeEndpoint, plugin: str
) -> None:
    endpoint.default = BLOCK
    nvim = opened("def f():\n    █\n")
    nvim.lua(plugin)
    nvim.keys("<M-t>")
    nvim.shows("def f():\n    █├a = 1┤\n├    b = 2┤\n├    return a┤")
    nvim.lua("_G.menu(true)")
    nvim.shows("def f():\n    █├a = 1┤ …")
    nvim.lua("_G.menu(false)")
    nvim.shows("def f():\n    █├a = 1┤\n├    b = 2┤\n├    return a┤")
    nvim.lua("package.loaded['cmp'], package.loaded['blink.cmp'] = nil, nil")


def test_snippets(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"for item in i": "tems"})
    nvim = opened("█\n")
    nvim.lua("vim.snippet.expand('for ${1:item} in ${2:x}:\\n    ${3:pass}')")
    # A placeholder that is selected is typed over, not completed.
    nvim.until(lambda: nvim.mode, "s")
    nvim.keys("item")
    nvim.until(lambda: nvim.mode, "i")
    nvim.lua("vim.snippet.jump(1)")
    nvim.until(lambda: nvim.mode, "s")
    nvim.keys("i")
    nvim.shows("for item in i█├tems┤:\n    pass")
    nvim.keys("<Tab>")
    nvim.shows("for item in items█:\n    pass")
    nvim.lua("vim.snippet.jump(1)")
    nvim.until(lambda: nvim.mode, "s")
    nvim.keys("go")
    nvim.until(lambda: nvim.text, "for item in items:\n    go")
    nvim.lua("vim.snippet.stop()")


def test_one_undo_takes_back_what_was_accepted(
    opened: Open, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"def f():\n    ": BLOCK})
    nvim = opened("def f():\n   █\n")
    nvim.keys(" ")
    nvim.shows("def f():\n    █├a = 1┤\n├    b = 2┤\n├    return a┤")
    nvim.keys("<Tab>")
    whole = "def f():\n    a = 1\n    b = 2\n    return a"
    nvim.until(lambda: nvim.text, whole)
    nvim.keys(" + 1<Esc>")
    nvim.until(lambda: nvim.text, whole + " + 1")
    nvim.keys("u")
    nvim.until(lambda: nvim.text, whole)
    nvim.keys("u")
    nvim.until(lambda: nvim.text, "def f():\n    ")
    nvim.keys("u")
    nvim.until(lambda: nvim.text, "def f():\n   ")
    nvim.keys("<C-r><C-r>")
    nvim.until(lambda: nvim.text, whole)


def test_a_dot_repeats_it_as_inserted_text(
    opened: Open, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"a = ": "first + second\n"})
    nvim = opened("█\n\n")
    nvim.keys("a = ")
    nvim.shows("a = █├first + second┤")
    nvim.keys("<Tab>")
    nvim.until(lambda: nvim.text, "a = first + second\n")
    nvim.keys(" # x<Esc>j.")
    nvim.until(lambda: nvim.text, "a = first + second # x\na = first + second # x")


def test_a_macro_inserts_what_was_accepted(
    opened: Open, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"a = ": "first(1)\n", "b = ": "second\n"})
    nvim = opened("█\n\n\n\n")
    nvim.keys("<Esc>qqia = ")
    nvim.shows("a = █├first(1)┤")
    nvim.keys("<Tab>")
    nvim.until(lambda: nvim.text, "a = first(1)\n\n\n")
    # A press that accepts nothing is a tab when it is played, too.
    endpoint.default = after({"b = ": "second\n"})
    nvim.keys(";<Tab>b = ")
    nvim.until(lambda: "├second┤" in nvim.screen(), True)
    nvim.keys("<Tab><Esc>jq")
    line = nvim.text.splitlines()[0]
    assert line.replace("\t", " ").split() == [
        "a",
        "=",
        "first(1);",
        "b",
        "=",
        "second",
    ]
    nvim.keys("2@q")
    nvim.until(lambda: nvim.text.splitlines()[1:3], [line, line])
    nvim.keys("@q")
    nvim.until(lambda: nvim.text, "\n".join([line] * 4))


def test_ghost_text_next_to_a_fold(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"return ": "1\n"})
    nvim = opened("def f():\n    a\n    b\n\ndef g():\n    return█\n")
    nvim.command("set foldtext='folded' | 1,3fold | set fillchars+=fold:\\ ")
    nvim.keys(" ")
    nvim.shows("folded\n\ndef g():\n    return █├1┤")


def test_in_a_fold_that_was_closed(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"return ": "1\n"})
    nvim = opened("def g():\n    return█\n")
    nvim.command("set foldmethod=indent foldlevel=0 foldopen=all foldclose=")
    nvim.keys(" ")
    nvim.shows("def g():\n    return █├1┤")


def test_a_line_that_is_wrapped(opened: Open, endpoint: FakeEndpoint) -> None:
    line = "value = first_of_them + second_of_them + third_of_them"
    endpoint.default = after({"them ": "+ another_one\n"})
    nvim = opened(f"{line}█\nend")
    nvim.keys(" ")
    nvim.shows(f"{line} █├+ ano┤\n├ther_one┤\nend")


def test_long_lines_of_a_block_are_wrapped_or_scrolled(
    opened: Open, endpoint: FakeEndpoint
) -> None:
    long = "value = first_of_them + second_of_them + third_of_them + fourth"
    endpoint.default = Answer(("a\n", f"    {long}\n", "    q\n"))
    nvim = opened("def f():\n    █\nend")
    nvim.keys("<M-t>")
    nvim.shows(f"def f():\n    █├a┤\n├    {long[:56]}┤\n├{long[56:]}┤\n├    q┤\nend")
    nvim.keys("<Esc>")
    nvim.command("set nowrap")
    nvim.keys("a")
    nvim.keys("<M-t>")
    nvim.shows(f"def f():\n    █├a┤\n├    {long[:56]}┤\n├    q┤\nend")


def test_tabs(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = Answer(("if a {\n", "\t\treturn\tb\n", "\t}\n"))
    nvim = opened("func f() {\n\t█\n}\n", ".go")
    nvim.command("setlocal tabstop=4 noexpandtab")
    nvim.keys("<M-t>")
    nvim.shows("func f() {\n    █├if a {┤\n├        return  b┤\n├    }┤\n}")
    nvim.keys("<Tab>")
    nvim.until(lambda: nvim.text, "func f() {\n\tif a {\n\t\treturn\tb\n\t}\n}")


def test_wide_characters(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"東京 = 🙂 + ": "'日本語' + é\n"})
    nvim = opened("東京 = 🙂 +█ # 終\n")
    nvim.keys(" ")
    nvim.until(lambda: nvim.screen().replace(" ", ""), "東京=🙂+█├'日本語'+é┤#終")
    nvim.type("'日")
    nvim.keys("<M-w>")
    nvim.until(lambda: nvim.text.startswith("東京 = 🙂 + '日本語"), True)
    nvim.keys("<Tab>")
    nvim.until(lambda: nvim.text, "東京 = 🙂 + '日本語' + é # 終")


def test_a_buffer_that_cannot_be_changed(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = Answer(("math.pi",))
    nvim = opened("a = █\n")
    nvim.command("setlocal nomodifiable")
    assert not nvim.lua("return require('foretype').trigger()")
    nvim.keys("<Left><Right>")
    assert nvim.screen() == "a = █"
    assert not was_asked(endpoint, "a = ")


def test_a_file_that_is_read_only(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"a = ": "1\n"})
    nvim = opened("a =█\n")
    nvim.command("setlocal readonly")
    nvim.keys(" ")
    nvim.until(lambda: nvim.screen().splitlines()[0], "a = █├1┤")


@pytest.mark.parametrize("kind", ["nofile", "prompt", "quickfix", "terminal"])
def test_special_buffers(nvim: Neovim, kind: str) -> None:
    match kind:
        case "quickfix":
            nvim.command("copen")
        case "terminal":
            nvim.command("enew | terminal true")
        case _:
            nvim.command(f"new | set buftype={kind} filetype=python")
    nvim.keys("i")
    nvim.lua("")
    assert not nvim.is_attached()
    assert nvim.lua("return require('foretype').statusline()") == ""
    assert "foretype" not in nvim.lua("return vim.fn.execute('messages')").lower()


def test_a_buffer_without_a_name(nvim: Neovim, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"a = ": "1\n"})
    nvim.command("enew | set filetype=python")
    nvim.until(nvim.is_attached, True)
    nvim.keys("ia = ")
    nvim.shows("a = █├1┤")


def test_several_windows_on_one_buffer(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = BLOCK
    nvim = opened("def f():\n    █\n")
    nvim.keys("<Esc>")
    nvim.command("vsplit | vertical resize 30")
    nvim.keys("a")
    nvim.keys("<M-t>")
    # It is drawn where the cursor is, and the other window stays as it was.
    block = ["def f():", "    █├a = 1┤", "├    b = 2┤", "├    return a┤"]
    nvim.until(lambda: column(nvim, 0), block)
    assert column(nvim, 1) == ["def f():", "", "", ""]
    nvim.keys("<Esc><C-w>l")
    nvim.keys("a")
    nvim.keys("<M-t>")
    nvim.until(lambda: column(nvim, 1), block)
    assert column(nvim, 0) == ["def f():", "", "", ""]


def column(nvim: Neovim, n: int) -> list[str]:
    """The first lines of one of two windows side by side."""
    lines = nvim.screen().splitlines()[:4]
    return [line.split("│")[n].rstrip().replace("~", "") for line in lines]


@pytest.mark.parametrize("keys", ["Rl", "vl", "Vl", "<C-v>l", "gh"])
def test_other_modes(opened: Open, endpoint: FakeEndpoint, keys: str) -> None:
    endpoint.default = Answer(("math.pi",))
    nvim = opened("a = b█ c\n")
    nvim.keys("<Esc>")
    nvim.keys(keys)
    assert not nvim.lua("return require('foretype').trigger()")
    nvim.keys("<C-\\><C-n>")
    assert "├" not in nvim.screen()
    assert not was_asked(endpoint, "a = ")


def test_text_behind_the_cursor_comes_again_behind_the_last_line(
    opened: Open,
) -> None:
    # The server does not suggest several lines there yet.
    nvim = opened("call(█) + rest\nnext\n")
    nvim.lua(
        """
        local here = require('foretype.place').here()
        local text = '\\n    a,\\n)'
        require('foretype.ghost').draw(here, { text = text, covered = ')' }, {})
        """
    )
    nvim.shows("call(█├        ┤\n├    a,┤\n├)┤ + rest\nnext")
    nvim.lua("require('foretype.ghost').clear()")
    nvim.shows("call(█) + rest\nnext")


def test_positions_in_utf_16(
    start: Callable[..., Neovim], binary: Path, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"東京 = 🙂 + ": "1)\n"})
    other = start(binary)
    other.lua(
        """
        local config = require('foretype.client').config()
        config.cmd = {...}
        config.root_dir = vim.fn.getcwd()
        config.capabilities = { general = { positionEncodings = { 'utf-16' } } }
        vim.api.nvim_create_autocmd('FileType', {
          callback = function(event)
            vim.lsp.start(config, { bufnr = event.buf })
          end,
        })
        """,
        *SERVER_COMMAND,
    )
    other.open("wide.py", "東京 = 🙂 +█) # 終\n")
    encoding = "return vim.lsp.get_clients()[1].offset_encoding"
    assert other.lua(encoding) == "utf-16"
    other.keys(" ")
    other.until(lambda: other.screen().replace(" ", ""), "東京=🙂+█├1┤)#終")
    other.lua("require('foretype').accept()")
    other.until(lambda: other.text, "東京 = 🙂 + 1) # 終")


def test_nothing_is_left_over(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = NOTHING
    nvim = opened("a =█\n")
    for _ in range(3):
        nvim.keys("<Esc>a <BS>")
    nvim.keys("<Esc>:bwipeout!<CR>")
    nvim.until(nvim.is_attached, False)
    assert nvim.lua("return vim.fn.execute('messages')").strip() == ""
