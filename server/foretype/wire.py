"""What every wire looks like to `endpoint`: one API's requests and answers."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from foretype.prompt import Prompt


class Framing(enum.Enum):
    """How an answer is cut into events."""

    SSE = "server-sent events"
    LINES = "JSON objects, one a line"


class Usage(NamedTuple):
    """Tokens as the endpoint counts them."""

    n_prompt_tokens: int | None = None
    n_output_tokens: int | None = None
    n_cached_tokens: int | None = None
    """How many of the prompt's came from the endpoint's cache."""


class Piece(NamedTuple):
    """What one event of a stream says."""

    text: str = ""
    reason: str | None = None
    """Why the answer ended, if it did: `stop`, `length`, or another word of the API."""
    usage: Usage | None = None
    is_last: bool = False
    """Whether no other event follows."""


class ReportedError(Exception):
    """An error that the endpoint reports in its stream; `error` is as it came."""

    def __init__(self, error: object) -> None:
        super().__init__("the endpoint reported an error")
        self.error = error


class Wire(Protocol):
    """The shape of one API's requests and answers."""

    path: str
    """Where requests go, under the base URL."""
    models_path: str
    """Where the models are listed, likewise."""
    framing: Framing
    refusals: Mapping[str, str]
    """What the endpoint says, in lower case, where it cannot do what the wire asks of
    it, and what that means: the rest of a sentence, with the way out."""

    def body(self, prompt: Prompt) -> dict[str, Any]:
        """The request's fields for a prompt, without the model's name."""
        ...

    def piece(self, event: Mapping[str, Any]) -> Piece | None:
        """What an event of the stream says; None where it is of no kind that is read.

        Raises: ReportedError; LookupError, TypeError or AttributeError where the
        event's shape is not this API's.
        """
        ...


def first_choice(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The choice that is read where there are several, if the event has a part of it.

    Raises: LookupError, TypeError or AttributeError.
    """
    for choice in event["choices"]:
        if not choice.get("index"):
            found: Mapping[str, Any] = choice
            return found
    return None


def usage(event: Mapping[str, Any]) -> Usage | None:
    """What OpenAI's APIs, and those made after them, count; None where they do not."""
    counted = event.get("usage")
    if not isinstance(counted, dict):
        return None
    details = counted.get("prompt_tokens_details")
    n_cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return Usage(
        count(counted.get("prompt_tokens")),
        count(counted.get("completion_tokens")),
        # The second is DeepSeek's word for it.
        count(n_cached) or count(counted.get("prompt_cache_hit_tokens")),
    )


def count(value: object) -> int | None:
    """A number of tokens; None where an endpoint sends something else."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_count else None  # type: ignore[return-value]
