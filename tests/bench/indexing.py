"""What it takes to index a big workspace, and what a lookup takes then.

    python tests/bench/indexing.py              100,000 files, several minutes
    python tests/bench/indexing.py --quick      2,000 files
    python tests/bench/indexing.py --files N    as many as that

The files are small, of five languages, and in folders of fifty. The index runs as in
the server: its worker is a process of the lowest priority, its parent has an event
loop, whose worst delay is measured by a timer. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from report import Table, mb, ms, p50, p99, us
from rich.console import Console

from foretype.indexer import Indexer
from foretype.symbols import MAX_NAMES, SymbolIndex

N_FILES = 100_000
N_QUICK_FILES = 2_000
FILES_A_FOLDER = 50
N_LOOKUPS = 5_000
TICK_S = 0.001

TEMPLATES = {
    "py": '''"""Module {n}."""

from package.module_{other} import Thing{other}

LIMIT_{n} = {n}


class Thing{n}(Thing{other}):
    """What module {n} is about."""

    size: int = 0

    def area_{n}(self, scale: float = 1.0) -> float:
        """The area, scaled."""
        return scale * {n}

    def run(self) -> None:
        self.area_{n}()


def make_{n}(size: int) -> Thing{n}:
    return Thing{n}()
''',
    "ts": """import {{ Thing{other} }} from "./module_{other}";

/** What module {n} is about. */
export interface Options{n} {{
  size: number;
}}

export class Thing{n} extends Thing{other} {{
  private size = {n};

  area{n}(scale: number): number {{
    return scale * this.size;
  }}

  run(): void {{}}
}}

export const make{n} = (options: Options{n}): Thing{n} => {{
  return new Thing{n}();
}};
""",
    "go": """package folder

// Thing{n} is what file {n} is about.
type Thing{n} struct {{
	Size int
}}

func (t *Thing{n}) Area{n}(scale float64) float64 {{
	return scale * {n}
}}

func (t *Thing{n}) Run() {{}}

func Make{n}(size int) *Thing{n} {{
	return &Thing{n}{{Size: size}}
}}
""",
    "java": """package folder;

/** What file {n} is about. */
public class Thing{n} extends Thing{other} {{
    private final int size;

    public Thing{n}(int size) {{
        this.size = size;
    }}

    public double area{n}(double scale) {{
        return scale * {n};
    }}

    public void run() {{}}
}}
""",
    "rs": """use crate::module_{other}::Thing{other};

/// What module {n} is about.
pub struct Thing{n} {{
    pub size: usize,
}}

impl Thing{n} {{
    pub fn area_{n}(&self, scale: f64) -> f64 {{
        scale * {n} as f64
    }}

    pub fn run(&self) {{}}
}}

