"""Processes that are spoken to from an event loop, and older versions of the server."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psutil
from processes import BENCH, CLOSE_TIMEOUT_S

ROOT = BENCH.parents[1]


@asynccontextmanager
async def running(
    command: Sequence[str], environment: Mapping[str, str]
) -> AsyncIterator[Process]:
    """A process that ends with its standard input."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, env=environment, limit=1 << 26
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()


def tell(process: Process, message: object) -> None:
    """Sends one line."""
    assert process.stdin is not None
    process.stdin.write(json.dumps(message).encode() + b"\n")


async def call(process: Process, message: object) -> Any:
    """What a process answers to one line."""
    assert process.stdout is not None
    tell(process, message)
    return json.loads(await process.stdout.readline())


def cpu_s(pid: int) -> float:
    """The CPU time that a process has taken."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def peak_bytes(pid: int) -> int:
    """The most memory a process has held; what it holds, where that is not kept."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        return psutil.Process(pid).memory_info().rss
    found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.M)
    assert found
    return int(found[1]) * 1024


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """A working tree of a revision, which is removed afterwards."""
    git = ("git", "-C", str(ROOT), "worktree")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "before")
        add = (*git, "add", "--quiet", "--detach", str(path), revision)
        subprocess.run(add, check=True)
        try:
            yield path
        finally:
            subprocess.run((*git, "remove", "--force", str(path)), check=True)
