"""A fake endpoint on loopback, which misbehaves on request.

An answer is a script of steps: texts are sent as events in the shape of the wire that
was asked (`wire_shapes`), and anything else in between is sent, waited for or done as
it says. What is asked with GET takes no answer of the script.
In a test, it is a context manager:

    async with FakeEndpoint(Answer(("a", "b"))) as endpoint:
        endpoint.script.append(Answer(("a", Fault.RESET)))  # for the next request
        ...
        request = await endpoint.next_request()
        await request.disconnected()

As a process of its own it prints its port, and ends when its standard input does:

    python tests/fake_endpoint.py --script script.json [--record requests.jsonl]

where the script is `{"default": answer, "script": [answer, ...]}`, an answer has the
fields of `Answer`, and a step that is not a text is `{"raw": "text"}`,
`{"pause_ms": 5}` or `{"fault": "reset"}`. Nothing in it knows the product.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import ssl
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from wire_shapes import SHAPES, Ending, Shape, of_path, sse

# How long a test waits for what must happen; only a failing one waits this long.
DEADLINE_S = 60.0
HOST = "127.0.0.1"


class Fault(Enum):
    """A step after which nothing more is sent."""

    CLOSE = "close"
    """The connection is closed in order, in the middle of the answer or before it."""
    RESET = "reset"
    """The connection is reset."""
    STALL = "stall"
    """The connection stays open."""


class Writes(Enum):
    """How the body of a stream is cut into writes to the socket."""

    EVENTS = "events"
    """One write an event."""
    BYTES = "bytes"
    """One write a byte, which cuts events, line ends and characters."""
    WHOLE = "whole"
    """One write for all that needs no waiting in between."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A step that sends a part of the body as it is."""

    body: str | bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """A step that waits."""

    ms: float


@dataclass(frozen=True, slots=True)
class Shaped:
    """A step that sends what the wire that was asked has for it."""

    body: Callable[[Shape], str]


Deed = Pause | Fault | asyncio.Event
"""A step that sends nothing; an event of asyncio holds the answer until it is set."""
Step = str | Raw | Shaped | Deed
"""A text of the completion, or something else."""

COMMENT = Raw(": OPENROUTER PROCESSING\n\n")
KEEP_ALIVE = Raw(":\n\n")


