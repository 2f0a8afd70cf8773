"""Neovim in a terminal, by a newcomer: the steps of docs/editors/neovim.md."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from endpoint_thread import after
from fake_endpoint import FakeEndpoint
from terminal import Terminal

REPOSITORY = Path(__file__).parents[2]
ACCEPTED = "def area(r): return 3.14159 * r ** 2"
PAGE = REPOSITORY / "docs" / "editors" / "neovim.md"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home, but for the clone with its environment and the init.lua."""
    home = tmp_path / "home"
    clone = home / "foretype"
    clone.mkdir(parents=True)
    (clone / "editors").symlink_to(REPOSITORY / "editors")
    (clone / ".venv").symlink_to(sys.prefix)
    steps = PAGE.read_text("utf-8").partition("## From nothing to ghost text")[2]
    found = re.search(r"```lua\n(.*?)```", steps, re.S)
    assert found is not None
    config = home / ".config" / "nvim"
    config.mkdir(parents=True)
    lines = found.group(1).splitlines()
    (config / "init.lua").write_text("\n".join(line.strip() for line in lines))
    return home


def test_from_nothing_to_ghost_text(
    home: Path, binary: Path, endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    endpoint.default = after({"return ": "3.14159 * r ** 2\n"})
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "FORETYPE_ENDPOINT_BASE_URL": endpoint.base_url,
        "FORETYPE_ENDPOINT_MODEL": "qwen2.5-coder",
    }
    command = [str(binary), "area.py"]
    with Terminal(command, environment, home, tmp_path / "outer") as terminal:
        terminal.shows("area.py")
        terminal.keys("idef area(r):\r")
        terminal.until(lambda: terminal.lines()[0], "def area(r):")
        terminal.keys("return ")
        terminal.shows("return █3.14159 * r ** 2")
        # It is drawn as what is not there yet: in another colour than the text.
        row = next(i for i, line in enumerate(terminal.lines()) if "return" in line)
        start = terminal.lines()[row].index("3.14159")
        assert terminal.look(row, start) != terminal.look(row, start - 2)
        terminal.keys("\t")
        terminal.shows("r ** 2█")
        terminal.keys("\x1b:wq\r")
        path = home / "area.py"
        terminal.until(path.exists, True)
        terminal.until(lambda: path.read_text("utf-8").split(), ACCEPTED.split())
