"""What the counts come to: numbers by span of time, as text and as JSON."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from math import ceil
from typing import Any, NamedTuple

from foretype.answer import Source
from foretype.stats import Counted, CountRow, Part, Rows, TimeRow

WEEK_DAYS = 7
# Charts show so many, today among them.
CHART_DAYS = 30
SPANS = ("today", "7 days", "all time")

OUTCOMES = (
    Counted.ACCEPTED,
    Counted.PARTLY_ACCEPTED,
    Counted.TYPED,
    Counted.REJECTED,
)
_KEPT = {
    "30 s": (Counted.KEPT_30_S, Counted.GONE_30_S),
    "5 min": (Counted.KEPT_5_MIN, Counted.GONE_5_MIN),
}
_NONE = "-"


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took that happened at least once."""

    mean_ms: float
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Totals:
    """What was counted in a span of time."""

    counts: Mapping[Counted, Mapping[str, float]]
    """By what was counted and its detail."""
    times: Mapping[str, Times]
    """By what took them."""

    def n(self, name: Counted) -> float:
        """How many in all."""
        # Below 0 is what was counted on the day before, by mistake.
        return max(sum(self.counts.get(name, {}).values()), 0)

    def of(self, name: Counted, detail: str) -> float:
        """How many of one language, source or model."""
        return max(self.counts.get(name, {}).get(detail, 0), 0)

    def details(self, name: Counted) -> list[str]:
        """The languages, sources or models there are, the most frequent first."""
        found = self.counts.get(name, {})
        return sorted(found, key=lambda detail: (-found[detail], detail))

    @property
    def cost_usd(self) -> float | None:
        """What the model has cost; None where no price was set."""
        return self.n(Counted.COST_USD) if Counted.COST_USD in self.counts else None

    def by_source(self) -> Iterator[tuple[Source, Times]]:
        """How long answers took, by where they came from."""
        for source in Source:
            if times := self.times.get(f"source: {source.value}"):
                yield source, times

    def by_part(self) -> Iterator[tuple[str, Times]]:
        """How long the parts of requests took that asked the model, in order."""
        for part in Part:
            if times := self.times.get(part):
                yield part.removeprefix("part: "), times


@dataclass(frozen=True, slots=True)
class Report:
    """All that is told about the counts."""

    today: date
    since: str | None
    """The first day, or month, that something was counted in; None: there is none."""
    spans: Mapping[str, Totals]
    """By each of `SPANS`."""
    recent: Totals
    """The days that charts show."""
    days: Mapping[str, Totals]
    """Each of them, from the first one on which something was counted."""


def report(rows: Rows, today: date) -> Report:
    """What the rows of a file come to on a day."""
    counts: dict[str, list[CountRow]] = defaultdict(list)
    times: dict[str, list[TimeRow]] = defaultdict(list)
    for row in rows.counts:
        counts[row.period].append(row)
    for time_row in rows.times:
        times[time_row.period].append(time_row)
    periods = sorted({*counts, *times})

    def within(some: Iterable[str]) -> Totals:
        rows_within = [(counts.get(p, []), times.get(p, [])) for p in some]
        return _totals(
            [row for found, _ in rows_within for row in found],
            [row for _, found in rows_within for row in found],
        )

    chart_days = _last_days(today, CHART_DAYS)
    known = [day for day in chart_days if day in counts or day in times]
    spans = (chart_days[-1:], chart_days[-WEEK_DAYS:], periods)
    return Report(
        today=today,
        since=periods[0] if periods else None,
        spans=dict(zip(SPANS, map(within, spans), strict=True)),
        recent=within(chart_days),
        days={day: within([day]) for day in chart_days if known and day >= known[0]},
    )


def as_text(report: Report) -> str:
    """The numbers for a terminal."""
    lines = ["", *SPANS], *([line.label, *line.cells] for line in table(report))
    widths = [max(map(len, column)) for column in zip(*_padded(lines), strict=True)]
    texts = []
    for label, *cells in _padded(lines):
        parts = [label.ljust(widths[0])]
        parts += [cell.rjust(w) for cell, w in zip(cells, widths[1:], strict=True)]
        texts.append("   ".join(parts).rstrip())
    return "\n".join(texts)


class Line(NamedTuple):
    """A line of the table of numbers: a cell for each span, or none in a headline."""

    label: str
    cells: Sequence[str] = ()


def table(report: Report) -> Iterator[Line]:
    """The numbers as a person reads them, a line each."""
    spans = list(report.spans.values())

    def line(label: str, name: Counted) -> Line:
        return Line(f"  {label}", [number(span.n(name)) for span in spans])

    yield Line("Suggestions")
    yield line("shown", Counted.SHOWN)
    for name in OUTCOMES:
        cells = [_share(span.n(name), span.n(Counted.SHOWN)) for span in spans]
        yield Line(f"  {name.value}", cells)
    yield Line("Accepted text")
    yield line("characters inserted", Counted.INSERTED_CHARS)
    for after, (kept, gone) in _KEPT.items():
        cells = [_share(s.n(kept), s.n(kept) + s.n(gone)) for s in spans]
        yield Line(f"  still there after {after}", cells)
    yield Line("Answers")
    for source in Source:
        cells = [
            _share(s.of(Counted.ANSWERS, source.value), s.n(Counted.ANSWERS))
            for s in spans
        ]
        yield Line(f"  {source.value}", cells)
    yield Line("Latency of answers, p50 / p95 in ms")
    for source in Source:
        yield Line(f"  {source.value}", [_latency(span, source) for span in spans])
    yield Line("Model")
    yield line("requests", Counted.STREAMS)
    yield line("tokens in", Counted.INPUT_TOKENS)
    yield line("tokens out", Counted.OUTPUT_TOKENS)
    yield Line("  cost in USD", [usd(span.cost_usd) for span in spans])


