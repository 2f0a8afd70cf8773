"""Messages over streams: their framing, standard input and output, and connections.

Input comes through the event loop where it is a pipe or a socket, and through one
thread where the loop cannot watch it: a file, and everything on Windows.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
import stat
import sys
import threading
from abc import ABC, abstractmethod
from asyncio import StreamReader
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO

log = logging.getLogger(__name__)

_CONTENT_LENGTH = re.compile(
    rb"^content-length:[ \t]*(\d{1,10})[ \t]*\r?$", re.I | re.M
)
# Lines of a name, a colon and anything.
_HEADER = re.compile(rb"([!-9;-~]+:[^\r\n]*\r?\n)+\r\n")
# Reading ahead pauses at twice this; a header longer than it is no header.
READ_AHEAD_BYTES = 1 << 20
# A message larger than any file that is worth opening; more is a broken header.
MAX_MESSAGE_BYTES = 1 << 30
# A client that has stopped reading is not waited for at the end.
FLUSH_TIMEOUT_S = 1.0


async def messages(
    reader: StreamReader,
    *,
    is_strict: bool = False,
    max_bytes: int = MAX_MESSAGE_BYTES,
    timeout_s: float | None = None,
) -> AsyncIterator[bytes]:
    """The body of each message, however it was cut in transit; ends with the input.

    Strictly read, it also ends with what is no header. A message that is longer than
    `max_bytes` is left out.
    Raises: TimeoutError where one that has begun to arrive takes longer than
    `timeout_s`.
    """
    while True:
        try:
            header = await reader.readuntil(b"\r\n\r\n")
            if is_strict and not _HEADER.fullmatch(header):
                # NB: What follows may be made to look like a message, as the body of a
                # request that a web page sends to this port.
                log.error("the input is no header; it is not read any further")
                return
            found = _CONTENT_LENGTH.search(header)
            if found is None or int(found[1]) > MAX_MESSAGE_BYTES:
                log.warning("a message without a usable Content-Length was skipped")
                continue
            async with asyncio.timeout(timeout_s):
                if int(found[1]) > max_bytes:
                    log.warning(
                        "a message of %.1f MB is longer than is taken, %.1f MB",
                        int(found[1]) / 1e6,
                        max_bytes / 1e6,
                    )
                    await _skip(reader, int(found[1]))
                    continue
                body = await reader.readexactly(int(found[1]))
        except asyncio.IncompleteReadError:
            return
        except asyncio.LimitOverrunError:
            log.error("the input is not the base protocol; it is not read any further")
            return
        yield body


async def _skip(reader: StreamReader, n_bytes: int) -> None:
    while n_bytes:
        data = await reader.read(min(n_bytes, READ_AHEAD_BYTES))
        if not data:
            raise asyncio.IncompleteReadError(b"", n_bytes)
        n_bytes -= len(data)


async def open_reader(file: BinaryIO) -> StreamReader:
    """A reader of a pipe, a socket or a file."""
    loop = asyncio.get_running_loop()
    reader = StreamReader(READ_AHEAD_BYTES)
    if _can_be_watched(file):
        protocol = asyncio.StreamReaderProtocol(reader)
        await loop.connect_read_pipe(lambda: protocol, file)
    else:
        threading.Thread(
            target=_feed, args=(file, reader, loop), name="stdin", daemon=True
        ).start()
    return reader


def _can_be_watched(file: BinaryIO) -> bool:
    """Whether the event loop can wait for a file: a pipe or a socket, not on Windows.

    NB: asyncio takes any character device, of which epoll refuses `/dev/null`.
    """
    mode = os.fstat(file.fileno()).st_mode
    return sys.platform != "win32" and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))


def _feed(
    file: BinaryIO, reader: StreamReader, loop: asyncio.AbstractEventLoop
) -> None:
    """Reads a file to its end, in a thread of its own."""
    try:
        while data := os.read(file.fileno(), READ_AHEAD_BYTES):
            loop.call_soon_threadsafe(reader.feed_data, data)
        loop.call_soon_threadsafe(reader.feed_eof)
    except (OSError, RuntimeError):
        # The input is gone, or the loop is closed: nobody reads any more.
        return


class Output(ABC):
    """Where messages for a client go; sending never waits for it to read.

    `is_closed` is set once the client has closed its end.
    """

    is_closed: asyncio.Event

    @abstractmethod
    def send(self, body: bytes) -> None:
        """Sends a message, now or as soon as the client reads; drops it if it is gone.

        Raises: nothing.
        """

    @abstractmethod
    def close(self) -> None:
        """Begins to close; what was sent before still arrives."""

    @abstractmethod
    async def wait_closed(self) -> None:
        """Returns when all has arrived, or the client does not read it."""


class Writer(Output):
    """Messages with their headers, on a stream."""

    def __init__(self, max_waiting_bytes: int | None = None) -> None:
        self.is_closed = asyncio.Event()
        self._max_waiting_bytes = max_waiting_bytes
        self._closing: asyncio.Task[None] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._file: BinaryIO | None = None

    @classmethod
    async def open(cls, file: BinaryIO) -> Writer:
        """A writer to a pipe, a socket or a file."""
        writer = cls()
        if _can_be_watched(file):
            protocol = _Closing(writer.is_closed)
            loop = asyncio.get_running_loop()
            writer._transport, _ = await loop.connect_write_pipe(lambda: protocol, file)
        else:
            writer._file = file
        return writer

    @classmethod
    def over(cls, stream: asyncio.StreamWriter, max_waiting_bytes: int) -> Writer:
        """A writer to a connection, which ends where too much waits to be read."""
        writer = cls(max_waiting_bytes)
        writer._transport = stream.transport
        writer._closing = asyncio.create_task(writer._watch(stream), name="closing")
        return writer

    async def _watch(self, stream: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await stream.wait_closed()
        self.is_closed.set()

    def send(self, body: bytes) -> None:
        if self.is_closed.is_set():
            return
        data = b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        if self._transport is not None:
            self._transport.write(data)
            n_waiting = self._transport.get_write_buffer_size()
            if self._max_waiting_bytes is not None and (
                n_waiting > self._max_waiting_bytes
            ):
                log.warning("a client that does not read what it is sent is left")
                self._transport.abort()
            return
        assert self._file is not None
        try:
            self._file.write(data)
            self._file.flush()
        except OSError:
            self.is_closed.set()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
        else:
            self.is_closed.set()

    async def wait_closed(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_TIMEOUT_S):
                await self.is_closed.wait()
        except TimeoutError:
            assert self._transport is not None
            self._transport.abort()
            await self.is_closed.wait()


class _Closing(asyncio.Protocol):
    """Sets an event when the connection is over."""

    def __init__(self, is_closed: asyncio.Event) -> None:
        self._is_closed = is_closed

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_closed.set()


def on_signals(stop: Callable[[], object]) -> None:
    """Has the signals that end a process end it in order, where there are such."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGTERM, stop)
        loop.add_signal_handler(signal.SIGINT, stop)


def take_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """The standard input and output, for the protocol alone.

    Whatever else is printed in this process goes to standard error from now on.
    """
    stdin = os.fdopen(os.dup(0), "rb", buffering=0)
    stdout = os.fdopen(os.dup(1), "wb", buffering=0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return stdin, stdout
