"""Messages arrive whole however they were cut, and writing never fails or waits."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import hypothesis.strategies as st
import pytest
from hypothesis import given

from foretype import transport
from foretype.transport import Writer


async def bodies(reader: asyncio.StreamReader) -> list[bytes]:
    return [body async for body in transport.messages(reader)]


def read(chunks: Sequence[bytes]) -> list[bytes]:
    """The bodies in a stream that arrives in these chunks, and ends."""

    async def feed_and_read() -> list[bytes]:
        reader = asyncio.StreamReader(transport.READ_AHEAD_BYTES)
        reading = asyncio.create_task(bodies(reader))
        for chunk in chunks:
            reader.feed_data(chunk)
            await asyncio.sleep(0)
        reader.feed_eof()
        return await reading

    return asyncio.run(feed_and_read())


def framed(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


# What is read


# What looks like a header is an ordinary part of a body.
BODIES = st.lists(
    st.sampled_from([b"{}", b"\r\n\r\n", b"Content-Length: 9\r\n\r\n", "é".encode()])
    | st.binary(max_size=5),
    max_size=4,
).map(b"".join)


@given(
    sent=st.lists(BODIES, max_size=4),
    cuts=st.lists(st.floats(0, 1), max_size=8),
)
def test_messages_are_the_same_however_they_were_cut(
    sent: list[bytes], cuts: list[float]
) -> None:
    stream = b"".join(map(framed, sent))
    edges = [0, *sorted(round(cut * len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(edges) if a < b]
    assert read(chunks) == sent


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"Content-Length: 2\r\n\r\n", id="as it is written"),
        pytest.param(b"content-length:2\r\n\r\n", id="lower case, no blank"),
        pytest.param(b"CONTENT-LENGTH: \t2 \r\n\r\n", id="upper case, blanks"),
        pytest.param(
            b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n"
            b"Content-Length: 2\r\n\r\n",
            id="another field before",
        ),
        pytest.param(
            b"Content-Length: 2\r\nX-Content-Length: 9\r\n\r\n", id="another behind"
        ),
    ],
)
def test_a_header_may_be_written_in_many_ways(header: bytes) -> None:
    assert read([header + b"ok" + framed(b"next")]) == [b"ok", b"next"]


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"X-Other: 1\r\n\r\n", id="no length"),
        pytest.param(b"\r\n\r\n", id="no field"),
        pytest.param(b"Content-Length: two\r\n\r\n", id="no number"),
        pytest.param(b"Content-Length: -2\r\n\r\n", id="less than nothing"),
        pytest.param(b"Content-Length: 2000000000\r\n\r\n", id="too long"),
        pytest.param(b"Content-Length: %s\r\n\r\n" % (b"9" * 5_000), id="endless"),
    ],
)
def test_a_header_without_a_usable_length_is_skipped(
    header: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assert read([header + framed(b"ok")]) == [b"ok"]
    assert told(caplog) == ["a message without a usable Content-Length was skipped"]


def test_what_is_not_the_protocol_at_all_is_not_read_to_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # More than any header has, and then a message that nobody will see.
    garbage = b"x" * (transport.READ_AHEAD_BYTES + 1)
    assert read([garbage, framed(b"late")]) == []
    assert told(caplog) == [
        "the input is not the base protocol; it is not read any further"
    ]


def test_a_message_longer_than_what_is_read_ahead_arrives_whole() -> None:
    body = b"x" * (3 * transport.READ_AHEAD_BYTES)
    assert read([framed(body)[:-1], b"x" + framed(b"next")]) == [body, b"next"]


@pytest.mark.parametrize("n_missing", range(1, 25))
def test_a_message_that_the_end_of_the_input_cuts_is_dropped(n_missing: int) -> None:
    stream = framed(b"whole") + framed(b"cut off")
    assert read([stream[:-n_missing]]) == [b"whole"]


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


# Where it is read from


def from_file(tmp_path: Path, stream: bytes) -> list[bytes]:
    path = tmp_path / "input"
    path.write_bytes(stream)

    async def read_file() -> list[bytes]:
        with path.open("rb", buffering=0) as file:
            return await bodies(await transport.open_reader(file))

    return asyncio.run(read_file())


def from_pipe(tmp_path: Path, stream: bytes) -> list[bytes]:
    async def read_pipe() -> list[bytes]:
        with pipe() as (output, source):
            writing = asyncio.create_task(asyncio.to_thread(write_all, source, stream))
            found = await bodies(await transport.open_reader(output))
            await writing
            return found

    return asyncio.run(read_pipe())


def from_pipe_through_a_thread(tmp_path: Path, stream: bytes) -> list[bytes]:
    """As on Windows, where the loop cannot watch a pipe."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "_can_be_watched", lambda file: False)
        return from_pipe(tmp_path, stream)


