"""The fake endpoint as a process that knows what will be typed, and answers with it.

One line of JSON in is what it is to know, the fields of `Model`; it is answered by the
URL. Each line after that is answered by what was counted so far, as one line of JSON.

Every answer is the true text that follows the prompt, a token at a time and at the
pace of a real model, with wrong tokens at places that are the same in every run. So
whatever policy asks, it meets the same model.
"""

from __future__ import annotations

import asyncio
import json
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from future import TOKEN, chance, limited, wrong
from pace import DEFAULT_MAX_TOKENS, Due, paced

from fake_endpoint import Answer, FakeEndpoint, Request

# So much of a prompt's end, or of a suffix' beginning, tells its place in a text.
N_TOLD_CHARS = 200


@dataclass(frozen=True)
class Model:
    """What is true, and how quickly and how well the model knows it."""

    truth: str
    """The text of the document in the end."""
    ttft_ms: float
    tpot_ms: float
    n_tokens_per_error: int = 20
    """One of so many tokens is wrong, at a place that is left to chance."""

    def continuation(self, prompt: str, suffix: str) -> Iterator[str]:
        """The tokens that follow a prompt, up to what follows already.

        Where the prompt is no part of the truth they are another part of it: plausible,
        and wrong.
        """
        start = _end_in(self.truth, prompt)
        end = len(self.truth)
        if start is None:
            start = zlib.crc32(prompt[-N_TOLD_CHARS:].encode()) % end
        elif suffix.strip():
            found = self.truth.find(suffix[:N_TOLD_CHARS], start)
            end = found if found >= 0 else end
        # The whole is cut into tokens, so that these are the same for every start.
        for token_idx, token in enumerate(TOKEN.finditer(self.truth, 0, end)):
            if token.end() > start:
                rest = token.group()[max(start - token.start(), 0) :]
                yield wrong(rest, self.truth) if self._errs(token_idx) else rest

    def _errs(self, token_idx: int) -> bool:
        # NB: With chance alone, a session of a hundred tokens is luck.
        run, idx_in_run = divmod(token_idx, self.n_tokens_per_error)
        return idx_in_run == int(chance(f"run {run}") * self.n_tokens_per_error)


def _end_in(truth: str, prompt: str) -> int | None:
    """Where in the truth a prompt ends; None where it does not, or it cannot be told.

    The longest end of the prompt that is part of the truth says it, if that is no less
    than the last line: text further up may be finished later.
    """
    n_line = len(prompt) - max(prompt.rfind("\n"), 0)
    n_most = min(len(prompt), N_TOLD_CHARS)
    for n_chars in range(n_most, min(n_line, n_most) - 1, -1):
        tail = prompt[len(prompt) - n_chars :]
        if (at := truth.find(tail)) >= 0:
            return None if truth.find(tail, at + 1) >= 0 else at + n_chars
    return None


def _answer(model: Model, request: Request) -> Answer:
    body = request.body
    stop = body.get("stop") or []
    tokens, reason = limited(
        model.continuation(body["prompt"], body.get("suffix") or ""),
        body.get("max_tokens", DEFAULT_MAX_TOKENS),
        [stop] if isinstance(stop, str) else stop,
    )
    return paced(tokens, reason, model.ttft_ms, model.tpot_ms)


def _counts(fake: FakeEndpoint) -> dict[str, float]:
    left = [r for r in fake.requests if r.disconnected_ns is not None]
    return {
        "n_requests": len(fake.requests),
        "n_prompt_chars": sum(
            len(r.body["prompt"]) + len(r.body.get("suffix") or "")
            for r in fake.requests
        ),
        "n_tokens": sum(r.n_chunks for r in fake.requests),
        "n_left_tokens": sum(r.n_chunks for r in left),
        "n_connections": fake.n_connections,
        "late_ns": Due.worst_late_s * 1e9,
    }


async def _serve() -> None:
    model = Model(**json.loads(sys.stdin.readline()))
    async with FakeEndpoint(lambda request: _answer(model, request)) as fake:
        print(json.dumps(fake.base_url), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(_counts(fake)), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
