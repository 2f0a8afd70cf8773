"""One change of a text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# What an editor inserts where one key was pressed.
PAIRS = ("()", "[]", "{}", '""', "''", "``", "<>")
# What Enter inserts between two brackets; the cursor comes to stand in the middle.
_OPENED_LINE = re.compile(r"((?:\r\n|\r|\n)[ \t]*)(?:\r\n|\r|\n)[ \t]*")


@dataclass(frozen=True, slots=True)
class Edit:
    """`removed`, which began at `start`, became `inserted`.

    `start` is an offset in code points from the start of the text before the edit.
    """

    start: int
    removed: str
    inserted: str

    @property
    def end(self) -> int:
        """Where the inserted text ends, as an offset in the text after the edit."""
        return self.start + len(self.inserted)

    @property
    def n_more_chars(self) -> int:
        """By how much the text has become longer."""
        return len(self.inserted) - len(self.removed)

    @property
    def cursors(self) -> tuple[int, ...]:
        """Where the cursor may stand after it, the likeliest first.

        An editor that closes a bracket puts the cursor before what it inserted.
        """
        if not self.inserted:
            return (self.end,)
        if opened := _OPENED_LINE.fullmatch(self.inserted):
            return (self.start + len(opened[1]), self.end)
        if self.inserted in PAIRS:
            return (self.end - 1, self.end)
        return (self.end, self.end - 1)

    @property
    def is_key(self) -> bool:
        """Whether one key may have made it: a character, a pair, or a line end.

        With a line end comes its indentation.
        """
        text = between(self.removed, self.inserted).inserted
        return len(text) <= 1 or text in PAIRS or text.isspace()

    def moved(self, line_start: int) -> int | None:
        """Where the beginning of a line is after the edit; None where it is gone."""
        if self.start + len(self.removed) > line_start > self.start:
            return None
        is_before = self.start < line_start or self.inserted.endswith(("\n", "\r"))
        if is_before and self.start + len(self.removed) <= line_start:
            return line_start + self.n_more_chars
        return line_start

    def shifted(self, offset: int) -> int:
        """Where a place is after the edit; one within what was removed is its end."""
        if offset >= self.start + len(self.removed):
            return offset + self.n_more_chars
        return min(offset, self.end) if offset > self.start else offset


def cursors(edits: Sequence[Edit]) -> tuple[int, ...]:
    """Where the cursor may stand after edits that were made one after the other."""
    places: list[int] = []
    for edit in edits:
        places = [edit.shifted(place) for place in places]
        places += edit.cursors
    return tuple(dict.fromkeys(places))


def between(old: str, new: str) -> Edit:
    """The one edit that makes `new` of `old`, without what both begin or end with."""
    shorter = min(len(old), len(new))
    head = _n_common(old, new, shorter)
    tail = _n_common(old[::-1], new[::-1], shorter - head)
    return Edit(head, old[head : len(old) - tail], new[head : len(new) - tail])


def _n_common(a: str, b: str, limit: int) -> int:
    """How many of the first `limit` characters are equal, by halving."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