def as_json(report: Report) -> str:
    """The numbers for a program, those of charts as well."""
    return json.dumps(
        {
            "date": report.today.isoformat(),
            "since": report.since,
            **{
                name.replace(" ", "_"): _as_object(totals)
                for name, totals in report.spans.items()
            },
            f"{CHART_DAYS}_days": _as_object(report.recent),
            "by_day": {day: _as_object(t) for day, t in report.days.items()},
        },
        indent=2,
    )


def number(n: float) -> str:
    """A number of things."""
    return f"{n:,.0f}"


def percent(n: float, of: float) -> str:
    """How many things are of some, which are not none."""
    return f"{100 * n / of:.0f} %"


def milliseconds(ms: float) -> str:
    """A time, as exact as it is of use."""
    return f"{ms:.1f}" if ms < 9.95 else f"{ms:,.0f}"


def usd(amount: float | None) -> str:
    """A cost; most are fractions of a cent."""
    return _NONE if amount is None else f"{amount:,.4f}"


def _share(n: float, of: float) -> str:
    return f"{number(n)} ({percent(n, of)})" if of else number(n)


def _last_days(today: date, n_days: int) -> list[str]:
    """So many days up to one, the earliest first."""
    return [(today - timedelta(days=n)).isoformat() for n in reversed(range(n_days))]


def _totals(counts: Iterable[CountRow], times: Iterable[TimeRow]) -> Totals:
    names = {name.value: name for name in Counted}
    found: dict[Counted, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for _, name, detail, n in counts:
        # A newer version may count what this one has no name for.
        if name in names:
            found[names[name]][detail] += n
    buckets: dict[str, dict[int, tuple[int, float]]] = defaultdict(dict)
    for _, what, bucket, n_times, sum_ms in times:
        n_before, before_ms = buckets[what].get(bucket, (0, 0.0))
        buckets[what][bucket] = n_before + n_times, before_ms + sum_ms
    return Totals(
        {name: dict(details) for name, details in found.items()},
        {
            what: _times([bucket for _, bucket in sorted(by_bucket.items())])
            for what, by_bucket in buckets.items()
        },
    )


def _times(buckets: Sequence[tuple[int, float]]) -> Times:
    """What buckets say, which are sorted: how many each has, and their sum in ms."""
    reached = list(accumulate(n for n, _ in buckets))
    n = reached[-1]

    def percentile_ms(share: float) -> float:
        n_here, sum_ms = buckets[bisect_left(reached, ceil(share * n))]
        return sum_ms / n_here

    return Times(
        mean_ms=sum(sum_ms for _, sum_ms in buckets) / n,
        p50_ms=percentile_ms(0.5),
        p95_ms=percentile_ms(0.95),
    )


def _latency(totals: Totals, source: Source) -> str:
    times = dict(totals.by_source()).get(source)
    if times is None:
        return _NONE
    return f"{milliseconds(times.p50_ms)} / {milliseconds(times.p95_ms)}"


def _padded(lines: Iterable[Sequence[str]]) -> list[list[str]]:
    """Lines that all have as many cells."""
    return [[*line, *[""] * (1 + len(SPANS) - len(line))] for line in lines]


def _as_object(totals: Totals) -> dict[str, Any]:
    """What was counted, under names that do not change."""
    suggestions = (Counted.SHOWN, *OUTCOMES, Counted.INSERTED_CHARS)
    model = {
        "requests": Counted.STREAMS,
        "input_tokens": Counted.INPUT_TOKENS,
        "output_tokens": Counted.OUTPUT_TOKENS,
    }
    times = dict(totals.by_source())
    costs = totals.counts.get(Counted.COST_USD, {})
    return {
        **{_key(name.value): _exact(totals.n(name)) for name in suggestions},
        "kept": {
            _key(after): {
                "kept": _exact(totals.n(kept)),
                "gone": _exact(totals.n(gone)),
            }
            for after, (kept, gone) in _KEPT.items()
        },
        **{name: _exact(totals.n(counted)) for name, counted in model.items()},
        "cost_usd": _rounded(totals.cost_usd),
        "by_language": {
            language: {
                _key(name.value): _exact(totals.of(name, language))
                for name in suggestions
            }
            for language in totals.details(Counted.SHOWN)
        },
        "by_model": {
            model_name: {
                **{name: _exact(totals.of(c, model_name)) for name, c in model.items()},
                "cost_usd": _rounded(costs.get(model_name)),
            }
            for model_name in totals.details(Counted.STREAMS)
        },
        "by_source": {
            _key(source.value): {
                "answers": _exact(totals.of(Counted.ANSWERS, source.value)),
                "p50_ms": round(times[source].p50_ms, 3) if source in times else None,
                "p95_ms": round(times[source].p95_ms, 3) if source in times else None,
            }
            for source in Source
        },
        "mean_ms_by_part": {
            _key(part): round(found.mean_ms, 3) for part, found in totals.by_part()
        },
    }


def _key(words: str) -> str:
    return words.replace(" ", "_")


def _exact(n: float) -> float:
    """A whole number where it is one: Python would write 3.0."""
    return int(n) if n == int(n) else n


def _rounded(amount_usd: float | None) -> float | None:
    """A cost without what adding up has added to it."""
    return None if amount_usd is None else round(amount_usd, 9)
