"""A terminal that a program runs in: the one that Neovim has, which pip can install."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fake_endpoint import DEADLINE_S
from nvim_driver import N_ROWS, WHEELS, Neovim, binary_of

_START = """
local command, environment, folder = ...
_G.channel = vim.fn.jobstart(command, {
  term = true,
  clear_env = true,
  env = environment,
  cwd = folder,
})
vim.cmd.startinsert()
return vim.fn.jobpid(_G.channel)
"""
_CELLS = """
local lines = {}
for row = 0, vim.o.lines - 2 do
  local line = {}
  for col = 0, vim.o.columns - 1 do
    local is_drawn, cell = pcall(vim.api.nvim__inspect_cell, 1, row, col)
    local attributes = is_drawn and cell[2] or {}
    line[col + 1] = {
      is_drawn and cell[1] or ' ',
      attributes.foreground or -1,
      attributes.italic or attributes.bold or false,
    }
  end
  lines[row + 1] = line
end
return { lines, vim.fn.screenrow(), vim.fn.screencol() }
"""


class Terminal:
    """Runs a program for as long as a `with` lasts."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        own_home: Path,
    ) -> None:
        self._command = [*command]
        self._environment = {**environment, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        self._folder = folder
        self._home = own_home

    def __enter__(self) -> Self:
        binary = binary_of(WHEELS["0.11"])
        self._nvim = Neovim(binary, self._home, {}, has_plugin=False)
        folder = str(self._folder)
        self.pid: int = self._nvim.lua(_START, self._command, self._environment, folder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._nvim.close()

    def keys(self, keys: str) -> None:
        """Types keys, as a terminal sends them."""
        self._nvim.lua("vim.api.nvim_chan_send(_G.channel, ...)", keys)

    def lines(self) -> list[str]:
        """What is drawn, without the spaces at the ends of lines."""
        cells, _, _ = self._cells()
        return ["".join(cell[0] for cell in line).rstrip() for line in cells]

    def screen(self) -> str:
        """All of it, with `█` before the cell of the cursor."""
        cells, cursor_row, cursor_col = self._cells()
        lines = [[cell[0] for cell in line] for line in cells]
        if cursor_row <= len(lines):
            lines[cursor_row - 1].insert(cursor_col - 1, "█")
        return "\n".join("".join(line).rstrip() for line in lines)

    def look(self, row: int, column: int) -> object:
        """How a cell is drawn: its colour, and whether it is slanted or heavy."""
        cells, _, _ = self._cells()
        look: object = cells[row][column][1:]
        return look

    def until(self, look: Callable[[], object], expected: object) -> None:
        """Waits until something is as expected."""
        deadline = time.monotonic() + DEADLINE_S
        while (seen := look()) != expected:
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"expected {expected!r}, got {seen!r}:\n{self.screen()}"
                )
            time.sleep(0.01)

    def shows(self, text: str) -> None:
        """Waits until a text is on the screen."""
        self.until(lambda: text in self.screen(), True)

    def _cells(self) -> Any:
        return self._nvim.lua(_CELLS)


N_LINES = N_ROWS - 1
"""How many lines a terminal has."""
