"""Recorded editing, cut into segments that are replayed.

The recordings are read from a folder beside the project; where that is absent, one is
made from this project's own sources. A recording is a JSON object with `startContent`,
and with `txns`, each of which has a `time` and `patches` as `[position, characters
deleted, text inserted]`, in code points.
"""

from __future__ import annotations

import bisect
import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[2]
TRACES = ROOT.parent / "shared" / "traces"

# Quantiles of the gaps between the keys of two programmers who were recorded, in ms.
GAPS_MS = (
    (0.0, 34),
    (0.05, 42),
    (0.25, 90),
    (0.5, 144),
    (0.75, 235),
    (0.9, 530),
    (0.95, 1000),
    (1.0, 1000),
)
# A longer pause is cut to this: nothing more happens in it.
MAX_GAP_MS = 2_000.0
# Who has paused for so long has ended a word.
PAUSE_MS = 1_000.0
# Longer texts are pasted, or put in by a tool.
MAX_KEY_CHARS = 40

_KEY = re.compile(r"\n[ \t]*|.")


@dataclass(frozen=True)
class Patch:
    """A text that takes the place of another."""

    start: int
    n_removed: int
    inserted: str

    @property
    def end(self) -> int:
        """Where what was inserted ends."""
        return self.start + len(self.inserted)


@dataclass(frozen=True)
class Event:
    """One change of the document, as an editor tells it."""

    gap_ms: float
    """Since the event before it."""
    patches: tuple[Patch, ...]


@dataclass(frozen=True)
class Segment:
    """Some events in a row, and the document they are made to."""

    name: str
    file_name: str
    language_id: str
    text: str
    events: tuple[Event, ...]


@dataclass(frozen=True)
class State:
    """The document between two events."""

    text: str
    cursor: int
    """Where it stands once the event before has been made."""
    next_cursor: int
    """Where it stands when the next event is made."""

    @property
    def before(self) -> str:
        return self.text[: self.cursor]

    @property
    def after(self) -> str:
        return self.text[self.cursor :]


