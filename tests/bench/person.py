"""A person who types in real time, and the editor in front of them.

The keys leave on schedule whatever the server does. The editor behaves like VS Code: it
asks with every change, cancels what it asked before, and keeps what is shown while that
is what is typed.
"""

from __future__ import annotations

import asyncio
import bisect
import itertools
import json
import re
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import perf_counter_ns
from typing import Any

from examples import Inserted, Mistyped, Moved, Session, Typed, end_of
from processes import CLOSE_TIMEOUT_S, framed, request

# Quantiles of the gaps between the keys of two programmers who were recorded, in ms.
# Longer ones, in which nothing more happens, are cut.
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
# A hand takes so long to the mouse, or to a command.
REACHING_MS = 600
# A person who opens a file looks at it first.
LOOKING_MS = 500
# What has been right on screen for so long is accepted, if typing is not quicker.
READING_NS = 250e6
MIN_ACCEPTED_CHARS = 4
START_TIMEOUT_S = 60
# LSP's InlineCompletionTriggerKind of a request that comes with a key.
AUTOMATIC = 2

_PAIRS = {"(": ")", "[": "]", "{": "}"}
_KEY = re.compile(r"\n[ \t]*|.")
_WORD = re.compile(r"\s*(\w+|[^\w\s]+)")
_FIRST_LINE_WITH_TEXT = re.compile(r"\s*[^\n]*")


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


