"""`foretype stats`: the counts so far, as text, as JSON or as a page."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import platformdirs

from foretype import stats_keeper, stats_page, stats_report
from foretype.errors import UsageError
from foretype.stats_store import Store

_NOTHING_YET = (
    "Nothing is counted yet: that begins by itself with the first suggestion in an "
    "editor."
)
_SWITCHED_OFF = (
    "Nothing is counted, because stats.enabled is false; set it to true to begin."
)


def run(html: str | None, *, as_json: bool, is_enabled: bool) -> int:
    """Prints the counts, or makes a page of them; returns the exit code.

    `html` names the page; empty, it goes into the user's cache folder.
    Raises: StatsError, UsageError.
    """
    path = stats_keeper.default_file()
    report = stats_report.report(Store(path).read(), date.today())
    if as_json:
        print(stats_report.as_json(report))
    elif report.since is None:
        print(_NOTHING_YET if is_enabled else _SWITCHED_OFF)
    elif html is not None:
        print(_write(html, stats_page.render(report)))
    else:
        print(stats_report.as_text(report))
        print(f"\nCounted since {report.since}, in {path}")
    return 0


def _write(name: str, page: str) -> Path:
    """Where the page is."""
    folder = platformdirs.user_cache_path("foretype", appauthor=False)
    path = Path(name) if name else folder / "stats.html"
    try:
        if not name:
            folder.mkdir(parents=True, exist_ok=True)
        path.write_text(page, "utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    return path.absolute()
