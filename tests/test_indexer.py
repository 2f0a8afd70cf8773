"""The worker process over real folders, and what becomes of it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import queue
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from foretype import index_cache, index_worker, indexer
from foretype.definition_store import DefinitionStore
from foretype.definitions import Definition, definitions
from foretype.exclusions import MAX_FILE_BYTES
from foretype.index_worker import Order, Report, Request, Worker
from foretype.indexer import Indexer
from foretype.symbols import SymbolIndex

TIMEOUT_S = 30


class Workspace:
    """A folder, its cache, and the index of it."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.cache = cache
        self.index = SymbolIndex()

    def write(self, path: str, text: str | bytes) -> Path:
        """Writes a file of the workspace."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def found(self, *names: str) -> list[str]:
        """The files that define names."""
        hits = self.index.lookup(names, self.folder / "near.py", most=50)
        return sorted(h.path.relative_to(self.folder).as_posix() for h in hits)

    @contextlib.asynccontextmanager
    async def indexed(self, max_files: int = 1000) -> AsyncIterator[Indexer]:
        """An indexer that has gone through the workspace."""
        running = Indexer(self.index, cache_folder=self.cache, max_files=max_files)
        running.start([self.folder])
        try:
            await until(lambda: running.passed is not None)
            yield running
        finally:
            await running.close()


async def until(condition: Callable[[], bool]) -> None:
    """Returns when a condition holds that nothing tells of."""
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    folder = tmp_path / "work"
    folder.mkdir()
    return Workspace(folder, tmp_path / "cache")


@pytest.mark.asyncio
async def test_files_are_found_changed_and_deleted(workspace: Workspace) -> None:
    file = workspace.write("a/shapes.py", "def area(): ...\n")
    gone = workspace.write("b/gone/gone.py", "def gone(): ...\n")
    async with workspace.indexed() as running:
        assert workspace.found("area", "gone") == ["a/shapes.py", "b/gone/gone.py"]

        workspace.write("a/shapes.py", "def volume(): ...\n")
        running.changed([file])
        await until(lambda: workspace.found("volume") == ["a/shapes.py"])
        assert workspace.found("area") == []

        workspace.write("new/one.py", "def first(): ...\n")
        workspace.write("new/deep/two.py", "def second(): ...\n")
        running.changed([workspace.folder / "new"])
        await until(lambda: len(workspace.found("first", "second")) == 2)

        shutil.rmtree(gone.parent)
        running.changed([gone.parent])
        await until(lambda: workspace.found("gone") == [])

        file.unlink()
        running.changed([file])
        await until(lambda: workspace.found("volume") == [])


@pytest.mark.asyncio
async def test_a_second_start_reads_only_what_has_changed(workspace: Workspace) -> None:
    for n in range(20):
        workspace.write(f"{n}/m.py", f"def function_{n}(): ...\n")
    async with workspace.indexed() as running:
        assert running.passed == {"n_files": 20, "n_parsed": 20}

    workspace.index = SymbolIndex()
    async with workspace.indexed() as running:
        assert running.passed == {"n_files": 20, "n_parsed": 0}
        assert workspace.found("function_7") == ["7/m.py"]

    workspace.write("7/m.py", "def another(): ...\n")
    shutil.rmtree(workspace.folder / "8")
    workspace.index = SymbolIndex()
    async with workspace.indexed() as running:
        assert running.passed == {"n_files": 19, "n_parsed": 1}
        assert workspace.found("function_7", "function_8", "another") == ["7/m.py"]


@pytest.mark.asyncio
async def test_a_worker_that_is_killed_is_started_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "FIRST_DELAY_S", 0.01)
    workspace.write("a.py", "def area(): ...\n")
    async with workspace.indexed() as running:
        first = running.pid
        assert first is not None
        psutil.Process(first).kill()
        await until(lambda: running.pid not in (None, first) and bool(running.passed))
        workspace.write("b.py", "def volume(): ...\n")
        running.changed([workspace.folder / "b.py"])
        await until(lambda: workspace.found("volume") == ["b.py"])


@pytest.mark.asyncio
async def test_a_worker_that_never_works_is_given_up(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(indexer, "FIRST_DELAY_S", 0.001)
    monkeypatch.setattr(sys, "executable", str(workspace.folder / "no-such-python"))
    running = Indexer(workspace.index, cache_folder=workspace.cache)
    running.start([workspace.folder])
    await until(lambda: len(caplog.messages) == 2)
    assert "is started again: it cannot be started" in caplog.messages[0]
    assert "is given up" in caplog.messages[1]
    running.changed([workspace.folder])
    await running.close()


@pytest.mark.asyncio
async def test_a_worker_that_says_something_else_is_given_up(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(indexer, "FIRST_DELAY_S", 0.001)
    monkeypatch.setattr(indexer, "MAX_REPORT_BYTES", 10)
    workspace.write("a.py", "def area(): ...\n")
    running = Indexer(workspace.index, cache_folder=workspace.cache)
    running.start([workspace.folder])
    await until(lambda: len(caplog.messages) == 2)
    assert "its process said what is no report" in caplog.messages[0]
    assert "is given up" in caplog.messages[1]
    await running.close()


@pytest.mark.asyncio
async def test_closing_ends_the_worker(workspace: Workspace) -> None:
    async with workspace.indexed() as running:
        assert running.pid is not None
        worker = psutil.Process(running.pid)
        if sys.platform != "win32":
            assert worker.nice() == index_worker.NICENESS
    assert not worker.is_running()
    assert running.pid is None
    await Indexer(workspace.index).close()


def test_a_worker_ends_with_its_parent(workspace: Workspace) -> None:
    parent = f"""
