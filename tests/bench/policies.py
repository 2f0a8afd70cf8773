"""What policies would make of a segment in theory: no server, and time that is counted.

The bound asks at every key and reuses every answer for ever; nothing that waits for the
model can do better. The policy of the design asks where nothing that it has, or that is
under way, agrees with the text, and for what comes behind a suggestion that is seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from editor import is_right
from future import Place, limited, tokens
from profiles import Profile
from traces import Segment, State, typed_at

MAX_TOKENS = 64
# What has been on the screen for so long is asked ahead of.
SEEN_MS = 150.0
# A line that is not whole so long after its first word is shown as far as it is there.
PATIENCE_MS = 150.0
_WORD_AT_END = re.compile(r"\w+$")
_CLOSERS = ")]}\"'`"


@dataclass
class Theory:
    """What comes of a segment."""

    n_events: int = 0
    n_typed: int = 0
    n_right: int = 0
    n_requests: int = 0


@dataclass
class _Stream:
    """One answer, as it comes."""

    state_idx: int
    texts: Sequence[str]
    first_ms: float
    tpot_ms: float
    ends_ms: float
    """When it is whole, or was left."""

    def at(self, now_ms: float) -> str:
        """What has come by a time."""
        now_ms = min(now_ms, self.ends_ms)
        if now_ms < self.first_ms:
            return ""
        if not self.tpot_ms:
            return "".join(self.texts)
        n = int((now_ms - self.first_ms) / self.tpot_ms) + 1
        return "".join(self.texts[:n])

    def is_done(self, now_ms: float) -> bool:
        return now_ms >= self.ends_ms


class _Play:
    """A segment in theory, up to a key, with the streams that were asked for."""

    def __init__(
        self,
        segment: Segment,
        states: Sequence[State],
        places: Sequence[Place],
        profile: Profile,
    ) -> None:
        self.theory = Theory()
        self.streams: list[_Stream] = []
        self.now_ms = 0.0
        self._segment, self._states, self._places = segment, states, places
        self._profile = profile

    def ask(self, idx: int) -> _Stream:
        """Asks in a state."""
        stream = _stream(idx, self._places[idx], self.now_ms, self._profile)
        self.streams.append(stream)
        self.theory.n_requests += 1
        return stream

    def press(self, idx: int) -> None:
        """Waits for the key behind a state, and counts what is shown then."""
        theory, state = self.theory, self._states[idx]
        self.now_ms += self._segment.events[idx].gap_ms
        theory.n_events += 1
        if not typed_at(self._segment, idx, state):
            return
        theory.n_typed += 1
        theory.n_right += state.cursor == state.next_cursor and any(
            _shows_right(stream, self._states, self._places, idx, self.now_ms)
            for stream in self.streams
        )


def bound(
    segment: Segment,
    states: Sequence[State],
    places: Sequence[Place],
    profile: Profile,
) -> Theory:
    """Asks at every key, reuses everything, and shows whatever of it is right."""
    play = _Play(segment, states, places, profile)
    for idx in range(len(segment.events)):
        play.ask(idx)
        play.press(idx)
    return play.theory


def reusing(
    segment: Segment,
    states: Sequence[State],
    places: Sequence[Place],
    profile: Profile,
    *,
    hedges_after_keys: int = 0,
) -> Theory:
    """Asks only where nothing agrees that was asked; ends what does not.

    With hedging it asks as well where that stream has brought nothing in so many keys.
    """
    play = _Play(segment, states, places, profile)
    ahead: set[tuple[int, int]] = set()
    for idx, event in enumerate(segment.events):
        now_ms = play.now_ms
        agreeing = [s for s in play.streams if _agrees(s, states, idx, now_ms)]
        for stream in play.streams:
            if stream not in agreeing and not stream.is_done(now_ms):
                stream.ends_ms = now_ms
        silent = [s for s in agreeing if not s.is_done(now_ms) and not s.at(now_ms)]
        newest_idx = max((s.state_idx for s in agreeing), default=idx)
        is_hedge = (
            hedges_after_keys > 0
            and silent == agreeing
            and idx - newest_idx >= hedges_after_keys
        )
        if not agreeing or is_hedge:
            agreeing.append(play.ask(idx))
        play.press(idx)
        play.theory.n_requests += _asks_ahead(
            agreeing[-1], states, idx, play.now_ms, event.gap_ms, ahead
        )
    return play.theory


def _asks_ahead(
    stream: _Stream,
    states: Sequence[State],
    idx: int,
    now_ms: float,
    gap_ms: float,
    ahead: set[tuple[int, int]],
) -> bool:
    """Whether a line was seen of which the stream does not say what is behind it."""
    seen_ms = now_ms - SEEN_MS
    if gap_ms < SEEN_MS or not stream.is_done(seen_ms):
        return False
    rest = _rest(stream, states, idx, seen_ms)
    if not rest or not rest.strip():
        return False
    place = stream.state_idx, len(stream.texts)
    if "\n" in rest.lstrip() or place in ahead:
        return False
    ahead.add(place)
    return True


def _stream(state_idx: int, place: Place, now_ms: float, profile: Profile) -> _Stream:
    texts, _ = limited(tokens(place, place.before), MAX_TOKENS, ())
    first_ms = now_ms + profile.ttft_ms + profile.round_trip_ms
    ends_ms = first_ms + max(len(texts) - 1, 0) * profile.tpot_ms
    return _Stream(state_idx, texts, first_ms, profile.tpot_ms, ends_ms)


def _rest(
    stream: _Stream, states: Sequence[State], idx: int, now_ms: float
) -> str | None:
    """What of a stream is still to be typed in a state; None where it disagrees."""
    origin, state = states[stream.state_idx], states[idx]
    typed = typed_between(origin, state)
    if typed is None:
        return None
    text = stream.at(now_ms)
    if text.startswith(typed):
        return text[len(typed) :]
    is_ahead = not stream.is_done(now_ms) and typed.startswith(text)
    return "" if is_ahead else None


def typed_between(origin: State, state: State) -> str | None:
    """What was typed from one state to another, if that is all that has changed."""
    if state.cursor < origin.cursor:
        return None
    typed = state.text[origin.cursor : state.cursor]
    if not state.text.startswith(origin.before):
        return None
    after, was_after = state.after, origin.after
    if after == was_after or after.lstrip(_CLOSERS) == was_after.lstrip(_CLOSERS):
        return typed
    return None


def _agrees(stream: _Stream, states: Sequence[State], idx: int, now_ms: float) -> bool:
    rest = _rest(stream, states, idx, now_ms)
    if rest is None:
        return False
    if rest.strip() or not stream.is_done(now_ms):
        return True
    # It has said of this very place that there is nothing.
    return stream.state_idx == idx or rest == stream.at(now_ms)


def _shows_right(
    stream: _Stream,
    states: Sequence[State],
    places: Sequence[Place],
    idx: int,
    now_ms: float,
) -> bool:
    """Whether a stream has a line to show in a state, and that is right.

    It is whole, or takes so long that what there is of its words is shown.
    """
    rest = _rest(stream, states, idx, now_ms) or ""
    if not stream.is_done(now_ms) and "\n" not in rest.lstrip():
        if now_ms < stream.first_ms + PATIENCE_MS:
            return False
        rest = _WORD_AT_END.sub("", rest)
    if not rest.strip():
        return False
    after = states[idx].after
    n_after = len(after) - len(after.lstrip(_CLOSERS))
    # Whatever of the closing brackets it writes again is replaced.
    return any(
        is_right(rest, n, places[idx].future, after, after) for n in {0, n_after}
    )
