"""The server as an ordinary LSP client has it, by pytest-lsp: settings and messages."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

from fake_endpoint import Answer, FakeEndpoint
from foretype.client import SERVER_COMMAND

pytestmark = pytest.mark.asyncio

URI = "file:///home/me/area.py"
TEXT = "def area(r):\n    return "


@pytest_asyncio.fixture
async def endpoint() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint(Answer(("math.pi", " * r", "\n"))) as endpoint:
        yield endpoint


@pytest_asyncio.fixture
async def client(tmp_path: Path, built_in_cache: Path) -> AsyncIterator[LanguageClient]:
    folders = {f"XDG_{name}_HOME": str(tmp_path) for name in ("CONFIG", "STATE")}
    folders["XDG_CACHE_HOME"] = str(built_in_cache)
    config = ClientServerConfig(
        server_command=list(SERVER_COMMAND), server_env={**os.environ, **folders}
    )
    client = await config.start()
    assert isinstance(client, LanguageClient)
    # It answers what pytest-lsp's client does not.
    client.feature(types.CLIENT_REGISTER_CAPABILITY)(lambda params: None)
    yield client
    await client.shutdown_session()
    await client.stop()


async def initialize(
    client: LanguageClient, options: dict[str, Any] | None = None
) -> None:
    await client.initialize_session(
        types.InitializeParams(
            capabilities=client_capabilities("visual-studio-code"),
            initialization_options=options,
        )
    )


async def complete(client: LanguageClient) -> list[str]:
    position = types.Position(1, 11)
    result = await client.text_document_inline_completion_async(
        types.InlineCompletionParams(
            types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic),
            types.TextDocumentIdentifier(URI),
            position,
        )
    )
    assert isinstance(result, types.InlineCompletionList)
    for item in result.items:
        assert item.range == types.Range(position, position)
    return [str(item.insert_text) for item in result.items]


def open_document(client: LanguageClient) -> None:
    client.text_document_did_open(
        types.DidOpenTextDocumentParams(types.TextDocumentItem(URI, "python", 1, TEXT))
    )


def at(endpoint: FakeEndpoint, model: str) -> dict[str, Any]:
    return {"endpoint": {"baseUrl": endpoint.base_url, "model": model}}


async def test_settings_given_at_the_start(
    client: LanguageClient, endpoint: FakeEndpoint
) -> None:
    await initialize(client, at(endpoint, "starcoder2-3b"))
    open_document(client)
    assert await complete(client) == ["math.pi * r"]
    request = await endpoint.next_request()
    assert request.body["prompt"].startswith("<fim_prefix>")


async def test_settings_that_are_pulled_win_and_may_change(
    client: LanguageClient, endpoint: FakeEndpoint
) -> None:
    client.set_configuration({"foretype": at(endpoint, "codellama")})
    await initialize(client, at(endpoint, "starcoder2-3b"))
    open_document(client)
    # The answer to the pull may come behind the first requests.
    prompt = ""
    while not prompt.startswith("<PRE> "):
        prompt = await endpoint_prompt(client, endpoint)

    client.set_configuration({"foretype": at(endpoint, "codegemma")})
    client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
    while not prompt.startswith("<|fim_prefix|>"):
        prompt = await endpoint_prompt(client, endpoint)


async def endpoint_prompt(client: LanguageClient, endpoint: FakeEndpoint) -> str:
    """The last prompt, once a completion was asked that nothing is remembered of."""
    client.text_document_did_close(
        types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(URI))
    )
    open_document(client)
    await complete(client)
    prompt: str = endpoint.requests[-1].body["prompt"] if endpoint.requests else ""
    return prompt


async def test_a_missing_model_is_told_in_one_message(
    client: LanguageClient, endpoint: FakeEndpoint
) -> None:
    await initialize(client, {"endpoint": {"baseUrl": endpoint.base_url}})
    open_document(client)
    for _ in range(3):
        assert await complete(client) == []
    (message,) = client.messages
    assert message.type is types.MessageType.Warning
    assert "endpoint.model is not set" in message.message
    assert any("endpoint.model is not set" in m.message for m in client.log_messages)


async def test_a_refused_key_is_told_in_one_message(
    client: LanguageClient, endpoint: FakeEndpoint
) -> None:
    endpoint.default = Answer(status=401, body="")
    await initialize(client, at(endpoint, "m"))
    open_document(client)
    for _ in range(3):
        assert await complete(client) == []
    (message,) = client.messages
    assert "refused the API key" in message.message
    assert "endpoint.api_key_env" in message.message


async def test_loading_is_shown_as_progress(client: LanguageClient) -> None:
    await initialize(client, {"endpoint": {"provider": "local"}})
    open_document(client)
    # It waits for the model.
    await complete(client)
    (reports,) = client.progress_reports.values()
    begin, end = reports
    assert begin.title == "Foretype: loading: gemma-3-270m"
    assert end.message == "ready: gemma-3-270m"
