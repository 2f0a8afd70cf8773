"""Typing sessions as golden files: a person, an editor and a model, drawn as text.

A file begins with what a user would notice, in `#` lines. Then come the documents, one
`== NAME` each with the cursor in it; the model's answers in their order, one
`== model ttft=80ms tpot=10ms` each with its chunks; and `== session`. There the lines
that begin with `>` are what the person does; all else is written by
`pytest --update-golden`, and reviewed in the diff:

    <   100ms  #1 model 'x + 1'            request 1 was answered
    !   130ms  stream 1 closed after 'x'   the stream was closed on the wire
    ~   140ms  #1 has grown                the editor was told to ask again

Nothing is asked ahead unless the settings of a session say so.
"""

from __future__ import annotations

import ast
import asyncio
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import markers
from foretype import errors
from foretype.answer import Answer, Completion
from foretype.document import Document
from foretype.edits import Edit
from foretype.layers import Layer
from foretype.session import Session
from scripted import Script, ScriptedModel, ScriptedSupplier

_HEADER = re.compile(r"^== (\S+)(.*)$", re.M)


@dataclass
class Player:
    """Plays one session and writes down what happens."""

    session: Session
    model: ScriptedModel
    documents: dict[str, Document]
    cursors: dict[str, int]
    name: str
    """The document the person is in."""
    lines: list[str] = field(default_factory=list)
    requests: list[asyncio.Task[Answer]] = field(default_factory=list)
    items: tuple[Completion, ...] = ()
    """What was answered last."""
    growing: list[asyncio.Task[None]] = field(default_factory=list)
    _told: set[str] = field(default_factory=set)
    _events: list[tuple[float, str]] = field(default_factory=list)

    async def play(self, commands: list[str]) -> None:
        for command in commands:
            self.lines.append(f"> {command}")
            verb, _, rest = command.partition(" ")
            doing: Callable[[str], object] = getattr(self, f"do_{verb}")
            outcome = doing(rest)
            if asyncio.iscoroutine(outcome):
                await outcome
            await self._settle()
            self._tell()
        await self.do_wait("60s")
        self._tell()
        self.lines.append(f"= streams asked for: {len(self.model.streams)}")
        self.lines.append(f"= suggestions: {self.session.engine.suggestions.summary()}")
        running = sum(len(self.session.engine.running(n)) for n in self.documents)
        self.lines.append(f"= streams running: {running}")

    @property
    def document(self) -> Document:
        return self.documents[self.name]

    # What a person, and an editor for them, can do

    def do_request(self, rest: str) -> None:
        """By hand: `invoked`. Can be told of more: `growing`. In a list: `selected 2
        "print"`, so many characters before the cursor are to become that text."""
        snapshot = self.session.snapshot(self.document, self.cursors[self.name])
        options = shlex.split(rest)
        if "selected" in options:
            _, n_before_chars, text = options
            snapshot = snapshot.after(text, n_before_chars=int(n_before_chars))
        number = len(self.requests) + 1
        task = asyncio.create_task(
            self.session.complete(
                snapshot,
                is_invoked="invoked" in options,
                may_grow="growing" in options,
            )
        )
        task.add_done_callback(lambda task: self._answered(number, task))
        if "growing" in options:
            self.growing.append(asyncio.create_task(self._follow(number, task)))
        self.requests.append(task)

    async def do_wait(self, rest: str) -> None:
        found = re.fullmatch(r"(\d+)(ms|s)", rest)
        assert found, rest
        await asyncio.sleep(int(found[1]) / (1000 if found[2] == "ms" else 1))

    def do_type(self, rest: str) -> None:
        """Each character by an edit of its own."""
        for char in ast.literal_eval(rest):
            self._edit(self.cursors[self.name], 0, char)

    def do_insert(self, rest: str) -> None:
        """One edit; a `█` in the text says where the cursor comes to stand."""
        text = ast.literal_eval(rest)
        before, _, after = text.partition("█")
        self._edit(self.cursors[self.name], 0, before + after)
        self.cursors[self.name] -= len(after)

    def do_backspace(self, rest: str) -> None:
        for _ in range(int(rest or "1")):
            self._edit(self.cursors[self.name] - 1, 1, "")

    def do_accept(self, rest: str) -> None:
        """The whole of the first one, or of another by its number."""
        item = self.items[int(rest or "1") - 1]
        at = self.cursors[self.name]
        self._edit(at, item.n_covered_chars, item.insert_text)

    def do_event(self, rest: str) -> None:
        """What an editor tells: `shown`, `accepted`, `partly 5`, of the first one."""
        event, _, n_chars = rest.partition(" ")
        suggestion_id = self.items[0].id
        if event == "shown":
            self.session.engine.shown(suggestion_id)
        elif event == "accepted":
            self.session.engine.suggestions.accepted(suggestion_id)
        else:
            assert event == "partly"
            self.session.engine.suggestions.partly_accepted(suggestion_id, int(n_chars))

    def do_cursor(self, rest: str) -> None:
        """Moves to the text that follows, of which the cursor is a part: `a = █1`."""
        self.cursors[self.name] = self._place(rest)

    def do_elsewhere(self, rest: str) -> None:
        """Inserts at a place without the cursor: `"a = █1" "x"`."""
        place, text = _strings(rest)
        self._edit(self._place(place), 0, text, moves_cursor=False)

    def do_together(self, rest: str) -> None:
        """Types a text and inserts one elsewhere, in one change: `"x" "a = █1" "y"`."""
        typed, place, text = _strings(rest)
        document, cursor = self.document, self.cursors[self.name]
        document.version += 1
        # Editors send what is further down first.
        made = [document.replace(cursor, cursor, typed)]
        at = self._place(place)
        assert at <= cursor
        made.append(document.replace(at, at, text))
        self.cursors[self.name] = cursor + len(typed) + len(text)
        self.session.edited(document, made)

    def do_in(self, rest: str) -> None:
        self.name = rest

    def do_cancel(self, rest: str) -> None:
        self.requests[int(rest) - 1].cancel()

    def do_draw(self, rest: str) -> None:
        text, cursor = self.document.text, self.cursors[self.name]
        item = self.items[0]
        drawing = markers.Marked(
            text[:cursor], text[cursor:], (item.insert_text,), item.n_covered_chars
        )
        for line in markers.draw(drawing).splitlines():
            self.lines.append(f"| {line}".rstrip())

    def _place(self, drawing: str) -> int:
        marked = markers.parse(drawing)
        at = self.document.text.index(marked.prefix + marked.suffix)
        return at + len(marked.prefix)

    def _edit(
        self, start: int, n_removed: int, text: str, *, moves_cursor: bool = True
    ) -> None:
        document = self.document
        document.version += 1
        edit: Edit = document.replace(start, start + n_removed, text)
        cursor = self.cursors[self.name]
        if moves_cursor:
            self.cursors[self.name] = edit.end
        elif edit.start < cursor:
            self.cursors[self.name] = cursor + len(text) - n_removed
        self.session.edited(document, [edit])

    # What happens

    def _now_ms(self) -> float:
        return asyncio.get_running_loop().time() * 1000

    def _answered(self, number: int, task: asyncio.Task[Answer]) -> None:
        if task.cancelled():
            said = "superseded"
        else:
            answer = task.result()
            self.items = answer.completions
            if answer.completion:
                texts = [repr(item.insert_text) for item in answer.completions]
                said = f"{answer.completion.source.value} {' or '.join(texts)}"
            else:
                assert answer.reason is not None
                said = f"nothing: {answer.reason.says}"
                if answer.error:
                    said += f" ({answer.error})"
        self._events.append(
            (self._now_ms(), f"<{self._now_ms():7.0f}ms  #{number} {said}")
        )

    async def _follow(self, number: int, request: asyncio.Task[Answer]) -> None:
        """Notes when there is more of an answer."""
        await asyncio.wait((request,))
        if not request.cancelled() and await self.session.engine.grown(
            request.result()
        ):
            now_ms = self._now_ms()
            self._events.append((now_ms, f"~{now_ms:7.0f}ms  #{number} has grown"))

    def _tell(self) -> None:
        for number, stream in enumerate(self.model.streams, 1):
            mark = f"{number} {stream.end}"
            if stream.end != "open" and mark not in self._told:
                self._told.add(mark)
                self._events.append(
                    (
                        stream.ended_ms,
                        f"!{stream.ended_ms:7.0f}ms  stream {number} {stream.end} "
                        f"after {stream.text!r}",
                    )
                )
        self._events.sort(key=lambda event: event[0])
        self.lines += [line for _, line in self._events]
        self._events.clear()

    async def _settle(self) -> None:
        """Lets everything happen that happens at this instant."""
        for _ in range(20):
            await asyncio.sleep(0)


