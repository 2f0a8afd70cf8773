"""What the replays come to: tables, plots, and docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import page
import plots
import replay_prose
from future import places
from peers import Peer
from policies import bound, reusing
from profiles import PROFILES
from report import Table, machine, mb, ms, p50, p95, p99
from scores import Score, together
from traces import ROOT, Segment, states

PLOTS = ROOT / "docs" / "benchmarks"
OURS = "foretype"
# Where asking twice is computed, and after how many keys.
THEORY = ("spark", "cloud", "link")
HEDGES_AFTER_KEYS = (1, 2, 3)


@dataclass(frozen=True)
class Run:
    """One server with one endpoint, as it was typed or with accepting."""

    server: str
    profile: str
    accepts: bool


Results = Mapping[tuple[Run, str], Score]
"""By run and segment."""

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
    "off the recording": lambda s: str(s.n_off_recording),
    "keys late p99": _time(lambda s: s.late_ns, p99),
    "tokens late": lambda s: ms(s.endpoint_late_ns),
}


@dataclass(frozen=True)
class _Budget:
    """What a number should be at most, or at least."""

    name: str
    value_of: Callable[[Score], float | None]
    budget: float
    is_least: bool = False


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


BUDGETS = (
    _Budget(
        "coverage, of the bound",
        lambda s: _ratio(s.n_right, s.n_bound_right),
        0.99,
        is_least=True,
    ),
    _Budget(
        "requests, of the policy's",
        lambda s: _ratio(s.n_requests, s.n_policy_requests),
        1.1,
    ),
    _Budget("wasted tokens", lambda s: _ratio(s.n_wasted_tokens, s.n_tokens), 0.05),
    _Budget(
        "same head of the prompt",
        lambda s: _ratio(s.n_same_head_chars, s.n_prompt_chars),
        0.95,
        is_least=True,
    ),
)


class Report:
    """All results, as they are told."""

    def __init__(
        self,
        servers: Mapping[str, Peer],
        profiles: Sequence[str],
        segments: Sequence[Segment],
        results: Results,
    ) -> None:
        self._servers, self._profiles = servers, profiles
        self._segments = segments
        self._results: dict[tuple[Run, str], Score] = {}
        played = {s.name: (s, states(s), places(s)) for s in segments}
        for profile in profiles:
            for segment, each in played.items():
                n_bound_right = bound(*each, PROFILES[profile]).n_right
                n_policy_requests = reusing(*each, PROFILES[profile]).n_requests
                for name, accepts in product(servers, (False, True)):
                    run = Run(name, profile, accepts)
                    self._results[run, segment] = replace(
                        results[run, segment],
                        n_bound_right=n_bound_right,
                        n_policy_requests=n_policy_requests,
                    )

    def tables(self) -> Iterator[Table]:
        yield self._table("Coverage", COVERAGE, replay_prose.COVERAGE)
        yield self._table("Cost", COST, replay_prose.COST)
        yield self._table("Latency", LATENCY, replay_prose.LATENCY)
        yield self._table("Accepting", ACCEPTING, replay_prose.ACCEPTING, accepts=True)
        yield self._table("Manners", MANNERS, replay_prose.MANNERS)
        yield self._budgets()
        yield self._policies()
        yield self._by_trace()

    def write(self) -> None:
        """Writes docs/benchmarks.md and its plots."""
        drawings = {
            "Coverage": (plots.coverage, plots.waiting),
            "Cost": (plots.cost,),
            "Accepting": (plots.accepting,),
        }
        parts = [replay_prose.HEAD, machine().markdown()]
        parts += [self._servers_table().markdown(), self._profiles_table().markdown()]
        for table in self.tables():
            pictures = []
            for draw in drawings.get(table.title, ()):
                path = PLOTS / f"{draw.__name__}.svg"
                draw(path, self._scores(accepts=table.title == "Accepting"))
                pictures.append(f"![{draw.__doc__}]({PLOTS.name}/{path.name})")
            table.before += "".join(f"\n{picture}\n" for picture in pictures)
            parts.append(table.markdown())
        page.write_part("replay", "\n\n".join(p.strip() for p in parts))

    def _table(
        self,
        title: str,
        cells: Mapping[str, Cell],
        before: str,
        *,
        accepts: bool = False,
    ) -> Table:
        table = Table(title, ["endpoint, server", *cells], before)
        for profile, by_server in self._scores(accepts=accepts).items():
            for name, found in by_server.items():
                row = [cell(found) for cell in cells.values()]
                table.add(f"{profile}, {name}", *row)
        return table

    def _budgets(self) -> Table:
        """What our server keeps to, with its defaults."""
        table = Table(
            "Budgets",
            ["", *self._profiles, "budget"],
            replay_prose.BUDGETS,
            replay_prose.BUDGETS_FOUND,
        )
        scores = self._scores(accepts=False)
        for budget in BUDGETS:
            cells = []
            for profile in self._profiles:
                found = scores[profile].get(OURS)
                value = budget.value_of(found) if found else None
                if value is None:
                    cells.append("")
                    continue
                is_met = (value >= budget.budget) == budget.is_least or (
                    value == budget.budget
                )
                cells.append(f"{value:.1%}{'' if is_met else ', **missed**'}")
            sign = "at least" if budget.is_least else "at most"
            table.add(budget.name, *cells, f"{sign} {budget.budget:.0%}")
        return table

    def _policies(self) -> Table:
        """What asking a second time would bring, computed without any server."""
        columns = [
            "",
            *(
                f"{name}, {what}"
                for name in THEORY
                for what in ("of the bound", "requests")
            ),
        ]
        table = Table("Asking twice", columns, replay_prose.ASKING_TWICE)
        played = [(s, states(s), places(s)) for s in self._segments]
        for n_keys in (0, *HEDGES_AFTER_KEYS):
            cells = []
            for profile in map(PROFILES.__getitem__, THEORY):
                made = [
                    reusing(*each, profile, hedges_after_keys=n_keys) for each in played
                ]
                n_bound = sum(bound(*each, profile).n_right for each in played)
                n_requests = sum(theory.n_requests for theory in made)
                n_events = sum(theory.n_events for theory in made)
                cells.append(f"{sum(t.n_right for t in made) / n_bound:.1%}")
                cells.append(f"{1000 * n_requests / n_events:,.0f}")
            name = f"again after {n_keys} keys without text" if n_keys else "once"
            table.add(name, *cells)
        return table

    def _by_trace(self) -> Table:
        """Coverage of each recording by itself."""
        table = Table("By recording", ["recording, endpoint, server", *COVERAGE], "")
        traces = dict.fromkeys(name.rpartition(" ")[0] for _, name in self._results)
        for trace in traces:
            scores = self._scores(accepts=False, trace=trace)
            for profile, by_server in scores.items():
                for name, found in by_server.items():
                    row = [cell(found) for cell in COVERAGE.values()]
                    table.add(f"{trace}, {profile}, {name}", *row)
        return table

    def _servers_table(self) -> Table:
        table = Table("The servers", ["", "settings"], "", replay_prose.SERVERS)
        for name, peer in self._servers.items():
            table.add(f"`{name}`", f"{peer.name}: {peer.settings}")
        return table

    def _profiles_table(self) -> Table:
        columns = ["", "first token", "tokens/s", "429", "stalls", "round trip"]
        table = Table("The endpoints", columns, "", replay_prose.PROFILES)
        for name in self._profiles:
            profile = PROFILES[name]
            table.add(
                name,
                f"{profile.ttft_ms:.0f} ms",
                f"{1000 / profile.tpot_ms:,.0f}",
                f"{profile.limited_share:.0%}",
                f"{profile.stalled_share:.0%}",
                f"{profile.round_trip_ms:.0f} ms",
            )
        return table

    def _scores(
        self, *, accepts: bool, trace: str = ""
    ) -> Mapping[str, Mapping[str, Score]]:
        """By profile and server."""
        return {
            profile: {
                name: together(
                    found
                    for (run, segment), found in self._results.items()
                    if run == Run(name, profile, accepts) and segment.startswith(trace)
                )
                for name in self._servers
            }
            for profile in self._profiles
        }
