"""Models that say what a test tells them to, when it tells them to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from foretype.errors import ModelError
from foretype.model import Finish
from foretype.prompt import Prompt
from foretype.settings import Settings
from foretype.status import Status
from foretype.timeline import Timeline


@dataclass
class Script:
    """One answer of a scripted model."""

    chunks: Sequence[str]
    ttft_ms: float = 0
    tpot_ms: float = 0
    error: ModelError | None = None
    """Raised after the chunks."""
    reason: str = "stop"
    n_chars_per_token: float = 0
    """How the endpoint counts the prompt; 0 where it does not."""


@dataclass
class Stream:
    """One stream that was asked for, and what became of it."""

    prompt: Prompt
    text: str = ""
    end: str = "open"
    """`open`, `finished`, `failed`, or `closed` by us before its end."""
    ended_ms: float = 0


@dataclass
class ScriptedModel:
    """Answers the scripts in their order; the last one again and again.

    `script` may be a function from the prompt instead.
    """

    scripts: Sequence[Script] | Callable[[Prompt], Script]
    name: str = "scripted"
    streams: list[Stream] = field(default_factory=list)
    evaluated: list[Prompt] = field(default_factory=list)
    is_closed: bool = False
    load_ms: float = 0

    def __post_init__(self) -> None:
        self._order: Iterator[Script] | None = (
            None if callable(self.scripts) else iter(self.scripts)
        )

    async def stream(
        self, prompt: Prompt, timeline: Timeline
    ) -> AsyncGenerator[str | Finish, None]:
        script = self._script(prompt)
        stream = Stream(prompt)
        self.streams.append(stream)
        try:
            await asyncio.sleep(script.ttft_ms / 1000)
            for chunk_idx, chunk in enumerate(script.chunks):
                if chunk_idx:
                    await asyncio.sleep(script.tpot_ms / 1000)
                stream.text += chunk
                yield chunk
            if script.error is not None:
                stream.end = "failed"
                raise script.error
            stream.end = "finished"
            n_tokens = None
            if script.n_chars_per_token:
                n_tokens = round(prompt.n_chars / script.n_chars_per_token)
            yield Finish(script.reason, n_tokens)
        finally:
            stream.ended_ms = asyncio.get_running_loop().time() * 1000
            if stream.end == "open":
                stream.end = "closed"

    async def evaluate_ahead(self, prompt: Prompt) -> None:
        self.evaluated.append(prompt)

    async def close(self) -> None:
        self.is_closed = True

    def _script(self, prompt: Prompt) -> Script:
        if callable(self.scripts):
            return self.scripts(prompt)
        assert self._order is not None
        return next(self._order, self.scripts[-1])


class ScriptedSupplier:
    """Supplies one scripted model, once it has loaded."""

    def __init__(self, model: ScriptedModel) -> None:
        self.model = model
        self.statuses: asyncio.Queue[Status] = asyncio.Queue()
        self._loading: asyncio.Task[None] | None = None

    def adapted(self, settings: Settings) -> Settings:
        return settings

    def use(self, settings: object) -> None:
        pass

    async def ready(self) -> ScriptedModel:
        if self._loading is None:
            self._loading = asyncio.create_task(
                asyncio.sleep(self.model.load_ms / 1000)
            )
        await asyncio.shield(self._loading)
        return self.model

    async def close(self) -> None:
        await self.model.close()
