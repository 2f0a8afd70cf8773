"""Has a workspace read by a child process, and feeds what it finds to the index.

The child is a process because parsing holds the GIL for tens of milliseconds, and
because it has the lowest priority. `index_worker` is the child's side.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from foretype.definitions import Definition, Kind

if TYPE_CHECKING:
    # NB: For types only: it would load SQLite into the start of the server.
    from foretype.index_worker import Order, Passed, Report, Request
    from foretype.symbols import SymbolIndex

log = logging.getLogger(__name__)

MAX_FILES = 100_000
# A worker ends within milliseconds of the end of its input, unless it is parsing.
GRACE_S = 1.0
# A worker that dies is started again after so long, each time twice as long.
FIRST_DELAY_S = 1.0
# So often in a row, and there is something in the workspace that it cannot read.
MAX_DEATHS = 5
# One file at its most, with every character escaped.
MAX_REPORT_BYTES = 4 * 2**20
# What was asked for is not asked for again; forgotten when there is more.
MAX_WANTED = 4096

# With `start_new_session`: Ctrl-C in a terminal is for the parent, who ends the child.
if sys.platform == "win32":
    _CREATION_FLAGS = (
        subprocess.CREATE_NEW_PROCESS_GROUP
        | subprocess.CREATE_NO_WINDOW
        | subprocess.IDLE_PRIORITY_CLASS
    )
else:
    _CREATION_FLAGS = 0


def default_cache_folder() -> Path:
    """Where what was read of workspaces is kept for the next time."""
    return platformdirs.user_cache_path("foretype", appauthor=False) / "definitions"


class Indexer:
    """Keeps an index in step with a workspace, from `start` to `close`.

    Raises: nothing; a workspace that cannot be read must not keep a person from typing.
    """

    def __init__(
        self,
        index: SymbolIndex,
        *,
        cache_folder: Path | None = None,
        max_files: int = MAX_FILES,
    ) -> None:
        self._index = index
        self._cache_folder = cache_folder
        self._max_files = max_files
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._has_told_enough = False
        self._wanted: set[tuple[str, str]] = set()
        self.passed: Passed | None = None
        """What the last pass over the workspace has come to."""

    @property
    def pid(self) -> int | None:
        """The worker's process id, while there is one."""
        return self._process.pid if self._process else None

    def start(self, folders: Sequence[Path], near: Sequence[Path] = ()) -> None:
        """Begins to read folders, those around some files first."""
        assert self._task is None
        request: Request = {
            "folders": [str(folder) for folder in folders],
            "near": [str(path) for path in near],
            "cache_folder": str(self._cache_folder or default_cache_folder()),
            "max_files": self._max_files,
            "is_careful": False,
        }
        self._task = asyncio.create_task(self._run(request), name="index")

    def changed(self, paths: Iterable[Path]) -> None:
        """Has files and folders looked at that are new, different or gone."""
        self._order({"changed": [str(path) for path in paths]})
        # There may be something now where there was nothing.
        self._wanted.clear()

    def want(self, names: Sequence[str], near: Path) -> None:
        """Has definitions of names fetched for use in a file, if some are not here."""
        if not self._index.is_full:
            return
        folder = str(near.parent)
        new = [name for name in names if (folder, name) not in self._wanted]
        if not new:
            return
        if len(self._wanted) > MAX_WANTED:
            self._wanted.clear()
        self._wanted.update((folder, name) for name in new)
        self._order({"wanted": new, "near": str(near)})

    async def close(self) -> None:
        """Returns when the worker is gone."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, request: Request) -> None:
        n_deaths = 0
        while n_deaths < MAX_DEATHS:
            self.passed = None
            try:
                why = await self._serve(request)
            except OSError as error:
                why = f"it cannot be started ({error.strerror})"
            except ValueError:
                why = "its process said what is no report"
            # The work of a whole pass is not lost.
            n_deaths = 1 if self.passed else n_deaths + 1
            request["is_careful"] = True
            if n_deaths == 1:
                log.warning("the index of the workspace is started again: %s", why)
            await asyncio.sleep(FIRST_DELAY_S * 2 ** (n_deaths - 1))
        log.warning("the index of the workspace is given up: %s", why)

    async def _serve(self, request: Request) -> str:
        """Feeds the index until the worker ends; why it did."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # NB: Or it would import from the working folder, the user's project.
            "-m",
            "foretype.index_worker",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # NB: A traceback may quote the text of a file.
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            creationflags=_CREATION_FLAGS,
            limit=MAX_REPORT_BYTES,
        )
        assert process.stdout
        self._process = process
        self._has_told_enough = False
        try:
            self._write(request)
            while line := await process.stdout.readline():
                self._take(json.loads(line))
                # A key is not to wait for more than one report.
                await asyncio.sleep(0)
            return _why(await process.wait())
        finally:
            self._process = None
            await asyncio.shield(_end(process))

    def _take(self, report: Report) -> None:
        for path, rows in report.get("files", ()):
            found = [
                Definition(name, Kind(kind), text, line_idx)
                for name, kind, line_idx, text in rows
            ]
            self._index.add(Path(path), found, may_displace=report["asked"])
        for path in report.get("gone", ()):
            self._index.remove(Path(path))
        if self._index.is_full and not self._has_told_enough:
            self._has_told_enough = True
            self._order({"enough": True})
        if note := report.get("note"):
            log.info("%s", note)
        if passed := report.get("passed"):
            self.passed = passed
            # What was not there when it was asked for may have come later.
            self._wanted.clear()
            log.info("the index has gone through the workspace: %s", passed)
        if crash := report.get("crash"):
            log.error("the index has crashed: %s", crash)

    def _order(self, order: Order) -> None:
        # A worker that is not there will look at everything when it is.
        if self._process is not None:
            self._write(order)

    def _write(self, message: Order | Request) -> None:
        assert self._process and self._process.stdin
        # NB: Not drained: the worker reads all the time, and a broken pipe is the end
        # of its output, too.
        self._process.stdin.write(json.dumps(message).encode() + b"\n")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends a worker if it has not ended, and waits until nothing is left of it."""
    assert process.stdin
    process.stdin.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            await _ended(process)
    # It may end between the question whether it runs and the signal.
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await _ended(process)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await process.stdin.wait_closed()


async def _ended(process: asyncio.subprocess.Process) -> None:
    # NB: For asyncio it has ended only when its output has been read to the end.
    assert process.stdout
    while await process.stdout.read(MAX_REPORT_BYTES):
        pass
    await process.wait()


def _why(status: int) -> str:
    if status < 0:
        return f"its process was killed by {signal.Signals(-status).name}"
    return f"its process exited with status {status}"
