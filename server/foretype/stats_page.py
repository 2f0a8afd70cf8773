"""The page that `foretype stats --html` makes: one file that loads nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import NamedTuple

from foretype.stats import Counted
from foretype.stats_report import (
    CHART_DAYS,
    SPANS,
    Report,
    Totals,
    milliseconds,
    number,
    percent,
    table,
    usd,
)

_HEAD = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Foretype statistics</title>
<style>
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1c1e21; --faint: #62676f; --line: #dfe2e6;
  --first: #2b6cb0; --second: #90b8de;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #17191c; --ink: #e6e8eb; --faint: #9aa1aa; --line: #33373d;
    --first: #63a4e6; --second: #35618c;
  }
}
body {
  margin: 2rem auto; padding: 0 1rem; max-width: 76rem;
  background: var(--paper); color: var(--ink);
  font: 0.95rem/1.45 system-ui, sans-serif;
}
main { columns: 2 30rem; column-gap: 3rem; }
section { break-inside: avoid; padding-bottom: 2rem; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 0 0 0.2rem; }
p { color: var(--faint); margin: 0 0 0.6rem; }
table { border-collapse: collapse; width: 100%; }
th { font-weight: normal; text-align: left; overflow-wrap: anywhere; }
td, .numbers thead th { text-align: right; white-space: nowrap; }
th, td { padding: 0.1rem 0 0.1rem 0.8rem; vertical-align: middle;
  font-variant-numeric: tabular-nums; }
th:first-child { padding-left: 0; }
.numbers tr.headline th { font-weight: 600; padding-top: 0.7rem; }
.numbers tr:not(.headline) > th:first-child { padding-left: 1rem; }
.numbers thead th { color: var(--faint); }
.numbers tbody tr:not(.headline) > * { border-bottom: 1px solid var(--line); }
.chart th { min-width: 6.5rem; }
.chart td.bars { width: 100%; min-width: 4rem; }
.bar { display: flex; height: 0.7rem; margin: 0.1rem 0; }
.bar i { display: block; }
.first { background: var(--first); }
.second { background: var(--second); }
.key { display: inline-block; width: 0.7rem; height: 0.7rem; }
</style>
</head>
"""


class _Bar(NamedTuple):
    """Two parts from the left, of the longest bar of a chart, which is 1."""

    first: float = 0
    second: float = 0


class _Row(NamedTuple):
    label: str
    bars: Sequence[_Bar]
    says: str
    """The same in words, for who does not see the bars."""


def render(report: Report) -> str:
    """The whole page."""
    charts = (
        _chart(
            "Latency by source",
            "From the editor's request to the answer, by where that came from; "
            f"{_key('first')} half of the answers were quicker (p50), "
            f"{_key('second')} 95 of 100 were (p95).",
            _latency(report.recent),
        ),
        _chart(
            "Where a request's time goes",
            "Mean time of each part of the requests that asked the model.",
            _parts(report.recent),
        ),
        _chart(
            "Acceptance by language",
            f"Suggestions shown that were {_key('first')} accepted, wholly or partly, "
            f"or {_key('second')} typed through.",
            _languages(report.recent),
        ),
        _chart(
            "Characters by day",
            "Characters that accepting has inserted, and how many of the suggestions "
            "shown were accepted, wholly or partly.",
            _characters(report),
        ),
        _chart(
            "Tokens and cost by day",
            f"Tokens {_key('first')} sent to the model and {_key('second')} written "
            "by it; a cost is known where a price is set.",
            _tokens(report),
        ),
    )
    return (
        f"{_HEAD}<body>\n<h1>Foretype statistics</h1>\n"
        f"<p>On {report.today}; counted since {escape(report.since or 'today')}. "
        f"Charts show the last {CHART_DAYS} days. "
        "This page and its numbers are on your machine only.</p>\n"
        f"<main>\n{_numbers(report)}{''.join(charts)}</main>\n</body>\n</html>\n"
    )


def _numbers(report: Report) -> str:
    heads = "".join(f'<th scope="col">{escape(span)}</th>' for span in SPANS)
    rows = []
    for line in table(report):
        label = escape(line.label.strip())
        if line.cells:
            cells = "".join(f"<td>{escape(cell)}</td>" for cell in line.cells)
            rows.append(f'<tr><th scope="row">{label}</th>{cells}</tr>\n')
        else:
            head = f'<th scope="rowgroup" colspan="{1 + len(SPANS)}">{label}</th>'
            rows.append(f'<tr class="headline">{head}</tr>\n')
    return (
        '<section>\n<h2>Numbers</h2>\n<table class="numbers">\n'
        f"<thead><tr><th></th>{heads}</tr></thead>\n"
        f"<tbody>\n{''.join(rows)}</tbody>\n</table>\n</section>\n"
    )


