"""What a person got and what it cost, in sessions of typing played in real time.

    python tests/bench/sessions.py                 plays this checkout's server
    python tests/bench/sessions.py --before REV    and the one of a revision, in turns
    python tests/bench/sessions.py --quick         hardly a gap, to see it work
    python tests/bench/sessions.py --json FILE     writes all that was counted as well

What is typed is in examples.py, who types it in person.py; the endpoint knows what will
be typed (true_endpoint.py).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import prose
from children import call, checked_out, running
from editor import Server
from examples import SESSIONS, Session
from person import Person, Tally
from processes import BENCH, clean_environment
from report import Table, ms, p50, p95, times
from rich.console import Console

from foretype.client import SERVER_COMMAND

# Time to first token and time per output token: 1,000 and 80 tokens a second.
PROFILES = {
    "spark": {"ttft_ms": 150.0, "tpot_ms": 1.0},
    "cloud": {"ttft_ms": 400.0, "tpot_ms": 12.5},
}
N_COLUMNS = 160
ALL = "all of them"


def _count(number: float) -> str:
    return f"{number:,.0f}"


def _percent(share: float) -> str:
    return f"{share:.1%}"


_MEASURES: Mapping[
    str, tuple[Callable[[Tally], float | None], Callable[[float], str]]
] = {
    "keys": (lambda t: t.n_keys, _count),
    "requests": (lambda t: t.n_requests, _count),
    "tokens": (lambda t: t.n_tokens, _count),
    "k chars sent": (lambda t: t.n_prompt_chars / 1000, _count),
    "right": (lambda t: t.n_right / t.n_keys, _percent),
    "wrong": (lambda t: t.n_wrong / t.n_keys, _percent),
    "shown p50": (lambda t: p50(t.shown_ns) if t.shown_ns else None, ms),
    "shown p95": (lambda t: p95(t.shown_ns) if t.shown_ns else None, ms),
    "after accepting": (lambda t: p50(t.accepted_ns) if t.accepted_ns else None, ms),
    "late": (lambda t: t.late_ns, ms),
}


# The runs


@dataclass(frozen=True)
class Scale:
    """How the sessions are played."""

    gap_scale: float
    profiles: Sequence[str]
    sessions: Sequence[Session]
    n_at_once: int


# With four at a time on two cores, the shares of all keys are those of one at a time
# within 0.2 points; a few more tokens are written before a stream is seen to be left.
FULL = Scale(gap_scale=1, profiles=[*PROFILES], sessions=SESSIONS, n_at_once=4)
# With every kind of step.
QUICK = Scale(gap_scale=0.1, profiles=["spark"], sessions=SESSIONS[1:7], n_at_once=6)

Played = dict[tuple[str, str, str], Tally]
"""By profile, session and server."""


def measure(scale: Scale) -> Table:
    """What this checkout's server makes of the sessions, as a table."""
    return _table(scale, _play_all(scale, {"this": {}}))


def _play_all(scale: Scale, servers: Mapping[str, Mapping[str, str]]) -> Played:
    """Plays every session with each of the servers, which are given by variables."""
    played: Played = {}

    async def play_all() -> None:
        limit = asyncio.Semaphore(scale.n_at_once)

        async def play_in_turns(profile: str, session: Session, is_odd: bool) -> None:
            async with limit:
                for name in [*servers][:: -1 if is_odd else 1]:
                    key = profile, session.name, name
                    played[key] = await _play(
                        session, PROFILES[profile], scale.gap_scale, servers[name]
                    )

        async with asyncio.TaskGroup() as tasks:
            for profile_idx, profile in enumerate(scale.profiles):
                for idx, session in enumerate(scale.sessions, profile_idx):
                    tasks.create_task(play_in_turns(profile, session, idx % 2 == 1))

    asyncio.run(play_all())
    return played


async def _play(
    session: Session,
    profile: Mapping[str, float],
    gap_scale: float,
    variables: Mapping[str, str],
) -> Tally:
    """One session, with a server and an endpoint of its own."""
    model = {"truth": session.truth(), **profile}
    with tempfile.TemporaryDirectory() as home:
        environment = clean_environment(home)
        async with running(
            (sys.executable, str(BENCH / "true_endpoint.py")),
            {**environment, "PYTHONPATH": str(BENCH.parent)},
        ) as endpoint:
            ours = {
                "FORETYPE_ENDPOINT_BASE_URL": await call(endpoint, model),
                "FORETYPE_ENDPOINT_MODEL": "true",
                "FORETYPE_ENDPOINT_TEMPLATE": "suffix",
            }
            async with running(
                SERVER_COMMAND, {**environment, **ours, **variables}
            ) as process:
                server = Server(process)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(server.read())
                    await server.initialize({})
                    await server.heard("didChangeStatus")
                    tally = await Person(session, server, gap_scale).play()
                    await server.shut_down()
            tally.add(Tally(**await call(endpoint, "counts")))
    return tally


# The report


def _table(scale: Scale, played: Played) -> Table:
    """Each session with each profile and server, and all of a profile together."""
    columns = ["session, endpoint", *_MEASURES]
    table = Table("Example sessions", columns, prose.SESSIONS, prose.SESSIONS_FOUND)
    names = [session.name for session in scale.sessions]
    for profile in scale.profiles:
        for title, parts in [*((name, [name]) for name in names), (ALL, names)]:
            this = _together(played[profile, name, "this"] for name in parts)
            if (profile, names[0], "before") not in played:
                table.add(f"{title}, {profile}", *_cells(this))
                continue
            before = _together(played[profile, name, "before"] for name in parts)
            table.add(f"{title}, {profile}: before", *_cells(before))
            table.add(f"{title}, {profile}: this", *_cells(this))
            table.add("ratio", *_ratios(before, this))
    return table


def _together(tallies: Iterable[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole.add(tally)
    return whole


def _cells(tally: Tally) -> Iterator[str]:
    for value_of, unit in _MEASURES.values():
        value = value_of(tally)
        yield "" if value is None else unit(value)


def _ratios(before: Tally, this: Tally) -> Iterator[str]:
    for value_of, _ in _MEASURES.values():
        was, now = value_of(before), value_of(this)
        yield times(now / was) if was and now is not None else ""


def main() -> None:
    parser = argparse.ArgumentParser(description="Plays sessions of typing.")
    parser.add_argument("--quick", action="store_true", help="with hardly a gap")
    parser.add_argument("--before", metavar="REV", help="a revision to compare with")
    parser.add_argument("--json", type=Path, help="write all that was counted")
    options = parser.parse_args()
    scale = QUICK if options.quick else FULL
    if options.before is None:
        played = _play_all(scale, {"this": {}})
    else:
        with checked_out(options.before) as path:
            before = {"PYTHONPATH": str(path / "server")}
            played = _play_all(scale, {"before": before, "this": {}})
    _table(scale, played).print(Console(width=max(Console().width, N_COLUMNS)))
    if options.json:
        names = ("profile", "session", "server")
        records = [
            dict(zip(names, key, strict=True)) | asdict(tally)
            for key, tally in sorted(played.items())
        ]
        options.json.write_text(json.dumps(records, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
