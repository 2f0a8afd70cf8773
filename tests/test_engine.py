"""What no typing session shows: bounds, and what many documents do to each other."""

from __future__ import annotations

import asyncio

import pytest

import virtual_time
from foretype import engine
from foretype.document import Document
from foretype.layers import Layer
from foretype.session import Session
from foretype.suggestions import State
from scripted import Script, ScriptedModel, ScriptedSupplier

SETTINGS = Layer(
    "test",
    {
        "endpoint": {
            "base_url": "http://127.0.0.1/v1",
            "model": "m",
            "template": "suffix",
        },
        "completion": {"ask_ahead": False},
    },
)


def session_of(*scripts: Script) -> Session:
    return Session([SETTINGS], (), ScriptedSupplier(ScriptedModel(scripts)))


async def ask(session: Session, document: Document) -> str | None:
    """What is suggested at the end of a document, and where it came from."""
    snapshot = session.snapshot(document, document.n_chars)
    completion = (await session.complete(snapshot)).completion
    return completion.source.value if completion else None


def test_an_endpoint_that_counts_otherwise_is_believed() -> None:
    """Its tokens are longer than was assumed, so that more text fits into as many."""

    async def play() -> None:
        text = "".join(f"line {n}\n" for n in range(9_000))
        documents = [Document(f"{n}.py", "python", 1, text) for n in range(9)]
        session = session_of(Script(["1\n"], n_chars_per_token=4.4))
        lengths = []
        for document in documents:
            session.open(document)
            await ask(session, document)
            lengths.append(len(session.snapshot(document, document.n_chars).prefix))
            await asyncio.sleep(1)
        assert lengths[0] == lengths[2] < 3_000 * 3.3
        assert 3_000 * 4.2 < lengths[-1] <= 3_000 * 4.4
        # It has changed once.
        assert len(set(lengths)) == 2
        await session.close()

    virtual_time.run(play())


def test_what_all_documents_keep_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MAX_BYTES", engine.STREAM_BYTES + 20_000)

    async def play() -> None:
        session = session_of(Script(["1\n"]))
        documents = [Document(f"{n}.py", "python", 1, "x = ") for n in range(99)]
        for document in documents:
            session.open(document)
            assert await ask(session, document) == "model"
            await asyncio.sleep(1)
            assert session.engine.n_bytes <= engine.MAX_BYTES
        # What was used last is still known; what was used first is asked for again.
        assert await ask(session, documents[-1]) == "shown"
        session.engine.suggestions.forget_all()
        assert await ask(session, documents[-2]) == "cache"
        assert await ask(session, documents[0]) == "model"
        await session.close()

    virtual_time.run(play())


def test_a_document_that_is_closed_is_looked_at_no_more() -> None:
    async def play() -> None:
        session = session_of(Script(["compute(1)\n"]))
        document = Document("a.py", "python", 1, "x = ")
        session.open(document)
        await ask(session, document)
        await asyncio.sleep(1)
        session.edited(document, [document.replace(4, 4, "compute(1)")])
        session.close_document("a.py")
        await asyncio.sleep(600)
        suggestions = session.engine.suggestions
        assert suggestions.counts == {State.ACCEPTED: 1}
        assert not suggestions.n_kept and not suggestions.n_gone
        await session.close()

    virtual_time.run(play())


def test_a_long_text_that_was_accepted_is_compared_by_its_lines() -> None:
    lines = [f"    call_{c}(with_an_argument, and_another)\n" for c in "abcdefghijkl"]

    async def play() -> None:
        session = session_of(Script(lines))
        document = Document("a.py", "python", 1, "def f():\n")
        session.open(document)
        await ask(session, document)
        await asyncio.sleep(1)
        text = "".join(lines).rstrip()
        session.edited(document, [document.replace(9, 9, text)])
        # A third of the lines is changed before anybody looks, then all of them.
        for line_idx in range(1, 5):
            start = document.line_start(line_idx)
            session.edited(document, [document.replace(start, start + 9, "other")])
        await asyncio.sleep(31)
        for line_idx in range(1, 13):
            start = document.line_start(line_idx)
            session.edited(document, [document.replace(start, start + 9, "more")])
        await asyncio.sleep(300)
        suggestions = session.engine.suggestions
        assert (suggestions.n_kept[30.0], suggestions.n_gone[30.0]) == (1, 0)
        assert (suggestions.n_kept[300.0], suggestions.n_gone[300.0]) == (0, 1)
        await session.close()

    virtual_time.run(play())


def test_closing_leaves_no_timer() -> None:
    async def play() -> list[asyncio.TimerHandle]:
        session = session_of(Script(["compute(1)\n"]))
        document = Document("a.py", "python", 1, "x = ")
        session.open(document)
        await ask(session, document)
        session.edited(document, [document.replace(4, 4, "compute(1)")])
        await ask(session, document)
        await session.close()
        scheduled = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        return [timer for timer in scheduled if not timer.cancelled()]

    assert virtual_time.run(play()) == []