def _strings(rest: str) -> list[str]:
    """Each of some quoted strings, with its escapes read."""
    return [ast.literal_eval(found) for found in re.findall(r'"(?:[^"\\]|\\.)*"', rest)]


def sections(text: str) -> Iterator[tuple[str, str, str]]:
    """Each section of a session file: its name, its options, its text."""
    headers = list(_HEADER.finditer(text))
    ends = [header.start() for header in headers[1:]] + [len(text)]
    for header, end in zip(headers, ends, strict=True):
        body = text[header.end() + 1 : end]
        yield header[1], header[2], body.removesuffix("\n").removesuffix("\n")


async def play(text: str) -> str:
    """A session file with everything that happens written into it anew."""
    scripts: list[Script] = []
    documents: dict[str, Document] = {}
    cursors: dict[str, int] = {}
    values: dict[str, object] = {"endpoint": {"template": "suffix"}}
    defaults = {
        "endpoint": {"base_url": "http://127.0.0.1/v1", "model": "m"},
        "completion": {"ask_ahead": False},
    }
    commands: list[str] = []
    head = ""
    load_ms = 0.0
    for name, options, body in sections(text):
        options_ms = {
            key: float(value) for key, value in re.findall(r"(\w+)=(\d+)ms", options)
        }
        if name == "session":
            head = text[: text.index("== session") + len("== session\n")]
            commands = [ln[2:] for ln in body.splitlines() if ln.startswith("> ")]
        elif name == "settings":
            values = tomllib.loads(body)
        elif name == "model":
            error = re.search(r"error=(\w+)(?:\((\d+)\))?", options)
            load_ms = max(load_ms, options_ms.get("load", 0))
            scripts.append(
                Script(
                    body.split("┆") if body else [],
                    options_ms.get("ttft", 0),
                    options_ms.get("tpot", 0),
                    _error(*error.groups()) if error else None,
                    "length" if "length" in options else "stop",
                )
            )
        else:
            marked = markers.parse(body)
            whole = marked.prefix + marked.suffix
            documents[name] = Document(name, name.rpartition(".")[2], 1, whole)
            cursors[name] = len(marked.prefix)
    model = ScriptedModel(scripts, load_ms=load_ms)
    layers = (Layer("the tests' defaults", defaults), Layer("test", values))
    session = Session(layers, (), ScriptedSupplier(model))
    for document in documents.values():
        session.open(document)
    player = Player(session, model, documents, cursors, next(iter(documents)))
    await player.play(commands)
    await session.close()
    return head + "\n".join(player.lines) + "\n"


def _error(name: str, retry_after_s: str | None) -> errors.ModelError:
    kind: type[errors.ModelError] = getattr(errors, name)
    if retry_after_s is None:
        return kind("no answer")
    return errors.RateLimited("no answer", float(retry_after_s))
