"""From a key in Neovim to the ghost text on its screen.

    PYTHONPATH=tests python tests/bench/nvim_ghost.py              60 keys each
    PYTHONPATH=tests python tests/bench/nvim_ghost.py --keys 200   more

A key is timed from when it is sent to Neovim to when Neovim has told its window to draw
what the model wrote for it. No key goes on as suggested, so that the model is asked at
every one. What the endpoint took is subtracted: from the last byte of the request to
the last of the text. Where Neovim has a module of its own for that, it is timed too.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

from report import Table, ms, p50, p90
from rich.console import Console

from endpoint_thread import EndpointThread
from fake_endpoint import Answer, Pause, Request
from nvim_driver import N_ROWS, SERVER_COMMAND, WHEELS, Neovim, binary_of

ANSWER_MS = 30.0
# All keys are typed into one line, which must not wrap.
WIDE_COLUMNS = 120
# The first keys are not timed: connections are opened, and code is loaded.
N_WARM = 5
# A person's next key comes when nothing is on its way any more.
GAP_S = 0.15
# A key that is still without ghost text then has none at all.
TIMEOUT_S = 10.0

NATIVE = """
vim.lsp.config('foretype', { cmd = {...} })
vim.lsp.enable('foretype')
vim.lsp.inline_completion.enable()
vim.api.nvim_set_hl(0, 'ComplHint', { link = 'ForetypeGhost' })
"""
PLUGIN = "require('foretype').setup({ cmd = {...} })"
# Who draws, and in which Neovim.
SUBJECTS = (
    ("0.12", "the plugin", PLUGIN),
    ("0.11", "the plugin", PLUGIN),
    ("0.12", "Neovim's module", NATIVE),
)


class Window:
    """What a Neovim tells its window to draw."""

    def __init__(self, nvim: Neovim) -> None:
        self._nvim = nvim.nvim
        self._nvim.ui_attach(
            WIDE_COLUMNS, N_ROWS, rgb=True, ext_linegrid=True, ext_hlstate=True
        )
        self._ghost_ids: set[int] = set()
        # The character of each cell, and the number of its highlight.
        self._cells: dict[tuple[int, int], tuple[str, int]] = {}

    def catch_up(self) -> None:
        """Forgets what was drawn until now."""
        self._nvim.command("call rpcnotify(0, 'caught up')")
        while True:
            _, method, events = self._nvim.next_message()
            if method == "caught up":
                return
            for name, *calls in events:
                self._draw(name, calls)

    def drawn_ns(self, is_it: Callable[[str], bool]) -> int:
        """When the ghost text that is waited for has been drawn."""
        command = "call rpcnotify(0, 'too late')"
        timer = threading.Timer(
            TIMEOUT_S, self._nvim.async_call, (self._nvim.command, command)
        )
        timer.start()
        try:
            while True:
                _, method, events = self._nvim.next_message()
                if method == "too late":
                    raise TimeoutError("no ghost text was drawn")
                for name, *calls in events:
                    self._draw(name, calls)
                    if name == "flush" and is_it(self._ghost_text()):
                        return time.perf_counter_ns()
        finally:
            timer.cancel()

    def _draw(self, event: str, calls: Sequence[Any]) -> None:
        if event == "hl_attr_define":
            for highlight, _, _, infos in calls:
                if any(info.get("hi_name") == "ForetypeGhost" for info in infos):
                    self._ghost_ids.add(highlight)
        if event == "grid_line":
            for _, row, column, cells, *_ in calls:
                highlight = 0
                for char, *more in cells:
                    # A cell without a highlight has that of the cell before it.
                    highlight = more[0] if more else highlight
                    for _ in range(more[1] if len(more) > 1 else 1):
                        self._cells[row, column] = char, highlight
                        column += 1

    def _ghost_text(self) -> str:
        cells = (cell for _, cell in sorted(self._cells.items()))
        return "".join(
            char for char, highlight in cells if highlight in self._ghost_ids
        )


class Numbered:
    """An endpoint's answers, each with the number of its request in it."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.n_last = 0

    def __call__(self, request: Request) -> Answer:
        self.n_last = next(self._numbers)
        return Answer((f"Q{self.n_last}Q and on\n",), before=(Pause(ANSWER_MS),))


@contextmanager
def started(name: str, start: str, base_url: str) -> Iterator[Neovim]:
    """A Neovim that types at the end of a document."""
    settings = {
        "FORETYPE_ENDPOINT_BASE_URL": base_url,
        "FORETYPE_ENDPOINT_MODEL": "qwen2.5-coder",
        "FORETYPE_COMPLETION_ASK_AHEAD": "false",
        "FORETYPE_ENDPOINT_PROBE": "false",
    }
    # The server still writes its counts when its editor is gone.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        nvim = Neovim(
            binary_of(WHEELS[name]),
            Path(folder),
            settings,
            has_plugin=start is PLUGIN,
        )
        try:
            nvim.lua(
                "vim.api.nvim_create_autocmd('LspAttach', { callback = function()\n"
                "  vim.schedule(function() _G.is_attached = true end)\n"
                "end })"
            )
            nvim.lua(start, *SERVER_COMMAND)
            path = Path(folder) / "typed.py"
            path.write_text("first = 1\n", "utf-8")
            nvim.command(f"edit {path}")
            nvim.until(lambda: nvim.lua("return _G.is_attached"), True)
            nvim.keys("o")
            nvim.until(lambda: nvim.mode, "i")
            yield nvim
        finally:
            nvim.close()


def times_ns(nvim: Neovim, thread: EndpointThread, keys: str) -> list[int]:
    """From each key to its ghost text, less what the endpoint took."""
    endpoint, answers = thread.endpoint, Numbered()
    endpoint.default = answers
    window = Window(nvim)
    taken = []
    for key in keys:
        time.sleep(GAP_S)
        window.catch_up()
        endpoint.requests.clear()
        before = answers.n_last

        def is_new(text: str, before: int = before) -> bool:
            news = range(before + 1, answers.n_last + 1)
            return any(f"Q{number}Q" in text for number in news)

        pressed_ns = time.perf_counter_ns()
        nvim.nvim.api.input(key, async_=True)
        drawn_ns = window.drawn_ns(is_new)
        (request, *_) = endpoint.requests
        answered_ns = request.chunks_ns[-1] - request.received_ns
        taken.append(drawn_ns - pressed_ns - answered_ns)
    return taken[N_WARM:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keys", type=int, default=60, help="so many are timed")
    options = parser.parse_args()
    keys = "".join(islice(cycle("abcdefghi"), options.keys + N_WARM))
    table = Table(
        "Key to ghost text",
        ("Neovim", "drawn by", "keys", "p50", "p90"),
        "The endpoint's own time is subtracted.",
    )
    with EndpointThread() as thread:
        for name, drawn_by, start in SUBJECTS:
            with started(name, start, thread.endpoint.base_url) as nvim:
                taken = times_ns(nvim, thread, keys)
            table.add(name, drawn_by, str(len(taken)), ms(p50(taken)), ms(p90(taken)))
    table.print(Console())


if __name__ == "__main__":
    main()
