"""What was suggested, and what became of each suggestion: counts, never text.

A suggestion begins as an answer to the editor and goes on while the document agrees
with it, however many requests that takes. What a person did with it is told by events,
where an editor sends those, and else by the changes of the document.
"""

from __future__ import annotations

import asyncio
import enum
from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import count

from foretype import reuse, trim
from foretype.document import Anchor, Document
from foretype.edits import Edit
from foretype.generation import Generation
from foretype.settings import Settings
from foretype.stats import Counted, Stats
from foretype.trim import Cut, Shape

# What stands on the screen for a shorter time is not seen.
SHOWN_S = 0.150
# When it is looked whether an accepted text is still there, and how that counts.
KEPT_AFTER_S = {
    30.0: (Counted.KEPT_30_S, Counted.GONE_30_S),
    300.0: (Counted.KEPT_5_MIN, Counted.GONE_5_MIN),
}
# It is as long as no more than half of it has changed: Copilot's measure as well.
MIN_KEPT_RATIO = 0.5
# More are compared line by line.
MAX_COMPARED_CHARS = 400
# So many of the last ones say how often suggestions are taken.
N_RECENT = 20
MIN_TAKEN_RATIO = 0.1
# So many that have ended are remembered, for an editor that says later what happened.
N_ENDED = 16

_ids = count(1)


class State(enum.Enum):
    """What became of a suggestion: each ends in one of these."""

    ACCEPTED = "accepted"
    PARTLY_ACCEPTED = "partly accepted"
    TYPED = "typed through"
    """Every character of it was typed."""
    REJECTED = "rejected"
    """Something else was typed."""
    SUPERSEDED = "superseded"
    """Another one took its place, or its place was left."""
    NEVER_SHOWN = "never shown"
    """It was gone before anybody can have seen it."""


_TAKEN = (State.ACCEPTED, State.PARTLY_ACCEPTED, State.TYPED)
_COUNTED = {
    State.ACCEPTED: Counted.ACCEPTED,
    State.PARTLY_ACCEPTED: Counted.PARTLY_ACCEPTED,
    State.TYPED: Counted.TYPED,
    State.REJECTED: Counted.REJECTED,
}


@dataclass(eq=False, slots=True)
class Suggestion:
    """One suggestion, as long as it is on the screen."""

    id: int
    generation: Generation
    anchor: Anchor
    """Where it was first made."""
    shape: Shape
    start: int
    """Where it begins in the generation's text."""
    end: int
    """Where it ends there; it may still grow."""
    is_complete: bool
    """Whether it can not grow any more."""
    answered_s: float
    at: int
    """How far it is typed, in the generation's text."""
    left: str
    """What is not typed yet, as it is on the screen."""
    offset: int = 0
    """Where the cursor is, in code points from the start of the document."""
    line_start: int = 0
    line_end: int = 0
    """The cursor's line, likewise."""
    was_shown: bool = False
    """Whether the editor said so."""
    taken_start: int | None = None
    """Where the text begins that was accepted."""

    def grow(self) -> None:
        """Takes in what the stream has brought since."""
        if self.is_complete:
            return
        generation = self.generation
        text = generation.text[self.start :]
        cut = trim.cut(
            self.anchor,
            text,
            self.shape,
            is_final=generation.is_done,
            is_whole=generation.is_whole,
        )
        n_chars = len(trim.so_far(text, self.anchor, self.shape))
        if cut.is_enough:
            n_chars = len(cut.whole) - cut.n_added_chars
        self.is_complete = cut.is_enough
        self.end = max(self.end, self.start + n_chars)

    def cut_at(self, anchor: Anchor) -> Cut | None:
        """What of it is still to be typed at a cursor; None outside of it."""
        at = self.position(anchor)
        if at is None:
            return None
        text = self.generation.text[at : self.end]
        if anchor.next_line and anchor.next_line != self.anchor.next_line:
            # Enter between two brackets puts the closing one there.
            text = trim.before_line(text, anchor)
        return trim.fit(text, anchor)

    def position(self, anchor: Anchor) -> int | None:
        """How far it is typed at a cursor; None outside of it."""
        rest = reuse.rest_at(self.generation, anchor)
        if rest is None:
            return None
        at = len(self.generation.text) - len(rest)
        return at if self.start <= at <= self.end else None

    def fits(self, anchor: Anchor) -> bool:
        """Whether a cursor is in it."""
        return self.position(anchor) is not None

    def move(self, anchor: Anchor, at: int, left: str) -> None:
        """Notes where the cursor is, how far it is typed, and what is left."""
        self.at, self.left = at, left
        self.offset = anchor.offset
        self.line_start = anchor.start
        self.line_end = anchor.offset + len(anchor.line_suffix)

    def shift(self, n_chars: int) -> None:
        """Follows an edit above its line."""
        self.offset += n_chars
        self.line_start += n_chars
        self.line_end += n_chars
        if self.taken_start is not None:
            self.taken_start += n_chars


