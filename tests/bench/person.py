"""A person who types in real time, on schedule, whatever the server does."""

from __future__ import annotations

import asyncio
import itertools
import re
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import perf_counter_ns
from typing import Any

from editor import Editor, Item, Server, is_right
from examples import Inserted, Mistyped, Moved, Session, Typed, end_of
from traces import gap_ms

# A hand takes so long to the mouse, or to a command.
REACHING_MS = 600
# A person who opens a file looks at it first.
LOOKING_MS = 500
# What has been right on screen for so long is accepted, if typing is not quicker.
READING_NS = 250e6
MIN_ACCEPTED_CHARS = 4

_LANGUAGES = {".py": "python", ".ts": "typescript", ".go": "go"}
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_KEY = re.compile(r"\n[ \t]*|.")
_WORD = re.compile(r"\s*(\w+|[^\w\s]+)")


@dataclass
class Tally:
    """What was counted and measured in one session, or in several."""

    n_keys: int = 0
    n_right: int = 0
    """Keys that were pressed with a right suggestion on screen."""
    n_wrong: int = 0
    n_requests: int = 0
    n_connections: int = 0
    n_tokens: int = 0
    n_left_tokens: int = 0
    """Those among them of streams that were not read to their end."""
    n_prompt_chars: int = 0
    shown_ns: list[int] = field(default_factory=list)
    """From a key to the right suggestion that came on screen before the next."""
    accepted_ns: list[int] = field(default_factory=list)
    """From an acceptance to the next right suggestion, or to the end without one."""
    late_ns: float = 0
    """The worst delay of a key or a token against its schedule."""

    def add(self, other: Tally) -> None:
        """Takes in another session."""
        late_ns = max(self.late_ns, other.late_ns)
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        self.late_ns = late_ns


