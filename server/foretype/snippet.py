"""A piece of text from elsewhere that is worth sending."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snippet:
    """Whole lines for the prompt, with what they are from."""

    name: str
    """The path of its file, as far as it tells something, or what it is."""
    text: str
    is_code: bool = True
    """Whether the text is as in a file; a list of changes is not."""
