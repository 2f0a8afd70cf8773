"""What the replays come to: tables, plots, and docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from report import Table, mb, ms, p50, p95, p99
from scores import Score, together

if TYPE_CHECKING:
    from peers import Peer
    from replay import Results

Cell = Callable[[Score], str]


def _per_1000(count: Callable[[Score], float]) -> Cell:
    return lambda s: f"{1000 * count(s) / s.n_recorded:,.0f}" if s.n_recorded else ""


def _share(part: Callable[[Score], float], whole: Callable[[Score], float]) -> Cell:
    return lambda s: f"{part(s) / whole(s):.1%}" if whole(s) else ""


def _time(
    values: Callable[[Score], Sequence[float]],
    at: Callable[[Sequence[float]], float],
) -> Cell:
    return lambda s: ms(at(values(s))) if values(s) else ""


COVERAGE: Mapping[str, Cell] = {
    "coverage": _share(lambda s: s.n_right, lambda s: s.n_typed),
    "bound": _share(lambda s: s.n_bound_right, lambda s: s.n_typed),
    "of the bound": _share(lambda s: s.n_right, lambda s: s.n_bound_right),
    "strict client": _share(lambda s: s.n_right_strict, lambda s: s.n_typed),
    "wrong": _per_1000(lambda s: s.n_wrong),
    "without p50": _time(lambda s: s.without_ns, p50),
    "p95": _time(lambda s: s.without_ns, p95),
    "p99": _time(lambda s: s.without_ns, p99),
}
COST: Mapping[str, Cell] = {
    "requests": _per_1000(lambda s: s.n_requests),
    "policy": _per_1000(lambda s: s.n_policy_requests),
    "k prompt tokens": lambda s: f"{s.n_prompt_tokens / s.n_events:,.0f}",
    "same head": _share(lambda s: s.n_same_head_chars, lambda s: s.n_prompt_chars),
    "output tokens": _per_1000(lambda s: s.n_tokens),
    "wasted": _share(lambda s: s.n_wasted_tokens, lambda s: s.n_tokens),
    "never shown": _share(lambda s: s.n_unseen_tokens, lambda s: s.n_tokens),
    "from memory": _share(lambda s: s.n_from_memory, lambda s: s.n_answers),
}
LATENCY: Mapping[str, Cell] = {
    "to HTTP p50": _time(lambda s: s.written_ns, p50),
    "p99": _time(lambda s: s.written_ns, p99),
    "to answer p50": _time(lambda s: s.answered_ns, p50),
    "p99 ": _time(lambda s: s.answered_ns, p99),
    "from memory p50": _time(lambda s: s.memory_ns, p50),
    "p99  ": _time(lambda s: s.memory_ns, p99),
    "to disconnect p50": _time(lambda s: s.left_ns, p50),
    "p99   ": _time(lambda s: s.left_ns, p99),
}
ACCEPTING: Mapping[str, Cell] = {
    "accepted": _per_1000(lambda s: s.n_accepted),
    "keys saved": _share(lambda s: s.n_saved_keys, lambda s: s.n_recorded),
    "wait p50": _time(lambda s: s.after_accepting_ns, p50),
    "wait p95": _time(lambda s: s.after_accepting_ns, p95),
    "requests": _per_1000(lambda s: s.n_requests),
    "output tokens": _per_1000(lambda s: s.n_tokens),
}
MANNERS: Mapping[str, Cell] = {
    "CPU a key": lambda s: ms(1e9 * s.cpu_s / s.n_events) if s.n_events else "",
    "most memory": lambda s: mb(s.peak_bytes),
    "unanswered": lambda s: str(s.n_unanswered),
    "stale": lambda s: str(s.n_stale),
    "errors": lambda s: str(s.n_errors),
    "misplaced": lambda s: str(s.n_misplaced),
    "keys late p99": _time(lambda s: s.late_ns, p99),
    "tokens late": lambda s: ms(s.endpoint_late_ns),
}


class Report:
    """All results, as they are told."""

    def __init__(
        self, servers: Mapping[str, Peer], profiles: Sequence[str], results: Results
    ) -> None:
        self._servers, self._profiles, self._results = servers, profiles, results

    def tables(self) -> Iterator[Table]:
        yield self._table("Coverage", COVERAGE, accepts=False)
        yield self._table("Cost", COST, accepts=False)
        yield self._table("Latency", LATENCY, accepts=False)
        yield self._table("Accepting", ACCEPTING, accepts=True)
        yield self._table("Manners", MANNERS, accepts=False)

    def _table(self, title: str, cells: Mapping[str, Cell], *, accepts: bool) -> Table:
        table = Table(title, ["endpoint, server", *cells], "")
        for profile in self._profiles:
            for name in self._servers:
                found = self._score(name, profile, accepts=accepts)
                row = [cell(found) for cell in cells.values()]
                table.add(f"{profile}, {name}", *row)
        return table

    def _score(
        self, server: str, profile: str, *, accepts: bool, trace: str = ""
    ) -> Score:
        return together(
            found
            for (run, segment), found in self._results.items()
            if (run.server, run.profile, run.accepts) == (server, profile, accepts)
            and segment.startswith(trace)
        )