class Person:
    """Plays one session."""

    def __init__(self, session: Session, server: Server, gap_scale: float) -> None:
        self.tally = Tally()
        self._session = session
        self._server = server
        self._gap_scale = gap_scale * session.gap_scale
        before, _, after = session.text.partition("█")
        self._editor = Editor(
            server,
            f"file:///home/me/{session.file_name}",
            _LANGUAGES[Path(session.file_name).suffix],
            before + after,
            len(before),
        )
        self._item: Item | None = None
        self._closers: list[str] = []
        # What is going to be typed here, and what stands behind it already.
        self._wanted = ""
        self._has_slipped = False
        self._right_since_ns: int | None = None
        self._acceptable_since_ns: int | None = None
        self._pressed_ns: int | None = None
        self._accepted_ns: int | None = None

    async def play(self) -> Tally:
        self._editor.open()
        self._due_s = asyncio.get_running_loop().time()
        await self._gap(LOOKING_MS)
        self._want(0)
        for step_idx, step in enumerate(self._session.steps):
            match step:
                case Typed():
                    n_left = len(self._typed_from(step_idx + 1))
                    while len(self._wanted) > n_left:
                        await self._press()
                case Mistyped(text):
                    await self._slip(text)
                case Moved(behind):
                    await self._gap(REACHING_MS)
                    self._editor.cursor = end_of(behind, self._editor.text)
                    self._item = self._pressed_ns = None
                    self._server.cancel(self._editor.asked_id)
                    self._want(step_idx + 1)
                    self._see()
                case Inserted(behind, text):
                    await self._gap(REACHING_MS)
                    at = end_of(behind, self._editor.text)
                    self._editor.change(
                        [(at, at, text)], self._editor.cursor + len(text)
                    )
                    self._pressed_ns = None
                    if self._item:
                        self._item.start += len(text)
                    self._ask()
        assert self._editor.text == self._session.truth()
        if self._accepted_ns is not None:
            self.tally.accepted_ns.append(perf_counter_ns() - self._accepted_ns)
        return self.tally

    def _want(self, step_idx: int) -> None:
        """Looks ahead at what is typed here from one step on."""
        self._wanted = self._typed_from(step_idx)
        self._behind = self._editor.text[self._editor.cursor :]

    def _typed_from(self, step_idx: int) -> str:
        """All that is typed from one step on, until the cursor moves."""
        steps = itertools.takewhile(
            lambda step: not isinstance(step, Moved), self._session.steps[step_idx:]
        )
        return "".join(step.text for step in steps if isinstance(step, Typed))

    async def _gap(self, wait_ms: float) -> None:
        """Waits until the next key is due, however late the one before it was."""
        self._due_s += wait_ms / 1000
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._due_s - loop.time())
        late_ns = (loop.time() - self._due_s) * 1e9
        self.tally.late_ns = max(self.tally.late_ns, late_ns)

    async def _key_gap(self, place: object) -> None:
        """Waits for a key, at one place of a session as long in every run."""
        share = Random(f"{self._session.name} {place}").random()
        await self._gap(gap_ms(share) * self._gap_scale)
        self.tally.n_keys += 1
        self.tally.n_right += self._right_since_ns is not None
        self.tally.n_wrong += self._right_since_ns is None and bool(self._ghost())
        self._pressed_ns = perf_counter_ns()

    async def _press(self) -> None:
        """One key: what is shown is accepted, or the next character typed."""
        await self._key_gap(len(self._wanted))
        since_ns = self._acceptable_since_ns
        if since_ns is not None and perf_counter_ns() - since_ns >= READING_NS:
            self._accept(self._acceptable())
            return
        found = _KEY.match(self._wanted)
        assert found
        key = found.group()
        self._wanted = self._wanted[len(key) :]
        self._type(key)

    def _type(self, key: str) -> None:
        at = self._editor.cursor
        closer = _PAIRS.get(key, "") if self._session.closes_brackets else ""
        if self._closers and key == self._closers[-1] == self._editor.text[at]:
            # Typed over, as what the editor closed was meant to be.
            self._closers.pop()
            if self._item and self._item.n_after:
                self._item.n_after -= 1
            self._editor.change([(at, at + 1, key)], at + 1)
        else:
            self._closers += closer
            self._editor.change([(at, at, key + closer)], at + len(key))
        self._ask()

    async def _slip(self, text: str) -> None:
        for n_typed, key in enumerate(text):
            await self._key_gap((len(self._wanted), "slip", n_typed))
            self._has_slipped = True
            self._type(key)
        for n_left in range(len(text) - 1, -1, -1):
            await self._key_gap((len(self._wanted), "back", n_left))
            self._has_slipped = n_left > 0
            self._editor.change(
                [(self._editor.cursor - 1, self._editor.cursor, "")],
                self._editor.cursor - 1,
            )
            self._ask()

    def _acceptable(self) -> str:
        """What of the ghost text would be right to accept; empty where nothing."""
        right = self._ghost()
        if self._session.accepts == "words":
            word = _WORD.match(right)
            return word[0] if word and self._wanted.startswith(word[0]) else ""
        if self._session.accepts != "all" or self._right_since_ns is None:
            return ""
        # Its first lines, as far as they are right.
        while not self._wanted.startswith(right):
            right = right[: max(right.rfind("\n"), 0)]
        return right if len(right.strip()) >= MIN_ACCEPTED_CHARS else ""

    def _accept(self, accepted: str) -> None:
        item = self._item
        assert item
        is_all = accepted == self._ghost()
        n_after = item.n_after if is_all else 0
        del self._closers[max(len(self._closers) - n_after, 0) :]
        self._wanted = self._wanted[len(accepted) :]
        at = self._editor.cursor
        self._editor.change([(at, at + n_after, accepted)], at + len(accepted))
        if is_all:
            self._item = None
            # Like VS Code, which says nothing of a part that is accepted.
            if item.command:
                self._editor.run(item.command)
            self._right_since_ns = self._acceptable_since_ns = None
            self._accepted_ns = perf_counter_ns() if self._wanted else None
        self._ask()

    def _ask(self) -> None:
        """Looks at what is left on screen, and asks what belongs there now."""
        if self._item and not self._ghost():
            self._item = None
        self._see()
        revision = self._editor.text, self._editor.cursor

        def answered(message: dict[str, Any]) -> None:
            # What was asked for another text is thrown away.
            if revision == (self._editor.text, self._editor.cursor):
                self._answered(message)

        self._editor.ask(answered)

    def _answered(self, message: dict[str, Any]) -> None:
        if "error" in message:
            # Superseded: what is shown stays.
            return
        items = (message["result"] or {}).get("items")
        self._item = self._editor.drawn(items[0]) if items else None
        self._see()

    def _ghost(self) -> str:
        """What is drawn at the cursor."""
        return self._editor.ghost(self._item)

    def _see(self) -> None:
        """What the person sees once the screen has changed."""
        now_ns = perf_counter_ns()
        if not self._is_right():
            self._right_since_ns = None
        elif self._right_since_ns is None:
            self._right_since_ns = now_ns
            if self._pressed_ns is not None:
                self.tally.shown_ns.append(now_ns - self._pressed_ns)
                self._pressed_ns = None
            if self._accepted_ns is not None:
                self.tally.accepted_ns.append(now_ns - self._accepted_ns)
                self._accepted_ns = None
        if not self._acceptable():
            self._acceptable_since_ns = None
        elif self._acceptable_since_ns is None:
            self._acceptable_since_ns = now_ns

    def _is_right(self) -> bool:
        """Whether the line that is shown is what the person is about to type."""
        n_after = self._item.n_after if self._item else 0
        behind = self._editor.text[self._editor.cursor :]
        return not self._has_slipped and is_right(
            self._ghost(), n_after, self._wanted, self._behind, behind
        )
