"""A fake endpoint in a thread of its own, for tests that drive a program and wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from fake_endpoint import (
    DEADLINE_S,
    Answer,
    Answering,
    FakeEndpoint,
    Request,
)

T = TypeVar("T")


class EndpointThread:
    """Runs an endpoint for as long as a `with` lasts."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.endpoint = self.run(_opened())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.run(self.endpoint.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_S)
        self._loop.close()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of something that must happen in the endpoint's loop."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return future.result(DEADLINE_S)

    def next_request(self) -> Request:
        """The oldest request that this has not returned yet."""
        return self.run(self.endpoint.next_request())

    def set(self, event: asyncio.Event) -> None:
        """Lets an answer go on that waits for an event."""
        self._loop.call_soon_threadsafe(event.set)


async def _opened() -> FakeEndpoint:
    return await FakeEndpoint().__aenter__()


NOTHING = Answer()
"""An answer without any text."""


def after(texts: Mapping[str, str | Answer | list[Answer]]) -> Answering:
    """Answers what follows the text before the cursor, where that ends with a key.

    Of a list, each time the next one; elsewhere nothing. So a request that is on its
    way while one test ends cannot take what is meant for the next.
    """

    def answering(request: Request) -> Answer:
        prompt: str = request.body["prompt"]
        before = prompt.partition("<|fim_suffix|>")[0]
        fitting = [key for key in texts if before.endswith(key)]
        if not fitting:
            return NOTHING
        answer = texts[max(fitting, key=len)]
        if isinstance(answer, list):
            return answer.pop(0) if answer else NOTHING
        return Answer((answer,)) if isinstance(answer, str) else answer

    return answering
