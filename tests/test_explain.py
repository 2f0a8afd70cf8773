"""Why there is nothing: in each situation the product says so, and what to do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import markers
import virtual_time
from foretype import errors
from foretype.document import Document
from foretype.layers import Layer
from foretype.reason import Reason
from foretype.session import Session
from scripted import Script, ScriptedModel, ScriptedSupplier

PAGE = Path(__file__).parents[1] / "docs" / "troubleshooting.md"
URI = "file:///home/me/my%20notes/main.py"
DEFAULTS = {
    "endpoint": {"base_url": "http://127.0.0.1/v1", "model": "m", "template": "suffix"}
}


class Situation:
    """A document with a cursor, a model, and what a person does."""

    def __init__(
        self, drawing: str, script: Script | None = None, **settings: Any
    ) -> None:
        marked = markers.parse(drawing)
        self.model = ScriptedModel([script or Script(["1\n"], ttft_ms=50)])
        layers = (Layer("defaults", DEFAULTS), Layer("test", settings))
        self.session = Session(layers, (), ScriptedSupplier(self.model))
        text = marked.prefix + marked.suffix
        self.document = Document(URI, "python", 1, text)
        self.cursor = len(marked.prefix)
        self.session.open(self.document)

    async def ask(self, *, by_hand: bool = False) -> None:
        snapshot = self.session.snapshot(self.document, self.cursor)
        await self.session.complete(snapshot, is_invoked=by_hand)

    def type(self, text: str) -> None:
        edit = self.document.replace(self.cursor, self.cursor, text)
        self.cursor = edit.end
        self.session.edited(self.document, [edit])

    def delete(self, n_chars: int) -> None:
        edit = self.document.replace(self.cursor - n_chars, self.cursor, "")
        self.cursor = edit.end
        self.session.edited(self.document, [edit])

    @property
    def explanation(self) -> str:
        return self.session.explain(URI)


async def ask_after_deleting(it: Situation) -> None:
    it.delete(len("total(a)"))
    await it.ask()


def withheld() -> Situation:
    situation = Situation("x = █")
    situation.document.withheld = "an environment or key file"
    return situation


def explained(
    situation: Callable[[], Situation],
    play: Callable[[Situation], Awaitable[object]] = Situation.ask,
) -> str:
    async def run() -> str:
        it = situation()
        await play(it)
        explanation = it.explanation
        await it.session.close()
        return explanation

    return str(virtual_time.run(run()))


def failing(error: type[errors.ModelError]) -> Callable[[], Situation]:
    return lambda: Situation("x = █", Script([], error=error("so it is")))


async def accept_a_statement(it: Situation) -> None:
    await it.ask()
    await asyncio.sleep(1)
    it.type("compute(1)")
    await it.ask()


@pytest.mark.parametrize(
    ("situation", "play", "reason"),
    [
        pytest.param(
            lambda: Situation("x = █", completion={"enabled": False}),
            Situation.ask,
            Reason.DISABLED,
            id="switched off",
        ),
        pytest.param(
            lambda: Situation("x = █", completion={"disabled_languages": ["python"]}),
            Situation.ask,
            Reason.LANGUAGE_DISABLED,
            id="a language that is off",
        ),
        pytest.param(
            lambda: Situation("x = █", completion={"disabled_files": ["*/my notes/*"]}),
            Situation.ask,
            Reason.FILE_DISABLED,
            id="a file that is off",
        ),
        pytest.param(
            lambda: Situation(
                f"{'#' * 2000}\nx = █", completion={"max_document_chars": 1000}
            ),
            Situation.ask,
            Reason.TOO_LONG,
            id="a long document",
        ),
        pytest.param(
            withheld,
            Situation.ask,
            Reason.WITHHELD,
            id="a file with keys",
        ),
        pytest.param(
            lambda: Situation("prin█t"), Situation.ask, Reason.MIDDLE_OF_WORD, id="word"
        ),
        pytest.param(
            lambda: Situation("x = █ + 1", endpoint={"template": "none"}),
            Situation.ask,
            Reason.MIDDLE_OF_LINE,
            id="before text that a model is not told of",
        ),
        pytest.param(
            lambda: Situation(
                "x = █", Script(["compute(1)"]), completion={"ask_ahead": False}
            ),
            accept_a_statement,
            Reason.STATEMENT_ENDED,
            id="behind a statement",
        ),
        pytest.param(
            failing(errors.ModelError),
            Situation.ask,
            Reason.NOT_CONFIGURED,
            id="set up",
        ),
        pytest.param(
            failing(errors.LocalModelError),
            Situation.ask,
            Reason.LOCAL_MODEL_FAILED,
            id="built-in model",
        ),
        pytest.param(
            failing(errors.Unreachable), Situation.ask, Reason.UNREACHABLE, id="offline"
        ),
        pytest.param(
            failing(errors.KeyRefused), Situation.ask, Reason.KEY_REFUSED, id="key"
        ),
        pytest.param(
            failing(errors.ModelNotFound),
            Situation.ask,
            Reason.MODEL_NOT_FOUND,
            id="no such model",
        ),
        pytest.param(
            failing(errors.NotSupported),
            Situation.ask,
            Reason.NOT_SUPPORTED,
            id="not supported",
        ),
        pytest.param(
            failing(errors.RateLimited), Situation.ask, Reason.RATE_LIMITED, id="limit"
        ),
        pytest.param(
            failing(errors.BadAnswer), Situation.ask, Reason.BAD_ANSWER, id="bad answer"
        ),
        pytest.param(
            lambda: Situation("x = total(a)█", Script(["total(a)\n"])),
            ask_after_deleting,
            Reason.JUST_DELETED,
            id="just deleted",
        ),
        pytest.param(
            lambda: Situation("x = █", Script([])),
            Situation.ask,
            Reason.WROTE_NOTHING,
            id="nothing",
        ),
        pytest.param(
            lambda: Situation("x = █", Script(["  \n"])),
            Situation.ask,
            Reason.WROTE_BLANKS,
            id="blanks",
        ),
        pytest.param(
            lambda: Situation("x = 1█\ny = 2\n", Script(["\ny = 2\n"])),
            Situation.ask,
            Reason.WROTE_NO_NEWS,
            id="there already",
        ),
    ],
)
def test_why_there_is_nothing_is_said_with_what_to_do(
    situation: Callable[[], Situation],
    play: Callable[[Situation], Awaitable[object]],
    reason: Reason,
) -> None:
    explanation = explained(situation, play)
    assert explanation.startswith(f"main.py: nothing is shown, because {reason.says}")
    assert reason.advice in explanation
    assert "answered after" in explanation


def test_every_reason_is_met_above() -> None:
    (marks,) = (
        mark
        for mark in test_why_there_is_nothing_is_said_with_what_to_do.pytestmark
        if mark.name == "parametrize"
    )
    assert {case.values[2] for case in marks.args[1]} == set(Reason)


def test_what_is_shown_is_told_with_where_it_came_from() -> None:
    async def type_along(it: Situation) -> None:
        await it.ask()
        it.type("co")
        await it.ask()

    script = Script(["compute", "(1)\n"], ttft_ms=50, tpot_ms=10)
    first = explained(lambda: Situation("x = █", script))
    assert "a suggestion of 10 characters was given (asked by the editor)" in first
    assert "- From: nothing that was known fitted, so the model was asked." in first
    assert re.search(
        r"- Prompt: 4 characters, about 1 tokens, made in \d+\.\d ms", first
    )
    assert re.search(r"- Model: m, ready after \d+ ms; first text after \d+ ms", first)
    assert "- Stream: 2 chunks, about 2 tokens." in first
    assert re.search(
        r"- Request: looked up after \d+\.\d ms, had enough after \d+\.\d ms, "
        r"answered after \d+\.\d ms\.",
        first,
    )
    along = explained(lambda: Situation("x = █", script), type_along)
    assert "a suggestion of 8 characters was given" in along
    assert "- From: it is the rest of what was on the screen already." in along
    assert "1 answers so far: shown, p50" in along
    assert "1 answers so far: model, p50" in along


def test_what_an_editor_has_not_done_is_told() -> None:
    async def close(it: Situation) -> None:
        it.session.close_document(URI)

    async def nothing(it: Situation) -> None:
        pass

    async def be_overtaken(it: Situation) -> None:
        asking = asyncio.create_task(it.ask())
        await asyncio.sleep(0.01)
        it.type("2")
        await asyncio.wait((asking,))

    def situation() -> Situation:
        return Situation("x = █")

    assert "has not opened this document" in explained(situation, close)
    assert "has not asked for anything here yet" in explained(situation, nothing)
    overtaken = explained(situation, be_overtaken)
    assert "overtaken by the next key" in overtaken
    assert "superseded after" in overtaken


def test_that_the_model_has_not_written_enough_yet_is_told() -> None:
    async def run() -> str:
        it = Situation("x = █")
        asking = asyncio.create_task(it.ask())
        await asyncio.sleep(0.01)
        explanation = it.explanation
        await asking
        await it.session.close()
        return explanation

    assert "has not written enough yet" in virtual_time.run(run())


def test_no_text_of_a_document_is_in_an_explanation() -> None:
    planted = "PLANTED_SECRET"
    script = Script([f"{planted}\n"])
    assert planted not in explained(lambda: Situation(f"{planted} = █", script))


def test_the_page_has_every_reason(update_golden: bool) -> None:
    page = PAGE.read_text("utf-8")
    head = "| nothing is shown, because | what to do |\n|---|---|\n"
    rows = "".join(f"| {reason.says} | {reason.advice} |\n" for reason in Reason)
    if update_golden:
        before, _, rest = page.partition(head)
        _, _, after = rest.partition("\n## ")
        page = f"{before}{head}{rows}\n## {after}"
        PAGE.write_text(page, "utf-8")
    assert head + rows + "\n## " in page
