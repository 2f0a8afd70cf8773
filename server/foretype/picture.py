"""Draws a screen as an editor would, with the numbers of the session below it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from itertools import islice
from statistics import median

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.style import Style
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from foretype.screen import Screen, Tally

WIDTH = 92
N_CODE_LINES = 16
# The window scrolls so that the cursor is never below this line of it.
LOWEST_CURSOR_LINE = 9
# So much above the cursor is read for its colours; more would take longer than a frame.
N_LEXED_LINES = 60
TAB_COLUMNS = 4

_THEME = "one-dark"
_GHOST = Style(color="#9299a5", italic=True)
_CURSOR = Style(color="#282c34", bgcolor="#e5c07b", italic=False)
_QUIET = Style(color="#7f848e")
_HINT = Style(color="#98c379", bold=True)


def draw(
    screen: Screen, tally: Tally, *, name: str, language: str, hint: str, status: str
) -> RenderableType:
    """The picture of one moment, which stays as it is when the tally changes."""
    code = Panel(
        Group(*_code_lines(screen, language)),
        title=Text(name, style="bold"),
        title_align="left",
        subtitle=Text(hint, style=_HINT) if hint else None,
        subtitle_align="right",
        height=N_CODE_LINES + 2,
        width=WIDTH,
        box=box.ROUNDED,
        border_style=_QUIET,
        style=_syntax(language).get_theme(_THEME).get_background_style(),
    )
    return Group(code, _numbers(tally), Text(f" {status}", style=_QUIET))


def svg(picture: RenderableType, title: str) -> str:
    """A picture as an SVG document."""
    console = Console(
        record=True,
        width=WIDTH,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    console.print(picture)
    return console.export_svg(title=title)


def _code_lines(screen: Screen, language: str) -> Iterator[Text]:
    """The lines of the window, each with its number; ghost text has none."""
    above = screen.before.split("\n")
    below = screen.after.split("\n")
    first_lexed_idx = max(len(above) - N_LEXED_LINES, 0)
    before = _printable("\n".join(above[first_lexed_idx:]))
    after = _printable("\n".join(below[:N_CODE_LINES]))
    text = (before + after).expandtabs(TAB_COLUMNS)
    cursor = len(before.expandtabs(TAB_COLUMNS))
    # The last of the three is the line end that Pygments adds.
    head, tail, _ = _syntax(language).highlight(text).divide([cursor, len(text)])
    ghost = Text(_printable(screen.ghost).expandtabs(TAB_COLUMNS))
    # NB: Not the indentation: some programs that draw SVG drop styled blanks.
    ghost.highlight_regex(r"\S.*", _GHOST)

    lines = list(head.split("\n", allow_blank=True))
    rest = list(tail.split("\n", allow_blank=True))
    drawn = list(ghost.split("\n", allow_blank=True)) or [Text()]
    numbers: list[int | None] = list(range(first_lexed_idx + 1, len(above) + 1))
    cursor_line, cursor_column = len(lines) - 1, len(lines[-1])
    lines[-1] += drawn[0]
    lines += drawn[1:]
    lines[-1] += rest[0]
    numbers += [None] * (len(drawn) - 1)
    lines += rest[1:]
    numbers += range(len(above) + 1, len(above) + len(rest))

    if len(lines[cursor_line]) == cursor_column:
        lines[cursor_line] += Text(" ")
    lines[cursor_line].stylize(_CURSOR, cursor_column, cursor_column + 1)
    top = max(cursor_line - LOWEST_CURSOR_LINE, 0)
    bottom = top + N_CODE_LINES
    for number, line in islice(zip(numbers, lines, strict=True), top, bottom):
        margin = Text(f"{number or '':>4}  ", style=_QUIET)
        row = margin + line
        row.no_wrap, row.overflow = True, "crop"
        yield row


def _numbers(tally: Tally) -> Table:
    """How long completions took, and beside it what was counted."""
    times = _table("ghost text", "count", "p50", "max")
    for origin, ms in tally.times_ms.items():
        shown = (f"{median(ms):.1f} ms", f"{max(ms):.1f} ms") if ms else ("", "")
        times.add_row(origin.value, str(len(ms)), *shown)
    counts = _table("session", "")
    counts.add_row("keys typed", str(tally.n_keys))
    counts.add_row("characters accepted", str(tally.n_accepted_chars))
    counts.add_row("requests", str(tally.n_requests))
    counts.add_row("overtaken by the next key", str(tally.n_overtaken))
    both = Table.grid(padding=(0, 4))
    both.add_row(times, counts)
    return both


def _table(name: str, *numbers: str) -> Table:
    table = Table(box=None, padding=(0, 1), header_style=_QUIET)
    table.add_column(name, min_width=16)
    for header in numbers:
        table.add_column(header, justify="right", min_width=8)
    return table


@cache
def _syntax(language: str) -> Syntax:
    return Syntax("", language, theme=_THEME)


def _printable(text: str) -> str:
    """The text with nothing in it that a terminal would obey; as long as it was."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)