import asyncio, os, pathlib
from foretype.indexer import Indexer
from foretype.symbols import SymbolIndex
async def main():
    folder, cache = map(pathlib.Path, {[str(workspace.folder), str(workspace.cache)]})
    indexer = Indexer(SymbolIndex(), cache_folder=cache)
    indexer.start([folder])
    while not indexer.passed:
        await asyncio.sleep(0.005)
    print(indexer.pid, flush=True)
    os._exit(1)
asyncio.run(main())
"""
    said = subprocess.run(
        [sys.executable, "-c", parent],
        stdout=subprocess.PIPE,
        timeout=TIMEOUT_S,
        check=False,
    )
    pid = int(said.stdout)
    with contextlib.suppress(psutil.NoSuchProcess):
        # NB: Nobody may be there to collect it.
        worker = psutil.Process(pid)
        deadline_s = time.monotonic() + TIMEOUT_S
        while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline_s
            time.sleep(0.005)


@pytest.mark.asyncio
async def test_what_there_is_no_room_for_is_fetched_when_it_is_used(
    workspace: Workspace,
) -> None:
    workspace.index = SymbolIndex(max_bytes=100_000)
    for n in range(300):
        text = f"def function_{n}({'parameter, ' * 30}): ...\n"
        workspace.write(f"{n:03}/m.py", text)
    async with workspace.indexed() as running:
        assert workspace.index.is_full
        assert workspace.found("function_0") == ["000/m.py"]
        assert workspace.found("function_299") == []
        running.want(["function_299", "nowhere"], workspace.folder / "near.py")
        await until(lambda: workspace.found("function_299") == ["299/m.py"])


@pytest.mark.asyncio
async def test_only_so_many_files_are_read(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "foretype")
    for n in range(20):
        workspace.write(f"{n}.py", f"def function_{n}(): ...\n")
    async with workspace.indexed(max_files=5) as running:
        assert running.passed == {"n_files": 5, "n_parsed": 5}
        assert len(workspace.found(*(f"function_{n}" for n in range(20)))) == 5
    assert "only the first 5 files of the workspace are known" in caplog.messages


@pytest.mark.asyncio
async def test_a_damaged_cache_is_made_anew(workspace: Workspace) -> None:
    workspace.write("a.py", "def area(): ...\n")
    async with workspace.indexed():
        pass
    (file,) = workspace.cache.glob("*.sqlite3")
    for beside in workspace.cache.iterdir():
        beside.unlink()
    file.write_bytes(b"no database at all" * 1000)
    async with workspace.indexed() as running:
        assert running.passed == {"n_files": 1, "n_parsed": 1}
    async with workspace.indexed() as running:
        assert running.passed == {"n_files": 1, "n_parsed": 0}


@pytest.mark.asyncio
async def test_damage_that_shows_later_is_the_end_of_the_cache(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "FIRST_DELAY_S", 0.01)
    for n in range(100):
        workspace.write(f"{n}.py", f"def function_{n}({'parameter, ' * 30}): ...\n")
    async with workspace.indexed():
        pass
    (file,) = workspace.cache.glob("*.sqlite3")
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as damaged:
        # The first pages say which tables there are.
        damaged.seek(6 * 4096)
        damaged.write(b"x" * (file.stat().st_size - 6 * 4096))
    async with workspace.indexed() as running:
        assert running.passed == {"n_files": 100, "n_parsed": 100}


# What follows runs the worker's own code in this process.


def taken_in(
    workspace: Workspace,
    *orders: Order,
    near: str = "",
    is_careful: bool = False,
) -> list[Report]:
    """What a worker reports of a pass, and of orders after it."""
    reports: list[Report] = []
    request: Request = {
        "folders": [str(workspace.folder)],
        "near": [str(workspace.folder / near)] if near else [],
        "cache_folder": str(workspace.cache),
        "max_files": 1000,
        "is_careful": is_careful,
    }
    worker = Worker(request, queue.SimpleQueue(), reports.append)
    worker.go_through()
    for order in orders:
        worker.follow(order)
    for store in worker._stores.values():
        store.close()
    return reports


def files_of(reports: list[Report], workspace: Workspace) -> list[str]:
    """The files that define something, in the order of reports."""
    return [
        Path(path).relative_to(workspace.folder).as_posix()
        for report in reports
        for path, rows in report.get("files", [])
        if rows
    ]


def test_what_others_wrote_or_programs_made_is_left_out(workspace: Workspace) -> None:
    for path in (
        "node_modules/a/a.js",
        ".git/hook.py",
        ".hidden/a.py",
        "build/lib/a.py",
        "any/site-packages/a.py",
        "myenv/bin/a.py",
        "notes.txt",
    ):
        workspace.write(path, "function f() {}\ndef f(): ...\n")
    workspace.write("myenv/pyvenv.cfg", "")
    workspace.write("src/a.py", "def f(): ...\n")
    changed = [str(workspace.folder / "node_modules/a/a.js"), "/elsewhere/a.py"]
    reports = taken_in(workspace, {"changed": changed})
    assert files_of(reports, workspace) == ["src/a.py"]


def test_files_that_cannot_be_read_well_are_no_problem(workspace: Workspace) -> None:
    workspace.write("a_latin.py", b"# caf\xe9\ndef latin(): ...\n")
    workspace.write("b_binary.py", b"def f(): ...\n\0\0")
    workspace.write("c_huge.py", b"def f(): ...\n" * MAX_FILE_BYTES)
    workspace.write("d_minified.js", "function f(){};" * 1000)
    workspace.write("e_folder.py/f.py", "def f(): ...\n")
    workspace.write("g_empty.py", "")
    (workspace.folder / "h_loop").symlink_to(workspace.folder)
    (workspace.folder / "i_link.py").symlink_to(workspace.folder / "a_latin.py")
    (workspace.folder / "j_nowhere.py").symlink_to(workspace.folder / "nowhere")
    if sys.platform == "linux":
        os.mkfifo(workspace.folder / "k_pipe.py")
        (workspace.folder / os.fsdecode(b"l_\xff.py")).write_text("def f(): ...")
    reports = taken_in(workspace)
    found = files_of(reports, workspace)
    assert found == ["a_latin.py", "e_folder.py/f.py"]


def test_a_file_that_vanishes_or_is_forbidden_is_no_problem(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.write("a.py", "def f(): ...\n")
    workspace.write("b.py", "def f(): ...\n")
    opened = Path.open

    def forbidden(path: Path, *args: object, **options: object) -> object:
        if path.name == "a.py":
            raise PermissionError
        return opened(path, *args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", forbidden)
    assert files_of(taken_in(workspace), workspace) == ["b.py"]


def test_what_must_not_be_sent_is_left_out(workspace: Workspace) -> None:
    workspace.write(".foretypeignore", "secrets/\n")
    workspace.write("secrets/a.py", "def f(): ...\n")
    generated = "# Code generated by a program. DO NOT EDIT.\n"
    workspace.write("b.py", f"{generated}def f(): ...\n")
    workspace.write("c.py", "def f(): ...\n")
    assert files_of(taken_in(workspace), workspace) == ["c.py"]


def test_what_is_left_out_later_is_forgotten(workspace: Workspace) -> None:
    file = workspace.write("a.py", "def f(): ...\n")
    taken_in(workspace)
    workspace.write(".foretypeignore", "a.py\n")
    reports = taken_in(workspace)
    assert [r["gone"] for r in reports if "gone" in r] == [[str(file)]]
    assert files_of(reports, workspace) == []


@pytest.mark.asyncio
async def test_a_change_of_an_ignore_file_is_followed(workspace: Workspace) -> None:
    workspace.write("a/x.py", "def first(): ...\n")
    workspace.write("b/y.py", "def second(): ...\n")
    ignored = workspace.write(".foretypeignore", "a/\n")
    async with workspace.indexed() as running:
        assert workspace.found("first", "second") == ["b/y.py"]
        workspace.write(".foretypeignore", "b/\n")
        running.changed([ignored])
        await until(lambda: workspace.found("first", "second") == ["a/x.py"])


def test_a_file_that_ends_the_worker_is_left_alone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        pass

    def deadly(text: str, language_id: str) -> list[Definition]:
        if "deadly" in text:
            raise Died
        return definitions(text, language_id)

    monkeypatch.setattr(index_worker, "definitions", deadly)
    for path in ("a.py", "b.py", "c.py"):
        workspace.write(path, f"def f(): ...  # {'deadly' if path == 'b.py' else ''}")
    with pytest.raises(Died):
        taken_in(workspace, is_careful=True)
    reports = taken_in(workspace, is_careful=True)
    assert files_of(reports, workspace) == ["a.py", "c.py"]


def test_what_is_open_is_read_first(workspace: Workspace) -> None:
    for path in ("a/x.py", "m/n/near.py", "m/x.py", "z.py"):
        workspace.write(path, "def f(): ...\n")
    found = files_of(taken_in(workspace, near="m/n/near.py"), workspace)
    assert found == ["m/n/near.py", "m/x.py", "z.py", "a/x.py"]


def test_the_cache_is_private(workspace: Workspace) -> None:
    workspace.write("a.py", "def f(): ...\n")
    taken_in(workspace)
    if sys.platform != "win32":
        assert stat.S_IMODE(workspace.cache.stat().st_mode) == 0o700
        modes = {stat.S_IMODE(p.stat().st_mode) for p in workspace.cache.iterdir()}
        assert modes == {0o600}


def test_caches_of_long_ago_and_of_too_many_are_deleted(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_cache, "MAX_CACHES", 3)
    workspace.cache.mkdir()
    for age_days in (1, 2, 3, 40):
        file = workspace.cache / f"{age_days}.sqlite3"
        file.touch()
        file.with_name(f"{file.name}-wal").touch()
        used_s = time.time() - age_days * 24 * 3600
        os.utime(file, (used_s, used_s))
    taken_in(workspace)
    left = sorted(p.name for p in workspace.cache.glob("?.sqlite3*"))
    assert left == ["1.sqlite3", "1.sqlite3-wal", "2.sqlite3", "2.sqlite3-wal"]


def test_a_cache_that_cannot_be_written_is_done_without(workspace: Workspace) -> None:
    workspace.write("a.py", "def f(): ...\n")
    workspace.cache.write_text("not a folder")
    assert files_of(taken_in(workspace), workspace) == ["a.py"]


def test_a_cache_of_another_version_is_made_anew(workspace: Workspace) -> None:
    workspace.write("a.py", "def f(): ...\n")
    taken_in(workspace)
    (file,) = workspace.cache.glob("*.sqlite3")
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 99")
    with contextlib.closing(DefinitionStore(file)) as store:
        assert store.folders() == []


def test_after_the_first_pass_the_worker_rests(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests_s: list[float] = []
    monkeypatch.setattr(time, "sleep", rests_s.append)
    # The CPU takes a tenth of a second for anything.
    times_s = itertools.count(0, 0.1)
    monkeypatch.setattr(time, "process_time", lambda: next(times_s))
    file = workspace.write("a.py", "def f(): ...\n")
    changed: Order = {"changed": [str(file)]}
    assert files_of(taken_in(workspace, changed), workspace) == ["a.py", "a.py"]
    assert rests_s == [pytest.approx(0.3)]