@dataclass(frozen=True)
class Trace(Segment):
    """A whole recording."""

    def segments(self, n_segments: int, n_events: int) -> list[Segment]:
        """So many parts of it, one from the middle of each equal share.

        Each begins at a pause, before which nobody was in the middle of a word.
        """
        share = len(self.events) // n_segments
        gaps = [event.gap_ms for event in self.events]
        starts = [
            next(
                at
                for at in range(idx * share + max(share - n_events, 0) // 2, len(gaps))
                if gaps[at] >= PAUSE_MS or at == len(gaps) - 1
            )
            for idx in range(n_segments)
        ]
        text = self.text
        found: list[Segment] = []
        for event_idx, event in enumerate(self.events):
            if event_idx in starts:
                events = self.events[event_idx : event_idx + n_events]
                name = f"{self.name} {len(found) + 1}"
                found.append(
                    Segment(name, self.file_name, self.language_id, text, events)
                )
            text = applied(text, event.patches)
        return found


def traces() -> list[Trace]:
    """The recordings there are, or one of our own making."""
    if not TRACES.is_dir():
        return [_own()]
    return [
        _recorded("sveltecomponent", "App.svelte", "svelte"),
        _recorded("json-crdt-blog-post", "post.md", "markdown"),
    ]


def applied(text: str, patches: Sequence[Patch]) -> str:
    """A text after some changes, one after the other."""
    for patch in patches:
        end = patch.start + patch.n_removed
        text = text[: patch.start] + patch.inserted + text[end:]
    return text


def states(segment: Segment) -> list[State]:
    """The document before each event, and after the last one.

    Recordings have no cursor. It stands where an event ended, or within what that
    inserted if the next event says so, as it does between brackets that were closed.
    """
    found: list[State] = []
    text = segment.text
    # Nothing is known of it before the first event.
    last = Patch(_place(segment.events[0], text)[0], 0, "")
    for event in segment.events:
        start, end = _place(event, text)
        next_cursor = end if end <= last.end else start
        is_near = last.start <= next_cursor <= last.end
        cursor = next_cursor if is_near else last.end
        found.append(State(text, cursor, next_cursor))
        text = applied(text, event.patches)
        last = event.patches[-1]
    return [*found, State(text, last.end, last.end)]


def typed_at(segment: Segment, state_idx: int, state: State) -> str:
    """What the event behind a state types at the cursor; empty where it does not."""
    event = segment.events[state_idx]
    if len(event.patches) != 1:
        return ""
    patch = _less_in_common(event.patches[0], state.text)
    is_typed = not patch.n_removed and patch.start == state.next_cursor
    return patch.inserted if is_typed and len(patch.inserted) <= MAX_KEY_CHARS else ""


def future(segment: Segment, all_states: Sequence[State], state_idx: int) -> str:
    """What will stand at the cursor once the person goes elsewhere.

    It ends where text before the cursor of now is changed, so that whoever is about to
    take back a slip has no future. Closing brackets that the editor inserts are in it.
    """
    cursor = all_states[state_idx].cursor
    grown = ""
    for idx in range(state_idx, len(segment.events)):
        text = all_states[idx].text
        for patch in segment.events[idx].patches:
            less = _less_in_common(patch, text)
            text = applied(text, (patch,))
            if not less.n_removed and not less.inserted:
                continue
            start = less.start - cursor
            if start < 0 or start + less.n_removed > len(grown):
                return grown
            grown = grown[:start] + less.inserted + grown[start + less.n_removed :]
    return grown


def n_same_chars(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    n_most = min(len(one), len(other))
    return next((idx for idx, (a, b) in enumerate(pairs) if a != b), n_most)


def gap_ms(share: float) -> float:
    """The gap that so many of the recorded ones are shorter than."""
    shares = [each for each, _ in GAPS_MS]
    above = min(bisect.bisect_right(shares, share), len(shares) - 1)
    low, low_ms = GAPS_MS[above - 1]
    high, high_ms = GAPS_MS[above]
    return low_ms + (share - low) / (high - low) * (high_ms - low_ms)


def _place(event: Event, text: str) -> tuple[int, int]:
    """Where an event begins and ends in the text before it."""
    patch = _less_in_common(event.patches[0], text)
    return patch.start, patch.start + patch.n_removed


def _less_in_common(patch: Patch, text: str) -> Patch:
    """A change without what it replaces by the same: a name that a list completes."""
    removed = text[patch.start : patch.start + patch.n_removed]
    n_same = n_same_chars(removed, patch.inserted)
    return Patch(
        patch.start + n_same, patch.n_removed - n_same, patch.inserted[n_same:]
    )


def _recorded(name: str, file_name: str, language_id: str) -> Trace:
    with gzip.open(TRACES / f"{name}.json.gz", "rt", encoding="utf-8") as file:
        recorded = json.load(file)
    text: str = recorded["startContent"]
    changes = [
        tuple(Patch(*patch) for patch in txn["patches"]) for txn in recorded["txns"]
    ]
    stamps_ms = _stamps_ms([txn["time"] for txn in recorded["txns"]], name)
    if len(changes[0]) == 1 and len(changes[0][0].inserted) > MAX_KEY_CHARS:
        # What the recording begins with is the document that is opened.
        text = applied(text, changes[0])
        changes, stamps_ms = changes[1:], stamps_ms[1:]
    gaps = [stamps_ms[0], *stamps_ms[:-1]]
    events = tuple(
        Event(min(now_ms - before_ms, MAX_GAP_MS), patches)
        for patches, now_ms, before_ms in zip(changes, stamps_ms, gaps, strict=True)
    )
    return Trace(name, file_name, language_id, text, events)


def _stamps_ms(times: Sequence[str], name: str) -> list[float]:
    """The times in milliseconds; whole seconds are filled with gaps as others type."""
    whole = [datetime.fromisoformat(time).timestamp() * 1000 for time in times]
    if any(ms % 1000 for ms in whole):
        return whole
    random = Random(name)
    stamps: list[float] = []
    first = 0
    while first < len(whole):
        last = bisect.bisect_right(whole, whole[first], first)
        gaps = [gap_ms(random.uniform(0, 0.9)) for _ in range(first, last)]
        squeeze = min(1.0, 1000 / (sum(gaps) + 1))
        at_ms = whole[first]
        for gap in gaps:
            at_ms += gap * squeeze
            stamps.append(at_ms)
        first = last
    return stamps


def _own() -> Trace:
    """Functions of this project's own, typed again where they stand, with slips."""
    path = ROOT / "server" / "foretype" / "edits.py"
    text = path.read_text("utf-8")
    removed: list[tuple[int, str]] = []
    for body in reversed([*re.finditer(r"(?<=:\n)(?:    .*\n|\n)+(?=\n\n|\Z)", text)]):
        removed.append((body.start(), body.group()))
        text = text[: body.start()] + text[body.end() :]
    random = Random(path.name)
    events = tuple(
        Event(gap_ms(random.random()), (patch,))
        for start, body in reversed(removed)
        for patch in _typed(start, body, random)
    )
    # The bodies stand in the order of the text, so each is where the earlier ones put
    # it.
    return Trace("own sources", path.name, "python", text, events)


def _typed(start: int, text: str, random: Random) -> Iterator[Patch]:
    """A key after the other; one of fifty is a slip, which is taken back."""
    for key in _KEY.findall(text):
        if random.random() < 0.02:
            yield Patch(start, 0, "#")
            yield Patch(start, 1, "")
        yield Patch(start, 0, key)
        start += len(key)