pub fn make_{n}(size: usize) -> Thing{n} {{
    Thing{n} {{ size }}
}}
""",
}
SUFFIXES = tuple(TEMPLATES)


def write_files(folder: Path, n_files: int) -> None:
    """A workspace of so many files."""
    for n in range(n_files):
        path = path_of(folder, n)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = TEMPLATES[path.suffix[1:]].format(n=n, other=(n + 7) % n_files)
        path.write_text(text, "utf-8")


def path_of(folder: Path, n: int) -> Path:
    of_folder = n // FILES_A_FOLDER
    suffix = SUFFIXES[of_folder % len(SUFFIXES)]
    return folder / f"{of_folder // 40}" / f"{of_folder}" / f"module_{n}.{suffix}"


@dataclass
class Lags:
    """How long the event loop was kept from a timer."""

    each_ns: list[float] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def measured(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._tick())
        yield
        task.cancel()

    async def _tick(self) -> None:
        while True:
            began_ns = time.perf_counter_ns()
            await asyncio.sleep(TICK_S)
            self.each_ns.append(time.perf_counter_ns() - began_ns - TICK_S * 1e9)


async def measure(folder: Path, cache: Path, n_files: int, table: Table) -> None:
    """Adds a first start, lookups, a change and a second start to a table."""
    near = path_of(folder, n_files // 2)
    index = SymbolIndex()
    async with started("first start", index, folder, cache, near, table) as indexer:
        look_up(index, folder, n_files, table)
        await change(index, indexer, near, table)
    async with started("second start", SymbolIndex(), folder, cache, near, table):
        pass


@contextlib.asynccontextmanager
async def started(
    start: str, index: SymbolIndex, folder: Path, cache: Path, near: Path, table: Table
) -> AsyncIterator[Indexer]:
    """An indexer after its pass, of which a table has got the numbers."""
    before_bytes = psutil.Process().memory_info().rss
    # What is in the same folder comes first.
    wanted = [near.stem.replace("module_", "Thing")]
    other = near.with_name(f"other{near.suffix}")
    indexer = Indexer(index, cache_folder=cache, max_files=10**7)
    lags = Lags()
    began_ns = time.perf_counter_ns()
    indexer.start([folder], [near])
    async with lags.measured():
        await until(lambda: bool(index.lookup(wanted, other, most=1)))
        first_ns = time.perf_counter_ns() - began_ns
        await until(lambda: indexer.passed is not None)
        whole_s = (time.perf_counter_ns() - began_ns) / 1e9
    assert indexer.pid is not None and indexer.passed is not None
    worker = psutil.Process(indexer.pid)
    cpu = worker.cpu_times()
    grown_bytes = psutil.Process().memory_info().rss - before_bytes
    table.add(f"{start}: first definition", ms(first_ns))
    table.add(f"{start}: whole pass", f"{whole_s:.1f} s")
    table.add(f"{start}: files parsed", f"{indexer.passed['n_parsed']:,}")
    table.add(f"{start}: worker's CPU", f"{cpu.user + cpu.system:.1f} s")
    table.add(f"{start}: event loop late, p50", ms(p50(lags.each_ns)))
    table.add(f"{start}: event loop late, p99", ms(p99(lags.each_ns)))
    table.add(f"{start}: event loop late, worst", ms(max(lags.each_ns)))
    table.add(f"{start}: worker's memory", mb(worker.memory_info().rss))
    table.add(f"{start}: parent's memory, more by", mb(grown_bytes))
    table.add(f"{start}: index", mb(index.n_bytes))
    table.add(f"{start}: cache on disk", mb(n_bytes_in(cache)))
    yield indexer
    await indexer.close()


def n_bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def look_up(index: SymbolIndex, folder: Path, n_files: int, table: Table) -> None:
    """Adds what lookups take: names that are rare, common, and not there."""
    chosen = random.Random(1)
    each_ns = []
    n_found = 0
    for _ in range(N_LOOKUPS):
        n = chosen.randrange(n_files)
        some = [chosen.randrange(n_files) for _ in range(6)]
        names = ["run", "Run"]
        names += [name for m in some for name in (f"Thing{m}", f"make_{m}")]
        names += [f"local_{m}" for m in range(MAX_NAMES - len(names))]
        began_ns = time.perf_counter_ns()
        hits = index.lookup(names, path_of(folder, n), most=8)
        each_ns.append(time.perf_counter_ns() - began_ns)
        n_found += len(hits)
    table.add(f"lookup of {MAX_NAMES} names, p50", us(p50(each_ns)))
    table.add(f"lookup of {MAX_NAMES} names, p99", us(p99(each_ns)))
    table.add("lookup: definitions found, mean", f"{n_found / N_LOOKUPS:.1f}")


async def change(
    index: SymbolIndex, indexer: Indexer, file: Path, table: Table
) -> None:
    """Adds how long it takes until a changed file is known."""
    name = "changed_name"
    lines = {".py": f"def {name}(): ...", ".go": f"func {name}() {{}}"}
    lines |= {".ts": f"function {name}() {{}}", ".rs": f"fn {name}() {{}}"}
    lines |= {".java": f"class {name} {{}}"}
    with file.open("a", encoding="utf-8") as writing:
        writing.write(lines[file.suffix] + "\n")
    began_ns = time.perf_counter_ns()
    indexer.changed([file])
    other = file.with_name(f"other{file.suffix}")
    await until(lambda: bool(index.lookup([name], other, most=1)))
    table.add("a change is known after", ms(time.perf_counter_ns() - began_ns))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(TICK_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--files", type=int, default=N_FILES)
    options = parser.parse_args()
    n_files = N_QUICK_FILES if options.quick else options.files
    table = Table(f"Indexing {n_files:,} files", ("what", "measured"), "")
    with tempfile.TemporaryDirectory() as temporary:
        folder, cache = Path(temporary, "work"), Path(temporary, "cache")
        print(f"writing {n_files:,} files", file=sys.stderr)
        write_files(folder, n_files)
        asyncio.run(measure(folder, cache, n_files, table))
    table.print(Console())


if __name__ == "__main__":
    main()
