"""A place in a document, and what is found out about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A cursor in a document, and what is known to belong there."""

    name: str
    """Where it is, for a person."""
    group: str
    """What it is counted with."""
    kind: str
    """What is missing."""
    path: str
    """Of the document, in the workspace, with slashes."""
    language_id: str
    before: str
    truth: str
    after: str
    test: str = ""
    """What a program made of the document ends with, to fail where it is wrong."""

    @property
    def line_prefix(self) -> str:
        """The cursor's line up to the cursor."""
        return self.before[self.before.rfind("\n") + 1 :]

    @property
    def text(self) -> str:
        """The document without what is missing."""
        return self.before + self.after

    def completed(self, text: str, n_covered_chars: int = 0) -> str:
        """The document with a text at the cursor, in the place of some behind it."""
        return self.before + text + self.after[n_covered_chars:]


@dataclass(frozen=True)
class Outcome:
    """What came of asking at a place."""

    place: Place
    shown: str
    """What was drawn from the cursor on; empty where nothing was."""
    n_covered_chars: int
    """How much of the text behind the cursor it takes the place of."""
    said: str
    """The server's word about the request."""
    reason: str
    """Why nothing was shown, by name."""
    prompt: str
    """What the model was sent; empty where it was not asked."""
    written: str
    """All that the model wrote, from the cursor on."""
