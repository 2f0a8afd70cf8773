"""Measures how good completions are, with the built-in model behind the real server.

    python tests/bench/quality                      everything
    python tests/bench/quality --only holes --n 12  a few holes, to see it work
    python tests/bench/quality --parts similar      what one part adds
    python tests/bench/quality --worst 10           and the ten worst suggestions
    python tests/bench/quality --write              and the part of docs/benchmarks.md
    python tests/bench/quality --answers FILE       keeps what the model wrote
    python tests/bench/quality --json FILE          writes all that came of it
    python tests/bench/quality --from FILE          tells it again

How a hole is come to is in workspace.py, what is compared in variants.py.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

BENCH = Path(__file__).resolve().parents[1]
sys.path += [str(BENCH), str(BENCH.parent)]

import humaneval  # noqa: E402
import sandbox  # noqa: E402
from asking import ask  # noqa: E402
from children import ROOT  # noqa: E402
from places import Outcome, Place  # noqa: E402
from quality_report import Report, Results  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import Progress, TaskID  # noqa: E402
from tap import Tap  # noqa: E402
from variants import Part, Variant, as_shipped, parts, variants  # noqa: E402
from workspace import Workspace  # noqa: E402

from foretype.errors import ForetypeError  # noqa: E402

N_PROBLEMS = 100
N_HOLES = 60
# While the model is asked for one place, others are come to.
N_AT_ONCE = 3
N_COLUMNS = 200
HUMANEVAL, HOLES = "humaneval", "holes"


def measure(
    chosen: Sequence[Part], options: argparse.Namespace
) -> dict[Variant, list[Outcome]]:
    """What comes of every place, in every way that is compared."""
    with ExitStack() as folders:
        workspaces = [
            Workspace(ROOT, Path(folders.enter_context(TemporaryDirectory())).resolve())
            for _ in range(N_AT_ONCE)
        ]
        problems, holes = _places(options, workspaces[0])
        # In a single function, no part has anything to find elsewhere.
        places = {
            variant: [*problems, *holes] if variant == as_shipped() else holes
            for variant in variants(chosen)
        }
        return asyncio.run(complete_all(places, workspaces, options))


async def complete_all(
    places: Mapping[Variant, Sequence[Place]],
    workspaces: Sequence[Workspace],
    options: argparse.Namespace,
) -> dict[Variant, list[Outcome]]:
    """Asks for a completion at every place."""
    free: asyncio.Queue[Workspace] = asyncio.Queue()
    for workspace in workspaces:
        free.put_nowait(workspace)
    progress = Progress(console=Console(stderr=True))

    async def outcome(place: Place, variant: Variant, task: TaskID) -> Outcome:
        workspace = await free.get()
        try:
            scene = workspace.scene(place, options.seed)
            with workspace.with_hole(place):
                found = await ask(place, scene, variant, tap, workspace)
        finally:
            free.put_nowait(workspace)
        progress.advance(task)
        return found

    results: dict[Variant, list[Outcome]] = {}
    async with Tap(options.answers, options.threads) as tap:
        with progress:
            for variant, each in places.items():
                task = progress.add_task(str(variant), total=len(each))
                results[variant] = await asyncio.gather(
                    *(outcome(place, variant, task) for place in each)
                )
    return results


def _places(
    options: argparse.Namespace, workspace: Workspace
) -> tuple[list[Place], list[Place]]:
    """The problems and the holes that are asked for."""
    problems, holes = [], []
    if options.only != HOLES:
        try:
            sandbox.check_limits()
            n_problems = options.n or N_PROBLEMS
            problems = humaneval.places(options.fim, n_problems, options.seed)
        except (humaneval.NoProblemsError, sandbox.NoLimitsError) as error:
            if options.only == HUMANEVAL or options.write:
                raise
            print(f"without HumanEval: {error}", file=sys.stderr)
    if options.only != HUMANEVAL:
        holes = workspace.places(options.n or N_HOLES, options.seed)
    return problems, holes


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures how good completions are.")
    n_default = f"{N_PROBLEMS} and {N_HOLES}"
    parser.add_argument(
        "--n", type=_number, help=f"so many problems, and so many holes ({n_default})"
    )
    parser.add_argument("--seed", type=int, default=1, help="which ones (%(default)s)")
    parser.add_argument("--only", choices=(HUMANEVAL, HOLES))
    parser.add_argument(
        "--parts",
        nargs="*",
        metavar="TEXT",
        help="only the parts that have such a text in their names; no text, no part",
    )
    parser.add_argument(
        "--worst", type=_number, default=0, metavar="N", help="print the N worst"
    )
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--json", type=Path, help="write all that came of it")
    parser.add_argument(
        "--from", dest="source", type=Path, help="tell what came of an earlier run"
    )
    parser.add_argument(
        "--answers",
        type=Path,
        help="a file of what the model wrote, which is asked what is not in it",
    )
    parser.add_argument(
        "--fim",
        type=Path,
        default=ROOT.parent / "shared" / "fim",
        help="the folder of HumanEval-Infilling (%(default)s)",
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=0,
        help="threads of the model (0: as the server would); 1 on a busy machine, "
        "which changes no answer",
    )
    options = parser.parse_args()
    if options.write and (options.only or options.parts is not None):
        parser.error("--write needs everything: leave out --only and --parts")
    return options


def _number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not more than 0")
    return number


def main() -> None:
    """Prints the tables, and writes what is asked for."""
    options = _options()
    wanted = options.parts
    chosen = [
        part
        for part in parts()
        if wanted is None or any(text in part.name for text in wanted)
    ]
    try:
        if options.source:
            results = _loaded(options.source)
        else:
            results = measure(chosen, options)
    except (
        ForetypeError,
        humaneval.NoProblemsError,
        sandbox.NoLimitsError,
    ) as error:
        sys.exit(str(error))
    if options.json:
        _save(options.json, results)
    told = [p for p in chosen if p.having in results and p.lacking in results]
    if options.write and len(told) < len(chosen):
        missing = ", ".join(part.name for part in chosen if part not in told)
        sys.exit(f"{options.source} cannot be written, as it lacks: {missing}")
    report = Report(results, told, options.seed)
    console = Console(width=max(Console().width, N_COLUMNS))
    for table in report.tables():
        table.print(console)
    for said in report.worst(options.worst):
        print(f"\n{said}")
    if options.write:
        report.write()


def _save(path: Path, results: Results) -> None:
    records = [
        {"variant": asdict(variant), "outcomes": [asdict(o) for o in outcomes]}
        for variant, outcomes in results.items()
    ]
    path.write_text(json.dumps(records, indent=1) + "\n", "utf-8")


def _loaded(path: Path) -> Results:
    """What came of an earlier run. Raises: ForetypeError."""
    results: dict[Variant, list[Outcome]] = {}
    try:
        for record in json.loads(path.read_text("utf-8")):
            named = record["variant"]
            settings = tuple((name, value) for name, value in named["settings"])
            results[Variant(settings, named["is_plain"])] = [
                Outcome(**{**fields, "place": Place(**fields["place"])})
                for fields in record["outcomes"]
            ]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ForetypeError(f"{path} cannot be told again: {error}") from error
    if as_shipped() not in results:
        raise ForetypeError(f"{path} is of other settings than today's: run it again")
    return results


if __name__ == "__main__":
    main()
