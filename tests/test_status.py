"""What a person can find out about why nothing shows, from the real server alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from fake_endpoint import DEADLINE_S, Answer, FakeEndpoint
from foretype import status
from foretype.client import Client
from foretype.errors import (
    BadAnswer,
    KeyRefused,
    LocalModelError,
    ModelError,
    ModelNotFound,
    NotSupported,
    RateLimited,
    Unreachable,
)
from foretype.status import Kind

NOON = datetime(2026, 3, 9, 12)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ModelError("x"), Kind.ERROR, "no endpoint: x"),
        (LocalModelError("x"), Kind.ERROR, "no model: x"),
        (KeyRefused("x"), Kind.ERROR, "key refused: x"),
        (ModelNotFound("x"), Kind.ERROR, "no such model: x"),
        (NotSupported("x"), Kind.ERROR, "not supported: x"),
        (Unreachable("x"), Kind.WARNING, "offline: x"),
        (RateLimited("x"), Kind.WARNING, "rate limited: x"),
        (RateLimited("x", 61), Kind.WARNING, "rate limited until 12:01:01: x"),
        (BadAnswer("x"), Kind.WARNING, "no usable answer: x"),
    ],
)
def test_each_error_is_a_state(error: ModelError, kind: Kind, message: str) -> None:
    told = status.of_error(error, NOON)
    assert (told.kind, told.message, told.busy) == (kind, message, False)


@pytest_asyncio.fixture
async def endpoint() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint(Answer(("total",))) as endpoint:
        yield endpoint


class Editor:
    """Types into documents, and hears of states."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._n_typed = 0

    def open(self, name: str, language_id: str, text: str = "") -> None:
        document = {
            "uri": f"file:///home/me/{name}",
            "languageId": language_id,
            "version": 1,
            "text": text,
        }
        self._client.notify("textDocument/didOpen", {"textDocument": document})

    async def type(self, name: str, *, by_hand: bool = False) -> Any:
        """A key at the end of a document; returns the items that are answered."""
        self._n_typed += 1
        document = {"uri": f"file:///home/me/{name}", "version": 1 + self._n_typed}
        change = {"text": f"x = {self._n_typed} + "}
        self._client.notify(
            "textDocument/didChange",
            {"textDocument": document, "contentChanges": [change]},
        )
        return await self.ask(name, len(change["text"]), by_hand=by_hand)

    async def ask(self, name: str, character: int, *, by_hand: bool = False) -> Any:
        """Asks for a completion in the first line; returns the items."""
        answer = await self._client.request(
            "textDocument/inlineCompletion",
            {
                "textDocument": {"uri": f"file:///home/me/{name}"},
                "position": {"line": 0, "character": character},
                "context": {"triggerKind": 1 if by_hand else 2},
            },
        )
        return answer["items"]

    async def explanation(self, name: str) -> str:
        """Why nothing shows in a document."""
        document = {"uri": f"file:///home/me/{name}"}
        answer = await self._client.request(
            "foretype/explain", {"textDocument": document}
        )
        message: str = answer["message"]
        return message

    async def status(self) -> Mapping[str, Any]:
        """The next state that is told."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                method, params = await self._client.notification()
                if method == "didChangeStatus":
                    return dict(params)


def settings_for(endpoint: FakeEndpoint, **completion: Any) -> dict[str, Any]:
    return {
        "endpoint": {
            "baseUrl": endpoint.base_url,
            "model": "m",
            "template": "suffix",
        },
        "completion": completion,
    }


@pytest.mark.asyncio
async def test_a_file_that_is_off_is_told_and_another_is_not(
    endpoint: FakeEndpoint,
) -> None:
    settings = settings_for(endpoint, disabledLanguages=["markdown"])
    async with Client(settings=settings) as client:
        await client.initialize()
        editor = Editor(client)
        assert await editor.status() == {
            "kind": "Normal",
            "message": "ready: m",
            "busy": False,
        }
        editor.open("a.md", "markdown")
        editor.open("a.py", "python")
        assert await editor.type("a.md") == []
        assert await editor.status() == {
            "kind": "Inactive",
            "message": "off for this file: completion.disabled_languages has this "
            "language",
            "busy": False,
        }
        assert len(await editor.type("a.py")) == 1
        assert (await editor.status())["message"] == "ready: m"


@pytest.mark.asyncio
async def test_an_endpoint_that_fails_is_told_and_so_is_its_return(
    endpoint: FakeEndpoint,
) -> None:
    endpoint.script += [Answer(status=503, body="{}"), Answer(status=401, body="{}")]
    async with Client(settings=settings_for(endpoint)) as client:
        await client.initialize()
        editor = Editor(client)
        editor.open("a.py", "python")
        states = []
        for _ in range(3):
            states.append((await editor.status())["message"].partition(":")[0])
            await editor.type("a.py")
        assert states == ["ready", "no usable answer", "key refused"]
        # A key that was refused is sent again only when a person asks by hand.
        assert len(endpoint.requests) == 2
        await editor.type("a.py", by_hand=True)
        assert (await editor.status())["message"] == "ready: m"
        await endpoint.close()
        await editor.type("a.py")
        told = await editor.status()
        assert (told["kind"], told["message"].partition(":")[0]) == (
            "Warning",
            "offline",
        )


@pytest.mark.asyncio
async def test_an_endpoint_that_says_for_how_long_is_left_alone(
    endpoint: FakeEndpoint,
) -> None:
    headers = {"Retry-After": "300"}
    endpoint.script.append(Answer(status=429, headers=headers, body="{}"))
    async with Client(settings=settings_for(endpoint)) as client:
        await client.initialize()
        editor = Editor(client)
        editor.open("a.py", "python")
        assert (await editor.status())["message"] == "ready: m"
        for _ in range(3):
            assert await editor.type("a.py") == []
        assert (await editor.status())["message"].startswith("rate limited until ")
        explained = await editor.explanation("a.py")
    assert len(endpoint.requests) == 1
    assert "the endpoint limits the rate of requests" in explained
    assert "Status: rate limited until " in explained


@pytest.mark.asyncio
async def test_settings_without_an_endpoint_are_told() -> None:
    settings = {"endpoint": {"provider": "openai-compatible"}}
    async with Client(settings=settings) as client:
        await client.initialize()
        told = await Editor(client).status()
    assert told["kind"] == "Error"
    assert told["message"].startswith("no endpoint: endpoint.provider is ")


REFUSED = Answer(status=401, body="{}")
LOST = Answer(status=404, body="{}")
LIMITED = Answer(status=429, body="{}")
BROKEN = Answer(status=500, body="{}")
SILENT = Answer(())
BLANK = Answer(("  ", "\n"))
SAID = Answer(("total",))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("settings", "answer", "drawing", "why"),
    [
        ({"completion": {"enabled": False}}, SAID, "x = █", "completion.enabled is"),
        (
            {"completion": {"disabledLanguages": ["python"]}},
            SAID,
            "x = █",
            "disabled_languages has this language",
        ),
        (
            {"completion": {"disabledFiles": ["a.*"]}},
            SAID,
            "x = █",
            "disabled_files has a pattern for this file",
        ),
        (
            {"completion": {"maxDocumentChars": 1000}},
            SAID,
            "x" * 1001 + "█",
            "longer than completion.max_document_chars",
        ),
        ({}, SAID, "tot█al = 1", "the cursor is inside a word"),
        (
            {"endpoint": {"template": "none"}},
            SAID,
            "x = █ + 1",
            "cannot be told the text after the cursor",
        ),
        ({"endpoint": {"model": ""}}, SAID, "x = █", "endpoint.model is not set"),
        (
            {"endpoint": {"baseUrl": "http://127.0.0.1:9/v1"}},
            SAID,
            "x = █",
            "the endpoint cannot be reached",
        ),
        ({}, REFUSED, "x = █", "the endpoint refused the API key"),
        ({}, LOST, "x = █", "the endpoint has no such model or path"),
        ({}, LIMITED, "x = █", "the endpoint limits the rate of requests"),
        ({}, BROKEN, "x = █", "HTTP 500"),
        ({}, SILENT, "x = █", "the model wrote nothing here"),
        ({}, BLANK, "x = █", "the model wrote only white space"),
        ({}, Answer(("+ 1",)), "x = █+ 1", "is there already"),
    ],
)
async def test_a_person_finds_out_why_nothing_shows(
    endpoint: FakeEndpoint,
    settings: Mapping[str, Mapping[str, Any]],
    answer: Answer,
    drawing: str,
    why: str,
) -> None:
    endpoint.default = answer
    usual = settings_for(endpoint)
    merged = {key: {**usual[key], **settings.get(key, {})} for key in usual}
    async with Client(settings=merged) as client:
        await client.initialize()
        editor = Editor(client)
        before, _, after = drawing.partition("█")
        await editor.status()
        editor.open("a.py", "python", before + after)
        assert "not asked for anything here yet" in await editor.explanation("a.py")
        assert await editor.ask("a.py", len(before)) == []
        explained = await editor.explanation("a.py")
    assert explained.startswith("a.py: nothing is shown, because ")
    assert why in explained
    # What to do for another outcome comes with it.
    assert explained.splitlines()[0].count(". ") >= 1


@pytest.mark.asyncio
async def test_a_document_that_is_not_opened_is_told_so(
    endpoint: FakeEndpoint,
) -> None:
    async with Client(settings=settings_for(endpoint)) as client:
        await client.initialize()
        explained = await Editor(client).explanation("a.py")
    assert "the editor has not opened this document" in explained
