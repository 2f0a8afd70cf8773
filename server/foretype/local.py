"""Runs the built-in model: starts the child process that serves it, watches, ends it.

The child is a process because loading holds the GIL for a second and evaluating may be
killed for its memory: neither must touch the editor's session. What it serves is spoken
to like any other endpoint, elsewhere. `local_server` is the child's side.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from foretype.errors import LocalModelError
from foretype.local_server import Request

# The first start also copies and checks 242 MiB: 2 s here, more on a slow disk.
LAUNCH_DEADLINE_S = 60
GRACE_S = 1  # A serving child ends within milliseconds of the end of its input.
STDERR_TAIL_BYTES = 4096  # Enough for llama.cpp's last words.

# With `start_new_session`: Ctrl-C in a terminal is for the parent, who ends the child.
if sys.platform == "win32":
    _CREATION_FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
else:
    _CREATION_FLAGS = 0


async def launch(
    *, model_path: Path | None = None, n_threads: int = 0, n_ctx_tokens: int = 2048
) -> LocalServer:
    """A started server that has its model loaded; the caller must `stop` it.

    `n_threads` 0 is a number fit for the machine. `n_ctx_tokens` is for one request:
    its prompt and what is generated.

    NB: On Linux the child also dies with the thread this is called in.
    Raises: LocalModelError. Cancelling ends the child too.
    """
    api_key = secrets.token_urlsafe(32)
    request = Request(
        parent_pid=os.getpid(),
        model_path=None if model_path is None else str(model_path),
        api_key=api_key,
        n_threads=n_threads,
        n_ctx_tokens=n_ctx_tokens,
    )
    child = await _spawn()
    try:
        port = await child.ask(request)
    except BaseException:
        await child.kill()
        raise
    return LocalServer(f"http://127.0.0.1:{port}/v1", api_key, child)


@dataclass(frozen=True)
class LocalServer:
    """A running server: where it is, and the key it asks for."""

    base_url: str
    api_key: str = field(repr=False)
    _child: _Child = field(repr=False)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.process.pid

    async def wait(self) -> str:
        """Returns when the server has ended, with the reason in words."""
        return await self._child.wait()

    async def stop(self) -> None:
        """Ends the server, gently if it lets us; it is gone when this returns."""
        await self._child.stop()


async def _spawn() -> _Child:
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # NB: Or it would import from the working folder, the user's project.
            "-m",
            "foretype.local_server",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            creationflags=_CREATION_FLAGS,
        )
    except OSError as error:
        raise LocalModelError(
            f"cannot start {sys.executable} for the built-in model ({error.strerror}):"
            " free memory or processes, or set an endpoint"
        ) from error
    return _Child(process)


class _Child:
    """The child process with its pipes, which must be read lest they fill and block."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin and process.stdout and process.stderr
        self.process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self._stderr = process.stderr
        self._stderr_tail = b""
        self._draining = asyncio.create_task(self._drain_stderr())

    async def ask(self, request: Request) -> int:
        """The port the child serves on.

        Raises: LocalModelError.
        """
        try:
            async with asyncio.timeout(LAUNCH_DEADLINE_S):
                # A child that died at once leaves a broken pipe; its status says more.
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self._stdin.write(json.dumps(request).encode() + b"\n")
                    await self._stdin.drain()
                line = await self._stdout.readline()
        except TimeoutError:
            raise LocalModelError(
                f"the built-in model was not ready after {LAUNCH_DEADLINE_S} s:"
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
        return int(answer["port"])

    async def wait(self) -> str:
        status = await self.process.wait()
        await asyncio.shield(self._draining)
        return _why(status, self._stderr_tail)

    async def stop(self) -> None:
        try:
            self._stdin.close()
            if not await self._ends_within(GRACE_S):
                self._signal(self.process.terminate)
                await self._ends_within(GRACE_S)
        finally:
            await self.kill()

    async def kill(self) -> None:
        """Ends the child if it has not ended, and waits until nothing is left of it."""
        self._signal(self.process.kill)
        self._stdin.close()
        await self.process.wait()
        # asyncio lets go of the pipes only when they have been read to their end.
        await self._stdout.read()
        await asyncio.shield(self._draining)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await self._stdin.wait_closed()

    async def _ends_within(self, deadline_s: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), deadline_s)
        return self.process.returncode is not None

    def _signal(self, send: Callable[[], None]) -> None:
        # It may end between the question whether it runs and the signal.
        with contextlib.suppress(ProcessLookupError):
            send()

    async def _drain_stderr(self) -> None:
        while data := await self._stderr.read(STDERR_TAIL_BYTES):
            self._stderr_tail = (self._stderr_tail + data)[-STDERR_TAIL_BYTES:]


def _why(status: int, stderr_tail: bytes) -> str:
    if status < 0:
        reason = f"it was killed by {signal.Signals(-status).name}"
        if -status == getattr(signal, "SIGKILL", None):
            reason += ", perhaps for lack of memory"
    else:
        reason = f"it exited with status {status}"
    lines = stderr_tail.decode(errors="replace").strip().splitlines()
    return f"{reason}: {lines[-1]}" if lines else reason
