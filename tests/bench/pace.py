"""Answers that come a token at a time, at the pace of a real model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fake_endpoint import Answer, Step

# What the API writes where a request does not say how much.
DEFAULT_MAX_TOKENS = 16


class Due(asyncio.Event):
    """A step that waits for a point in time, however late the step before it was."""

    worst_late_s = 0.0

    def __init__(self, due_s: float) -> None:
        super().__init__()
        self._due_s = due_s

    async def wait(self) -> bool:  # type: ignore[override]
        loop = asyncio.get_running_loop()
        loop.call_at(self._due_s, self.set)
        await super().wait()
        Due.worst_late_s = max(Due.worst_late_s, loop.time() - self._due_s)
        return True


def paced(tokens: Sequence[str], reason: str, ttft_ms: float, tpot_ms: float) -> Answer:
    """A stream of tokens, the first of which comes that long from now."""
    first_s = asyncio.get_running_loop().time() + ttft_ms / 1000
    steps: list[Step] = []
    for token_idx, token in enumerate(tokens):
        if token_idx:
            steps.append(Due(first_s + token_idx * tpot_ms / 1000))
        steps.append(token)
    return Answer(tuple(steps), before=(Due(first_s),), finish_reason=reason)
