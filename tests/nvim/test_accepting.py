"""Accepting a suggestion in Neovim, whole and in parts, and choosing another one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from endpoint_thread import NOTHING, after
from fake_endpoint import Answer, FakeEndpoint
from nvim_driver import Neovim

Open = Callable[..., Neovim]


def test_accepting_inserts_it(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"    return ": "math.pi * r ** 2\n"})
    nvim = opened("def area(r):\n    return█\n")
    nvim.keys(" ")
    nvim.shows("def area(r):\n    return █├math.pi * r ** 2┤")
    nvim.keys("<Tab>")
    nvim.shows("def area(r):\n    return math.pi * r ** 2█")
    assert nvim.text == "def area(r):\n    return math.pi * r ** 2"


def test_the_key_does_what_it_did_where_nothing_is_shown(
    opened: Open, endpoint: FakeEndpoint
) -> None:
    endpoint.default = NOTHING
    nvim = opened("a =█\n")
    nvim.command("setlocal noexpandtab")
    nvim.keys("<Tab>")
    nvim.until(lambda: nvim.text, "a =\t")


def test_accepting_from_an_expr_mapping(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"a = ": "1 + 2"})
    nvim = opened("a =█\n")
    nvim.lua(
        """
        vim.keymap.set('i', '<C-y>', function()
          return require('foretype').accept() and '' or '<C-y>'
        end, { expr = true })
        """
    )
    nvim.keys(" ")
    nvim.shows("a = █├1 + 2┤")
    nvim.keys("<C-y>")
    nvim.until(lambda: nvim.text, "a = 1 + 2")


def test_what_is_typed_behind_the_key_goes_behind_the_text(
    opened: Open, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"a = ": "1 + 2"})
    nvim = opened("a =█\n")
    nvim.keys(" ")
    nvim.shows("a = █├1 + 2┤")
    nvim.keys("<Tab> + 3")
    nvim.until(lambda: nvim.text, "a = 1 + 2 + 3")


def test_accepting_after_keys_that_were_not_answered_yet(
    opened: Open, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"# ": "GHOST TEXT"})
    nvim = opened("#█\n")
    nvim.keys(" ")
    nvim.shows("# █├GHOST TEXT┤")
    nvim.keys("GHOS<Tab>")
    nvim.until(lambda: nvim.text, "# GHOST TEXT")


BRACKETS = [
    ("print█", "(", "print(█├value┤)", "value)", "print(value)"),
    ("f█", "(", "f(█├a, g(b)┤)", "a, g(b))\n", "f(a, g(b))"),
    ("def f█", "(", "def f(█├a, b┤)├:┤", "a, b):\n", "def f(a, b):"),
    ("x =█", " [", "x = [█├1, 2┤]", "1, 2]\n", "x = [1, 2]"),
    ("say█", '("', 'say("█├hi┤")', 'hi")\n', 'say("hi")'),
]


@pytest.mark.parametrize(
    ("drawing", "keys", "drawn", "answer", "accepted"),
    BRACKETS,
    ids=[accepted for *_, accepted in BRACKETS],
)
def test_brackets_that_were_closed_by_themselves(
    opened: Open,
    endpoint: FakeEndpoint,
    drawing: str,
    keys: str,
    drawn: str,
    answer: str,
    accepted: str,
) -> None:
    nvim = opened(drawing)
    for opening, closing in ("()", "[]", '""'):
        nvim.command(f"inoremap {opening} {opening}{closing}<C-g>U<Left>")
    endpoint.default = Answer((answer,))
    nvim.keys(keys)
    nvim.shows(drawn)
    endpoint.default = NOTHING
    nvim.keys("<Tab>")
    nvim.until(lambda: nvim.text, accepted)
    nvim.keys("<Esc>:write<CR>")
    path = nvim.home / "project" / nvim.lua("return vim.fn.expand('%:t')")
    nvim.until(lambda: path.read_text("utf-8"), accepted + "\n")


def test_a_bracket_is_typed_over(opened: Open, endpoint: FakeEndpoint) -> None:
    nvim = opened("def f█\n")
    nvim.command("inoremap ( ()<C-g>U<Left>")
    nvim.command("inoremap ) <C-g>U<Right>")
    endpoint.default = Answer(("a):\n",))
    nvim.keys("(")
    nvim.shows("def f(█├a┤)├:┤")
    nvim.keys("a")
    nvim.shows("def f(a█)├:┤")
    nvim.keys(")")
    nvim.shows("def f(a)█├:┤")
    endpoint.default = NOTHING
    nvim.keys("<Tab>")
    nvim.until(lambda: nvim.text, "def f(a):")


def test_accepting_a_word(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"a = ": "math.pi * radius\n"})
    nvim = opened("a =█\n")
    nvim.keys(" ")
    nvim.shows("a = █├math.pi * radius┤")
    for typed, left in [
        ("math", ".pi * radius"),
        ("math.", "pi * radius"),
        ("math.pi", " * radius"),
        ("math.pi *", " radius"),
    ]:
        nvim.keys("<M-w>")
        nvim.shows(f"a = {typed}█├{left}┤")
    nvim.keys("<M-w>")
    nvim.until(lambda: nvim.text, "a = math.pi * radius")


def test_accepting_a_line(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = Answer(("a = 1\n", "    b = 2\n", "    return a\n"))
    nvim = opened("def f():\n    █\n")
    nvim.keys("<M-t>")
    nvim.shows("def f():\n    █├a = 1┤\n├    b = 2┤\n├    return a┤")
    nvim.keys("<M-l>")
    nvim.shows("def f():\n    a = 1█\n├    b = 2┤\n├    return a┤")
    nvim.keys("<M-l>")
    nvim.shows("def f():\n    a = 1\n    b = 2█\n├    return a┤")
    nvim.keys("<M-l>")
    nvim.until(lambda: nvim.text, "def f():\n    a = 1\n    b = 2\n    return a")


def test_typing_a_block_line_by_line(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = Answer(("a = 1\n", "    b = 2\n", "    return a\n"))
    nvim = opened("def f():\n    █\n")
    nvim.command("setlocal autoindent")
    nvim.keys("<M-t>")
    nvim.shows("def f():\n    █├a = 1┤\n├    b = 2┤\n├    return a┤")
    nvim.type("a = 1")
    nvim.shows("def f():\n    a = 1█\n├    b = 2┤\n├    return a┤")
    nvim.keys("<CR>")
    nvim.shows("def f():\n    a = 1\n    █├b = 2┤\n├    return a┤")


def test_the_next_suggestion_and_the_one_before(
    opened: Open, endpoint: FakeEndpoint
) -> None:
    names = ("one", "two", "three")
    endpoint.default = after({"a = ": [Answer((f"{name}\n",)) for name in names]})
    nvim = opened("a =█\n")
    nvim.keys(" ")
    nvim.shows("a = █├one┤")
    nvim.keys("<M-n>")
    nvim.shows("a = █├two┤ (2/3)")
    nvim.keys("<M-n>")
    nvim.shows("a = █├three┤ (3/3)")
    nvim.keys("<M-n>")
    nvim.shows("a = █├one┤ (1/3)")
    nvim.keys("<M-p><M-p>")
    nvim.shows("a = █├two┤ (2/3)")
    nvim.keys("tw")
    nvim.shows("a = tw█├o┤")
    nvim.keys("<Tab>")
    nvim.until(lambda: nvim.text, "a = two")


def test_dismissing(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"a = ": "one"})
    nvim = opened("a =█\n")
    nvim.keys(" ")
    nvim.shows("a = █├one┤")
    nvim.keys("<M-d>")
    nvim.shows("a = █")
    nvim.keys("o")
    nvim.shows("a = o█├ne┤")


def test_asking_by_hand_inside_of_a_word(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = Answer(("_new",))
    nvim = opened("val█ue = 1\n")
    nvim.keys("<M-t>")
    nvim.shows("val█├_new┤ue = 1")


def test_the_server_hears_what_is_shown_and_taken(
    opened: Open, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"a = ": "one two\n"})
    nvim = opened("a =█\n")
    nvim.lua(
        """
        _G.said = {}
        local rpc = require('foretype.rpc')
        for _, name in ipairs({ 'notify', 'request' }) do
          local original = rpc[name]
          rpc[name] = function(client, method, params, ...)
            if not method:find('inlineCompletion') then
              table.insert(_G.said, { method, params.acceptedLength or params.command })
            end
            return original(client, method, params, ...)
          end
          _G['restore_' .. name] = function()
            rpc[name] = original
          end
        end
        """
    )
    nvim.keys(" ")
    nvim.shows("a = █├one two┤")
    nvim.keys("<M-w>")
    nvim.shows("a = one█├ two┤")
    nvim.keys("<Tab>")
    nvim.until(lambda: nvim.text, "a = one two")
    said = nvim.lua("_G.restore_notify() _G.restore_request() return _G.said")
    assert said == [
        ["textDocument/didShowCompletion"],
        ["textDocument/didPartiallyAcceptCompletion", 3],
        ["workspace/executeCommand", "foretype.accept"],
    ]
