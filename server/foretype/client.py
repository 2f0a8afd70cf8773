"""An editor without a window: starts the real server and speaks LSP with it.

For the demo and for benchmarks. Messages are plain dictionaries, so that what is
measured is the server and not this side.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from typing import IO, Any, Self

from foretype import transport
from foretype.errors import ForetypeError

SERVER_COMMAND = (sys.executable, "-P", "-m", "foretype", "--stdio")
# A server that has not ended by itself this long after it was told to is killed.
CLOSE_TIMEOUT_S = 5.0
# RequestCancelled, ContentModified and ServerCancelled: nothing new, and no failure.
SUPERSEDED_CODES = (-32800, -32801, -32802)

# What an editor answers to what the server asks.
_ANSWERS: Mapping[str, object] = {
    "client/registerCapability": None,
    "window/workDoneProgress/create": None,
}


class Client:
    """A conversation with a server process, which ends with `async with`.

    Raises, from whatever waits for the server: ForetypeError once that has ended.
    """

    def __init__(
        self,
        command: Sequence[str] = SERVER_COMMAND,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self._command = command
        self._own_answers = {**_ANSWERS, "workspace/configuration": [settings]}
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        # NB: None is the last there is, and stays in the queue.
        self._notifications: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue()
        self._end: ForetypeError | None = None

    async def __aenter__(self) -> Self:
        # A file, because a pipe that nobody empties would stop the server.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=self._stderr,
                limit=transport.READ_AHEAD_BYTES,
            )
        except OSError as error:
            self._stderr.close()
            message = f"the server cannot be started: {error.strerror}"
            raise ForetypeError(message) from error
        self._reading = asyncio.create_task(self._read(), name="read the server")
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._shut_down()
        except TimeoutError:
            # It is killed below, as it is where this is cancelled.
            return
        finally:
            if self._process.returncode is None:
                self._process.kill()
            await self._reading
            self._stderr.close()

    async def initialize(self) -> Any:
        """Opens the conversation; returns what the server can do.

        Positions count in UTF-8 from then on.
        """
        capabilities = {
            "general": {"positionEncodings": ["utf-8"]},
            "workspace": {"configuration": True},
        }
        params = {"processId": None, "rootUri": None, "capabilities": capabilities}
        result = await self.request("initialize", params)
        self.notify("initialized", {})
        return result

    async def request(self, method: str, params: object) -> Any:
        """The server's result; None also where the request was superseded."""
        if self._end is not None:
            raise self._end
        msg_id = next(self._ids)
        self._answers[msg_id] = asyncio.get_running_loop().create_future()
        self._send({"id": msg_id, "method": method, "params": params})
        try:
            answer = await self._answers[msg_id]
        finally:
            del self._answers[msg_id]
        error = answer.get("error")
        if error is not None and error["code"] not in SUPERSEDED_CODES:
            raise ForetypeError(f"the server refused {method}: {error['message']}")
        return answer.get("result")

    def notify(self, method: str, params: object) -> None:
        """Sends a notification; a server that has ended misses it."""
        self._send({"method": method, "params": params})

    @property
    def has_notifications(self) -> bool:
        """Whether `notification` would not wait."""
        return not self._notifications.empty()

    async def notification(self) -> tuple[str, Any]:
        """The method and the parameters of the oldest notification not yet read."""
        notification = await self._notifications.get()
        if notification is None:
            self._notifications.put_nowait(None)
            assert self._end is not None
            raise self._end
        return notification

    async def _shut_down(self) -> None:
        # One that has ended already has nothing to shut down.
        with contextlib.suppress(ForetypeError):
            await self.request("shutdown", None)
        self.notify("exit", None)
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    def _send(self, message: Mapping[str, object]) -> None:
        if self._end is not None:
            return
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    async def _read(self) -> None:
        """Receives until the server ends, and then fails whoever waits for it."""
        assert self._process.stdout is not None
        async for body in transport.messages(self._process.stdout):
            self._receive(json.loads(body))
        status = await self._process.wait()
        reason = _last_line(self._stderr)
        self._end = ForetypeError(
            f"the server ended with status {status}{reason and f': {reason}'}"
        )
        self._notifications.put_nowait(None)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(self._end)

    def _receive(self, message: dict[str, Any]) -> None:
        method, msg_id = message.get("method"), message.get("id")
        if method is None:
            answer = self._answers.get(message["id"])
            # Whoever asked may have given up meanwhile.
            if answer is not None and not answer.done():
                answer.set_result(message)
        elif msg_id is None:
            self._notifications.put_nowait((method, message.get("params")))
        elif method in self._own_answers:
            self._send({"id": msg_id, "result": self._own_answers[method]})
        else:
            error = {"code": -32601, "message": f"{method} is not supported"}
            self._send({"id": msg_id, "error": error})


def _last_line(file: IO[bytes]) -> str:
    """The last words of a process; empty where it had none."""
    file.seek(0)
    lines = file.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
