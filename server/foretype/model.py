"""What every model looks like to the engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from foretype.prompt import Prompt
from foretype.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Finish:
    """The last piece of a stream."""

    reason: str
    """The endpoint's word: `stop`, `length`, or empty where it gave none."""
    n_prompt_tokens: int | None = None
    n_output_tokens: int | None = None
    n_cached_tokens: int | None = None
    """How many tokens of the prompt came from the endpoint's cache."""


class Model(Protocol):
    """One model behind one endpoint."""

    name: str

    def stream(
        self, prompt: Prompt, timeline: Timeline
    ) -> AsyncGenerator[str | Finish, None]:
        """The completion's text in chunks as they arrive, never empty, then a Finish.

        Stamps when there is a connection, and when the first byte has come.

        Closing the generator, or cancelling the task that waits for it, closes the
        stream on the wire at once, before the first byte as well.
        Raises: a leaf of `ModelError`.
        """
        ...

    async def evaluate_ahead(self, prompt: Prompt) -> None:
        """Has the endpoint's cache hold the prompt, where doing so is free.

        Raises: a leaf of `ModelError`.
        """
        ...

    async def close(self) -> None:
        """Closes every connection."""
        ...


class SlotSource(Protocol):
    """A llama.cpp server of ours, which keeps the evaluated prompts of documents."""

    async def slot(self, document: str) -> int:
        """The cache slot for a document.

        Raises: a leaf of `ModelError`.
        """
        ...
