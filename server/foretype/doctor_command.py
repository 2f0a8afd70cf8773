"""`foretype doctor`: the checks as a table, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import aclosing

from rich.console import Console
from rich.table import Table
from rich.text import Text

from foretype import doctor, layers
from foretype.diagnosis import Outcome, Row
from foretype.settings import Settings

_STYLES = {
    Outcome.OK: "green",
    Outcome.WARNING: "yellow",
    Outcome.FAILED: "bold red",
    Outcome.SKIPPED: "dim",
}
_SUMMARIES = {
    Outcome.OK: "All is well.",
    Outcome.WARNING: "Completions come, but not as well as they could.",
    Outcome.FAILED: "No completions come until what has failed is mended.",
}


async def run(settings: Settings, problems: Sequence[str], *, as_json: bool) -> int:
    """Prints what is well and what is not; returns the exit code."""
    rows = await _rows(settings, problems)
    if as_json:
        print(_as_json(rows))
    else:
        _print(rows)
    return 1 if any(row.has_failed for row in rows) else 0


async def _rows(settings: Settings, problems: Sequence[str]) -> list[Row]:
    """All rows; meanwhile, a terminal shows what is looked at."""
    rows: list[Row] = []
    console = Console(stderr=True)
    with console.status("looking at the settings"):
        examining = doctor.examine(settings, problems, layers.config_file())
        async with aclosing(examining):
            async for row in examining:
                rows.append(row)
    return rows


def _as_json(rows: Sequence[Row]) -> str:
    checks = [
        {
            "check": row.check.value,
            "outcome": row.outcome.value,
            "seen": row.seen,
            "way_out": row.way_out,
        }
        for row in rows
    ]
    has_failed = any(row.has_failed for row in rows)
    return json.dumps({"has_failed": has_failed, "checks": checks}, indent=2)


def _print(rows: Sequence[Row]) -> None:
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        style = _STYLES[row.outcome]
        told = Text(row.seen, "dim" if row.outcome is Outcome.SKIPPED else "")
        for way_out in filter(None, row.way_out.split("\n")):
            told.append(f"\n-> {way_out}", style)
        table.add_row(row.check.value, Text(row.outcome.value, style), told)
    console.print(table)
    outcomes = {row.outcome for row in rows}
    worst = (Outcome.FAILED, Outcome.WARNING, Outcome.OK)
    console.print(f"\n{_SUMMARIES[next(o for o in worst if o in outcomes)]}")
