"""What an editor shows of a text being typed, and the numbers the demo keeps.

Values and functions only: nothing here draws, waits or knows the server.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import median

# So much is typed in a session, at most: a minute without any completion.
FUTURE_CHARS = 420
# A shorter suggestion is typed as quickly as it is read.
MIN_ACCEPTED_CHARS = 4
# An answer as quick as this was there before it was asked for.
MEMORY_MS = 5.0


@dataclass(frozen=True, slots=True)
class Screen:
    """The text before and after the cursor, and the ghost text drawn between."""

    before: str
    after: str
    ghost: str = ""

    @property
    def position(self) -> dict[str, int]:
        """The cursor as an LSP position that counts in UTF-8."""
        line_prefix = self.before[self.before.rfind("\n") + 1 :]
        return {
            "line": self.before.count("\n"),
            "character": len(line_prefix.encode()),
        }

    def typed(self, text: str) -> Screen:
        """With a text inserted; ghost text stays as long as it is what is typed."""
        rest = self.ghost[len(text) :] if self.ghost.startswith(text) else ""
        return Screen(self.before + text, self.after, rest)

    def erased(self, n_chars: int) -> Screen:
        """With so much before the cursor taken back, and no ghost text."""
        return Screen(self.before[: len(self.before) - n_chars], self.after)

    def suggested(self, text: str) -> Screen:
        """With another ghost text."""
        return replace(self, ghost=text)

    def acceptable(self, future: str) -> str:
        """The part of the ghost text that a person who wants `future` would accept.

        That is all of it, or its first lines as far as they are right; empty where
        typing is quicker.
        """
        right = self.ghost
        while not future.startswith(right):
            right = right[: max(right.rfind("\n"), 0)]
        return right if len(right.strip()) >= MIN_ACCEPTED_CHARS else ""


def cut(text: str) -> tuple[str, str, str]:
    """What is there already, what is going to be typed, and what comes after it.

    The middle is taken from the second half of a text: whole paragraphs where there are
    any that short, else whole lines. It begins behind its indentation, which an editor
    sets, and ends before its line end.
    """
    lines = text.rstrip().splitlines(keepends=True)
    half = range(len(lines) // 2, len(lines))
    first = next(i for i in half if lines[i].strip())
    start = next((i for i in half if _begins(lines, i)), first)
    end, n_chars, paragraph_end = start + 1, len(lines[start]), 0
    while end < len(lines) and n_chars + len(lines[end]) <= FUTURE_CHARS:
        n_chars += len(lines[end])
        end += 1
        if end == len(lines) or _begins(lines, end):
            paragraph_end = end
    end = paragraph_end or end
    future = "".join(lines[start:end]).strip()
    indentation = lines[start][: -len(lines[start].lstrip())]
    before = "".join(lines[:start]) + indentation
    return before, future, text[len(before) + len(future) :]


def _begins(lines: Sequence[str], line_idx: int) -> bool:
    """Whether a line is the first of a paragraph."""
    return bool(lines[line_idx].strip()) and not lines[line_idx - 1].strip()


def next_key(future: str) -> str:
    """What the next key enters: one character, or a new line with its indentation."""
    if future[0] != "\n":
        return future[0]
    line = future[1:]
    return future[: 1 + len(line) - len(line.lstrip(" \t"))]


class Origin(enum.Enum):
    """Where an answer came from, as far as an editor can tell."""

    TYPED_ALONG = "typed along"
    """It goes on with the ghost text that was on the screen."""
    MEMORY = "from memory"
    """It came at once."""
    MODEL = "from the model"
    """It was waited for."""


def origin(shown: str, answered: str, ms: float) -> Origin:
    """Where an answer came from that took `ms` while `shown` was on the screen."""
    is_quick = ms < MEMORY_MS
    # What is longer and was waited for has been written by the model meanwhile.
    if shown and (answered == shown or (is_quick and answered.startswith(shown))):
        return Origin.TYPED_ALONG
    return Origin.MEMORY if is_quick else Origin.MODEL


@dataclass(slots=True)
class Tally:
    """What was counted and measured in a session so far."""

    n_keys: int = 0
    n_chars: int = 0
    """All that was entered, by keys and by accepting."""
    n_accepted_chars: int = 0
    n_requests: int = 0
    n_overtaken: int = 0
    """Requests that the next key came before; no time is known of these."""
    times_ms: dict[Origin, list[float]] = field(
        default_factory=lambda: {origin: [] for origin in Origin}
    )
    """How long each completion that was shown had taken."""

    def summary(self) -> str:
        """The whole session in one line."""
        saved = self.n_accepted_chars / self.n_chars if self.n_chars else 0.0
        times = [
            f"{len(ms)} {origin.value} (p50 {median(ms):.1f} ms)"
            for origin, ms in self.times_ms.items()
            if ms
        ]
        return (
            f"{self.n_keys} keys typed, {self.n_accepted_chars} of {self.n_chars} "
            f"characters accepted ({saved:.0%}); {self.n_requests} requests: "
            f"{', '.join([*times, f'{self.n_overtaken} overtaken by the next key'])}"
        )
