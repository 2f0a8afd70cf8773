"""Messages over standard input and output: their framing, and the two streams.

Input comes through the event loop where it is a pipe or a socket, and through one
thread where the loop cannot watch it: a file, and everything on Windows.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import stat
import sys
import threading
from asyncio import StreamReader
from collections.abc import AsyncIterator
from typing import BinaryIO

log = logging.getLogger(__name__)

_CONTENT_LENGTH = re.compile(
    rb"^content-length:[ \t]*(\d{1,10})[ \t]*\r?$", re.I | re.M
)
# Reading ahead pauses at twice this; a header longer than it is no header.
READ_AHEAD_BYTES = 1 << 20
# A message larger than any file that is worth opening; more is a broken header.
MAX_MESSAGE_BYTES = 1 << 30
# A client that has stopped reading is not waited for at the end.
FLUSH_TIMEOUT_S = 1.0


async def messages(reader: StreamReader) -> AsyncIterator[bytes]:
    """The body of each message, however it was cut in transit; ends with the input."""
    while True:
        try:
            header = await reader.readuntil(b"\r\n\r\n")
            found = _CONTENT_LENGTH.search(header)
            if found is None or int(found[1]) > MAX_MESSAGE_BYTES:
                log.warning("a message without a usable Content-Length was skipped")
                continue
            body = await reader.readexactly(int(found[1]))
        except asyncio.IncompleteReadError:
            return
        except asyncio.LimitOverrunError:
            log.error("the input is not the base protocol; it is not read any further")
            return
        yield body


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


class Writer:
    """The output: writing never waits for the client to read.

    `is_closed` is set once the client has closed its end.
    """

    def __init__(self) -> None:
        self.is_closed = asyncio.Event()
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

    def write(self, data: bytes) -> None:
        """Sends data, now or as soon as the client reads; drops it if it is gone."""
        if self.is_closed.is_set():
            return
        if self._transport is not None:
            self._transport.write(data)
            return
        assert self._file is not None
        try:
            self._file.write(data)
            self._file.flush()
        except OSError:
            self.is_closed.set()

    def close(self) -> None:
        """Begins to close; what was written before is still sent."""
        if self._transport is not None:
            self._transport.close()
        else:
            self.is_closed.set()

    async def wait_closed(self) -> None:
        """Returns when all is sent, or the client does not read it."""
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
