"""The fake endpoint as a process that keeps stamps and is told what to answer.

One line of JSON in is one command, and is answered by one line of JSON:

    {"answer": {...}}    from now on, answer like this (the fields of `_answering`)
    {"received": n}      returns once n requests have come since the last "ended"
    {"ended": n}         returns once n requests are over: their stamps
    {"count": true}      how many requests there have been, ever

Stamps are of `time.perf_counter_ns`, which on Linux is one clock for all processes.
They are kept in memory until they are asked for, so that nobody is woken meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from fake_endpoint import Answer, FakeEndpoint, Fault, Pause, Request, Step, event

_FINISH = event({"id": "x", "choices": [{"text": "", "finish_reason": "stop"}]})


class _Stamp(asyncio.Event):
    """A step that takes the time instead of waiting."""

    ns: int | None = None

    async def wait(self) -> bool:  # type: ignore[override]
        self.ns = time.perf_counter_ns()
        return True


class _Stamping:
    """The endpoint with the stamps of each request."""

    def __init__(self) -> None:
        self.fake = FakeEndpoint(on_end=self._end)
        self._stamps: dict[Request, _Stamp] = {}
        self._n_received = 0
        self._ended: list[dict[str, Any]] = []
        self._changed = asyncio.Event()

    async def do(self, command: dict[str, Any]) -> object:
        """Does what one line asks for; returns the answer to it."""
        match command:
            case {"answer": dict(fields)}:
                self.fake.default = self._answering(**fields)
                return {}
            case {"received": int(n)}:
                await self._until(lambda: self._n_received >= n)
                return {}
            case {"ended": int(n)}:
                await self._until(lambda: len(self._ended) >= n)
                ended, self._ended = self._ended, []
                self._n_received -= len(ended)
                return ended
            case {"count": True}:
                return len(self.fake.requests)
        raise ValueError(f"no such command: {command!r}")

    def _answering(
        self,
        chunks: Sequence[str],
        end: str,
        pause_ms: float = 0,
        between_ms: float = 0,
    ) -> Callable[[Request], Answer]:
        """What makes the answer to a request.

        The end is `stop`, where the end of the stream is what completes the answer;
        `chunk`, where the last chunk does, and more would come; or `stall`, where
        nothing ever does.
        """
        pause: tuple[Step, ...] = (Pause(pause_ms),) if pause_ms else ()

        def answer(request: Request) -> Answer:
            stamp = self._stamps[request] = _Stamp()
            self._n_received += 1
            self._changed.set()
            match end:
                case "chunk":
                    steps = (*chunks[:-1], *pause, stamp, chunks[-1], Fault.STALL)
                    return Answer(steps, between_ms=between_ms)
                case "stop":
                    steps = (*chunks, *pause, stamp, _FINISH)
                    return Answer(steps, between_ms=between_ms, finish_reason=None)
            return Answer((*chunks, Fault.STALL))

        return answer

    def _end(self, request: Request) -> None:
        stamps = {
            "received_ns": request.received_ns,
            "completing_ns": self._stamps.pop(request).ns,
            "disconnected_ns": request.disconnected_ns,
            "connection": request.connection,
        }
        self._ended.append(stamps)
        self._changed.set()

    async def _until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            self._changed.clear()
            await self._changed.wait()


async def _serve() -> None:
    stamping = _Stamping()
    async with stamping.fake:
        print(json.dumps(stamping.fake.base_url), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await stamping.do(json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
