"""One change of a text."""

from __future__ import annotations

from dataclasses import dataclass


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

    def moved(self, line_start: int) -> int | None:
        """Where the beginning of a line is after the edit; None where it is gone."""
        if self.start + len(self.removed) > line_start > self.start:
            return None
        is_before = self.start < line_start or self.inserted.endswith(("\n", "\r"))
        if is_before and self.start + len(self.removed) <= line_start:
            return line_start + len(self.inserted) - len(self.removed)
        return line_start


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