def event(fields: object) -> Raw:
    """A step that sends one server-sent event, whatever the wire."""
    return Raw(sse(fields))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the endpoint does with one request."""

    steps: tuple[Step, ...] = ()
    """The body of a stream, up to its end."""
    before: tuple[Deed, ...] = ()
    """What happens before the first byte of the answer."""
    after: tuple[Raw | Deed, ...] = ()
    """What happens after the last event, before the end of the body."""
    between_ms: float = 0
    """How long it waits before each text but the first."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    """Sent in place of a stream."""
    wire: str = ""
    """The name of a shape; the endpoint's, or the request's path, say it otherwise."""
    finish_reason: str | None = "stop"
    """The reason in an event of its own at the end; None leaves it out."""
    usage: tuple[int, ...] | None = None
    """Tokens in, out, and of those in the ones from a cache, as the wire tells them."""
    has_done: bool = True
    """Whether `[DONE]` ends the stream."""
    is_last: bool = False
    """Whether the connection is closed behind it, unannounced, as llama.cpp does."""
    line_end: str = "\n"
    writes: Writes = Writes.EVENTS


OK = Answer(("ok",))


def redirect(url: str, status: int = 307) -> Answer:
    """An answer that sends the client elsewhere."""
    return Answer(status=status, headers={"Location": url}, body="")


class Request:
    """One request, and what became of its answer."""

    def __init__(
        self, path: str, headers: Mapping[str, str], body: Any, connection: int
    ) -> None:
        self.received_ns = time.perf_counter_ns()
        """When the last byte of the request was read."""
        self.path = path
        self.headers = headers
        """The names are in lower case."""
        self.body = body
        self.connection = connection
        """The number of the connection it came over, from 1."""
        self.chunks_ns: list[int] = []
        """When each text of the answer was written."""
        self.disconnected_ns: int | None = None
        """When the client was seen to go before the whole answer was written."""
        self.answered_ns: int | None = None
        """When the last byte of the answer was written."""
        self._chunk = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def n_chunks(self) -> int:
        """How many texts of the answer were written."""
        return len(self.chunks_ns)

    async def disconnected(self) -> None:
        """Returns when the client has left an answer that was not all written.

        Raises: AssertionError where the answer was written to its end.
        """
        await self.ended()
        assert self.disconnected_ns is not None, "the client stayed to the end"

    async def ended(self) -> None:
        """Returns when the answer is written or can no longer be."""
        async with asyncio.timeout(DEADLINE_S):
            await self._ended.wait()

    async def wrote(self, n_chunks: int) -> None:
        """Returns when so many texts have been written."""
        async with asyncio.timeout(DEADLINE_S):
            while self.n_chunks < n_chunks:
                self._chunk.clear()
                await self._chunk.wait()

    def count_chunk(self) -> None:
        self.chunks_ns.append(time.perf_counter_ns())
        self._chunk.set()

    def end(self, *, is_whole: bool) -> None:
        if self._ended.is_set():
            return
        if is_whole:
            self.answered_ns = time.perf_counter_ns()
        else:
            self.disconnected_ns = time.perf_counter_ns()
        self._ended.set()

    def record(self) -> dict[str, Any]:
        """All of it as JSON."""
        names = ("path", "headers", "body", "connection", "n_chunks", "chunks_ns")
        stamps = ("received_ns", "disconnected_ns", "answered_ns")
        return {name: getattr(self, name) for name in names + stamps}


Answering = Answer | Callable[[Request], Answer]


class FakeEndpoint:
    """A server on a port of its own; each request takes the script's next answer."""

    def __init__(
        self,
        default: Answering = OK,
        *,
        script: tuple[Answering, ...] = (),
        wire: str = "",
        models: tuple[str, ...] | None = None,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
        on_end: Callable[[Request], None] = lambda request: None,
    ) -> None:
        self.default = default
        """What answers once the script is used up."""
        self.script: deque[Answering] = deque(script)
        self.wire = wire
        """The name of the shape it answers in; the path says it where this is empty."""
        self.models = models
        """What it lists as its models; None where it has no such list."""
        self.fetching: Answer | None = None
        """What answers all that is asked with GET, in place of that."""
        self.requests: list[Request] = []
        self.fetched: list[Request] = []
        """What was asked with GET."""
        self.n_connections = 0
        """How many connections there have been."""
        self.on_end = on_end
        self.port = port
        """Where it listens; 0 is one of the system's choice, which replaces it."""
        self._tls = tls
        self._queue: asyncio.Queue[Request] = asyncio.Queue()
        self._open: set[_Connection] = set()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), HOST, self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes its port and every connection."""
        self._server.close()
        for connection in tuple(self._open):
            connection.abort()
        await self.connections_are(0)

    @property
    def base_url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{HOST}:{self.port}/v1"

    @property
    def n_open(self) -> int:
        """How many connections are open."""
        return len(self._open)

    async def next_request(self) -> Request:
        """The oldest request that this has not returned yet."""
        async with asyncio.timeout(DEADLINE_S):
            return await self._queue.get()

    async def connections_are(self, n_open: int) -> None:
        """Returns when so many connections are open."""
        async with asyncio.timeout(DEADLINE_S):
            while len(self._open) != n_open:
                self._changed.clear()
                await self._changed.wait()

    async def connections_were(self, n_connections: int) -> None:
        """Returns when so many connections have been opened, ever."""
        async with asyncio.timeout(DEADLINE_S):
            while self.n_connections < n_connections:
                self._changed.clear()
                await self._changed.wait()

    def opened(self, connection: _Connection) -> int:
        self._open.add(connection)
        self.n_connections += 1
        self._changed.set()
        return self.n_connections

    def closed(self, connection: _Connection) -> None:
        self._open.discard(connection)
        self._changed.set()

    def fetch(self, request: Request) -> Answer:
        self.fetched.append(request)
        if self.fetching is not None:
            return self.fetching
        if not request.path.endswith("/models"):
            return Answer(body="{}")
        if self.models is None:
            return Answer(status=404, body="{}")
        listed = [{"id": name, "object": "model"} for name in self.models]
        return Answer(body=json.dumps({"object": "list", "data": listed}))

    def shape(self, request: Request, answer: Answer) -> Shape:
        return SHAPES[answer.wire or self.wire or of_path(request.path)]

    def received(self, request: Request) -> Answer:
        self.requests.append(request)
        self._queue.put_nowait(request)
        answering = self.script.popleft() if self.script else self.default
        return answering if isinstance(answering, Answer) else answering(request)


class _Connection(asyncio.Protocol):
    """One connection: its requests are answered one after the other."""

    def __init__(self, endpoint: FakeEndpoint) -> None:
        self._endpoint = endpoint
        self._buffer = bytearray()
        self._request: Request | None = None
        self._answering: asyncio.Task[None] | None = None
        self._is_lost = False
        self._writable = asyncio.Event()
        self._writable.set()

    def abort(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._number = self._endpoint.opened(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._answering is None:
            self._next()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def eof_received(self) -> None:
        self._left()

    def connection_lost(self, error: Exception | None) -> None:
        self._left()
        self._is_lost = True
        if self._answering is None:
            self._endpoint.closed(self)
        else:
            self._answering.cancel()

    def _left(self) -> None:
        if self._request is not None:
            self._request.end(is_whole=False)

    def _next(self) -> None:
        """Begins to answer the next request once all of it is there."""
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        n_bytes = int(headers.get("content-length", 0))
        if len(rest) < n_bytes:
            return
        self._buffer = rest[n_bytes:]
        body = json.loads(rest[:n_bytes]) if n_bytes else None
        method, path, _ = first.split(" ")
        request = Request(path, headers, body, self._number)
        self._request = request
        is_fetch = method == "GET"
        answer = (
            self._endpoint.fetch(request)
            if is_fetch
            else self._endpoint.received(request)
        )
        self._answering = asyncio.create_task(self._answer(request, answer))
        self._answering.add_done_callback(lambda task: self._answered(request, task))

    def _answered(self, request: Request, task: asyncio.Task[None]) -> None:
        self._endpoint.on_end(request)
        self._answering = None
        if not task.cancelled():
            task.result()
        if self._is_lost:
            self._endpoint.closed(self)
        else:
            self._next()

    async def _answer(self, request: Request, answer: Answer) -> None:
        for step in answer.before:
            await self._do(step)
        shape = self._endpoint.shape(request, answer)
        await self._write(_head(answer, shape))
        if answer.body is not None:
            await self._write(answer.body.encode())
        else:
            await self._stream(request, answer, shape)
            # In a write of its own, as servers do.
            await self._write(b"0\r\n\r\n")
        request.end(is_whole=True)
        if answer.is_last:
            self._transport.close()

    async def _stream(self, request: Request, answer: Answer, shape: Shape) -> None:
        unwritten = b""
        for step in _all_steps(answer, shape):
            if isinstance(step, Raw):
                body = _encoded(step, answer.line_end)
                match answer.writes:
                    case Writes.EVENTS:
                        await self._write(_framed(body))
                    case Writes.BYTES:
                        for byte in body:
                            await self._write(_framed(bytes((byte,))))
                            # Lets a client on the same loop read each by itself.
                            await asyncio.sleep(0)
                    case Writes.WHOLE:
                        unwritten += _framed(body)
                if isinstance(step, _Chunk):
                    request.count_chunk()
            else:
                await self._write(unwritten)
                unwritten = b""
                await self._do(step)
        await self._write(unwritten)

    async def _do(self, step: Deed) -> None:
        match step:
            case Pause(ms):
                await asyncio.sleep(ms / 1000)
            case asyncio.Event():
                await step.wait()
            case Fault.STALL:
                await asyncio.Event().wait()
            case Fault.CLOSE:
                self._transport.close()
                await asyncio.Event().wait()
            case Fault.RESET:
                raw_socket = self._transport.get_extra_info("socket")
                # Lingering for no time is what sends a reset.
                linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
                raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self._transport.abort()
                await asyncio.Event().wait()

    async def _write(self, data: bytes) -> None:
        if self._transport.is_closing():
            # `connection_lost` is on its way, and cancels this.
            await asyncio.Event().wait()
        self._transport.write(data)
        if not self._writable.is_set():
            await self._writable.wait()


def _head(answer: Answer, shape: Shape) -> bytes:
    framing = (
        {"Content-Type": shape.content_type, "Transfer-Encoding": "chunked"}
        if answer.body is None
        else {
            "Content-Type": "application/json",
            "Content-Length": str(len(answer.body.encode())),
        }
    )
    fields = {**framing, **answer.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {answer.status} Fake\r\n{lines}\r\n".encode()


@dataclass(frozen=True, slots=True)
class _Chunk(Raw):
    """The event of one text of the script."""


def _all_steps(answer: Answer, shape: Shape) -> Iterator[Raw | Deed]:
    """The script with its texts as events, and what comes around them."""
    yield from map(Raw, shape.opening())
    is_first = True
    for step in answer.steps:
        if isinstance(step, Shaped):
            yield Raw(step.body(shape))
            continue
        if not isinstance(step, str):
            yield step
            continue
        if answer.between_ms and not is_first:
            yield Pause(answer.between_ms)
        is_first = False
        yield _Chunk(shape.text(step))
    ending = Ending(answer.finish_reason, answer.usage, answer.has_done)
    yield from map(Raw, shape.ending(ending))
    yield from answer.after


def _encoded(part: Raw, line_end: str) -> bytes:
    if isinstance(part.body, bytes):
        return part.body
    return part.body.replace("\n", line_end).encode()


def _framed(data: bytes) -> bytes:
    """One chunk of HTTP's chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def answer_of(fields: Mapping[str, Any]) -> Answer:
    """An answer from its JSON form."""
    values = dict(fields)
    for name in ("steps", "before", "after"):
        values[name] = tuple(_step_of(step) for step in values.get(name, ()))
    if "writes" in values:
        values["writes"] = Writes(values["writes"])
    if values.get("usage") is not None:
        values["usage"] = tuple(values["usage"])
    return Answer(**values)


