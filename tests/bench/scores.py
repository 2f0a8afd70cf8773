"""From what was seen of a replay to the numbers that are reported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from player import Ask, Played
from policies import typed_between
from traces import State


@dataclass
class Score:
    """What was counted and measured in one segment, or in several."""

    n_recorded: int = 0
    """Keys that were recorded."""
    n_events: int = 0
    """Keys that were pressed: fewer, where suggestions were accepted."""
    n_typed: int = 0
    """Keys among these that typed at the cursor."""
    n_right: int = 0
    n_right_strict: int = 0
    n_wrong: int = 0
    without_ns: list[int] = field(default_factory=list)
    """From each key until a right suggestion was on screen, or the next key."""
    shown_ns: list[int] = field(default_factory=list)
    """The same of those keys only that one came for before the next."""
    written_ns: list[int] = field(default_factory=list)
    """From a request's way to the server to the HTTP request read by the endpoint."""
    answered_ns: list[int] = field(default_factory=list)
    """From the last byte needed, written by the endpoint, to the answer."""
    memory_ns: list[int] = field(default_factory=list)
    """From a request to the answer where the server had all it needed."""
    left_ns: list[int] = field(default_factory=list)
    """From the key that went another way to the end of the stream."""
    after_accepting_ns: list[int] = field(default_factory=list)
    n_accepted: int = 0
    n_saved_keys: int = 0
    n_requests: int = 0
    n_off_recording: int = 0
    """Requests for a text that the recording never has."""
    n_prompt_tokens: int = 0
    n_prompt_chars: int = 0
    n_same_head_chars: int = 0
    """Those at the beginning of prompts that were the same in the one before."""
    n_tokens: int = 0
    n_wasted_tokens: int = 0
    """Written after the text had gone another way."""
    n_unseen_tokens: int = 0
    """Of streams nothing of which came on screen."""
    n_answers: int = 0
    n_from_memory: int = 0
    n_unanswered: int = 0
    n_stale: int = 0
    n_errors: int = 0
    cpu_s: float = 0
    peak_bytes: int = 0
    late_ns: list[int] = field(default_factory=list)
    """How late each key left."""
    endpoint_late_ns: float = 0
    n_bound_right: int = 0
    """What the bound has right of the same keys."""
    n_policy_requests: int = 0
    """What the design's policy asks for, without a server."""

    def add(self, other: Score) -> None:
        """Takes in another segment."""
        peak_bytes = max(self.peak_bytes, other.peak_bytes)
        endpoint_late_ns = max(self.endpoint_late_ns, other.endpoint_late_ns)
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        self.peak_bytes, self.endpoint_late_ns = peak_bytes, endpoint_late_ns


def together(scores: Iterable[Score]) -> Score:
    whole = Score()
    for score in scores:
        whole.add(score)
    return whole


def score(
    played: Played,
    states: Sequence[State],
    asked: Sequence[dict[str, Any]],
) -> Score:
    """The numbers of one segment; `asked` is what the endpoint reports."""
    streams = [_Stream(fields, states, played) for fields in asked]
    found = Score(
        n_recorded=len(states) - 1,
        n_events=played.n_events,
        n_typed=played.n_typed,
        n_right=played.keeping.n_right,
        n_right_strict=played.strict.n_right,
        n_wrong=played.keeping.n_wrong,
        without_ns=played.keeping.without_ns,
        shown_ns=played.keeping.shown_ns,
        after_accepting_ns=played.after_accepting_ns,
        n_accepted=played.n_accepted,
        n_saved_keys=played.n_saved_keys,
        late_ns=played.late_ns,
        n_requests=len(streams),
        n_off_recording=sum(s.state_idx is None and s.status == 200 for s in streams),
        n_prompt_tokens=sum(s.n_prompt_tokens for s in streams),
        n_prompt_chars=sum(s.n_prompt_chars for s in streams),
        n_same_head_chars=sum(s.n_same_head_chars for s in streams),
        n_tokens=sum(len(s.chunks_ns) for s in streams),
        n_unanswered=sum(a.outcome == "unanswered" for a in played.asks),
        n_stale=sum(a.outcome == "stale" for a in played.asks),
        n_errors=sum(a.outcome == "error" for a in played.asks),
    )
    for stream in streams:
        stream.count(found, played.asks)
    for ask in played.asks:
        _count_answer(found, ask, streams, states)
    found.n_unseen_tokens = sum(
        len(stream.chunks_ns) for stream in streams if not stream.is_seen
    )
    return found


