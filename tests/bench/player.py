"""Replays a segment of recorded editing in real time, in front of a language server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any

from editor import Editor, Item, Server, is_right
from future import Place
from peers import Peer
from traces import Segment, State, typed_at

# A person who opens a file looks at it first.
LOOKING_S = 0.5
# What has been right on screen for so long is accepted, if typing is not quicker.
READING_NS = 250e6
MIN_ACCEPTED_CHARS = 4
# An answer for another text that comes so long after the text has changed was not on
# its way already.
STALE_NS = 20e6
# Answers that come so long after the last key still count as answers.
PATIENCE_S = 2.0
# RequestCancelled, ContentModified and ServerCancelled.
SUPERSEDED_CODES = (-32800, -32801, -32802)


@dataclass
class Ask:
    """One request to the server, and what came of it."""

    state_idx: int
    sent_ns: int
    answered_ns: int | None = None
    outcome: str = "unanswered"
    """`items`, `empty`, `superseded`, `stale`, or `error` afterwards."""
    shown: str = ""
    """What it has drawn at the cursor."""


@dataclass
class View:
    """What one kind of client had on screen."""

    n_right: int = 0
    """Keys that were pressed with a right suggestion on screen."""
    n_wrong: int = 0
    without_ns: list[int] = field(default_factory=list)
    """From each key until a right suggestion was on screen, or the next key."""
    shown_ns: list[int] = field(default_factory=list)
    """The same of those keys only that one came for before the next."""


@dataclass
class Played:
    """All that was seen of one segment."""

    n_events: int = 0
    """Keys that were pressed; with accepting, fewer than were recorded."""
    n_typed: int = 0
    """Keys among them that typed at the cursor."""
    keeping: View = field(default_factory=View)
    """A client that keeps a suggestion as long as it is typed."""
    strict: View = field(default_factory=View)
    """One that shows nothing between a key and the answer to it."""
    asks: list[Ask] = field(default_factory=list)
    changed_ns: dict[int, int] = field(default_factory=dict)
    """When each state of the document was told, by its number."""
    n_accepted: int = 0
    n_saved_keys: int = 0
    after_accepting_ns: list[int] = field(default_factory=list)
    """From an acceptance to the next right suggestion, or to the end without one."""
    late_ns: list[int] = field(default_factory=list)
    """How late each key left."""


class _Screen:
    """What is drawn, and since when it is right."""

    def __init__(self, editor: Editor, *, is_strict: bool) -> None:
        self.view = View()
        self.item: Item | None = None
        self.right_since_ns: int | None = None
        self._editor = editor
        self._is_strict = is_strict

    def typed(self) -> None:
        """Takes in that the text has changed."""
        if self._is_strict or not self._editor.ghost(self.item):
            self.item = None

    def look(self, wanted: str) -> bool:
        """Whether what is drawn is right; notes since when."""
        editor = self._editor
        n_after = self.item.n_after if self.item else 0
        behind = editor.text[editor.cursor :]
        right = is_right(editor.ghost(self.item), n_after, wanted, behind, behind)
        if not right:
            self.right_since_ns = None
        elif self.right_since_ns is None:
            self.right_since_ns = perf_counter_ns()
        return right

    def key(self, since_ns: int, now_ns: int) -> None:
        """Counts what is drawn when a key is pressed."""
        is_drawn = bool(self._editor.ghost(self.item))
        self.view.n_right += self.right_since_ns is not None
        self.view.n_wrong += is_drawn and self.right_since_ns is None
        until_ns = now_ns if self.right_since_ns is None else self.right_since_ns
        self.view.without_ns.append(max(until_ns - since_ns, 0))
        if self.right_since_ns is not None:
            self.view.shown_ns.append(self.view.without_ns[-1])


class Player:
    """Plays one segment."""

    def __init__(
        self,
        segment: Segment,
        states: Sequence[State],
        places: Sequence[Place],
        peer: Peer,
        server: Server,
        tell_now: Callable[[int], None],
        *,
        uri: str,
        accepts: bool,
        gap_scale: float,
    ) -> None:
        self.played = Played()
        self._segment, self._states, self._places = segment, states, places
        self._peer = peer
        self._tell_now = tell_now
        self._accepts = accepts
        self._gap_scale = gap_scale
        first = states[0]
        self._editor = Editor(
            server,
            uri,
            segment.language_id,
            first.text,
            first.cursor,
            peer.method,
        )
        self._keeping = _Screen(self._editor, is_strict=False)
        self._strict = _Screen(self._editor, is_strict=True)
        self._idx = 0
        self._ask_now: Ask | None = None
        self._accepted_ns: int | None = None
        server.on_extend = self._extended

    async def play(self) -> Played:
        loop = asyncio.get_running_loop()
        self._editor.open()
        due_s = loop.time() + LOOKING_S
        await asyncio.sleep(LOOKING_S)
        self._changed()
        while self._idx < len(self._segment.events):
            due_s += self._segment.events[self._idx].gap_ms * self._gap_scale / 1000
            await asyncio.sleep(due_s - loop.time())
            self.played.late_ns.append(int((loop.time() - due_s) * 1e9))
            self._press()
        await asyncio.sleep(PATIENCE_S * self._gap_scale)
        if self._accepted_ns is not None:
            self.played.after_accepting_ns.append(perf_counter_ns() - self._accepted_ns)
        self.played.keeping, self.played.strict = self._keeping.view, self._strict.view
        return self.played

    def _press(self) -> None:
        """What happens when the next key is due."""
        now_ns = perf_counter_ns()
        idx, states = self._idx, self._states
        state = states[idx]
        self.played.n_events += 1
        if typed_at(self._segment, idx, state):
            self.played.n_typed += 1
            for screen in (self._keeping, self._strict):
                screen.key(self.played.changed_ns[idx], now_ns)
        if self._accepts and (accepted := self._acceptable(now_ns)):
            self._accept(*accepted)
            return
        if state.cursor != state.next_cursor:
            self._editor.cursor = state.next_cursor
            self._keeping.item = self._strict.item = None
        edits = [
            (patch.start, patch.start + patch.n_removed, patch.inserted)
            for patch in self._segment.events[idx].patches
        ]
        self._idx = idx + 1
        self._editor.change(edits, states[idx + 1].cursor)
        self._changed()

    def _acceptable(self, now_ns: int) -> tuple[str, int] | None:
        """What of the ghost text a person accepts, and the state that leads to."""
        since_ns = self._keeping.right_since_ns
        item, editor = self._keeping.item, self._editor
        if item is None or since_ns is None or now_ns - since_ns < READING_NS:
            return None
        ghost = right = editor.ghost(item)
        rest = self._places[self._idx].future + editor.text[editor.cursor :]
        # Its first lines, as far as they are right.
        while not rest.startswith(right):
            right = right[: max(right.rfind("\n"), 0)]
        if len(right.strip()) < MIN_ACCEPTED_CHARS:
            return None
        n_after = item.n_after if right == ghost else 0
        text = (
            editor.text[: editor.cursor]
            + right
            + editor.text[editor.cursor + n_after :]
        )
        cursor = editor.cursor + len(right)
        for idx in range(self._idx + 1, len(self._states)):
            state = self._states[idx]
            if state.text == text and cursor in (state.cursor, state.next_cursor):
                return right, idx
        return None

    def _accept(self, accepted: str, state_idx: int) -> None:
        item, editor = self._keeping.item, self._editor
        assert item is not None
        is_all = accepted == editor.ghost(item)
        n_after = item.n_after if is_all else 0
        self.played.n_accepted += 1
        self.played.n_saved_keys += state_idx - self._idx - 1
        self._idx = state_idx
        at = editor.cursor
        editor.change([(at, at + n_after, accepted)], at + len(accepted))
        if is_all:
            self._keeping.item = None
            # Like VS Code, which says nothing of a part that is accepted.
            if item.command:
                editor.run(item.command)
        has_more = bool(self._places[state_idx].future.strip())
        self._accepted_ns = perf_counter_ns() if has_more else None
        self._keeping.right_since_ns = None
        self._changed()

    def _changed(self) -> None:
        """Tells all who want to know that the text is another, and asks."""
        self.played.changed_ns[self._idx] = perf_counter_ns()
        self._tell_now(self._idx)
        for screen in (self._keeping, self._strict):
            screen.typed()
        self._look()
        self._ask()

    def _ask(self) -> None:
        ask = Ask(self._idx, perf_counter_ns())
        self.played.asks.append(ask)
        self._ask_now = ask
        self._editor.ask(lambda message: self._answered(ask, message))

    def _extended(self) -> None:
        """Asks again, as the server has more of what is shown."""
        if self._ask_now is not None and self._ask_now.outcome == "items":
            self._ask()

    def _answered(self, ask: Ask, message: dict[str, Any]) -> None:
        ask.answered_ns = perf_counter_ns()
        if "error" in message:
            is_superseded = message["error"]["code"] in SUPERSEDED_CODES
            ask.outcome = "superseded" if is_superseded else "error"
            return
        if ask is not self._ask_now:
            # What was asked for another text is thrown away.
            changed_ns = self.played.changed_ns.get(ask.state_idx + 1, ask.answered_ns)
            is_late = ask.answered_ns - changed_ns > STALE_NS
            has_items = bool(self._peer.items(message.get("result")))
            ask.outcome = "stale" if is_late and has_items else "superseded"
            return
        items = self._peer.items(message.get("result"))
        item = self._editor.drawn(items[0]) if items else None
        ask.outcome = "items" if item else "empty"
        self._keeping.item = self._strict.item = item
        ask.shown = self._editor.ghost(item)
        self._look()

    def _look(self) -> None:
        wanted = self._places[self._idx].future
        self._strict.look(wanted)
        if self._keeping.look(wanted) and self._accepted_ns is not None:
            self.played.after_accepting_ns.append(perf_counter_ns() - self._accepted_ns)
            self._accepted_ns = None
