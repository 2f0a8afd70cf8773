"""The clients' side of the built-in model: finds the server that runs, or starts it.

One process serves all editors of a user. Whoever needs it first starts it, under a
lock; the others find it in `local_registry`. Where that is not to be had, a client has
a server of its own. What it serves is spoken to like any other endpoint, elsewhere.

It is a process because loading holds the GIL for a second and evaluating may be killed
for its memory: neither must touch the editor's session. `local_server` is its side.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from foretype import local_registry
from foretype.errors import LocalModelError
from foretype.local_link import Link, NotOurs
from foretype.local_registry import Entry
from foretype.local_server import Request

log = logging.getLogger(__name__)

# 2 s here with the first copy of the built-in weights; minutes for gigabytes from a
# slow disk, or beside a build that takes all cores.
LAUNCH_DEADLINE_S = 180.0
# Whoever holds the lock has given up by then.
LOCK_TIMEOUT_S = LAUNCH_DEADLINE_S + 10
LOCK_POLL_S = 0.05
GRACE_S = 1.0  # A server that nobody uses any more ends within milliseconds.
STDERR_TAIL_BYTES = 4096  # Enough for llama.cpp's last words.
_TOKEN_BYTES = 32

# With `start_new_session`: Ctrl-C in a terminal is not for the server, nor is what ends
# the editor's job.
if sys.platform == "win32":
    _CREATION_FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
else:
    _CREATION_FLAGS = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What server a client needs; `None` is the built-in model.

    `n_threads` 0 is a number fit for the machine. `n_ctx_tokens` is for one request:
    its prompt and what is generated.
    """

    model_path: Path | None = None
    n_threads: int = 0
    n_ctx_tokens: int = 4096
    is_shared: bool = True
    linger_s: float = 60
    """How long the server outlives this client, if it is the last."""


async def connect(wanted: Wanted) -> LocalServer:
    """A server that has its model loaded; the caller must `leave` it.

    NB: On Linux one that is loading dies with the thread this is called in.
    Raises: LocalModelError. Cancelling ends a server that is loading too.
    """
    if wanted.model_path is not None:
        # The server works in another folder.
        wanted = replace(wanted, model_path=_absolute(wanted.model_path))
    if wanted.is_shared:
        try:
            return await _shared(wanted)
        except (OSError, NotImplementedError) as error:
            # NotImplementedError is a file system without locks.
            _tell_unshared(str(error) or type(error).__name__)
    return await _launch(wanted, None)


class LocalServer:
    """A running server as one client sees it."""

    def __init__(self, link: Link, token: str, process: _Process | None) -> None:
        self.base_url = f"{link.welcome['address']}/v1"
        self.api_key = token
        self.pid = int(link.welcome["pid"])
        self._link = link
        # Only who started it can tell how it ended.
        self._process = process

    def __repr__(self) -> str:
        return f"LocalServer({self.base_url!r}, pid={self.pid})"

    async def slot(self, document: str) -> int:
        """The cache slot for a document. Raises: Unreachable."""
        return await self._link.slot(document)

    async def wait(self) -> str:
        """Returns when the server has ended, with the reason in words."""
        await self._link.is_lost.wait()
        if self._process is None:
            return "its process is gone"
        return await self._process.wait()

    async def leave(self) -> None:
        """Lets go of the server; one that is for this client alone is gone then."""
        await self._link.close()
        if self._process is not None and not self._process.is_shared:
            await self._process.end(GRACE_S)


async def _shared(wanted: Wanted) -> LocalServer:
    """The server that others use too. Raises: OSError where none can be shared."""
    kind = {"n_threads": wanted.n_threads, "n_ctx_tokens": wanted.n_ctx_tokens}
    entry = local_registry.entry(kind, wanted.model_path)
    entry.prepare()
    if server := await _join(entry, wanted):
        return server
    async with _locked(entry.lock_file):
        # Whoever had the lock may have started it.
        if server := await _join(entry, wanted):
            return server
        return await _launch(wanted, entry)


async def _join(entry: Entry, wanted: Wanted) -> LocalServer | None:
    """The server that is written down, if it is still there."""
    running = entry.read()
    if running is None:
        return None
    try:
        link = await Link.open(running.port, running.token, wanted.linger_s)
    except NotOurs as error:
        log.info("the built-in model that was written down is gone: %s", error)
        return None
    return LocalServer(link, running.token, None)


@contextlib.asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    """Holds a lock against other processes. Raises: OSError where it cannot be had."""
    # Imported here, as most starts find the server and need no lock.
    from filelock import FileLock, Timeout

    # NB: The soft lock it would fall back to outlives a process that was killed.
    lock = FileLock(path, fallback_to_soft=False, thread_local=False)
    try:
        async with asyncio.timeout(LOCK_TIMEOUT_S):
            while True:
                with contextlib.suppress(Timeout):
                    lock.acquire(blocking=False)
                    break
                await asyncio.sleep(LOCK_POLL_S)
    except TimeoutError:
        raise OSError(f"another process has held {path} for too long") from None
    try:
        yield
    finally:
        lock.release()


