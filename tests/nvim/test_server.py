"""The server behind Neovim: its end, its troubles, its folders, and what is told."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from endpoint_thread import after
from fake_endpoint import Answer, FakeEndpoint
from nvim_driver import SERVER_COMMAND, Neovim

Open = Callable[..., Neovim]
Start = Callable[..., Neovim]
SETUP = "require('foretype').setup{ cmd = {...} }"


def process_ids(nvim: Neovim) -> list[int]:
    """The processes that Neovim has started."""
    found: list[int] = nvim.lua(
        "return vim.api.nvim_get_proc_children(vim.fn.getpid())"
    )
    return found


def messages(nvim: Neovim) -> list[str]:
    said: str = nvim.lua("return vim.fn.execute('messages')")
    return [line for line in said.splitlines() if line]


def test_a_server_that_was_killed_comes_back(
    start: Start, binary: Path, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"a = ": "1\n", "b = ": "2\n"})
    nvim = start(binary)
    nvim.lua(SETUP, *SERVER_COMMAND)
    nvim.open("killed.py", "a =█\n")
    nvim.keys(" ")
    nvim.shows("a = █├1┤")
    (killed,) = process_ids(nvim)
    os.kill(killed, signal.SIGKILL)
    # What nobody can go on from is not on the screen any more.
    nvim.until(lambda: "├" in nvim.screen(), False)
    nvim.until(nvim.is_attached, True)
    nvim.keys("<Esc>ob = ")
    nvim.until(lambda: "b = █├2┤" in nvim.screen(), True)
    assert process_ids(nvim) != [killed]


def test_a_server_that_always_ends_is_left_alone(
    start: Start, binary: Path, tmp_path: Path
) -> None:
    counted = tmp_path / "starts"
    code = f"open({str(counted)!r}, 'a').write('x'); raise SystemExit(3)"
    nvim = start(binary)
    nvim.lua(
        """
        local defer = vim.defer_fn
        vim.defer_fn = function(called, ms)
          return defer(called, ms / 100)
        end
        """
    )
    nvim.lua(SETUP, sys.executable, "-c", code)
    path = nvim.home / "a.py"
    path.write_text("a\n")
    nvim.command(f"edit {path}")
    told = "Foretype: the server has ended 6 times"
    nvim.until(lambda: sum(told in line for line in messages(nvim)), 1)
    assert counted.read_text() == "x" * 6


def test_stopping_it_is_not_a_crash(
    start: Start, binary: Path, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"a = ": "1\n"})
    nvim = start(binary)
    nvim.lua(SETUP, *SERVER_COMMAND)
    nvim.open("stopped.py", "a =█\n")
    nvim.keys(" ")
    nvim.shows("a = █├1┤")
    nvim.lua("vim.defer_fn = function() _G.is_started_again = true end")
    nvim.lua("vim.lsp.stop_client(vim.lsp.get_clients(), true)")
    nvim.until(nvim.is_attached, False)
    nvim.until(lambda: process_ids(nvim), [])
    nvim.until(lambda: "├" in nvim.screen(), False)
    nvim.until(lambda: nvim.lua("return require('foretype').status()"), None)
    assert nvim.lua("return _G.is_started_again") is None


def test_an_endpoint_that_is_down_is_told_once(start: Start, binary: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        nvim = start(binary, FORETYPE_ENDPOINT_BASE_URL=base_url)
        nvim.lua(SETUP, *SERVER_COMMAND)
        nvim.open("down.py", "a =█\n")
        nvim.keys(" ")
        nvim.until(lambda: len(messages(nvim)), 1)
        for char in "1 + 2 + 3":
            nvim.keys(char)
            nvim.explain()
        statusline = "return require('foretype').statusline()"
        nvim.until(lambda: nvim.lua(statusline), "Foretype: offline")
        (message,) = messages(nvim)
        assert message.startswith("Foretype: offline: ")
        # One line, so that no key has to be pressed to go on.
        assert len(message) < 60
        assert nvim.mode == "i"
        # All of it can be read.
        lines = nvim.lua("return require('foretype.commands').status_lines()")
        assert any(base_url in line for line in lines)
        assert "cannot be reached" in nvim.explain()


def test_wrong_settings_are_told_in_one_line(start: Start, binary: Path) -> None:
    nvim = start(binary)
    nvim.lua(
        """
        require('foretype').setup({
          cmd = {...},
          settings = {
            endpoint = { modle = 'x' },
            completion = { debounceMs = 'soon' },
          },
          colour = 'red',
        })
        """,
        *SERVER_COMMAND,
    )
    nvim.open("settings.py", "a =█\n")
    nvim.until(lambda: len(messages(nvim)), 2)
    options, settings = messages(nvim)
    assert options.startswith("Foretype: setup has no option")
    assert settings.startswith("Foretype: workspace/configuration: ")
    said = "\n".join(nvim.lua("return require('foretype.commands').status_lines()"))
    assert '"colour"' in said
    assert "completion.debounceMs" in said
    assert "endpoint.modle" in said


def test_settings_reach_the_server(
    start: Start, binary: Path, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"a = ": "1\n"})
    nvim = start(binary)
    settings = {"endpoint": {"model": "starcoder2"}}
    nvim.lua(
        "local settings, cmd = ...\n"
        "require('foretype').setup({ cmd = cmd, settings = settings })",
        settings,
        SERVER_COMMAND,
    )
    nvim.open("settings.py", "a =█\n")
    nvim.until(
        lambda: nvim.lua("return (require('foretype').status() or {}).message"),
        "ready: starcoder2",
    )


def test_two_folders_have_one_server(
    start: Start, binary: Path, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"one = ": "1\n", "two = ": "2\n"})
    nvim = start(binary)
    nvim.lua(SETUP, *SERVER_COMMAND)
    for name in ("one", "two"):
        folder = nvim.home / name
        (folder / ".git").mkdir(parents=True)
        (folder / ".foretypeignore").write_text("secret.py\n")
        (folder / "secret.py").write_text("x = 1\n")
        path = folder / f"{name}.py"
        path.write_text(f"{name} =\n")
        nvim.command(f"edit {path}")
        nvim.until(nvim.is_attached, True)
        nvim.keys("A ")
        nvim.until(lambda name=name: f"{name} = █├" in nvim.screen(), True)
        nvim.keys("<Esc>")
    assert len(process_ids(nvim)) == 1
    folders = nvim.lua(
        """
        return vim.tbl_map(function(folder)
          return vim.fs.basename(folder.name)
        end, vim.lsp.get_clients()[1].workspace_folders)
        """
    )
    assert {"one", "two"} <= set(folders)
    # The second folder's ignore file counts as well.
    nvim.command(f"edit {nvim.home / 'two' / 'secret.py'}")
    nvim.until(nvim.is_attached, True)
    nvim.keys("A ")
    nvim.until(
        lambda: nvim.lua("return require('foretype').statusline()"),
        "Foretype: off for this file",
    )


def test_a_program_that_is_not_there_is_told_once(start: Start, binary: Path) -> None:
    nvim = start(binary)
    nvim.lua(SETUP, "no-such-program")
    for name in ("a.py", "b.py"):
        path = nvim.home / name
        path.write_text("a\n")
        nvim.command(f"edit {path}")
    assert messages(nvim) == [
        'Foretype: there is no program "no-such-pr… :Foretype status'
    ]
    said = "\n".join(nvim.lua("return require('foretype.commands').status_lines()"))
    assert 'there is no program "no-such-program"; see :checkhealth foretype' in said


def health(nvim: Neovim) -> str:
    nvim.command("silent checkhealth foretype")
    return nvim.text


def test_the_health_of_one_without_a_server(start: Start, binary: Path) -> None:
    nvim = start(binary)
    nvim.lua(SETUP, "no-such-program")
    said = health(nvim)
    assert 'there is no program "no-such-program"' in said
    assert "pip install" in said


def test_the_health_of_one_that_works(opened: Open, endpoint: FakeEndpoint) -> None:
    nvim = opened("a =█\n")
    nvim.keys("<Esc>")
    nvim.lua("package.loaded['copilot'] = {}")
    said = health(nvim)
    nvim.lua("package.loaded['copilot'] = nil")
    assert "OK foretype 0." in said
    assert "OK it is running, for 1 buffers" in said
    assert "OK Neovim 0." in said
    assert "OK keys for it:" in said
    assert "WARNING other plugins that draw ghost text: copilot" in said
    assert "ERROR" not in said


def test_a_status_for_the_status_line(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"a = ": "1\n"})
    nvim = opened("a =█\n")
    nvim.command("set laststatus=2")
    nvim.command("set statusline=%{v:lua.require'foretype'.statusline()}")
    nvim.keys(" ")
    nvim.until(lambda: nvim.screen().splitlines()[-1], "Foretype")
    nvim.keys("<Esc>:Foretype disable<CR>")
    nvim.until(lambda: "Foretype: off" in nvim.screen(), True)


def test_switching_off_and_on(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"a = ": "1\n"})
    nvim = opened("a =█\n")
    nvim.keys(" ")
    nvim.shows("a = █├1┤")
    for scope in ("", " buffer", " filetype"):
        nvim.command(f"Foretype disable{scope}")
        nvim.shows("a = █")
        nvim.keys("<BS>")
        nvim.keys(" ")
        assert "├" not in nvim.screen()
        nvim.command(f"Foretype enable{scope}")
        nvim.shows("a = █├1┤")
        nvim.lua("vim.b.foretype_enabled = nil")


def test_one_filetype_is_off(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = Answer(("more words\n",))
    nvim = opened("text█\n", ".md")
    nvim.command("Foretype disable filetype")
    nvim.keys(" ")
    nvim.shows("text █")
    assert (
        "markdown" in nvim.lua("return require('foretype.commands').status_lines()")[0]
    )
    nvim.open("other.py", "a =█\n")
    nvim.keys(" ")
    nvim.shows("a = █├more words┤")


def test_the_command_explains(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = Answer(status=401)
    nvim = opened("a =█\n")
    nvim.keys(" ")
    nvim.until(lambda: "the endpoint refused the API key" in nvim.explain(), True)
    nvim.keys("<Esc>:Foretype explain<CR>")
    nvim.until(lambda: "the endpoint refused the API key" in nvim.text, True)
    nvim.keys("q")
    nvim.until(lambda: nvim.text, "a = ")


def test_the_command_shows_statistics(
    start: Start, binary: Path, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"a = ": "1 + 2\n"})
    nvim = start(binary)
    nvim.lua(SETUP, *SERVER_COMMAND)
    nvim.lua("vim.ui.open = function(path) _G.path = path end")
    nvim.open("counted.py", "a =█\n")
    nvim.command("Foretype stats html")
    nvim.until(lambda: "Nothing is counted yet" in "".join(messages(nvim)), True)
    nvim.keys(" ")
    nvim.shows("a = █├1 + 2┤")
    nvim.lua("require('foretype').accept()")
    nvim.until(lambda: nvim.text, "a = 1 + 2")
    # Counts are written every half minute, and at the end.
    (before,) = process_ids(nvim)
    nvim.keys("<Esc>:Foretype restart<CR>")
    nvim.until(lambda: before in process_ids(nvim), False)
    nvim.command("Foretype stats html")
    nvim.until(lambda: (nvim.lua("return _G.path") or "").endswith(".html"), True)
    nvim.command("Foretype stats")
    nvim.until(lambda: nvim.nvim.current.buffer.name, "foretype://stats")
    assert "Counted since" in nvim.text


def test_the_command_opens_the_log(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"a = ": "1\n"})
    nvim = opened("a =█\n")
    nvim.keys(" ")
    nvim.shows("a = █├1┤")
    nvim.keys("<Esc>:Foretype log<CR>")
    nvim.until(lambda: nvim.nvim.current.buffer.name.endswith("foretype.log"), True)
    assert "foretype.server" in nvim.text
    assert nvim.nvim.current.buffer.options["readonly"]


def test_the_command_restarts(
    start: Start, binary: Path, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"a = ": "1\n"})
    nvim = start(binary)
    nvim.lua(SETUP, *SERVER_COMMAND)
    nvim.open("restarted.py", "a =█\n")
    (before,) = process_ids(nvim)
    nvim.keys("<Esc>:Foretype restart<CR>")
    nvim.until(
        lambda: len(process_ids(nvim)) == 1 and process_ids(nvim) != [before], True
    )
    nvim.until(nvim.is_attached, True)
    nvim.keys("A ")
    nvim.shows("a = █├1┤")


def test_the_command_completes_its_words(nvim: Neovim) -> None:
    complete = nvim.nvim.funcs.getcompletion
    names = ["disable", "enable", "explain", "log", "restart", "stats", "status"]
    assert complete("Foretype ", "cmdline") == names
    assert complete("Foretype e", "cmdline") == ["enable", "explain"]
    assert complete("Foretype disable ", "cmdline") == ["buffer", "filetype"]
    assert complete("Foretype stats ", "cmdline") == ["html"]
    assert complete("Foretype log ", "cmdline") == []
    assert complete("Foretype disable buffer ", "cmdline") == []


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("Foretype nonsense", "there is no :Foretype nonsense; there are disable, "),
        ("Foretype log x", ":Foretype log takes nothing"),
        ("Foretype disable x", ":Foretype disable takes buffer or filetype"),
        ("Foretype explain", "it is not in this buffer"),
        ("Foretype", "Foretype is not in this buffer"),
    ],
)
def test_the_command_says_what_is_wrong(nvim: Neovim, command: str, says: str) -> None:
    nvim.command("enew")
    nvim.command("set shortmess-=T")
    said = nvim.lua("return vim.fn.execute(...)", command)
    assert says in said.replace("\n", " ")


def test_the_settings_of_vim_lsp_config_count(
    start: Start, binary: Path, endpoint: FakeEndpoint
) -> None:
    """`vim.lsp.enable` is enough where it is there."""
    endpoint.default = after({"a = ": "1\n"})
    nvim = start(binary)
    if not nvim.lua("return vim.lsp.enable ~= nil"):
        nvim.lua(SETUP, *SERVER_COMMAND)
    else:
        nvim.lua(
            """
            vim.lsp.config('foretype', { cmd = {...} })
            vim.lsp.enable('foretype')
            """,
            *SERVER_COMMAND,
        )
    nvim.open("enabled.py", "a =█\n")
    nvim.keys(" ")
    nvim.shows("a = █├1┤")


NATIVE = """
vim.api.nvim_create_autocmd('LspAttach', {
  callback = function()
    -- The module hears of it as well.
    vim.schedule(function() _G.is_attached = true end)
  end,
})
vim.lsp.inline_completion.enable()
vim.keymap.set('i', '<Tab>', function()
  return vim.lsp.inline_completion.get() and '' or '<Tab>'
end, { expr = true })
"""


@pytest.mark.parametrize("has_plugin", [True, False], ids=["plugin", "no plugin"])
def test_the_module_of_neovim_0_12(
    start: Start, endpoint: FakeEndpoint, newest: Path, has_plugin: bool
) -> None:
    """It draws where a person has enabled it, and nothing is drawn twice."""
    endpoint.default = after({"a = ": "1\n"})
    nvim = start(newest, has_plugin=has_plugin)
    nvim.lua("vim.lsp.config('foretype', { cmd = {...} })", *SERVER_COMMAND)
    nvim.lua("vim.lsp.enable('foretype')")
    nvim.lua(NATIVE)
    nvim.lua("vim.api.nvim_set_hl(0, 'ComplHint', { link = 'ForetypeGhost' })")
    path = nvim.home / "native.py"
    path.write_text("a =\n")
    nvim.command(f"edit {path}")
    nvim.until(lambda: nvim.lua("return _G.is_attached"), True)
    nvim.keys("A ")
    nvim.shows("a = █├1┤")
    nvim.keys("<Tab>")
    nvim.until(lambda: nvim.text, "a = 1")


def test_a_server_of_ours_beside_the_module_for_another(
    start: Start, endpoint: FakeEndpoint, newest: Path
) -> None:
    endpoint.default = after({"a = ": "1\n"})
    nvim = start(newest)
    nvim.lua(
        """
        vim.lsp.inline_completion.enable()
        vim.api.nvim_create_autocmd('LspAttach', {
          callback = function(event)
            local client = vim.lsp.get_client_by_id(event.data.client_id)
            if client.name == 'foretype' then
              vim.lsp.inline_completion.enable(false, { client_id = client.id })
            end
          end,
        })
        """
    )
    nvim.lua(SETUP, *SERVER_COMMAND)
    nvim.open("beside.py", "a =█\n")
    nvim.keys(" ")
    nvim.shows("a = █├1┤")
    nvim.lua("require('foretype').accept()")
    nvim.until(lambda: nvim.text, "a = 1")


def test_the_built_in_model(start: Start, binary: Path, built_in_cache: Path) -> None:
    nvim = start(
        binary,
        FORETYPE_ENDPOINT_BASE_URL="",
        FORETYPE_ENDPOINT_MODEL="",
        FORETYPE_ENDPOINT_TIMEOUT_MS="60000",
        XDG_CACHE_HOME=str(built_in_cache),
    )
    nvim.lua(SETUP, *SERVER_COMMAND)
    names = ("red", "green", "blue", "black", "white")
    lines = [f'    "{name}": Colour("{name}"),' for name in names]
    text = "\n".join(["COLOURS = {", *lines, '    "grey":█', "}"])
    nvim.open("colours.py", text)
    nvim.keys(" ")
    nvim.until(lambda: "├" in nvim.screen(), True)
    before = nvim.text
    nvim.lua("require('foretype').accept()")
    nvim.until(lambda: nvim.text != before, True)
    assert nvim.text.startswith(before.partition('    "grey": ')[0])
