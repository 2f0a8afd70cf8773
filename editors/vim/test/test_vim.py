"""Vim in a terminal: ghost text, and what becomes of it."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from endpoint_thread import NOTHING, after
from fake_endpoint import Answer, FakeEndpoint
from nvim_driver import SERVER_COMMAND
from terminal import Terminal

REPOSITORY = Path(__file__).parents[3]
PAGE = REPOSITORY / "docs" / "editors" / "vim.md"


@pytest.fixture
def vim(home: Path, environment: dict[str, str], tmp_path: Path) -> Iterator[Terminal]:
    """A Vim with the lines of docs/editors/vim.md in its vimrc."""
    found = re.search(r"```vim\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert found is not None
    lines = [line.strip() for line in found.group(1).splitlines()]
    (home / "foretype").symlink_to(REPOSITORY)
    (home / ".vimrc").write_text(
        "\n".join(
            [
                *lines,
                f"let g:foretype_command = {list(SERVER_COMMAND)}",
                "set noswapfile noruler shortmess+=I",
            ]
        )
    )
    with Terminal(["vim", "a.py"], environment, home, tmp_path / "outer") as terminal:
        terminal.shows('"a.py" [New]')
        yield terminal


def first_lines(vim: Terminal, n: int) -> str:
    return "\n".join(vim.screen().splitlines()[:n])


def saved(vim: Terminal, home: Path, text: str) -> None:
    """Waits until the file has a text once it is written."""
    vim.keys("\x1b:w\r")
    path = home / "a.py"
    vim.until(lambda: path.read_text("utf-8") if path.exists() else "", text)


def test_typing_along_and_accepting(
    vim: Terminal, home: Path, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"return ": "3.14 * r\n"})
    vim.keys("idef area(r):\rreturn ")
    vim.shows("return █3.14 * r")
    row = 1
    ghost = vim.screen().splitlines()[row].index("█")
    assert vim.look(row, ghost) != vim.look(row, ghost - 2)
    for key, drawn in [
        ("3", "return 3█.14 * r"),
        (".", "return 3.█14 * r"),
        ("\x7f", "return 3█.14 * r"),
        ("\x7f", "return █3.14 * r"),
    ]:
        vim.keys(key)
        vim.shows(drawn)
    vim.keys("\t")
    vim.shows("return 3.14 * r█")
    saved(vim, home, "def area(r):\n    return 3.14 * r\n")
    # One undo takes back what was accepted, and nothing else.
    vim.keys("u")
    saved(vim, home, "def area(r):\n    return \n")


def test_a_key_that_does_not_match(vim: Terminal, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"a = ": "one\n", "a = t": "wo\n"})
    vim.keys("ia = ")
    vim.shows("a = █one")
    vim.keys("t")
    vim.shows("a = t█wo")
    vim.keys("x")
    vim.until(lambda: first_lines(vim, 1), "a = tx█")


def test_leaving_insert_mode(vim: Terminal, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"a = ": "one\n"})
    vim.keys("ia = ")
    vim.shows("a = █one")
    vim.keys("\x1b")
    vim.until(lambda: vim.lines()[0], "a =")


def test_a_block(vim: Terminal, home: Path, endpoint: FakeEndpoint) -> None:
    endpoint.default = Answer(("b = 1\n", "    if b:\n", "        return b\n"))
    vim.keys("idef f():\r")
    vim.until(
        lambda: first_lines(vim, 4),
        "def f():\n    █b = 1\n    if b:\n        return b",
    )
    endpoint.default = NOTHING
    vim.keys("\t")
    vim.shows("return b█")
    saved(vim, home, "def f():\n    b = 1\n    if b:\n        return b\n")


def test_brackets_that_were_closed_by_themselves(
    vim: Terminal, home: Path, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"def f(": "a, b):\n"})
    vim.keys(":inoremap ( ()<C-G>U<Left>\r")
    vim.keys("idef f(")
    vim.shows("def f(█a, b):")
    vim.keys("\t")
    vim.shows("def f(a, b):█")
    saved(vim, home, "def f(a, b):\n")


def test_accepting_a_word(vim: Terminal, home: Path, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"a = ": "one.two + 3\n"})
    vim.keys("ia = ")
    vim.shows("a = █one.two + 3")
    vim.keys("\x0c")
    vim.shows("a = one█.two + 3")
    vim.keys("\x0c")
    vim.shows("a = one.█two + 3")
    saved(vim, home, "a = one.\n")


def test_a_dot_repeats_it(vim: Terminal, home: Path, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"a = ": "one + two\n"})
    vim.keys("o\x1bkia = ")
    vim.shows("a = █one + two")
    vim.keys("\t")
    vim.shows("a = one + two█")
    vim.keys(" # x\x1bj.")
    saved(vim, home, "a = one + two # x\na = one + two # x\n")


def test_the_key_does_what_it_did(
    vim: Terminal, home: Path, endpoint: FakeEndpoint
) -> None:
    endpoint.default = NOTHING
    vim.keys("i#\tx")
    vim.shows("x█")
    vim.until(lambda: "x" in vim.lines()[0], True)


def test_the_server_is_killed_and_back(vim: Terminal, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"a = ": "one\n", "b = ": "two\n"})
    vim.keys("ia = ")
    vim.shows("a = █one")
    (server,) = (
        process
        for process in psutil.Process(vim.pid).children(recursive=True)
        if "foretype" in process.cmdline()
    )
    os.kill(server.pid, signal.SIGKILL)
    server.wait(60)
    vim.keys("\rb = ")
    vim.shows("b = █two")


def test_it_says_why(vim: Terminal, endpoint: FakeEndpoint) -> None:
    endpoint.default = Answer(status=401)
    vim.keys("ia = 1")
    # No key has to be pressed to go on.
    vim.shows("Foretype: the endpoint at http://127.0.0.1:")
    vim.keys("2")
    vim.shows("a = 12█")
    vim.keys("\x1b:Foretype explain\r")
    vim.shows("nothing is shown, because the endpoint")


def test_the_built_in_model(
    home: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    (home / ".vimrc").write_text(
        f"set rtp^={REPOSITORY}/editors/vim noswapfile noruler shortmess+=I\n"
        f"let g:foretype_command = {list(SERVER_COMMAND)}\n"
    )
    names = ("red", "green", "blue", "black", "white")
    lines = [f'    "{name}": Colour("{name}"),' for name in names]
    (home / "a.py").write_text("\n".join(["COLOURS = {", *lines, '    "grey":', ""]))
    local = {k: v for k, v in environment.items() if "ENDPOINT" not in k}
    local["FORETYPE_ENDPOINT_TIMEOUT_MS"] = "60000"
    with Terminal(["vim", "a.py"], local, home, tmp_path / "outer") as vim:
        vim.shows('"a.py"')
        vim.keys("GA ")
        vim.until(lambda: 'grey": █' in vim.screen(), True)
        vim.until(lambda: vim.screen().splitlines()[6].endswith("█"), False)
