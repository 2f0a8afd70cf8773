"""What was generated already and still fits the text around the cursor.

Everything is compared as text, so that it does not matter how the document came to
say what it says: typing along, backspace, undo, accepting, or coming back.
"""

from __future__ import annotations

from dataclasses import replace
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
# Two streams follow the text at once: the oldest that agrees, and the newest.
MAX_RUNNING = 2


class Generated(Protocol):
    """What a stream has brought for an anchor."""

    id: int
    anchor: Anchor
    text: str
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

    def add(self, generated: GeneratedT) -> None:
        """Takes in a stream that has just begun; the oldest beyond two is ended."""
        self._settle()
        while len(self._running) >= MAX_RUNNING:
            self._running[0].end()
            self._settle()
        self._running.append(generated)

    def find(self, anchor: Anchor) -> GeneratedT | None:
        """What fits at a cursor: with text to show there, or else what may yet have.

        Of several the newest. One that is done and all typed has nothing more to say,
        unless it has said so of this very place.
        """
        self._settle()
        without_text: GeneratedT | None = None
        for generated in [*self._done.values(), *self._running][::-1]:
            if generated.anchor.next_line != anchor.next_line:
                # What `rest_at` would find as well, a call later.
                continue
            rest = rest_at(generated, anchor)
            if rest is None:
                continue
            if rest.strip():
                return generated
            if not generated.is_done or rest == generated.text:
                without_text = without_text or generated
        return without_text

    def edited(self, edit: Edit, cursors: tuple[Anchor, ...]) -> None:
        """Follows an edit; a running stream that agrees with no cursor is ended.

        An edit elsewhere only moves what it stands before.
        """
        self._settle()
        moved = len(edit.inserted) - len(edit.removed)
        for generated in self._running:
            if not _is_elsewhere(edit, generated):
                generated.cursors = cursors
            elif edit.start < generated.cursors[0].start:
                generated.cursors = tuple(
                    replace(cursor, start=cursor.start + moved)
                    for cursor in generated.cursors
                )
        for generated in (*self._running, *self._done.values()):
            if generated.offset is not None:
                generated.offset = edit.moved(generated.offset)
        for generated in self._running:
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

    @property
    def running(self) -> list[GeneratedT]:
        """The streams that run, the oldest first."""
        self._settle()
        return self._running[:]

    def _settle(self) -> None:
        """Moves what is done to what is kept; a failure that brought nothing goes."""
        for generated in [g for g in self._running if g.is_done]:
            self._running.remove(generated)
            is_failure = generated.error is not None and not generated.text
            if not is_failure and _n_bytes(generated) <= MAX_BYTES:
                self._done[generated.id] = generated


def has_diverged(generated: Generated) -> bool:
    """Whether a person has typed something else than was generated."""
    return all(rest_at(generated, cursor) is None for cursor in generated.cursors)


def rest_at(generated: Generated, anchor: Anchor) -> str | None:
    """What of a generated text is still to be typed at a cursor.

    None where the document went another way. What was typed since must be the
    beginning of what was generated; while the stream runs, what was generated so far
    may also be the beginning of what was typed, and the rest is empty.
    """
    origin = generated.anchor
    if origin.next_line != anchor.next_line:
        return None
    if not _same_line_suffix(origin.line_suffix, anchor.line_suffix):
        return None
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


def _is_same_line(generated: Generated, above: str, anchor: Anchor) -> bool:
    """Whether a cursor's line is the one that stands below `above` in what was made.

    It is where it should be by all the edits since, or what stands before it says so.
    """
    present = anchor.before
    if generated.offset is not None and generated.offset + len(above) == anchor.start:
        n_chars = min(len(above), len(present))
        return present.endswith(above[len(above) - n_chars :])
    whole = generated.anchor.before + above
    n_chars = min(len(whole), len(present))
    return whole == present or (
        n_chars >= MIN_BEFORE_CHARS and whole[-n_chars:] == present[-n_chars:]
    )


def _same_line_suffix(origin: str, present: str) -> bool:
    """Whether two rests of a line differ by no more than what an editor closed."""
    origin, present = origin.strip(), present.strip()
    if origin == present:
        return True
    longer, shorter = sorted((origin, present), key=len, reverse=True)
    return longer.endswith(shorter) and trim.is_closing_punctuation(
        longer[: len(longer) - len(shorter)]
    )


def _n_bytes(generated: Generated) -> int:
    anchor = generated.anchor
    # An object and its few strings, besides their characters.
    return 1024 + 2 * (
        len(anchor.before)
        + len(anchor.line_prefix)
        + len(anchor.line_suffix)
        + len(anchor.next_line)
        + len(generated.text)
    )
