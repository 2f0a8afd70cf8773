"""Reads a streamed answer as the pieces that a wire finds in its events.

Imports the `openai` package, as `endpoint` does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Any

import aiohttp
import openai
from openai import AsyncStream
from openai._streaming import ServerSentEvent, SSEDecoder

from foretype.wire import Framing, Piece, ReportedError, Wire

# The end of the body comes right behind the last event. Waiting for it keeps the
# connection; but the completion waits too, so an endpoint that holds it back loses.
BODY_END_TIMEOUT_S = 0.05
# Some thousand times what a block takes.
MAX_ANSWER_BYTES = 16 << 20


class MalformedError(Exception):
    """A stream that cannot be read on; the message quotes nothing of it."""


class OtherShapeError(Exception):
    """A stream of events that are not those of the wire's API."""


class Events(AsyncStream[object]):
    """The package's stream, less its typed object for each event.

    A typed object makes an event cost several times as much (docs/latency.md).
    """

    async def pieces(self, wire: Wire) -> AsyncGenerator[Piece, None]:
        """What the events say, up to the last one.

        Raises: openai.OpenAIError, MalformedError, OtherShapeError, ReportedError.
        """
        self._decoder = _DECODERS[wire.framing]()
        is_empty = is_other = True
        async with aclosing(_generator(self._iter_events)) as events:
            try:
                async for event in events:
                    if event.data == "[DONE]":
                        await _read_to_end(events)
                        break
                    if not event.data:
                        continue
                    said = _object(event.data)
                    if said is None and is_empty:
                        break
                    if said is None:
                        raise MalformedError("an event is not JSON")
                    is_empty = False
                    piece = _piece(wire, said)
                    if piece is None:
                        continue
                    is_other = False
                    yield piece
                    if piece.is_last:
                        await _read_to_end(events)
                        break
            except UnicodeDecodeError:
                raise MalformedError("an event is not UTF-8") from None
        if is_empty:
            raise MalformedError(
                "it is not a stream of events; are endpoint.base_url and endpoint.wire "
                "right?"
            )
        if is_other:
            raise OtherShapeError


def _object(data: str) -> object | None:
    """What stands in an event; None where it is not JSON."""
    try:
        said: object = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return said


def _piece(wire: Wire, event: object) -> Piece | None:
    """What one event says.

    Raises: MalformedError, OtherShapeError, ReportedError.
    """
    if not isinstance(event, dict):
        raise MalformedError("an event is not an object")
    if error := event.get("error"):
        raise ReportedError(error)
    try:
        piece = wire.piece(event)
    except (LookupError, TypeError, AttributeError) as error:
        raise OtherShapeError from error
    if piece is not None and not (
        isinstance(piece.text, str) and isinstance(piece.reason, str | None)
    ):
        raise OtherShapeError
    return piece


async def _read_to_end(events: AsyncGenerator[Any, None]) -> None:
    """Reads what is left, so that the next request may use the connection."""
    with suppress(TimeoutError, openai.APIError, aiohttp.ClientError, MalformedError):
        async with asyncio.timeout(BODY_END_TIMEOUT_S):
            async for _ in events:
                pass


def _generator(iterate: Callable[[], Any]) -> AsyncGenerator[Any, None]:
    generator: AsyncGenerator[Any, None] = iterate()
    return generator


class _Bounded:
    """Chunks of an answer, as long as it is not longer than any completion.

    Raises: MalformedError.
    """

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._n_bytes = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        chunk = await anext(self._chunks)
        self._n_bytes += len(chunk)
        if self._n_bytes > MAX_ANSWER_BYTES:
            raise MalformedError("it is longer than any completion")
        return chunk


class _Events(SSEDecoder):
    """The package's decoder, which sets no limit itself."""

    def aiter_bytes(
        self, iterator: AsyncIterator[bytes]
    ) -> AsyncIterator[ServerSentEvent]:
        return super().aiter_bytes(_Bounded(iterator))


class _Lines(SSEDecoder):
    """A decoder of lines, each of which becomes an event unless it is blank."""

    async def aiter_bytes(
        self, iterator: AsyncIterator[bytes]
    ) -> AsyncIterator[ServerSentEvent]:
        parts: list[bytes] = []
        async for chunk in _Bounded(iterator):
            *ends, rest = chunk.split(b"\n")
            for end in ends:
                line = b"".join((*parts, end)).strip()
                parts.clear()
                if line:
                    yield ServerSentEvent(data=line.decode("utf-8"))
            parts.append(rest)
        if line := b"".join(parts).strip():
            yield ServerSentEvent(data=line.decode("utf-8"))


_DECODERS = {Framing.SSE: _Events, Framing.LINES: _Lines}
