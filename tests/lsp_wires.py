"""An editor at the other end of each wire that the server can be reached by."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from fake_endpoint import DEADLINE_S
from foretype import transport

SERVE = (sys.executable, "-P", "-m", "foretype")


class Wire(Protocol):
    """What carries messages."""

    async def send(self, *bodies: bytes) -> None:
        """Sends messages in one write, as far as the wire can."""

    async def receive(self) -> bytes | None:
        """The next message; None at the end."""

    async def close(self) -> None:
        """Ends the connection."""


class Stream:
    """Standard input and output, or TCP."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader, self.writer = reader, writer
        self._bodies = transport.messages(reader)

    async def send(self, *bodies: bytes) -> None:
        self.writer.write(b"".join(map(framed, bodies)))
        await self.writer.drain()

    async def receive(self) -> bytes | None:
        try:
            return await anext(self._bodies, None)
        except ConnectionError:
            return None

    async def close(self) -> None:
        self.writer.close()


class WebSocket:
    """A WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, *bodies: bytes) -> None:
        for body in bodies:
            await self.connection.send(body.decode())

    async def receive(self) -> bytes | None:
        try:
            message = await self.connection.recv()
        except ConnectionClosed:
            return None
        assert isinstance(message, str)
        return message.encode()

    async def close(self) -> None:
        await self.connection.close()


class Editor:
    """Speaks LSP by hand, so that what is wrong can be said too."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.wire.close()

    async def send(self, *messages: Mapping[str, Any]) -> None:
        bodies = (json.dumps({"jsonrpc": "2.0", **m}).encode() for m in messages)
        await self.wire.send(*bodies)

    async def receive(self) -> dict[str, Any] | None:
        async with asyncio.timeout(DEADLINE_S):
            body = await self.wire.receive()
        if body is None:
            return None
        message: dict[str, Any] = json.loads(body)
        return message

    async def answer(self, msg_id: object) -> dict[str, Any]:
        """The answer to a request; what else comes is left out."""
        while True:
            message = await self.receive()
            assert message is not None, "the server has left"
            if message.get("id") == msg_id and "method" not in message:
                return message

    async def notified(self, method: str) -> Any:
        """The parameters of the next notification of a method."""
        while True:
            message = await self.receive()
            assert message is not None, "the server has left"
            if message.get("method") == method:
                return message["params"]

    async def initialize(self, options: object = None) -> dict[str, Any]:
        params = {"capabilities": {}, "initializationOptions": options}
        await self.send({"id": 0, "method": "initialize", "params": params})
        return await self.answer(0)

    async def ended(self) -> None:
        """Returns when the server has left; what it still says is left out."""
        while await self.receive() is not None:
            pass


def framed(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


@asynccontextmanager
async def serving(
    *arguments: str, **variables: str
) -> AsyncIterator[tuple[int, asyncio.subprocess.Process]]:
    """A server's process and the port that it says it listens at."""
    process = await asyncio.create_subprocess_exec(
        *SERVE,
        *arguments,
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout and process.stderr
    try:
        async with asyncio.timeout(DEADLINE_S):
            line = (await process.stdout.readline()).decode()
        assert "listening at" in line, (await process.stderr.read()).decode()
        yield int(line.rpartition(":")[2]), process
    finally:
        if process.returncode is None:
            process.terminate()
        _, stderr = await process.communicate()
        assert stderr.decode() == ""
        assert process.returncode == 0


@asynccontextmanager
async def by_tcp(port: int, token: str = "") -> AsyncIterator[Editor]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    if token:
        writer.write(f"Authorization: Bearer {token}\r\n".encode())
    async with Editor(Stream(reader, writer)) as editor:
        yield editor


@asynccontextmanager
async def by_websocket(
    port: int,
    token: str = "",
    *,
    origin: str | None = None,
    subprotocols: Sequence[str] | None = None,
    host: str | None = None,
) -> AsyncIterator[Editor]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    options: dict[str, Any] = {}
    uri = f"ws://127.0.0.1:{port}/"
    if host is not None:
        # The name as it stands in the URL, whatever it points to.
        options = {"host": "127.0.0.1", "port": port}
        uri = f"ws://{host}/"
    connection = await connect(
        uri,
        origin=origin,  # type: ignore[arg-type]
        subprotocols=subprotocols,  # type: ignore[arg-type]
        additional_headers=headers,
        max_size=None,
        proxy=None,
        **options,
    )
    async with Editor(WebSocket(connection)) as editor:
        yield editor


@asynccontextmanager
async def by_stdio() -> AsyncIterator[Editor]:
    process = await asyncio.create_subprocess_exec(
        *SERVE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin and process.stdout
    async with Editor(Stream(process.stdout, process.stdin)) as editor:
        yield editor
    await process.communicate()
