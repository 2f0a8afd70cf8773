"""What was generated already and still fits the text around the cursor.

Everything is compared as text, so that it does not matter how the document came to
say what it says: typing along, backspace, undo, accepting, or coming back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Generic, Protocol, TypeVar

from cachetools import FIFOCache

from foretype import trim
from foretype.document import Anchor
from foretype.edits import Edit
from foretype.errors import ModelError

# Some hundred completions of a document: the bound on its memory.
MAX_BYTES = 256 * 1024
# Fewer characters before a line do not tell its place, once there are others above.
MIN_BEFORE_CHARS = 32

_BLANKS_AT_LINE_END = re.compile(r"[ \t]+(?=[\r\n])")


class Generated(Protocol):
    """What a stream has brought for an anchor."""

    id: int
    anchor: Anchor
    suffix_key: str
    """That of the anchor."""
    text: str
    """What belongs behind the anchor, so far."""
    n_assumed_chars: int
    """So much of the text is a suggestion that was taken to be accepted."""
    is_alternative: bool
    """Whether it is another idea for a place that has one."""
    offset: int | None
    """Where the anchor's line begins now, in code points; None once that is gone."""
    cursors: tuple[Anchor, ...]
    """Where a person may have got to since it began."""
    is_done: bool
    error: ModelError | None

    def end(self) -> None:
        """Closes the stream; what has arrived stays."""
        ...


GeneratedT = TypeVar("GeneratedT", bound=Generated)


class Index(Generic[GeneratedT]):
    """What was generated for one document: streams that run, and texts that are done.

    What a stream brought is kept whether or not anybody still waits for it.
    """

    def __init__(self) -> None:
        self._running: list[GeneratedT] = []
        self._done: FIFOCache[int, GeneratedT] = FIFOCache(
            MAX_BYTES, getsizeof=_n_bytes
        )
        # Its values: going through the cache itself takes a microsecond for each.
        self._kept: list[GeneratedT] = []
        # Those of them that brought no text, as long as nobody has left their place.
        self._silent: list[GeneratedT] = []

    def add(self, generated: GeneratedT, max_running: int) -> None:
        """Takes in a stream that has just begun; what is too many is ended.

        First goes what nobody has asked for by a key, then the oldest.
        """
        self._settle()
        while len(self._running) >= max_running:
            asked_for_less = (
                g for g in self._running if g.n_assumed_chars or g.is_alternative
            )
            next(asked_for_less, self._running[0]).end()
            self._settle()
        self._running.append(generated)

    def find(self, anchor: Anchor) -> GeneratedT | None:
        """What fits at a cursor: with text to show there, or else what may yet have.

        One that is done and all typed has nothing more to say, unless it has said so of
        this very place; who leaves that and comes back may ask again.
        """
        without_text: GeneratedT | None = None
        for generated, rest in self.fitting(anchor):
            if rest.strip():
                return generated
            said_so = generated in self._silent and rest == _streamed(generated)
            if not generated.is_done or said_so:
                without_text = without_text or generated
        return without_text

    def fitting(self, anchor: Anchor) -> Iterator[tuple[GeneratedT, str]]:
        """All that fit at a cursor with what is left of them, the best first.

        That is the newest. Other ideas for a place come behind it, those first that
        were there first, so that their order stays.
        """
        self._settle()
        key = suffix_key(anchor)
        known = [*self._kept, *self._running]
        for generated in chain(
            (g for g in reversed(known) if not g.is_alternative),
            (g for g in known if g.is_alternative),
        ):
            if generated.suffix_key == key:
                rest = _rest(generated, anchor)
                if rest is not None:
                    yield generated, rest

    def edited(self, edits: Sequence[Edit], cursors: tuple[Anchor, ...]) -> None:
        """Follows edits; a running stream that agrees with no cursor is ended.

        An edit elsewhere only moves what it stands before.
        """
        self._settle()
        self._silent = [
            generated
            for generated in self._silent
            # A bracket that was typed alone is no pair with the cursor in between.
            if cursors and rest_at(generated, cursors[0]) is not None
        ]
        touched: set[int] = set()
        for edit in edits:
            for generated in self._running:
                if not _is_elsewhere(edit, generated):
                    touched.add(generated.id)
                elif edit.start < generated.cursors[0].start:
                    generated.cursors = tuple(
                        replace(cursor, start=cursor.start + edit.n_more_chars)
                        for cursor in generated.cursors
                    )
            removed_end = edit.start + len(edit.removed)
            for generated in chain(self._running, self._kept):
                offset = generated.offset
                if offset is None or offset < edit.start:
                    continue
                is_below = offset > removed_end
                generated.offset = (
                    offset + edit.n_more_chars if is_below else edit.moved(offset)
                )
        for generated in self._running:
            if generated.id in touched:
                generated.cursors = cursors
                if has_diverged(generated):
                    generated.end()
        self._settle()

    def end_all(self) -> list[GeneratedT]:
        """Ends every running stream, and returns those."""
        self._settle()
        running = self._running[:]
        for generated in running:
            generated.end()
        self._settle()
        return running

    def clear(self) -> None:
        """Forgets what is done."""
        self._settle()
        self._done.clear()
        self._kept.clear()
        self._silent.clear()

    @property
    def running(self) -> list[GeneratedT]:
        """The streams that run, the oldest first."""
        self._settle()
        return self._running[:]

    @property
    def n_bytes(self) -> int:
        """About how much memory it takes."""
        return int(self._done.currsize) + sum(map(_n_bytes, self._running))

    def _settle(self) -> None:
        """Moves what is done to what is kept; a failure that brought nothing goes."""
        for generated in [g for g in self._running if g.is_done]:
            self._running.remove(generated)
            is_failure = generated.error is not None and not _streamed(generated)
            if not is_failure and _n_bytes(generated) <= MAX_BYTES:
                self._done[generated.id] = generated
                self._kept = list(self._done.values())
                if not _streamed(generated).strip():
                    self._silent.append(generated)