def _chart(title: str, says: str, rows: Iterable[_Row]) -> str:
    """A table with bars in it; `says` is HTML."""
    body = "".join(map(_row, rows))
    shown = f'<table class="chart">\n{body}</table>\n' if body else "<p>None yet.</p>\n"
    return f"<section>\n<h2>{escape(title)}</h2>\n<p>{says}</p>\n{shown}</section>\n"


def _row(row: _Row) -> str:
    bars = "".join(
        f'<div class="bar">{_part_of_bar("first", first)}'
        f"{_part_of_bar('second', second)}</div>"
        for first, second in row.bars
    )
    return (
        f'<tr><th scope="row">{escape(row.label)}</th>'
        f'<td class="bars" aria-hidden="true">{bars}</td>'
        f"<td>{escape(row.says)}</td></tr>\n"
    )


def _part_of_bar(color: str, part: float) -> str:
    return f'<i class="{color}" style="width:{100 * part:.1f}%"></i>' if part else ""


def _key(color: str) -> str:
    """What stands for a colour in a sentence."""
    return f'<span class="key {color}" aria-hidden="true"></span>'


def _latency(totals: Totals) -> Iterator[_Row]:
    found = list(totals.by_source())
    longest_ms = max((times.p95_ms for _, times in found), default=0)
    for source, times in found:
        says = f"{milliseconds(times.p50_ms)} / {milliseconds(times.p95_ms)} ms"
        bars = [
            _Bar(first=_part(times.p50_ms, longest_ms)),
            _Bar(second=_part(times.p95_ms, longest_ms)),
        ]
        yield _Row(source.value, bars, says)


def _parts(totals: Totals) -> Iterator[_Row]:
    found = list(totals.by_part())
    longest_ms = max((times.mean_ms for _, times in found), default=0)
    for part, times in found:
        bars = [_Bar(first=_part(times.mean_ms, longest_ms))]
        yield _Row(part, bars, f"{milliseconds(times.mean_ms)} ms")


def _languages(totals: Totals) -> Iterator[_Row]:
    for language in totals.details(Counted.SHOWN):
        n_shown = totals.of(Counted.SHOWN, language)
        n_typed = totals.of(Counted.TYPED, language)
        n_accepted = totals.of(Counted.ACCEPTED, language) + totals.of(
            Counted.PARTLY_ACCEPTED, language
        )
        if not n_shown:
            continue
        # More may be accepted than were shown: what was shown yesterday is not in it.
        n_all = max(n_shown, n_accepted + n_typed)
        yield _Row(
            language,
            [_Bar(n_accepted / n_all, n_typed / n_all)],
            f"{percent(n_accepted, n_shown)} accepted, "
            f"{percent(n_typed, n_shown)} typed, of {number(n_shown)}",
        )


def _characters(report: Report) -> Iterator[_Row]:
    most = max((t.n(Counted.INSERTED_CHARS) for t in report.days.values()), default=0)
    for day, totals in report.days.items():
        n_chars = totals.n(Counted.INSERTED_CHARS)
        n_accepted = totals.n(Counted.ACCEPTED) + totals.n(Counted.PARTLY_ACCEPTED)
        n_shown = totals.n(Counted.SHOWN)
        says = f"{number(n_chars)} characters"
        if n_shown:
            says += f", {percent(n_accepted, n_shown)} of {number(n_shown)} accepted"
        yield _Row(day, [_Bar(first=_part(n_chars, most))], says)


def _tokens(report: Report) -> Iterator[_Row]:
    by_day = {
        day: (totals.n(Counted.INPUT_TOKENS), totals.n(Counted.OUTPUT_TOKENS))
        for day, totals in report.days.items()
    }
    most = max(map(sum, by_day.values()), default=0)
    for day, (n_in, n_out) in by_day.items():
        cost_usd = report.days[day].cost_usd
        cost = "" if cost_usd is None else f", {usd(cost_usd)} USD"
        yield _Row(
            day,
            [_Bar(_part(n_in, most), _part(n_out, most))],
            f"{number(n_in)} in, {number(n_out)} out{cost}",
        )


def _part(n: float, of: float) -> float:
    """How much one thing is of the most there is, which may be nothing."""
    return n / of if of else 0