@dataclass(eq=False, slots=True)
class _Taken:
    """A text that was accepted, which is looked for again later."""

    document: Document
    text: str
    start: int
    end: int
    """Where it is now, in code points from the start of the document."""
    timers: list[asyncio.TimerHandle] = field(default_factory=list)

    def follow(self, edit: Edit) -> None:
        """Moves along with an edit; what replaces a part of it belongs to it."""
        removed_end = edit.start + len(edit.removed)
        if removed_end <= self.start:
            self.start += edit.n_more_chars
            self.end += edit.n_more_chars
        elif edit.start < self.end:
            self.start = min(self.start, edit.start)
            self.end = max(self.end, removed_end) + edit.n_more_chars

    def is_kept(self) -> bool:
        """Whether about the same stands there now."""
        present = self.document.between(self.start, self.end)
        if present == self.text:
            return True
        # Comparing some thousand characters one by one would take milliseconds.
        is_long = len(self.text) + len(present) > MAX_COMPARED_CHARS
        before, now = (
            text.splitlines() if is_long else [*text] for text in (self.text, present)
        )
        compared = SequenceMatcher(None, before, now, autojunk=False)
        return compared.ratio() > MIN_KEPT_RATIO


class Suggestions:
    """The suggestions that are on the screen, and counts of those that were."""

    def __init__(self, stats: Stats) -> None:
        self._stats = stats
        self.counts: Counter[State] = Counter()
        self.n_kept: Counter[float] = Counter()
        """How many accepted texts were still there after so many seconds."""
        self.n_gone: Counter[float] = Counter()
        self._current: dict[str, list[Suggestion]] = {}
        self._recent: deque[State] = deque(maxlen=N_RECENT)
        self._ended: OrderedDict[int, tuple[State, str]] = OrderedDict()
        self._settled: dict[str, int] = {}
        self._taken: dict[str, list[_Taken]] = {}
        # Whether the editor says what it shows.
        self._hears_of_showing = False

    @property
    def are_rarely_taken(self) -> bool:
        """Whether hardly one of the last ones was accepted or typed."""
        seen = [state for state in self._recent if state is not State.NEVER_SHOWN]
        n_taken = sum(state in _TAKEN for state in seen)
        return len(seen) >= N_RECENT // 2 and n_taken < MIN_TAKEN_RATIO * len(seen)

    def at(
        self, uri: str, anchor: Anchor, settings: Settings
    ) -> tuple[Suggestion, Cut] | None:
        """The suggestion on the screen, as long as it goes on at a cursor."""
        for suggestion in self._current.get(uri, ()):
            suggestion.grow()
            if cut := suggestion.cut_at(anchor):
                cut = cut.for_editor(settings.editor)
                if cut.is_news:
                    return suggestion, cut
        return None

    def by_id(self, suggestion_id: int) -> tuple[str, Suggestion] | None:
        """A suggestion that is on the screen, and the document it is for."""
        for uri, current in self._current.items():
            for suggestion in current:
                if suggestion.id == suggestion_id:
                    return uri, suggestion
        return None

    def is_settled(self, uri: str, offset: int) -> bool:
        """Whether a statement was just ended here by accepting the end of it."""
        return self._settled.get(uri) == offset

    def suggest(
        self, uri: str, generation: Generation, anchor: Anchor, shape: Shape, cut: Cut
    ) -> Suggestion:
        """The suggestion of what a cut keeps at a cursor: a new one if it is news."""
        for suggestion in self._current.get(uri, ()):
            if suggestion.generation is generation:
                known = suggestion.cut_at(anchor)
                if known is not None and known.text == cut.text:
                    at = suggestion.position(anchor)
                    assert at is not None
                    suggestion.move(anchor, at, cut.whole)
                    return suggestion
        rest = reuse.rest_at(generation, anchor) or ""
        start = len(generation.text) - len(rest)
        suggestion = Suggestion(
            id=next(_ids),
            generation=generation,
            anchor=anchor,
            shape=shape,
            start=start,
            end=start + len(cut.whole) - cut.n_added_chars,
            is_complete=cut.is_enough,
            answered_s=asyncio.get_running_loop().time(),
            at=start,
            left=cut.whole,
        )
        suggestion.move(anchor, start, cut.whole)
        return suggestion

    def answered(self, uri: str, suggestions: Sequence[Suggestion]) -> None:
        """Notes what the editor was given; what it had before is superseded."""
        for suggestion in tuple(self._current.get(uri, ())):
            if suggestion not in suggestions:
                self._end(uri, suggestion, State.SUPERSEDED)
        self._current[uri] = list(suggestions)

    def edited(
        self,
        document: Document,
        made: Sequence[Edit],
        cursors: tuple[Anchor, ...],
    ) -> None:
        """Infers from edits what was done with the suggestions of a document."""
        uri = document.uri
        self._settled.pop(uri, None)
        for edit in made:
            for taken in self._taken.get(uri, ()):
                taken.follow(edit)
        here: list[Suggestion] = []
        for suggestion in self._current.get(uri, ()):
            if not all(_is_elsewhere(edit, suggestion) for edit in made):
                here.append(suggestion)
                continue
            for edit in made:
                if edit.start < suggestion.line_start:
                    suggestion.shift(edit.n_more_chars)
        # Of several to choose from, one may be what was typed or accepted.
        is_chosen = [
            any(map(s.fits, cursors)) or _was_inserted(s.left, made) for s in here
        ]
        otherwise = State.SUPERSEDED if any(is_chosen) else State.REJECTED
        for suggestion, fits in zip(here, is_chosen, strict=True):
            if not fits:
                self._end(uri, suggestion, otherwise, document)
            elif _was_inserted(suggestion.left, made):
                self._take(document, suggestion, made[0])
            else:
                self._follow(document, suggestion, cursors)

    def shown(self, suggestion_id: int) -> None:
        """Notes that the editor draws a suggestion."""
        self._hears_of_showing = True
        if found := self.by_id(suggestion_id):
            found[1].was_shown = True

    def accepted(self, suggestion_id: int) -> None:
        """Notes that the editor said so, whatever was made of its edits."""
        if found := self.by_id(suggestion_id):
            self._end(*found, State.ACCEPTED)
        else:
            self._correct(suggestion_id, State.ACCEPTED)

    def partly_accepted(self, suggestion_id: int, n_chars: int) -> None:
        """Notes that the editor said so, of so many characters."""
        if found := self.by_id(suggestion_id):
            _, suggestion = found
            if suggestion.taken_start is None:
                n_typed_chars = suggestion.at - suggestion.start
                suggestion.taken_start = suggestion.offset - min(n_chars, n_typed_chars)
        else:
            self._correct(suggestion_id, State.PARTLY_ACCEPTED)

    def forget(self, uri: str) -> None:
        """Ends what there is of a document that is closed."""
        self._settled.pop(uri, None)
        for suggestion in tuple(self._current.get(uri, ())):
            self._end(uri, suggestion, State.SUPERSEDED)
        self._current.pop(uri, None)
        for taken in self._taken.pop(uri, ()):
            for timer in taken.timers:
                timer.cancel()

    def forget_all(self) -> None:
        """Ends what there is of every document."""
        for uri in [*self._current, *self._taken]:
            self.forget(uri)

    def summary(self) -> str:
        """All counts in one line."""
        parts = [f"{n} {state.value}" for state, n in self.counts.items() if n]
        for after_s in KEPT_AFTER_S:
            n_looked_at = self.n_kept[after_s] + self.n_gone[after_s]
            if n_looked_at:
                kept = self.n_kept[after_s]
                parts.append(f"{kept} of {n_looked_at} kept after {after_s:.0f} s")
        return ", ".join(parts) or "none"

    def _take(self, document: Document, suggestion: Suggestion, made: Edit) -> None:
        """All that was left of a suggestion has been inserted at once."""
        anchor = document.anchor(made.end)
        if suggestion.taken_start is None:
            suggestion.taken_start = made.end - len(suggestion.left)
        suggestion.move(anchor, suggestion.end, "")
        self._end(document.uri, suggestion, State.ACCEPTED, document)
        if trim.ends_statement(anchor.line_prefix):
            self._settled[document.uri] = anchor.offset

    def _follow(
        self,
        document: Document,
        suggestion: Suggestion,
        cursors: tuple[Anchor, ...],
    ) -> None:
        uri = document.uri
        for anchor in cursors:
            at = suggestion.position(anchor)
            if at is None:
                continue
            n_new_chars = at - suggestion.at
            left = suggestion.left[max(n_new_chars, 0) :]
            if n_new_chars < 0:
                left = suggestion.generation.text[at : suggestion.at] + left
            # One key brings a character, or a line end with its indentation.
            added = suggestion.generation.text[suggestion.at : at]
            is_taken = n_new_chars > 1 and not added.isspace()
            suggestion.move(anchor, at, left)
            if is_taken and suggestion.taken_start is None:
                suggestion.taken_start = anchor.offset - n_new_chars
            if left.strip():
                return
            self._end(uri, suggestion, State.TYPED, document)
            return

    def _end(
        self,
        uri: str,
        suggestion: Suggestion,
        state: State,
        document: Document | None = None,
    ) -> None:
        self._current[uri].remove(suggestion)
        on_screen_s = asyncio.get_running_loop().time() - suggestion.answered_s
        was_shown = suggestion.was_shown or (
            not self._hears_of_showing and on_screen_s >= SHOWN_S
        )
        if state is not State.ACCEPTED:
            if suggestion.taken_start is not None:
                state = State.PARTLY_ACCEPTED
            elif not was_shown:
                state = State.NEVER_SHOWN
        language_id = suggestion.generation.language_id
        self._count(state, language_id, 1)
        self._recent.append(state)
        self._ended[suggestion.id] = state, language_id
        while len(self._ended) > N_ENDED:
            self._ended.popitem(last=False)
        if document is not None and suggestion.taken_start is not None:
            n_chars = suggestion.offset - suggestion.taken_start
            self._stats.count(Counted.INSERTED_CHARS, language_id, n_chars)
            self._watch(document, suggestion.taken_start, suggestion.offset)

    def _count(self, state: State, language_id: str, n: int) -> None:
        self.counts[state] += n
        if state is not State.NEVER_SHOWN:
            self._stats.count(Counted.SHOWN, language_id, n)
        if state in _COUNTED:
            self._stats.count(_COUNTED[state], language_id, n)

    def _correct(self, suggestion_id: int, state: State) -> None:
        """Counts what has ended as something else; accepted it stays accepted."""
        counted, language_id = self._ended.get(suggestion_id, (None, ""))
        if counted in (None, state, State.ACCEPTED):
            return
        assert counted is not None
        self._count(counted, language_id, -1)
        self._count(state, language_id, 1)
        self._ended[suggestion_id] = state, language_id

    def _watch(self, document: Document, start: int, end: int) -> None:
        text = document.between(start, end)
        taken = _Taken(document, text, start, end)
        loop = asyncio.get_running_loop()
        taken.timers = [
            loop.call_later(after_s, self._look_for, taken, after_s)
            for after_s in KEPT_AFTER_S
        ]
        self._taken.setdefault(document.uri, []).append(taken)

    def _look_for(self, taken: _Taken, after_s: float) -> None:
        is_kept = taken.is_kept()
        (self.n_kept if is_kept else self.n_gone)[after_s] += 1
        kept, gone = KEPT_AFTER_S[after_s]
        self._stats.count(kept if is_kept else gone, taken.document.language_id)
        if after_s == max(KEPT_AFTER_S):
            self._taken[taken.document.uri].remove(taken)


def _is_elsewhere(edit: Edit, suggestion: Suggestion) -> bool:
    """Whether an edit is outside the line of a suggestion."""
    return (
        edit.start + len(edit.removed) < suggestion.line_start
        or edit.start > suggestion.line_end
    )


def _was_inserted(left: str, made: Sequence[Edit]) -> bool:
    """Whether an edit has inserted all of a text, of more than one character.

    Editors insert it with the beginning of the line before it, or without.
    """
    return len(made) == 1 and len(left.strip()) > 1 and made[0].inserted.endswith(left)
