"""When each stage of a request or of a stream passed, and how much there was of it."""

from __future__ import annotations

import enum
from time import perf_counter_ns


class Stage(enum.Enum):
    """What a request or a stream goes through, in about this order."""

    RECEIVED = "received"
    LOOKED_UP = "looked up"
    """It is known whether what there is already fits."""
    JOINED = "joined"
    """It waits for a stream that an earlier request began."""
    BEGUN = "begun"
    """A stream is to be asked for."""
    CONTEXT = "context"
    """The other text worth sending is there."""
    PROMPT = "prompt"
    ASKED = "asked"
    """There is a model, and it is sent the prompt."""
    CONNECTED = "connected"
    """There is a connection to send it over."""
    FIRST_BYTE = "first byte"
    """The head of the answer is there."""
    FIRST_TEXT = "first text"
    ENOUGH = "enough"
    """There is enough to answer with."""
    ANSWERED = "answered"
    SUPERSEDED = "superseded"
    """The next key, or the editor, came before the answer."""
    DONE = "done"
    """The stream has ended."""


class Timeline:
    """Stages in the order they passed, in nanoseconds of `perf_counter_ns`."""

    __slots__ = (
        "n_cached_tokens",
        "n_chunks",
        "n_elsewhere_chars",
        "n_input_tokens",
        "n_output_tokens",
        "n_prompt_chars",
        "stages",
    )

    def __init__(self) -> None:
        self.stages: dict[Stage, int] = {}
        self.n_chunks = 0
        """Streamed pieces of text received."""
        self.n_prompt_chars = 0
        self.n_elsewhere_chars = 0
        """Of the prompt, what is not from around the cursor."""
        self.n_input_tokens = 0
        """As the endpoint counts them, or about so many until it has said so."""
        self.n_cached_tokens = 0
        """As many of them as it has said to have had in a cache."""
        self.n_output_tokens = 0

    def stamp(self, stage: Stage) -> None:
        """Notes that a stage has passed now."""
        self.stages[stage] = perf_counter_ns()

    def ms_between(self, earlier: Stage, later: Stage) -> float | None:
        """The time from one stage to another, or None where one has not passed."""
        stages = self.stages
        if earlier not in stages or later not in stages:
            return None
        return (stages[later] - stages[earlier]) / 1e6
