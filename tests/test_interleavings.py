"""Whatever a person, a client and an endpoint do, and in whatever order, holds.

Every request is answered once; no answer contradicts the text it is for when it is
sent; no more than two streams run for a document; what is remembered stays within its
bounds; every suggestion comes to one end; and at rest nothing runs. Each seed is one
interleaving on virtual time; a seed that failed is kept as a typing session once it is
understood.
"""

from __future__ import annotations

import asyncio
import random
from itertools import count
from pathlib import Path

import pytest

import foretype
import virtual_time
from foretype import engine, errors, reuse
from foretype.answer import Answer, Completion
from foretype.document import Document, Snapshot
from foretype.layers import Layer
from foretype.prompt import Prompt
from foretype.session import Session
from scripted import Script, ScriptedModel, ScriptedSupplier

N_SEEDS = 3000
N_ACTIONS = 40
# What is typed, and what the model knows: real code with blocks, brackets and blanks.
TRUTH = Path(foretype.__file__).with_name("edits.py").read_text("utf-8")
FAULTS = (
    errors.Unreachable("gone"),
    errors.RateLimited("slow down"),
    errors.BadAnswer("what"),
)


class Interleaving:
    """One random life of two documents."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.model = ScriptedModel(self.script, load_ms=self.random.choice((0, 0, 400)))
        settings = {
            "endpoint": {
                "provider": self.random.choice(("local", *["auto"] * 4)),
                "base_url": "http://127.0.0.1/v1",
                "model": "m",
                "template": self.random.choice(("none", "suffix")),
                "bills_after_disconnect": self.random.random() < 0.1,
            },
            "completion": {
                "ask_ahead": self.random.random() < 0.8,
                "debounce_ms": self.random.choice((0, 0, 0, 100)),
            },
            "editor": {"range_end": self.random.choice(("cursor", "rest"))},
        }
        self.session = Session(
            [Layer("test", settings)], (), ScriptedSupplier(self.model)
        )
        at = self.random.randrange(len(TRUTH) // 2)
        self.documents = [
            Document("a.py", "python", 1, TRUTH[:at] + TRUTH[at + 300 :]),
            Document("b.py", "python", 1, "\n"),
        ]
        for document in self.documents:
            self.session.open(document)
        self.document = self.documents[0]
        self.cursor = at
        self.requests: list[asyncio.Task[None]] = []
        self.n_ended = 0
        self.n_edits = 0
        self.shown: tuple[Completion, ...] = ()
        self.answered_ids: set[int] = set()
        self.versions = count(2)
        self.undo: list[tuple[Document, int, str, str]] = []

    def script(self, prompt: Prompt) -> Script:
        """The true text after the prompt, mostly, in pieces of any size and pace."""
        rand = self.random
        known = prompt.text[-24:]
        at = TRUTH.find(known) if known else -1
        rest = TRUTH[at + len(known) :] if at >= 0 else "unknown(x)\n    y = (z)\n"
        if rand.random() < 0.3:
            wrong = rand.randrange(1, 30)
            rest = rest[:wrong] + rand.choice("x( \n\t)") + rest[wrong:]
        rest = rest[: rand.randrange(200)]
        chunks = []
        while rest:
            n_chars = rand.randrange(1, 20)
            chunks.append(rest[:n_chars])
            rest = rest[n_chars:]
        return Script(
            chunks,
            ttft_ms=rand.choice((0, 5, 80, 300, 60_000)),
            tpot_ms=rand.choice((0, 1, 20)),
            error=rand.choice((*FAULTS, *[None] * 12)),
            reason=rand.choice(("stop", "length")),
        )

    async def run(self) -> None:
        actions = (
            *[self.type_the_truth] * 8,
            *[self.request] * 8,
            *[self.wait] * 6,
            self.type_anything,
            self.backspace,
            self.backspace,
            self.move,
            self.edit_elsewhere,
            self.cancel,
            self.accept,
            self.accept,
            self.accept_a_part,
            self.tell,
            self.undo_last,
            self.close_a_bracket,
            self.enter,
            self.edit_at_two_places,
            self.switch,
            self.reopen,
        )
        for _ in range(N_ACTIONS):
            action = self.random.choice(actions)()
            if action is not None:
                await action
            for document in self.documents:
                assert len(self.session.engine.running(document.uri)) <= 2
            assert self.session.engine.n_bytes <= self.most_bytes
        await asyncio.sleep(120)
        for document in self.documents:
            assert self.session.engine.running(document.uri) == []
        await self.session.close()
        counts = self.session.engine.suggestions.counts
        assert sum(counts.values()) == len(self.answered_ids)
        assert min(counts.values(), default=0) >= 0
        for task in self.requests:
            assert task.cancelled() or task.exception() is None, task.exception()
        assert self.n_ended == len(self.requests)
        # At most what was asked for, two more by hand, one ahead, or one at a key.
        n_most = 4 * len(self.requests) + self.n_edits
        assert len(self.model.streams) <= n_most
        assert {stream.end for stream in self.model.streams} <= {
            "finished",
            "failed",
            "closed",
        }
        assert self.model.is_closed
        (task,) = asyncio.all_tasks()
        assert task is asyncio.current_task()

    # What may happen

    def type_the_truth(self) -> None:
        line = self.document.text[: self.cursor].rpartition("\n")[2]
        at = TRUTH.find(line)
        n_chars = self.random.choice((1, 1, 1, 2, 5))
        text = TRUTH[at + len(line) : at + len(line) + n_chars] if at >= 0 else "x"
        for char in text:
            self.edit(self.cursor, 0, char)

    def type_anything(self) -> None:
        self.edit(self.cursor, 0, self.random.choice(("q", " ", "\n", "\t", "é", "𝄞")))

    def backspace(self) -> None:
        n_chars = min(self.cursor, self.random.choice((1, 1, 3, 12)))
        self.edit(self.cursor - n_chars, n_chars, "")

    def move(self) -> None:
        self.cursor = self.random.randrange(len(self.document.text) + 1)

    def edit_elsewhere(self) -> None:
        cursor, n_chars = self.cursor, len(self.document.text)
        start = self.random.randrange(n_chars + 1)
        n_removed = self.random.randrange(min(20, n_chars - start) + 1)
        text = self.random.choice(("", "z", "# a line\n", "x = 1\ny = 2\n"))
        self.edit(start, n_removed, text)
        if start + n_removed <= cursor:
            self.cursor = cursor + len(text) - n_removed
        elif cursor <= start:
            self.cursor = cursor

    def close_a_bracket(self) -> None:
        self.edit(self.cursor, 0, self.random.choice(("()", "[]", '""')))
        self.cursor -= 1

    def accept(self) -> None:
        if self.shown:
            chosen = self.random.choice(self.shown)
            self.edit(self.cursor, chosen.n_covered_chars, chosen.insert_text)
            if self.random.random() < 0.5:
                self.session.engine.suggestions.accepted(chosen.id)
        self.shown = ()

    def accept_a_part(self) -> None:
        if self.shown:
            self.edit(self.cursor, 0, self.shown[0].insert_text[:3])
            if self.random.random() < 0.5:
                suggestions = self.session.engine.suggestions
                suggestions.partly_accepted(self.shown[0].id, 3)
        self.shown = ()

    def tell(self) -> None:
        """What an editor may say at any time, of what is long gone as well."""
        suggestion_id = self.random.choice((*self.answered_ids, 0))
        suggestions = self.session.engine.suggestions
        self.random.choice(
            (
                self.session.engine.shown,
                suggestions.accepted,
                lambda id_: suggestions.partly_accepted(id_, 2),
            )
        )(suggestion_id)
        self.session.focused(self.document.uri)

    def enter(self) -> None:
        between = self.random.random() < 0.3
        self.edit(self.cursor, 0, "\n    \n" if between else "\n    ")
        self.cursor -= between

    def edit_at_two_places(self) -> None:
        """One change of two edits, the one further down first, as editors send it."""
        at = self.cursor
        made = [self.document.replace(at, at, "y")]
        above = self.random.randrange(at + 1)
        made.append(self.document.replace(above, above, "import z\n"))
        self.cursor = at + 1 + len("import z\n")
        self.document.version = next(self.versions)
        self.undo.clear()
        self.session.edited(self.document, made)

    def undo_last(self) -> None:
        if self.undo:
            document, start, removed, inserted = self.undo.pop()
            if document not in self.documents:
                return
            self.document = document
            if self.document.text[start : start + len(inserted)] == inserted:
                self.edit(start, len(inserted), removed)

    def switch(self) -> None:
        self.document = self.random.choice(self.documents)
        self.move()

    def reopen(self) -> None:
        closed = self.document
        self.session.close_document(closed.uri)
        self.document = Document(closed.uri, "python", 1, closed.text)
        self.documents[self.documents.index(closed)] = self.document
        self.session.open(self.document)

    async def wait(self) -> None:
        await asyncio.sleep(self.random.choice((0, 0.001, 0.02, 0.1, 0.5)))

    def cancel(self) -> None:
        if self.requests:
            self.requests[-1].cancel()

    async def request(self) -> None:
        snapshot = self.session.snapshot(self.document, self.cursor)
        is_invoked = self.random.random() < 0.1
        may_grow = self.random.random() < 0.2
        document, version = self.document, self.document.version

        async def handle() -> None:
            try:
                answer = await self.session.complete(
                    snapshot, is_invoked=is_invoked, may_grow=may_grow
                )
            finally:
                self.n_ended += 1
            self.check(answer, snapshot, document, version)

        self.requests.append(asyncio.create_task(handle()))
        # The reader lets the handler take its snapshot before the next message.
        await asyncio.sleep(0)

    # What must hold

    def check(
        self, answer: Answer, snapshot: Snapshot, document: Document, version: int
    ) -> None:
        self.shown = answer.completions if document is self.document else ()
        if not answer.completions:
            assert answer.reason is not None
            return
        self.answered_ids.update(item.id for item in answer.completions)
        assert document.version == version, "an answer for a text that is gone"
        assert document in self.documents, "an answer for a document that is closed"
        assert len({item.insert_text for item in answer.completions}) == len(
            answer.completions
        )
        text, at = document.text, snapshot.offset
        for item in answer.completions:
            assert item.insert_text.strip()
            covered = text[at : at + item.n_covered_chars]
            assert "\n" not in covered
            written = iter(item.insert_text)
            assert all(char in written for char in covered if not char.isspace())
            # What is on the line and what is shown are together what streams brought.
            line = snapshot.anchor.line_prefix + item.insert_text.rstrip()
            assert any(
                line.lstrip() in known for known in self.brought(document.uri)
            ), f"{line!r} was never generated"

    def brought(self, uri: str) -> list[str]:
        """What every stream was asked with and has brought."""
        return [stream.prompt.text + stream.text for stream in self.model.streams]

    @property
    def most_bytes(self) -> int:
        per_document = reuse.MAX_BYTES + 2 * 16 * 1024
        return min(engine.MAX_BYTES, len(self.documents) * per_document)

    def edit(self, start: int, n_removed: int, text: str) -> None:
        self.document.version = next(self.versions)
        self.n_edits += 1
        edit = self.document.replace(start, start + n_removed, text)
        self.undo.append((self.document, edit.start, edit.removed, edit.inserted))
        self.cursor = edit.end
        self.session.edited(self.document, [edit])


@pytest.mark.parametrize("start", range(0, N_SEEDS, 100))
def test_interleavings(start: int) -> None:
    for seed in range(start, start + 100):
        try:
            virtual_time.run(Interleaving(seed).run())
        except BaseException:
            print(f"the seed that failed: {seed}")
            raise
