"""What a request comes to: completions with where they came from, or a reason."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from foretype.errors import ModelError
from foretype.generation import Generation
from foretype.reason import Reason
from foretype.suggestions import Suggestion


class Source(enum.Enum):
    """Where a completion came from."""

    SHOWN = "shown"
    """The rest of what was suggested last, typed as suggested."""
    CACHE = "cache"
    """Generated before, and remembered."""
    IN_FLIGHT = "in flight"
    """A stream was joined that an earlier request had begun."""
    MODEL = "model"
    """This request asked the model."""
    AHEAD = "ahead"
    """It was asked for while the suggestion before it was on the screen."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What goes in at the cursor."""

    id: int
    insert_text: str
    source: Source
    n_covered_chars: int = 0
    """How much of the text behind the cursor it replaces."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Completions, the best first, or the reason why there are none."""

    completions: tuple[Completion, ...] = ()
    reason: Reason | None = None
    generation: Generation | None = None
    """What the first completion is from."""
    suggestion: Suggestion | None = None
    """What the first completion is, as long as it is on the screen."""

    @property
    def completion(self) -> Completion | None:
        """The first completion."""
        return self.completions[0] if self.completions else None

    @property
    def error(self) -> ModelError | None:
        """What kept the model from answering."""
        return self.generation.error if self.generation else None
