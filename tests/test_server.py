"""What a bug of ours may do: one request fails, and nothing of a document is told."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
from typing import Any

import pytest

from foretype.server import Server
from foretype.session import Session
from foretype.transport import Writer

PLANTED = "planted text of a document"


class Wire:
    """A server with its output in memory."""

    def __init__(self) -> None:
        self.server = Server(Session([]))
        self.output, output = os.pipe()
        self._writer = Writer()
        self._writer._file = os.fdopen(output, "wb", buffering=0)
        self.server.protocol.set_writer(self._writer)

    async def ask(self, method: str, params: Any = None, msg_id: int = 1) -> Any:
        message = {"jsonrpc": "2.0", "id": msg_id, "method": method, "params": params}
        self.server.protocol.receive(json.dumps(message).encode())
        # Some turns of the loop: nothing here waits for anything outside.
        for _ in range(10):
            await asyncio.sleep(0)
        _, _, body = os.read(self.output, 1 << 20).rpartition(b"\r\n\r\n")
        return json.loads(body)

    def close(self) -> None:
        assert isinstance(self._writer._file, io.FileIO)
        self._writer._file.close()
        os.close(self.output)


async def initialized() -> Wire:
    wire = Wire()
    wire.server._use_settings = lambda: None  # type: ignore[method-assign]
    await wire.ask("initialize", {"capabilities": {}}, 0)
    return wire


def crash(*arguments: object) -> None:
    raise RuntimeError(PLANTED)


async def crash_later(*arguments: object, **named: object) -> None:
    raise RuntimeError(PLANTED)


@pytest.mark.asyncio
@pytest.mark.parametrize("handler", [crash, crash_later])
async def test_a_crash_answers_its_request_and_leaves_the_server_alive(
    handler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    wire = await initialized()
    wire.server.feature("test/crash")(lambda params: crash())
    if handler is crash_later:
        wire.server.protocol.fm.features["test/crash"] = crash_later
    answer = await wire.ask("test/crash")
    assert answer["error"]["code"] == -32603
    assert "RuntimeError" in answer["error"]["message"]
    assert PLANTED not in answer["error"]["message"]
    assert "RuntimeError" in caplog.text
    assert PLANTED not in caplog.text
    assert (await wire.ask("shutdown", None, 2))["result"] is None
    wire.close()


@pytest.mark.asyncio
async def test_a_crash_of_a_completion_is_an_empty_list(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wire = await initialized()
    monkeypatch.setattr(wire.server.session, "complete", crash_later)
    document = {"uri": "a", "languageId": "x", "version": 1, "text": PLANTED}
    opened = {"jsonrpc": "2.0", "method": "textDocument/didOpen"}
    opened["params"] = {"textDocument": document}  # type: ignore[assignment]
    wire.server.protocol.receive(json.dumps(opened).encode())
    where = {"line": 0, "character": 0}
    params = {"textDocument": {"uri": "a"}, "position": where}
    answer = await wire.ask("textDocument/inlineCompletion", params)
    assert answer["result"] == {"items": []}
    assert PLANTED not in caplog.text
    wire.close()