def has_diverged(generated: Generated) -> bool:
    """Whether a person has typed something else than was generated."""
    return all(rest_at(generated, cursor) is None for cursor in generated.cursors)


def rest_at(generated: Generated, anchor: Anchor) -> str | None:
    """What of a generated text is still to be typed at a cursor.

    None where the document went another way. What was typed since must be the
    beginning of what was generated; while the stream runs, what was generated so far
    may also be the beginning of what was typed, and the rest is empty.
    """
    if generated.suffix_key != suffix_key(anchor):
        return None
    return _rest(generated, anchor)


def _rest(generated: Generated, anchor: Anchor) -> str | None:
    origin = generated.anchor
    whole = origin.line_prefix + generated.text
    typed = anchor.line_prefix
    line_start = 0
    # NB: Before the anchor, what is left would begin with what was just deleted.
    min_end = len(origin.line_prefix)
    # The cursor may stand in any line of what was generated.
    while True:
        line_end = whole.find(origin.line_end, line_start)
        is_last = line_end < 0
        end = line_start + len(typed)
        if end >= min_end and (is_last or end <= line_end):
            agrees = whole.startswith(typed, line_start)
            if is_last and not agrees and not generated.is_done:
                agrees = typed.startswith(whole[line_start:])
            if agrees and _is_same_line(generated, whole[:line_start], anchor):
                return whole[end:]
        if is_last:
            return None
        line_start = line_end + len(origin.line_end)


def _is_elsewhere(edit: Edit, generated: Generated) -> bool:
    """Whether an edit is outside the lines that a stream is for, so far as typed."""
    if generated.offset is None:
        return False
    first = min(generated.offset, *(c.start for c in generated.cursors))
    last = max(c.start + len(c.line_prefix) for c in generated.cursors)
    return edit.start + len(edit.removed) < first or edit.start > last


def suffix_key(anchor: Anchor) -> str:
    """What follows a cursor, less the brackets and quotes that an editor closes.

    It closes them behind the cursor or, at Enter, on a line of their own.
    """
    for line in (anchor.line_suffix.strip(), anchor.next_line, anchor.line_after):
        if rest := trim.without_closers(line):
            return rest
    return ""


def _is_same_line(generated: Generated, above: str, anchor: Anchor) -> bool:
    """Whether a cursor's line is the one that stands below `above` in what was made.

    It is where it should be by all the edits since, or what stands before it says so.
    """
    present = anchor.before
    if generated.offset is not None and generated.offset + len(above) == anchor.start:
        n_chars = min(len(above), len(present))
        return present.endswith(above[len(above) - n_chars :])
    whole = generated.anchor.before + above
    # Editors put blanks on an empty line, and take them away.
    return _end_alike(whole, present) or _end_alike(
        _BLANKS_AT_LINE_END.sub("", whole), _BLANKS_AT_LINE_END.sub("", present)
    )


def _end_alike(whole: str, present: str) -> bool:
    n_chars = min(len(whole), len(present))
    return whole == present or (
        n_chars >= MIN_BEFORE_CHARS and whole[-n_chars:] == present[-n_chars:]
    )


def _streamed(generated: Generated) -> str:
    """What the stream itself has brought."""
    return generated.text[generated.n_assumed_chars :]


def _n_bytes(generated: Generated) -> int:
    anchor = generated.anchor
    # An object and its few strings, besides their characters.
    return 1024 + 2 * (
        len(anchor.before)
        + len(anchor.line_prefix)
        + len(anchor.line_suffix)
        + len(anchor.next_line)
        + len(anchor.line_after)
        + len(generated.text)
    )
