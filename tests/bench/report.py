"""Numbers as tables: on the terminal, and as docs/latency.md."""

from __future__ import annotations

import math
import os
import platform
import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

PACKAGES = ("foretype", "pygls", "lsprotocol", "openai", "aiohttp", "httpx2")


@dataclass
class Table:
    """One table, with the text before and after it."""

    title: str
    columns: Sequence[str]
    before: str
    """What was measured, and how."""
    after: str = ""
    """What was found out about it."""
    rows: list[Sequence[str]] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        self.rows.append(cells)

    def print(self, console: Console) -> None:
        drawn = RichTable(title=self.title, title_justify="left")
        for column_idx, column in enumerate(self.columns):
            drawn.add_column(column, justify="right" if column_idx else "left")
        for row in self.rows:
            drawn.add_row(*(cell.replace("**", "") for cell in row))
        console.print(drawn)

    def markdown(self) -> str:
        rules = ["---", *["--:"] * (len(self.columns) - 1)]
        rows = "\n".join(
            f"| {' | '.join(row)} |" for row in (self.columns, rules, *self.rows)
        )
        parts = [f"## {self.title}", self.before, rows, self.after]
        return "\n\n".join(part.strip() for part in parts if part)


def verdict(value: float, budget: float, unit: Callable[[float], str]) -> str:
    """A budget, and whether a value keeps to it."""
    return f"{unit(budget)}, {'met' if value <= budget else '**missed**'}"


def p50(values: Sequence[float]) -> float:
    return statistics.median(values)


def p90(values: Sequence[float]) -> float:
    return _percentile(values, 0.90)


def p95(values: Sequence[float]) -> float:
    return _percentile(values, 0.95)


def p99(values: Sequence[float]) -> float:
    return _percentile(values, 0.99)


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[math.ceil(share * len(values)) - 1]


def ms(ns: float) -> str:
    """Nanoseconds as milliseconds."""
    return f"{_three_figures(ns / 1e6)} ms"


def us(ns: float) -> str:
    """Nanoseconds as microseconds."""
    return f"{_three_figures(ns / 1e3)} us"


def mb(n_bytes: float) -> str:
    return f"{n_bytes / 1e6:.1f} MB"


def times(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


def _three_figures(value: float) -> str:
    n_decimals = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{n_decimals}f}"


def machine() -> Table:
    """What it was measured on, and nothing that names the machine or its user."""
    table = Table("The machine", ("", ""), "")
    table.add("CPU", _cpu_model())
    table.add("cores", str(os.cpu_count()))
    version = re.match(r"[\d.]*\d", platform.release())
    table.add("system", f"{platform.system()} {version[0] if version else ''}")
    table.add("Python", platform.python_version())
    for package in PACKAGES:
        table.add(package, metadata.version(package))
    return table


def _cpu_model() -> str:
    try:
        info = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*: (.+)$", info, re.M)
    return found[1].strip() if found else platform.machine()
