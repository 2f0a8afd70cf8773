"""How an endpoint is found out to be asked, once."""

from __future__ import annotations

import stat
import sys
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from fake_endpoint import Answer, FakeEndpoint
from foretype import probe
from foretype.client import Client
from foretype.probe import Finding
from foretype.settings import EndpointSettings, Settings
from foretype.supplier import client

NOT_FOUND = Answer(status=404, body='{"error": {"message": "no such path"}}')
NO_SUFFIX = Answer(
    status=400, body='{"error": {"message": "suffix is not currently supported"}}'
)
NO_CHAT = Answer(status=400, body='{"error": {"message": "not for this model"}}')
LINE = Answer(("one", " + two", "\n"))


@pytest_asyncio.fixture
async def endpoint() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint(LINE) as endpoint:
        yield endpoint


def settings_for(endpoint: FakeEndpoint, **wanted: Any) -> Settings:
    return Settings(
        endpoint=EndpointSettings(
            base_url=endpoint.base_url, **{"model": "qwen2.5-coder", **wanted}
        )
    )


async def found(settings: Settings) -> Finding | None:
    return await probe.look(settings, lambda endpoint: client(endpoint, ""))


@pytest.mark.parametrize(
    ("wanted", "answers", "finding"),
    [
        pytest.param({}, [LINE], Finding(), id="as it is set"),
        pytest.param({}, [NOT_FOUND, LINE], Finding(wire="chat"), id="chats only"),
        pytest.param({}, [NO_CHAT, LINE], Finding(wire="chat"), id="in its own words"),
        pytest.param({}, [NOT_FOUND, NOT_FOUND], None, id="no such model"),
        pytest.param(
            {"template": "suffix"},
            [NO_SUFFIX],
            Finding(template="qwen"),
            id="no field for the suffix",
        ),
        pytest.param(
            {"template": "suffix", "model": "unheard-of"},
            [NO_SUFFIX],
            Finding(template="none"),
            id="nor any markers",
        ),
        pytest.param(
            {},
            [Answer(("one", "<|fim_middle|>", "one"))],
            Finding(template="none"),
            id="markers in the text",
        ),
        pytest.param(
            {"template": "qwen"},
            [Answer(("one", "<|fim_middle|>", "one"))],
            Finding(),
            id="markers that a person wants",
        ),
        # The end of a text is no sign of not knowing the markers.
        pytest.param({}, [Answer(("one", "<|endoftext|>"))], Finding(), id="its end"),
        pytest.param(
            {},
            [Answer(("one + two\n", "<|fim_prefix|>"))],
            Finding(),
            id="behind the line",
        ),
        pytest.param({}, [Answer(status=401, body="{}")], None, id="no key"),
        pytest.param({}, [Answer(status=429, body="{}")], None, id="a limit"),
    ],
)
@pytest.mark.asyncio
async def test_an_answer_tells_how_to_ask(
    endpoint: FakeEndpoint,
    wanted: dict[str, str],
    answers: list[Answer],
    finding: Finding | None,
) -> None:
    endpoint.script += answers
    assert await found(settings_for(endpoint, **wanted)) == finding
    assert len(endpoint.requests) == len(answers)
    for request in endpoint.requests:
        assert not request.body.get("stop")


@pytest.mark.parametrize(
    ("wanted", "is_due"),
    [
        ({}, True),
        ({"wire": "ollama"}, True),
        ({"wire": "chat"}, False),
        ({"wire": "mistral-fim"}, False),
        ({"probe": False}, False),
        ({"model": ""}, False),
        ({"provider": "local"}, False),
    ],
)
def test_only_what_an_answer_would_tell_is_asked(
    wanted: dict[str, Any], is_due: bool
) -> None:
    endpoint = EndpointSettings(base_url="http://h/v1", **{"model": "m", **wanted})
    assert probe.is_due(Settings(endpoint=endpoint)) is is_due


def test_what_was_found_is_kept_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state" / "endpoints.json"
    one, other = (
        EndpointSettings(base_url="http://secret-host/v1", model=model)
        for model in ("one", "other")
    )
    assert probe.remembered(one, path) is None
    probe.remember(one, Finding(wire="chat"), path)
    probe.remember(other, Finding(template="none"), path)
    assert probe.remembered(one, path) == Finding(wire="chat")
    assert probe.remembered(other, path) == Finding(template="none")
    assert "secret-host" not in path.read_text("utf-8")
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    class Later(date):
        @classmethod
        def today(cls) -> Later:
            later = date.today() + timedelta(probe.KEPT_DAYS + 1)
            return cls(later.year, later.month, later.day)

    monkeypatch.setattr(probe, "date", Later)
    assert probe.remembered(one, path) is None


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', "[" * 99_999])
def test_a_file_that_is_not_ours_is_as_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "endpoints.json"
    path.write_text(text, "utf-8")
    endpoint = EndpointSettings(base_url="http://h/v1", model="m")
    assert probe.remembered(endpoint, path) is None
    probe.remember(endpoint, Finding(), path)
    assert probe.remembered(endpoint, path) == Finding()


@pytest.mark.asyncio
async def test_a_server_that_only_chats_is_asked_in_a_chat(
    endpoint: FakeEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("FORETYPE_ENDPOINT_PROBE")
    endpoint.default = lambda request: (
        NOT_FOUND if request.path == "/v1/completions" else LINE
    )
    settings = {"endpoint": {"baseUrl": endpoint.base_url, "model": "qwen2.5-coder"}}

    async def ask(client: Client, name: str) -> list[Any]:
        uri = f"file:///home/me/{name}.py"
        document = {"uri": uri, "languageId": "python", "version": 1, "text": "x = "}
        client.notify("textDocument/didOpen", {"textDocument": document})
        answer = await client.request(
            "textDocument/inlineCompletion",
            {
                "textDocument": {"uri": uri},
                "position": {"line": 0, "character": 4},
                "context": {"triggerKind": 1},
            },
        )
        items: list[Any] = answer["items"]
        return items

    async def ready(client: Client) -> None:
        await client.initialize()
        while (await client.notification())[0] != "didChangeStatus":
            pass

    async with Client(settings=settings) as client:
        await ready(client)
        n_asked = 0
        while not await ask(client, f"a{n_asked}"):
            n_asked += 1
    n_requests = len(endpoint.requests)
    async with Client(settings=settings) as client:
        await ready(client)
        # It is known from the first request on.
        assert len(await ask(client, "b")) == 1
    paths = {request.path for request in endpoint.requests[n_requests:]}
    assert paths == {"/v1/chat/completions"}
