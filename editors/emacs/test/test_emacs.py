"""Emacs in a terminal: ghost text, and what becomes of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from endpoint_thread import NOTHING, after
from fake_endpoint import Answer, FakeEndpoint
from nvim_driver import SERVER_COMMAND
from terminal import Terminal

REPOSITORY = Path(__file__).parents[3]
PAGE = REPOSITORY / "docs" / "editors" / "emacs.md"
COMMAND = " ".join(f'"{argument}"' for argument in SERVER_COMMAND)
PLAIN = """
(menu-bar-mode -1)
(setq inhibit-startup-screen t make-backup-files nil auto-save-default nil)
(electric-indent-mode -1)
(setq native-comp-deferred-compilation nil
      native-comp-async-report-warnings-errors nil)
"""


def snippets() -> list[str]:
    """The Lisp of docs/editors/emacs.md."""
    found = re.findall(r"^ *```elisp\n(.*?)```", PAGE.read_text("utf-8"), re.S | re.M)
    return [
        text.replace('"~/foretype/.venv/bin/foretype" "--stdio"', COMMAND)
        for text in found
    ]


@pytest.fixture
def emacs(
    home: Path, environment: dict[str, str], tmp_path: Path
) -> Iterator[Terminal]:
    """An Emacs with the lines of docs/editors/emacs.md in its init.el."""
    (home / "foretype").symlink_to(REPOSITORY)
    (home / ".emacs.d").mkdir()
    (home / ".emacs.d" / "init.el").write_text(PLAIN + snippets()[0])
    command = ["emacs", "-nw", "a.py"]
    with Terminal(command, environment, home, tmp_path / "outer") as terminal:
        terminal.shows("(Python Foretype")
        yield terminal


def saved(emacs: Terminal, home: Path, text: str) -> None:
    """Waits until the file has a text once it is written."""
    emacs.keys("\x18\x13")
    path = home / "a.py"
    # Emacs adds the line end.
    emacs.until(lambda: path.read_text("utf-8") if path.exists() else "", f"{text}\n")


def first_lines(emacs: Terminal, n: int) -> str:
    return "\n".join(emacs.screen().splitlines()[:n])


def test_typing_along_and_accepting(
    emacs: Terminal, home: Path, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"area = ": "3.14 * r\n"})
    emacs.keys("area = ")
    emacs.shows("area = █3.14 * r")
    ghost = emacs.screen().splitlines()[0].index("█")
    assert emacs.look(0, ghost) != emacs.look(0, ghost - 2)
    for key, drawn in [
        ("3", "area = 3█.14 * r"),
        (".", "area = 3.█14 * r"),
        ("\x7f", "area = 3█.14 * r"),
        ("\x7f", "area = █3.14 * r"),
    ]:
        emacs.keys(key)
        emacs.shows(drawn)
    emacs.keys("\t")
    emacs.shows("area = 3.14 * r█")
    # One undo takes back what was accepted, and nothing else.
    emacs.keys("\x1f")
    saved(emacs, home, "area = ")


def test_a_key_that_does_not_match(emacs: Terminal, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"a = ": "one\n", "a = t": "wo\n"})
    emacs.keys("a = ")
    emacs.shows("a = █one")
    emacs.keys("t")
    emacs.shows("a = t█wo")
    emacs.keys("x")
    emacs.until(lambda: first_lines(emacs, 1), "a = tx█")


def test_a_block(emacs: Terminal, home: Path, endpoint: FakeEndpoint) -> None:
    endpoint.default = Answer(("b = 1\n", "    if b:\n", "        return b\n"))
    emacs.keys("def f():\r    ")
    emacs.until(
        lambda: first_lines(emacs, 4),
        "def f():\n    █b = 1\n    if b:\n        return b",
    )
    endpoint.default = NOTHING
    emacs.keys("\t")
    emacs.shows("return b█")
    saved(emacs, home, "def f():\n    b = 1\n    if b:\n        return b")


def test_brackets_that_were_closed_by_themselves(
    emacs: Terminal, home: Path, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"def f(": "a, b):\n"})
    emacs.keys("\x1bxelectric-pair-mode\r")
    emacs.shows("Electric-Pair mode enabled")
    emacs.keys("def f(")
    emacs.shows("def f(█a, b):")
    emacs.keys("\t")
    emacs.shows("def f(a, b):█")
    saved(emacs, home, "def f(a, b):")


def test_accepting_a_word(emacs: Terminal, home: Path, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"a = ": "one.two + 3\n"})
    emacs.keys("a = ")
    emacs.shows("a = █one.two + 3")
    emacs.keys("\x1bf")
    emacs.shows("a = one█.two + 3")
    emacs.keys("\x1bf")
    emacs.shows("a = one.█two + 3")
    saved(emacs, home, "a = one.")


def test_wide_characters(emacs: Terminal, home: Path, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"東京 = ": "'日本' + é\n"})
    emacs.keys("東京 = ")
    emacs.shows("'日本' + é")
    emacs.keys("\t")
    saved(emacs, home, "東京 = '日本' + é")


def test_the_server_is_killed_and_back(emacs: Terminal, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"a = ": "one\n", "b = ": "two\n"})
    emacs.keys("a = ")
    emacs.shows("a = █one")
    (server,) = (
        process
        for process in psutil.Process(emacs.pid).children(recursive=True)
        if "foretype" in process.cmdline()
    )
    os.kill(server.pid, signal.SIGKILL)
    emacs.until(lambda: "one" in emacs.screen(), False)
    emacs.keys("1\rb = ")
    emacs.shows("b = █two")


def test_it_says_why(emacs: Terminal, endpoint: FakeEndpoint) -> None:
    endpoint.default = Answer(status=401)
    emacs.keys("a = 1")
    emacs.shows("the endpoint at http://127.0.0.1:")
    emacs.keys("\x1bxforetype-explain\r")
    emacs.shows("nothing is shown, because the endpoint refused")


LISTED = """
(find-file "%s")
(goto-char (point-max))
%s
(let* ((found nil) (end (+ (float-time) 60)))
  (while (and (not found) (< (float-time) end))
    (accept-process-output nil 0.1)
    (let ((data (run-hook-with-args-until-success 'completion-at-point-functions)))
      (when data
        ;; A server that begins may need longer than these clients wait.
        (ignore-errors
          (setq found (all-completions "" (nth 2 data)))))))
  (princ (format "found %%S" (mapcar #'substring-no-properties found))))
(kill-emacs 0)
"""


@pytest.mark.parametrize(
    ("snippet", "start", "name"),
    [
        (1, "(require 'lsp-mode) (setq lsp-auto-guess-root t) (lsp)", "a.py"),
        (2, "(require 'eglot) (text-mode) (call-interactively #'eglot)", "a.txt"),
    ],
    ids=["lsp-mode", "Eglot"],
)
def test_the_list_of_other_clients(
    home: Path,
    environment: dict[str, str],
    endpoint: FakeEndpoint,
    snippet: int,
    start: str,
    name: str,
) -> None:
    endpoint.default = after({"area = ": "3.14 * r\n"})
    (home / name).write_text("area = ")
    script = home / "script.el"
    load = "(package-initialize)" + snippets()[snippet]
    script.write_text(load + LISTED % (home / name, start))
    result = subprocess.run(
        ["emacs", "-batch", "-l", str(script)],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "3.14 * r" in result.stdout.partition("found")[2], result.stderr


def test_it_compiles_without_a_warning(home: Path) -> None:
    source = REPOSITORY / "editors" / "emacs" / "foretype.el"
    copy = home / "foretype.el"
    copy.write_text(source.read_text("utf-8"))
    result = subprocess.run(
        ["emacs", "-Q", "-batch", "-f", "batch-byte-compile", str(copy)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr.strip()) == (0, "")


def test_the_built_in_model(
    home: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    (home / "foretype").symlink_to(REPOSITORY)
    (home / ".emacs.d").mkdir()
    (home / ".emacs.d" / "init.el").write_text(PLAIN + snippets()[0])
    names = ("red", "green", "blue", "black", "white")
    lines = [f'    "{name}": Colour("{name}"),' for name in names]
    (home / "a.py").write_text("\n".join(["COLOURS = {", *lines, '    "grey":']))
    local = {k: v for k, v in environment.items() if "ENDPOINT" not in k}
    local["FORETYPE_ENDPOINT_TIMEOUT_MS"] = "60000"
    command = ["emacs", "-nw", "a.py"]
    with Terminal(command, local, home, tmp_path / "outer") as emacs:
        emacs.shows("COLOURS")
        emacs.keys("\x1b> ")
        emacs.shows('"grey": █')
        emacs.until(lambda: emacs.screen().splitlines()[6].endswith("█"), False)