async def _launch(wanted: Wanted, entry: Entry | None) -> LocalServer:
    """A server that was started just now; it is for all where it has an entry."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    path = wanted.model_path
    request = Request(
        client_pid=os.getpid(),
        model_path=None if path is None else str(path),
        token=token,
        n_threads=wanted.n_threads,
        n_ctx_tokens=wanted.n_ctx_tokens,
        folder=None if entry is None else str(entry.folder),
        name="" if entry is None else entry.name,
    )
    process = _Process(request, entry)
    try:
        port = await process.port()
        linger_s = wanted.linger_s if process.is_shared else 0
        link = await Link.open(port, token, linger_s)
    except NotOurs as error:
        await process.end()
        raise LocalModelError(
            "the built-in model has ended while it started; the next request starts it"
            " again"
        ) from error
    except BaseException:
        await process.end()
        raise
    return LocalServer(link, token, process)


class _Process:
    """A server's process, as who started it sees it."""

    def __init__(self, request: Request, entry: Entry | None) -> None:
        self.is_shared = entry is not None
        self._loop = asyncio.get_running_loop()
        self._line: asyncio.Future[bytes] = self._loop.create_future()
        self._ended = asyncio.Event()
        self._stderr = _open_log(entry)
        self._last_words = b""
        try:
            self._popen = subprocess.Popen(
                [
                    sys.executable,
                    "-P",  # NB: Or it would import from the folder that is opened.
                    "-m",
                    "foretype.local_server",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                # NB: Not in the folder that is opened, which may be unmounted.
                cwd=Path(sys.executable).anchor,
                start_new_session=True,
                creationflags=_CREATION_FLAGS,
            )
        except OSError as error:
            self._stderr.close()
            raise LocalModelError(
                f"cannot start {sys.executable} for the built-in model "
                f"({error.strerror}): free memory or processes, or set an endpoint"
            ) from error
        # NB: asyncio's own processes are killed with their event loop, and threads of
        # its executor waited for. This one may outlive the loop, and its thread too.
        threading.Thread(
            target=self._attend, args=(request,), name="local model", daemon=True
        ).start()

    async def port(self) -> int:
        """That of the server's door, once the model is loaded.

        Raises: LocalModelError.
        """
        try:
            async with asyncio.timeout(LAUNCH_DEADLINE_S):
                line = await self._line
        except TimeoutError:
            raise LocalModelError(
                f"the built-in model was not ready after {LAUNCH_DEADLINE_S:.0f} s:"
                " try a smaller one, or set an endpoint"
            ) from None
        if not line:
            reason = await self.wait()
            raise LocalModelError(f"the built-in model did not start: {reason}")
        try:
            answer = json.loads(line)
        except ValueError:
            raise LocalModelError(
                "something else printed where the built-in model should answer:"
                " look for a sitecustomize module, or set an endpoint"
            ) from None
        if "error" in answer:
            raise LocalModelError(answer["error"])
        if "unshared" in answer:
            self.is_shared = False
            _tell_unshared(answer["unshared"])
        return int(answer["port"])

    async def wait(self) -> str:
        """Returns when it has ended, with the reason in words."""
        await self._ended.wait()
        return _why(self._popen.returncode, self._last_words)

    async def end(self, grace_s: float = 0) -> None:
        """Returns when nothing is left of it; it is killed if it has not ended."""
        try:
            async with asyncio.timeout(grace_s):
                await self._ended.wait()
        except TimeoutError:
            pass
        finally:
            self._popen.kill()
        await self._ended.wait()

    def _attend(self, request: Request) -> None:
        """Talks to the process and waits for its end, in a thread."""
        line = b""
        assert self._popen.stdin and self._popen.stdout
        # One that died at once leaves a broken pipe; its status says more.
        with contextlib.suppress(OSError):
            self._popen.stdin.write(json.dumps(request).encode() + b"\n")
            self._popen.stdin.flush()
            line = self._popen.stdout.readline()
        self._tell(self._answered, line)
        with contextlib.suppress(OSError):
            self._popen.stdin.close()
        self._popen.stdout.close()
        self._popen.wait()
        with self._stderr:
            self._last_words = _tail(self._stderr)
        self._tell(self._ended.set)

    def _answered(self, line: bytes) -> None:
        if not self._line.done():
            self._line.set_result(line)

    def _tell(self, callback: Callable[..., object], *values: object) -> None:
        # A loop that is closed has nobody waiting in it.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *values)


def _absolute(path: Path) -> Path:
    """The path from any working folder; without a home, `~` is left as it is."""
    with contextlib.suppress(RuntimeError):
        path = path.expanduser()
    return path.absolute()


def _open_log(entry: Entry | None) -> BinaryIO:
    """Where a server's standard error goes: nobody can be relied on to empty a pipe."""
    if entry is not None:
        with contextlib.suppress(OSError):
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
            return os.fdopen(os.open(entry.log_file, flags, 0o600), "w+b")
    return tempfile.TemporaryFile()


def _tail(log_file: BinaryIO) -> bytes:
    """The end of what a process that has ended has written."""
    n_bytes = log_file.seek(0, os.SEEK_END)
    log_file.seek(max(n_bytes - STDERR_TAIL_BYTES, 0))
    return log_file.read()


def _tell_unshared(why: str) -> None:
    log.warning("this editor has a built-in model of its own: %s", why)


def _why(status: int, stderr_tail: bytes) -> str:
    if status < 0:
        reason = f"it was killed by {signal.Signals(-status).name}"
        if -status == getattr(signal, "SIGKILL", None):
            reason += ", perhaps for lack of memory"
    else:
        reason = f"it exited with status {status}"
    lines = stderr_tail.decode(errors="replace").strip().splitlines()
    return f"{reason}: {lines[-1]}" if lines else reason