class _Stream:
    """One HTTP request, beside what was typed meanwhile."""

    def __init__(
        self, fields: dict[str, Any], states: Sequence[State], played: Played
    ) -> None:
        self.state_idx: int | None = fields["place_idx"]
        self.status: int = fields["status"]
        self.n_prompt_tokens: int = fields["n_prompt_tokens"]
        self.n_prompt_chars: int = fields["n_prompt_chars"]
        self.n_same_head_chars: int = fields["n_same_head_chars"]
        self.received_ns: int = fields["received_ns"]
        self.chunks_ns: list[int] = fields["chunks_ns"]
        self.is_seen = False
        self._n_ahead_chars: int = fields["n_ahead_chars"]
        self._texts: list[str] = fields["texts"]
        self._is_streamed: bool = fields["is_streamed"]
        self._answered_ns: int | None = fields["answered_ns"]
        self._disconnected_ns: int | None = fields["disconnected_ns"]
        self._diverged_ns = self._divergence_ns(states, played)

    def count(self, score: Score, asks: Sequence[Ask]) -> None:
        """Adds what is told by the stream itself."""
        if self.state_idx is not None and not self._n_ahead_chars:
            before = [a for a in asks if a.sent_ns < self.received_ns]
            asked = [a for a in before if a.state_idx == self.state_idx]
            # What is asked ahead may be the text of a place that was left long ago.
            if asked and before[-1].state_idx - self.state_idx in (0, 1):
                score.written_ns.append(self.received_ns - asked[-1].sent_ns)
        diverged_ns = self._diverged_ns
        if diverged_ns is None:
            return
        score.n_wasted_tokens += sum(ns > diverged_ns for ns in self.chunks_ns)
        if self._disconnected_ns is not None and self._disconnected_ns > diverged_ns:
            score.left_ns.append(self._disconnected_ns - diverged_ns)

    def completes(
        self, state: State, states: Sequence[State], shown: str
    ) -> int | None:
        """When the stream had brought what is shown in a state; None where it never.

        What is shown may leave out blanks at its end and repeat what stands behind.
        """
        if self.state_idx is None:
            return None
        typed = typed_between(states[self.state_idx], state)
        if typed is None or len(typed) < self._n_ahead_chars:
            return None
        typed = typed[self._n_ahead_chars :]
        whole, needed = "", typed + shown.rstrip()
        for text, ns in zip(self._texts, self.chunks_ns, strict=False):
            whole += text
            if not (whole.startswith(needed) or needed.startswith(whole)):
                # It may add closing brackets that stand there already.
                is_near = len(whole) > len(typed) + len(shown) // 2
                if not is_near or not whole.startswith(typed + shown[:4]):
                    return None
            # The line is over once something else has come, or nothing more does.
            elif whole.rstrip(" \t") == needed or not whole.startswith(needed):
                continue
            return ns if self._is_streamed else self._answered_ns
        is_whole = whole.startswith(needed) and len(self.chunks_ns) == len(self._texts)
        if not is_whole:
            return None
        return self.chunks_ns[-1] if self._is_streamed else self._answered_ns

    def _divergence_ns(self, states: Sequence[State], played: Played) -> int | None:
        """When a key was sent that the text so far does not agree with."""
        if self.state_idx is None or self._n_ahead_chars:
            return None
        origin = states[self.state_idx]
        line_start = origin.text.rfind("\n", 0, origin.cursor) + 1
        for idx in range(self.state_idx + 1, len(states)):
            changed_ns = played.changed_ns.get(idx)
            if changed_ns is None or changed_ns < self.received_ns:
                continue
            state = states[idx]
            if not state.text.startswith(origin.text[:line_start]):
                # Somebody is at work above.
                return None
            if not state.text.startswith(origin.before):
                return changed_ns
            typed = typed_between(origin, state)
            if typed is None:
                # The cursor has left, or something behind it has changed.
                return None
            n_texts = sum(ns < changed_ns for ns in self.chunks_ns)
            text = "".join(self._texts[:n_texts])
            if not (text.startswith(typed) or typed.startswith(text)):
                return changed_ns
        return None


def _count_answer(
    found: Score, ask: Ask, streams: Sequence[_Stream], states: Sequence[State]
) -> None:
    """Adds an answer: how long after the last byte that it needed it came."""
    if ask.outcome != "items" or ask.answered_ns is None:
        return
    found.n_answers += 1
    state = states[ask.state_idx]
    needed = [
        (ns, stream)
        for stream in streams
        if (ns := stream.completes(state, states, ask.shown)) is not None
        and ns <= ask.answered_ns
    ]
    if not needed:
        return
    needed_ns, stream = min(needed, key=lambda each: each[0])
    stream.is_seen = True
    if needed_ns < ask.sent_ns:
        found.n_from_memory += 1
        found.memory_ns.append(ask.answered_ns - ask.sent_ns)
    else:
        found.answered_ns.append(ask.answered_ns - needed_ns)
