"""An editor in front of a language server that runs in a process of its own.

It behaves like VS Code: it asks with every change, cancels what it asked before, and
draws an item as long as it goes on from what is typed. Nothing here ever waits for the
server while keys are due.
"""

from __future__ import annotations

import asyncio
import json
import re
from asyncio.subprocess import Process
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from processes import framed, request

START_TIMEOUT_S = 60
# LSP's InlineCompletionTriggerKind of a request that comes with a key.
AUTOMATIC = 2
INLINE_COMPLETION = "textDocument/inlineCompletion"

_FIRST_LINE_WITH_TEXT = re.compile(r"\s*[^\n]*")

Answered = Callable[[dict[str, Any]], None]


class Server:
    """A language server's process, which is never waited for while keys are due."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._on_answer: dict[int, Answered] = {}
        self._heard: set[str] = set()
        self._news = asyncio.Event()
        self.on_extend: Callable[[], None] = lambda: None
        """Called when the server says that it has more of what is shown."""

    @property
    def pid(self) -> int:
        return self._process.pid

    async def initialize(self, params: Mapping[str, object]) -> None:
        """Opens the conversation, with these parameters besides the usual ones."""
        capabilities = {"general": {"positionEncodings": ["utf-16"]}}
        client = {"clientInfo": {"name": "Visual Studio Code"}, "rootUri": None}
        usual = {"processId": None, **client, "capabilities": capabilities}
        await self.result("initialize", {**usual, **params})
        self.notify("initialized", {})

    async def heard(self, method: str) -> None:
        """Returns once a notification has come, if need be the first of its kind."""
        async with asyncio.timeout(START_TIMEOUT_S):
            while method not in self._heard:
                self._news.clear()
                await self._news.wait()

    async def shut_down(self) -> None:
        await self.result("shutdown", None)
        self.notify("exit", None)

    async def result(self, method: str, params: object) -> Any:
        """What a request is answered, outside of typing."""
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.ask(method, params, lambda answer: answered.set_result(answer))
        async with asyncio.timeout(START_TIMEOUT_S):
            return (await answered).get("result")

    def notify(self, method: str, params: object) -> None:
        self._write(framed({"method": method, "params": params}))

    def ask(self, method: str, params: object, on_answer: Answered) -> int:
        """Sends a request, the answer to which is handed over when it comes."""
        msg_id, message = request(method, params)
        self._on_answer[msg_id] = on_answer
        self._write(message)
        return msg_id

    def cancel(self, msg_id: int) -> None:
        """Tells that an answer is not needed; one that comes is handed over still."""
        if msg_id in self._on_answer:
            self.notify("$/cancelRequest", {"id": msg_id})

    async def read(self) -> None:
        """Receives until the server ends."""
        assert self._process.stdout is not None
        while head := await self._process.stdout.readline():
            n_bytes = 0
            # Each message has one header or more, and an empty line behind these.
            while head.strip():
                name, _, value = head.partition(b":")
                if name.lower() == b"content-length":
                    n_bytes = int(value)
                head = await self._process.stdout.readline()
            self._receive(json.loads(await self._process.stdout.readexactly(n_bytes)))

    def _receive(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method is None:
            if on_answer := self._on_answer.pop(message["id"], None):
                on_answer(message)
        elif "id" in message:
            # An editor without any settings of its own.
            items = (message.get("params") or {}).get("items", ())
            is_settings = method == "workspace/configuration"
            result = [None] * len(items) if is_settings else None
            self._write(framed({"id": message["id"], "result": result}))
        else:
            self._heard.add(method)
            self._news.set()
            if method == "foretype/didExtend":
                self.on_extend()

    def _write(self, message: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(message)


@dataclass
class Item:
    """What the server answered, as far as the editor keeps it."""

    insert_text: str
    start: int
    """Where the text it replaces begins."""
    n_after: int
    """How much behind the cursor it replaces."""
    command: Any


class Editor:
    """One document, its cursor, and what is asked for it."""

    def __init__(
        self,
        server: Server,
        uri: str,
        language_id: str,
        text: str,
        cursor: int,
        method: str = INLINE_COMPLETION,
    ) -> None:
        self.text, self.cursor = text, cursor
        self.asked_id = 0
        self._method = method
        self._server = server
        self._uri = uri
        self._version = 1
        self._language_id = language_id

    def open(self) -> None:
        document = {
            "uri": self._uri,
            "languageId": self._language_id,
            "version": self._version,
            "text": self.text,
        }
        self._server.notify("textDocument/didOpen", {"textDocument": document})

    def change(self, edits: Iterable[tuple[int, int, str]], cursor: int) -> None:
        """Makes edits, each `(start, end, text)` in the text that the one before left.

        The cursor then stands where it is said to.
        """
        changes = []
        for start, end, text in edits:
            where = {"start": self.position(start), "end": self.position(end)}
            changes.append({"range": where, "text": text})
            self.text = self.text[:start] + text + self.text[end:]
        self.cursor = cursor
        self._version += 1
        document = {"uri": self._uri, "version": self._version}
        self._server.cancel(self.asked_id)
        self._server.notify(
            "textDocument/didChange",
            {"textDocument": document, "contentChanges": changes},
        )

    def ask(self, on_answer: Answered) -> None:
        """Asks what belongs at the cursor."""
        params = {
            "textDocument": {"uri": self._uri},
            "position": self.position(self.cursor),
            "context": {"triggerKind": AUTOMATIC},
        }
        self.asked_id = self._server.ask(self._method, params, on_answer)

    def drawn(self, item: Mapping[str, Any]) -> Item | None:
        """An item of an answer as it is kept; None where it is not shown."""
        here = self.position(self.cursor)
        where = item.get("range") or {"start": here, "end": here}
        start, end = self._offset(where["start"]), self._offset(where["end"])
        text = item["insertText"]
        before, after = self.text[start : self.cursor], self.text[self.cursor : end]
        if not text.startswith(before) or not is_within(after, text[len(before) :]):
            return None
        return Item(text, start, len(after), item.get("command"))

    def ghost(self, item: Item | None) -> str:
        """What of an item is drawn at the cursor."""
        if item is None or self.cursor < item.start:
            return ""
        before = self.text[item.start : self.cursor]
        text = item.insert_text
        return text[len(before) :] if text.startswith(before) else ""

    def run(self, command: Mapping[str, Any]) -> None:
        """Runs the command of an item that was accepted."""
        params = {k: v for k, v in command.items() if k != "title"}
        self._server.ask("workspace/executeCommand", params, lambda _: None)

    def position(self, offset: int) -> dict[str, int]:
        line_start = self.text.rfind("\n", 0, offset) + 1
        line_idx = self.text.count("\n", 0, offset)
        before = self.text[line_start:offset]
        n_units = len(before.encode("utf-16-le")) // 2
        return {"line": line_idx, "character": n_units}

    def _offset(self, position: Mapping[str, int]) -> int:
        lines = self.text.split("\n")
        start = sum(len(line) + 1 for line in lines[: position["line"]])
        line = lines[position["line"]].encode("utf-16-le")
        before = line[: 2 * position["character"]]
        return start + len(before.decode("utf-16-le"))


def is_right(
    ghost: str, n_after: int, wanted: str, following: str, behind: str
) -> bool:
    """Whether the line that is shown is what a person is about to type.

    `wanted` is what is typed here, `following` what stands behind it in the end, and
    `behind` what stands behind the cursor now, of which the item replaces `n_after`.
    The line may go on behind what is wanted, but not where accepting it would leave
    behind the cursor what it has already.
    """
    if not ghost.strip() or not wanted:
        return False
    shown, line = first_line(ghost), first_line(wanted + following)
    left = behind[n_after:].partition("\n")[0]
    if line.startswith(shown):
        return is_within(left, line[len(shown) :])
    return bool(line.strip()) and shown.startswith(line) and not left


def first_line(text: str) -> str:
    """The first line with text in it, and the blank ones before it."""
    found = _FIRST_LINE_WITH_TEXT.match(text)
    assert found
    return found.group()


def is_within(part: str, text: str) -> bool:
    """Whether all characters of a part are in a text, in their order."""
    rest = iter(text)
    return all(char in rest for char in part)
