"""Replays recorded typing against language servers, in real time over real stdio.

    python tests/bench/replay.py            every server, endpoint and recording
    python tests/bench/replay.py --quick    two minutes of them, to see it work
    python tests/bench/replay.py --write    writes docs/benchmarks.md and its plots
    python tests/bench/replay.py --before REV --servers foretype --profiles spark

The keys leave on schedule whatever a server does; the endpoint answers with what the
recording types next (replay_endpoint.py). How servers are started is in peers.py.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import peers
import traces
from children import call, checked_out, cpu_s, peak_bytes, running, tell
from editor import Server
from future import places
from peers import Peer, Reached
from player import Player
from processes import BENCH, clean_environment
from profiles import PROFILES, Profile
from replay_report import Report, Results, Run
from rich.console import Console
from scores import Score, score

SERVERS: Mapping[str, Peer] = {
    "foretype": peers.FORETYPE,
    "foretype+": peers.EXTENDING,
    "tabby": peers.TABBY,
    "tabby+": peers.QUICK_TABBY,
}
N_COLUMNS = 200


@dataclass(frozen=True)
class Scale:
    """How much is replayed."""

    n_segments: int
    n_events: int
    n_at_once: int
    gap_scale: float = 1.0

    def segments(self) -> list[traces.Segment]:
        """The parts of the recordings."""
        return [
            segment
            for trace in traces.traces()
            for segment in trace.segments(self.n_segments, self.n_events)
        ]


# At twelve at a time on two cores, these are busy for a third of the time.
FULL = Scale(n_segments=3, n_events=250, n_at_once=12)
QUICK = Scale(n_segments=1, n_events=100, n_at_once=8)


def play_all(
    scale: Scale,
    segments: Sequence[traces.Segment],
    servers: Mapping[str, Peer],
    profiles: Sequence[str],
) -> Results:
    """Replays every segment in every way."""
    for peer in servers.values():
        # What is not installed is installed before the clock runs.
        peer.command()
    results: dict[tuple[Run, str], Score] = {}

    async def play(run: Run, segment: traces.Segment, limit: asyncio.Semaphore) -> None:
        async with limit:
            results[run, segment.name] = await _play(
                segment, servers[run.server], PROFILES[run.profile], run, scale
            )

    async def play_everything() -> None:
        limit = asyncio.Semaphore(scale.n_at_once)
        async with asyncio.TaskGroup() as tasks:
            # Servers take turns, so that a noisy minute is shared.
            for segment in segments:
                for profile in profiles:
                    for accepts in (False, True):
                        for name in servers:
                            run = Run(name, profile, accepts)
                            tasks.create_task(play(run, segment, limit))

    asyncio.run(play_everything())
    return results


async def _play(
    segment: traces.Segment, peer: Peer, profile: Profile, run: Run, scale: Scale
) -> Score:
    """One segment, with a server and an endpoint of its own."""
    states, all_places = traces.states(segment), places(segment)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as name:
        home = Path(name)
        environment = clean_environment(str(home))
        ca_file = Path(folder, "ca.pem")
        spec = {
            "places": [asdict(place) for place in all_places],
            "profile": asdict(profile),
            "ca_file": str(ca_file),
        }
        async with running(
            (sys.executable, str(BENCH / "replay_endpoint.py")),
            {**environment, "PYTHONPATH": str(BENCH.parent)},
        ) as endpoint:
            base_url = await call(endpoint, spec)
            reached = Reached(base_url, ca_file if profile.round_trip_ms else None)
            variables = peer.prepare(home, reached)
            async with running(peer.command(), {**environment, **variables}) as process:
                server = Server(process)
                player = Player(
                    segment,
                    states,
                    all_places,
                    peer,
                    server,
                    lambda now: tell(endpoint, {"now": now}),
                    uri=(home / segment.file_name).as_uri(),
                    accepts=run.accepts,
                    gap_scale=scale.gap_scale,
                )
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(server.read())
                    await peer.initialize(server)
                    began_s = cpu_s(process.pid)
                    played = await player.play()
                    took_s, held_bytes = cpu_s(process.pid), peak_bytes(process.pid)
                    reported = await call(endpoint, {"report": True})
                    await server.shut_down()
    found = score(played, states, reported["asked"])
    found.cpu_s, found.peak_bytes = took_s - began_s, held_bytes
    found.endpoint_late_ns = reported["late_ns"]
    return found


@contextmanager
def _with_before(
    servers: Mapping[str, Peer], revision: str | None
) -> Iterator[Mapping[str, Peer]]:
    """The servers, and those of them that are ours as they were at a revision."""
    if revision is None:
        yield servers
        return
    with checked_out(revision) as path:
        before = {
            f"{name} before": replace(peer, python_path=str(path / "server"))
            for name, peer in servers.items()
            if isinstance(peer, peers.Foretype)
        }
        yield {**before, **servers}


def main() -> None:
    parser = argparse.ArgumentParser(description="Replays recorded typing.")
    parser.add_argument("--quick", action="store_true", help="two minutes of it")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--before", metavar="REV", help="a revision to compare with")
    parser.add_argument(
        "--servers", nargs="+", choices=SERVERS, default=[*SERVERS], metavar="NAME"
    )
    parser.add_argument(
        "--profiles", nargs="+", choices=PROFILES, default=[*PROFILES], metavar="NAME"
    )
    parser.add_argument("--json", type=Path, help="write all that was counted")
    parser.add_argument(
        "--from", dest="source", type=Path, help="tell what an earlier run counted"
    )
    options = parser.parse_args()
    scale = QUICK if options.quick else FULL
    segments = scale.segments()
    servers: Mapping[str, Peer] = {name: SERVERS[name] for name in options.servers}
    if options.source:
        results = _loaded(options.source)
    else:
        with _with_before(servers, options.before) as servers:
            results = play_all(scale, segments, servers, options.profiles)
    if options.json:
        _save(options.json, results)
    report = Report(servers, options.profiles, segments, results)
    console = Console(width=max(Console().width, N_COLUMNS))
    for table in report.tables():
        table.print(console)
    if options.write:
        report.write()


def _save(path: Path, results: Results) -> None:
    records = [
        {"run": asdict(run), "segment": segment, "score": asdict(found)}
        for (run, segment), found in results.items()
    ]
    path.write_text(json.dumps(records, indent=1) + "\n", "utf-8")


def _loaded(path: Path) -> Results:
    return {
        (Run(**record["run"]), record["segment"]): Score(**record["score"])
        for record in json.loads(path.read_text("utf-8"))
    }


if __name__ == "__main__":
    main()