def _step_of(step: Any) -> Any:
    match step:
        case str():
            return step
        case {"raw": str(body)}:
            return Raw(body)
        case {"pause_ms": int() | float() as ms}:
            return Pause(ms)
        case {"fault": str(fault)}:
            return Fault(fault)
    raise ValueError(f"not a step: {step!r}")


async def _serve(script: Mapping[str, Any], record: TextIO | None) -> None:
    def keep(request: Request) -> None:
        print(json.dumps(request.record()), file=record, flush=True)

    endpoint = FakeEndpoint(
        answer_of(script["default"]) if "default" in script else OK,
        script=tuple(answer_of(answer) for answer in script.get("script", ())),
        on_end=keep if record else lambda request: None,
    )
    async with endpoint:
        print(endpoint.port, flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)


def main() -> None:
    parser = argparse.ArgumentParser(description="A fake endpoint.")
    parser.add_argument("--script", type=Path, required=True, help="the answers")
    parser.add_argument("--record", type=Path, help="where to write what was asked")
    options = parser.parse_args()
    script = json.loads(options.script.read_text("utf-8"))
    if options.record is None:
        asyncio.run(_serve(script, None))
    else:
        with options.record.open("w", encoding="utf-8") as record:
            asyncio.run(_serve(script, record))


if __name__ == "__main__":
    main()
