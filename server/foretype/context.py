"""Text from outside the view around the cursor that is worth sending."""

from __future__ import annotations

from dataclasses import dataclass

from foretype.document import Snapshot


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of other text for the prompt, whole lines."""

    text: str


def collect(snapshot: Snapshot) -> tuple[Snippet, ...]:
    """What else the model should know: the head of a file that is out of view.

    Imports and definitions stand there; it changes seldom, so it costs little.
    """
    return (Snippet(snapshot.head),) if snapshot.head else ()