class Server:
    """A language server's process, which is never waited for while keys are due."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._on_answer: dict[int, Callable[[dict[str, Any]], None]] = {}
        self._told_status = asyncio.Event()

    async def initialize(self) -> None:
        """Opens the conversation; returns once the server says it is ready."""
        capabilities = {"general": {"positionEncodings": ["utf-16"]}}
        client = {"clientInfo": {"name": "Visual Studio Code"}, "rootUri": None}
        params = {"processId": None, **client, "capabilities": capabilities}
        await self._result("initialize", params)
        self.notify("initialized", {})
        async with asyncio.timeout(START_TIMEOUT_S):
            await self._told_status.wait()

    async def shut_down(self) -> None:
        await self._result("shutdown", None)
        self.notify("exit", None)

    def notify(self, method: str, params: object) -> None:
        self._write(framed({"method": method, "params": params}))

    def ask(
        self, method: str, params: object, on_answer: Callable[[dict[str, Any]], None]
    ) -> int:
        """Sends a request, the answer to which is handed over when it comes."""
        msg_id, message = request(method, params)
        self._on_answer[msg_id] = on_answer
        self._write(message)
        return msg_id

    def cancel(self, msg_id: int) -> None:
        """Gives up a request; an answer that still comes is thrown away."""
        if self._on_answer.pop(msg_id, None):
            self.notify("$/cancelRequest", {"id": msg_id})

    async def read(self) -> None:
        """Receives until the server ends."""
        assert self._process.stdout is not None
        while head := await self._process.stdout.readline():
            # Each message has one header or more, and an empty line behind these.
            n_bytes = int(head.split(b":")[1])
            while (await self._process.stdout.readline()).strip():
                pass
            message = json.loads(await self._process.stdout.readexactly(n_bytes))
            if "method" not in message:
                if on_answer := self._on_answer.pop(message["id"], None):
                    on_answer(message)
            elif message["method"] == "didChangeStatus":
                self._told_status.set()

    async def _result(self, method: str, params: object) -> None:
        answered = asyncio.Event()
        self.ask(method, params, lambda _: answered.set())
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await answered.wait()

    def _write(self, message: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(message)


@dataclass
class _Item:
    """What the server answered, as far as the editor keeps it."""

    insert_text: str
    start: int
    """Where the text it replaces begins."""
    n_after: int
    """How much behind the cursor it replaces."""
    command: Any


class Person:
    """Plays one session."""

    def __init__(self, session: Session, server: Server, gap_scale: float) -> None:
        self.tally = Tally()
        self._session = session
        self._server = server
        self._gap_scale = gap_scale * session.gap_scale
        before, _, after = session.text.partition("█")
        self._text, self._cursor = before + after, len(before)
        self._uri = f"file:///home/me/{session.file_name}"
        self._version = 1
        self._item: _Item | None = None
        self._asked_id = 0
        self._closers: list[str] = []
        # What is going to be typed here, and what stands behind it already.
        self._wanted, self._behind = "", ""
        self._has_slipped = False
        self._right_since_ns: int | None = None
        self._acceptable_since_ns: int | None = None
        self._pressed_ns: int | None = None
        self._accepted_ns: int | None = None

    async def play(self) -> Tally:
        language = {".py": "python", ".ts": "typescript", ".go": "go"}
        document = {
            "uri": self._uri,
            "languageId": language[Path(self._session.file_name).suffix],
            "version": self._version,
            "text": self._text,
        }
        self._server.notify("textDocument/didOpen", {"textDocument": document})
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
                    self._cursor = end_of(behind, self._text)
                    self._item = self._pressed_ns = None
                    self._server.cancel(self._asked_id)
                    self._want(step_idx + 1)
                    self._see()
                case Inserted(behind, text):
                    await self._gap(REACHING_MS)
                    at = end_of(behind, self._text)
                    self._change(at, at, text, self._cursor + len(text))
                    self._pressed_ns = None
                    if self._item:
                        self._item.start += len(text)
                    self._ask()
        assert self._text == self._session.truth()
        if self._accepted_ns is not None:
            self.tally.accepted_ns.append(perf_counter_ns() - self._accepted_ns)
        return self.tally

    def _want(self, step_idx: int) -> None:
        """Looks ahead at what is typed here from one step on."""
        self._wanted = self._typed_from(step_idx)
        self._behind = self._text[self._cursor :]

    def _typed_from(self, step_idx: int) -> str:
        """All that is typed from one step on, until the cursor moves."""
        steps = itertools.takewhile(
            lambda step: not isinstance(step, Moved), self._session.steps[step_idx:]
        )
        return "".join(step.text for step in steps if isinstance(step, Typed))

    async def _gap(self, gap_ms: float) -> None:
        """Waits until the next key is due, however late the one before it was."""
        self._due_s += gap_ms / 1000
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._due_s - loop.time())
        late_ns = (loop.time() - self._due_s) * 1e9
        self.tally.late_ns = max(self.tally.late_ns, late_ns)

    async def _key_gap(self, place: object) -> None:
        """Waits for a key, at one place of a session as long in every run."""
        share = Random(f"{self._session.name} {place}").random()
        await self._gap(_gap_ms(share) * self._gap_scale)
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
        at = self._cursor
        closer = _PAIRS.get(key, "") if self._session.closes_brackets else ""
        if self._closers and key == self._closers[-1] == self._text[at]:
            # Typed over, as what the editor closed was meant to be.
            self._closers.pop()
            if self._item and self._item.n_after:
                self._item.n_after -= 1
            self._change(at, at + 1, key, at + 1)
        else:
            self._closers += closer
            self._change(at, at, key + closer, at + len(key))
        self._ask()

    async def _slip(self, text: str) -> None:
        for n_typed, key in enumerate(text):
            await self._key_gap((len(self._wanted), "slip", n_typed))
            self._has_slipped = True
            self._type(key)
        for n_left in range(len(text) - 1, -1, -1):
            await self._key_gap((len(self._wanted), "back", n_left))
            self._has_slipped = n_left > 0
            self._change(self._cursor - 1, self._cursor, "", self._cursor - 1)
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
        at = self._cursor
        self._change(at, at + n_after, accepted, at + len(accepted))
        if is_all:
            self._item = None
            # Like VS Code, which says nothing of a part that is accepted.
            if item.command:
                params = {k: v for k, v in item.command.items() if k != "title"}
                self._server.ask("workspace/executeCommand", params, lambda _: None)
            self._right_since_ns = self._acceptable_since_ns = None
            self._accepted_ns = perf_counter_ns() if self._wanted else None
        self._ask()

    def _change(self, start: int, end: int, text: str, cursor: int) -> None:
        """Makes one edit, after which the cursor stands where it says."""
        where = {"start": self._position(start), "end": self._position(end)}
        self._text = self._text[:start] + text + self._text[end:]
        self._cursor = cursor
        self._version += 1
        document = {"uri": self._uri, "version": self._version}
        changes = [{"range": where, "text": text}]
        params = {"textDocument": document, "contentChanges": changes}
        self._server.cancel(self._asked_id)
        self._server.notify("textDocument/didChange", params)

    def _ask(self) -> None:
        """Looks at what is left on screen, and asks what belongs there now."""
        if self._item and not self._ghost():
            self._item = None
        self._see()
        params = {
            "textDocument": {"uri": self._uri},
            "position": self._position(self._cursor),
            "context": {"triggerKind": AUTOMATIC},
        }
        self._asked_id = self._server.ask(
            "textDocument/inlineCompletion", params, self._answered
        )

    def _answered(self, message: dict[str, Any]) -> None:
        if "error" in message:
            # Superseded: what is shown stays.
            return
        items = (message["result"] or {}).get("items") or [None]
        self._item = self._shown(items[0]) if items[0] else None
        self._see()

    def _shown(self, item: Mapping[str, Any]) -> _Item | None:
        """An item as it is kept; None where VS Code would not show it."""
        here = self._position(self._cursor)
        where = item.get("range") or {"start": here, "end": here}
        start, end = self._offset(where["start"]), self._offset(where["end"])
        text = item["insertText"]
        before, after = self._text[start : self._cursor], self._text[self._cursor : end]
        if not text.startswith(before) or not _is_within(after, text[len(before) :]):
            return None
        return _Item(text, start, len(after), item.get("command"))

    def _ghost(self) -> str:
        """What is drawn at the cursor."""
        if self._item is None or self._cursor < self._item.start:
            return ""
        before = self._text[self._item.start : self._cursor]
        text = self._item.insert_text
        return text[len(before) :] if text.startswith(before) else ""

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
        """Whether the line that is shown is what the person is about to type.

        It is as well where it goes on behind that, but not where accepting it would
        leave behind the cursor what it has already.
        """
        ghost = self._ghost()
        if not ghost or not self._wanted or self._has_slipped:
            return False
        shown = _first_line(ghost)
        wanted = _first_line(self._wanted + self._behind)
        n_after = self._item.n_after if self._item else 0
        behind = self._text[self._cursor + n_after :].partition("\n")[0]
        if wanted.startswith(shown):
            return _is_within(behind, wanted[len(shown) :])
        return bool(wanted.strip()) and shown.startswith(wanted) and not behind

    def _position(self, offset: int) -> dict[str, int]:
        line_start = self._text.rfind("\n", 0, offset) + 1
        line_idx = self._text.count("\n", 0, offset)
        return {"line": line_idx, "character": offset - line_start}

    def _offset(self, position: Mapping[str, int]) -> int:
        lines = self._text.splitlines(keepends=True)[: position["line"]]
        return sum(map(len, lines)) + position["character"]


def _first_line(text: str) -> str:
    found = _FIRST_LINE_WITH_TEXT.match(text)
    assert found
    return found.group()


def _is_within(part: str, text: str) -> bool:
    """Whether all characters of a part are in a text, in their order."""
    rest = iter(text)
    return all(char in rest for char in part)


def _gap_ms(share: float) -> float:
    """The gap that so many of the recorded ones are shorter than."""
    shares = [each for each, _ in GAPS_MS]
    above = min(bisect.bisect_right(shares, share), len(shares) - 1)
    low, low_ms = GAPS_MS[above - 1]
    high, high_ms = GAPS_MS[above]
    return low_ms + (share - low) / (high - low) * (high_ms - low_ms)