def write_all(file: BinaryIO, data: bytes) -> None:
    while data:
        data = data[file.write(data) :]
    file.close()


@pytest.mark.parametrize(
    "read_from", [from_file, from_pipe, from_pipe_through_a_thread]
)
def test_every_input_gives_the_same_messages(
    read_from: Callable[[Path, bytes], list[bytes]], tmp_path: Path
) -> None:
    # More than a pipe holds, and more than is read ahead.
    sent = [b"first", b"", b"x" * (2 * transport.READ_AHEAD_BYTES), "é\r\n".encode()]
    assert read_from(tmp_path, b"".join(map(framed, sent))) == sent


# What is written


def test_what_is_written_to_a_file_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "output"

    async def write() -> None:
        with path.open("wb", buffering=0) as file:
            writer = await Writer.open(file)
            writer.send(b"one")
            writer.send(b"two")
            assert path.read_bytes() == framed(b"one") + framed(b"two")
            writer.close()
            await writer.wait_closed()
            assert writer.is_closed.is_set()

    asyncio.run(write())


def test_what_is_written_before_closing_is_still_sent() -> None:
    # More than a pipe holds at once.
    data = bytes(range(256)) * 4_096

    async def write() -> bytes:
        with pipe() as (output, source):
            reading = asyncio.create_task(asyncio.to_thread(output.read))
            writer = await Writer.open(source)
            writer.send(data)
            writer.close()
            received = await reading
            await writer.wait_closed()
            return received

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "FLUSH_TIMEOUT_S", 60)
        assert asyncio.run(write()) == framed(data)


def test_writing_to_a_client_that_is_gone_does_no_harm() -> None:
    async def write() -> None:
        with pipe() as (output, source):
            writer = await Writer.open(source)
            output.close()
            writer.send(b"nobody reads this")
            await writer.is_closed.wait()
            writer.send(b"nor this")
            writer.close()
            await writer.wait_closed()

    asyncio.run(write())


def test_a_client_that_goes_is_noticed_without_writing() -> None:
    async def write() -> None:
        with pipe() as (output, source):
            writer = await Writer.open(source)
            output.close()
            await writer.is_closed.wait()

    asyncio.run(write())


def test_a_client_that_does_not_read_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "FLUSH_TIMEOUT_S", 0)

    async def write() -> None:
        with pipe() as (_, source):
            writer = await Writer.open(source)
            writer.send(b"x" * (1 << 20))
            writer.close()
            await writer.wait_closed()
            assert writer.is_closed.is_set()

    asyncio.run(write())


def test_a_file_that_cannot_be_written_closes_the_output(tmp_path: Path) -> None:
    path = tmp_path / "output"
    path.touch()

    async def write() -> None:
        with path.open("rb", buffering=0) as file:
            writer = await Writer.open(file)
            writer.send(b"refused")
            assert writer.is_closed.is_set()
            writer.send(b"as well")

    asyncio.run(write())


@contextlib.contextmanager
def pipe() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The end to read from, and the end to write to."""
    output, source = os.pipe()
    with os.fdopen(output, "rb", 0) as reader, os.fdopen(source, "wb", 0) as writer:
        yield reader, writer
