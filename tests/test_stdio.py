"""The server as an editor meets it: a process, spoken to over its pipes."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from fake_endpoint import DEADLINE_S, Answer, FakeEndpoint
from foretype import transport
from foretype.client import SERVER_COMMAND, Client

pytestmark = pytest.mark.asyncio

URI = "file:///home/me/area.py"
TEXT = "def area(r):\n    return "


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of a user who has set nothing, for the server's process."""
    for name in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest_asyncio.fixture
async def endpoint(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint(Answer(("math.pi", " * r", "\n"))) as endpoint:
        monkeypatch.setenv("FORETYPE_ENDPOINT_BASE_URL", endpoint.base_url)
        monkeypatch.setenv("FORETYPE_ENDPOINT_MODEL", "qwen2.5-coder")
        yield endpoint


def opened(text: str = TEXT) -> dict[str, Any]:
    document = {"uri": URI, "languageId": "python", "version": 1, "text": text}
    return {"textDocument": document}


def completion_at(line: int, character: int) -> dict[str, Any]:
    return {
        "textDocument": {"uri": URI},
        "position": {"line": line, "character": character},
        "context": {"triggerKind": 2},
    }


def typed(text: str, line: int, character: int, version: int = 2) -> dict[str, Any]:
    where = {"line": line, "character": character}
    change = {"range": {"start": where, "end": where}, "text": text}
    return {
        "textDocument": {"uri": URI, "version": version},
        "contentChanges": [change],
    }


def texts(result: Any) -> list[str]:
    return [item["insertText"] for item in result["items"]]


def framed(message: dict[str, Any]) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


class RawServer:
    """The server's process, with nothing between the test and its pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        assert process.stdin and process.stdout
        self.stdin = process.stdin
        self._bodies = transport.messages(process.stdout)

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE_S):
            message: dict[str, Any] = json.loads(await anext(self._bodies))
        return message

    async def responses(self, n: int) -> dict[Any, dict[str, Any]]:
        """The next n responses by their id; each must come once."""
        found: dict[Any, dict[str, Any]] = {}
        while len(found) < n:
            message = await self.receive()
            if "method" not in message:
                assert message["id"] not in found
                found[message["id"]] = message
        return found

    async def end(self) -> int:
        """Closes the input; returns the exit code, with everything else read."""
        self.stdin.close()
        async with asyncio.timeout(DEADLINE_S):
            async for _ in self._bodies:
                pass
            return await self.process.wait()


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Callable[..., Any]]:
    processes: list[asyncio.subprocess.Process] = []

    async def start(stdin: Any = asyncio.subprocess.PIPE) -> RawServer:
        process = await asyncio.create_subprocess_exec(
            *SERVER_COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        processes.append(process)
        return RawServer(process)

    yield start
    for process in processes:
        if process.returncode is None:
            process.kill()
        _, stderr = await process.communicate()
        assert stderr.decode() == ""


INITIALIZE = {"id": 0, "method": "initialize", "params": {"capabilities": {}}}


async def test_a_completion_by_an_endpoint(endpoint: FakeEndpoint) -> None:
    async with Client() as client:
        capabilities = (await client.initialize())["capabilities"]
        assert capabilities["positionEncoding"] == "utf-8"
        assert capabilities["textDocumentSync"]["change"] == 2
        assert capabilities["inlineCompletionProvider"] == {}
        commands = capabilities["executeCommandProvider"]["commands"]
        assert commands == ["foretype.accept", "foretype.explain"]

        client.notify("textDocument/didOpen", opened())
        answer = await client.request(
            "textDocument/inlineCompletion", completion_at(1, 11)
        )
        assert texts(answer) == ["math.pi * r"]
        at = {"line": 1, "character": 11}
        assert answer["items"][0]["range"] == {"start": at, "end": at}
        request = await endpoint.next_request()
        assert request.body["prompt"].startswith("<|fim_prefix|>def area(r)")

        # Typed as suggested, it comes from memory.
        client.notify("textDocument/didChange", typed("mat", 1, 11))
        answer = await client.request(
            "textDocument/inlineCompletion", completion_at(1, 14)
        )
        assert texts(answer) == ["h.pi * r"]
        item = answer["items"][0]["command"]
        assert await client.request("workspace/executeCommand", item) is None


async def test_utf_16_unless_utf_8_is_offered(start: Callable[..., Any]) -> None:
    server = await start()
    general = {"positionEncodings": ["utf-32", "utf-16"]}
    params = {"capabilities": {"general": general}}
    server.stdin.write(framed({**INITIALIZE, "params": params}))
    answer = (await server.responses(1))[0]
    assert answer["result"]["capabilities"]["positionEncoding"] == "utf-16"
    assert await server.end() == 1


async def test_a_burst_gives_the_request_the_text_it_was_made_for(
    start: Callable[..., Any], endpoint: FakeEndpoint
) -> None:
    server = await start()
    server.stdin.write(framed(INITIALIZE))
    await server.responses(1)
    server.stdin.write(
        framed({"method": "textDocument/didOpen", "params": opened()})
        + framed(
            {
                "id": 1,
                "method": "textDocument/inlineCompletion",
                "params": completion_at(1, 11),
            }
        )
        + framed({"method": "textDocument/didChange", "params": typed("mat", 1, 11)})
    )
    # The change supersedes the request, whose stream is for the text before it.
    answer = (await server.responses(1))[1]
    assert answer["error"]["code"] == -32800
    request = await endpoint.next_request()
    assert request.body["prompt"].split("<|fim_suffix|>")[0].endswith("return ")


async def test_every_request_is_answered_exactly_once(
    start: Callable[..., Any], endpoint: FakeEndpoint
) -> None:
    server = await start()
    completion = "textDocument/inlineCompletion"
    server.stdin.write(
        framed({"id": "early", "method": completion, "params": completion_at(0, 0)})
        + framed(INITIALIZE)
        + framed({**INITIALIZE, "id": "again"})
        + framed({"id": "unknown", "method": "no/such", "params": {}})
        + framed({"id": "empty", "method": completion})
        + framed({"id": "list", "method": completion, "params": []})
        + framed({"id": "half", "method": completion, "params": {"position": {}}})
        + framed(
            {"id": "not open", "method": completion, "params": completion_at(0, 0)}
        )
        + framed(
            {
                "id": "bad command",
                "method": "workspace/executeCommand",
                "params": {"command": "no.such", "arguments": []},
            }
        )
        + framed(
            {
                "id": "bad argument",
                "method": "workspace/executeCommand",
                "params": {"command": "foretype.accept", "arguments": ["x"]},
            }
        )
        + b"Content-Length: 3\r\n\r\n{]}"
        + framed({"method": "textDocument/didOpen", "params": {"textDocument": 1}})
        + framed({"method": "textDocument/didChange", "params": typed("x", 0, 0)})
        + framed({"method": "no/such/notification"})
        + framed({"id": 987, "result": "an answer to nothing"})
        + framed({"method": "$/cancelRequest", "params": {"id": "never was"}})
        + framed({"id": "stop", "method": "shutdown"})
        + framed({"id": "late", "method": completion, "params": completion_at(0, 0)})
    )
    answers = await server.responses(13)
    codes = {i: a["error"]["code"] for i, a in answers.items() if "error" in a}
    assert codes == {
        "early": -32002,
        "again": -32600,
        "unknown": -32601,
        "empty": -32602,
        "list": -32602,
        "half": -32602,
        "bad command": -32602,
        "bad argument": -32602,
        None: -32700,
        "late": -32600,
    }
    assert answers["not open"]["result"] == {"items": []}
    assert answers["stop"]["result"] is None
    server.stdin.write(framed({"method": "exit"}))
    assert await server.end() == 0


async def initialized(
    client: Client, name: str = "an editor", experimental: object = None
) -> dict[str, Any]:
    """The server's capabilities, for an editor of this name."""
    params = {
        "processId": None,
        "rootUri": None,
        "clientInfo": {"name": name},
        "capabilities": {
            "general": {"positionEncodings": ["utf-16"]},
            "experimental": experimental,
        },
    }
    result = await client.request("initialize", params)
    client.notify("initialized", {})
    capabilities: dict[str, Any] = result["capabilities"]
    return capabilities


async def test_an_answer_that_a_change_has_overtaken_is_not_sent(
    start: Callable[..., Any], endpoint: FakeEndpoint
) -> None:
    server = await start()
    server.stdin.write(framed(INITIALIZE))
    await server.responses(1)
    asked = {"method": "textDocument/inlineCompletion", "params": completion_at(1, 11)}
    server.stdin.write(
        framed({"method": "textDocument/didOpen", "params": opened()})
        + framed({"id": 1, **asked})
    )
    assert texts((await server.responses(1))[1]["result"]) == ["math.pi * r"]
    # The second answer is known at once, and the change comes with it.
    server.stdin.write(
        framed({"id": 2, **asked})
        + framed({"method": "textDocument/didChange", "params": typed("x", 1, 11)})
    )
    answer = (await server.responses(1))[2]
    assert answer["error"]["code"] == -32800


@pytest.mark.parametrize(
    ("line", "cursor", "insert_text", "start"),
    [
        ("\tprint('a', )", 12, "\tprint('a', total);", 0),
        # VS Code garbles an item that repeats a character of two UTF-16 units.
        ("\tprint('\U0001f642', )", 13, "', total);", 10),
    ],
)
async def test_vs_code_is_given_the_line_and_its_closed_brackets(
    endpoint: FakeEndpoint, line: str, cursor: int, insert_text: str, start: int
) -> None:
    endpoint.default = Answer(("total);", "\n"))
    async with Client() as client:
        await initialized(client, "Visual Studio Code")
        client.notify("textDocument/didOpen", opened(f"{line}\n"))
        answer = await client.request(
            "textDocument/inlineCompletion", completion_at(0, cursor)
        )
        (item,) = answer["items"]
        assert item["insertText"] == insert_text
        assert item["range"] == {
            "start": {"line": 0, "character": start},
            "end": {"line": 0, "character": cursor + 1},
        }


async def test_an_entry_selected_in_a_list_is_gone_on_from(
    endpoint: FakeEndpoint,
) -> None:
    endpoint.default = Answer(("(total)", "\n"))
    async with Client() as client:
        await initialized(client, "Visual Studio Code")
        client.notify("textDocument/didOpen", opened("x = pri\n"))
        chosen = {
            "start": {"line": 0, "character": 4},
            "end": {"line": 0, "character": 7},
        }
        params = completion_at(0, 7)
        params["context"]["selectedCompletionInfo"] = {"range": chosen, "text": "print"}
        answer = await client.request("textDocument/inlineCompletion", params)
        (item,) = answer["items"]
        assert (item["insertText"], item["range"]) == ("print(total)", chosen)
        request = await endpoint.next_request()
        assert request.body["prompt"].startswith("<|fim_prefix|>x = print<|fim")


async def test_by_hand_there_is_a_choice(endpoint: FakeEndpoint) -> None:
    endpoint.script.extend(Answer((text, "\n")) for text in ("one", "two", "three"))
    async with Client() as client:
        await initialized(client)
        client.notify("textDocument/didOpen", opened())
        params = completion_at(1, 11)
        params["context"]["triggerKind"] = 1
        found: list[str] = []
        # What is not there in time is there when the editor asks for the next one.
        async with asyncio.timeout(DEADLINE_S):
            while len(found) < 3:
                answer = await client.request("textDocument/inlineCompletion", params)
                assert texts(answer)[: len(found)] == found
                found = texts(answer)
        assert sorted(found) == ["one", "three", "two"]
        temperatures = [request.body["temperature"] for request in endpoint.requests]
        assert temperatures.count(0) == 1


async def test_the_endpoint_is_asked_ahead_until_a_key_disagrees(
    endpoint: FakeEndpoint,
) -> None:
    endpoint.script.append(Answer(("math.pi",)))
    endpoint.script.append(Answer(("\n\n", asyncio.Event())))
    async with Client() as client:
        await initialized(client)
        client.notify("textDocument/didOpen", opened())
        answer = await client.request(
            "textDocument/inlineCompletion", completion_at(1, 11)
        )
        (item,) = answer["items"]
        client.notify("textDocument/didShowCompletion", {"item": item})
        await endpoint.next_request()
        ahead = await endpoint.next_request()
        assert ahead.body["prompt"].startswith(f"<|fim_prefix|>{TEXT}math.pi<|fim")
        await ahead.wrote(1)
        client.notify("textDocument/didChange", typed("ma", 1, 11))
        # A request behind it says that the change was handled.
        await client.request("textDocument/inlineCompletion", completion_at(1, 13))
        assert ahead.disconnected_ns is None
        client.notify("textDocument/didChange", typed("x", 1, 13, 3))
        await ahead.disconnected()


async def test_what_an_editor_tells_of_suggestions_is_counted(
    endpoint: FakeEndpoint, home: Path
) -> None:
    async with Client() as client:
        await initialized(client)
        client.notify("textDocument/didOpen", opened())
        client.notify("textDocument/didFocus", {"textDocument": {"uri": URI}})
        client.notify("textDocument/didFocus", {})
        answer = await client.request(
            "textDocument/inlineCompletion", completion_at(1, 11)
        )
        (item,) = answer["items"]
        client.notify("textDocument/didShowCompletion", {"item": item})
        part = {"item": item, "acceptedLength": 4}
        client.notify("textDocument/didChange", typed("math", 1, 11))
        client.notify("textDocument/didPartiallyAcceptCompletion", part)
        client.notify("textDocument/didPartiallyAcceptCompletion", {"item": 1})
        client.notify("textDocument/didChange", typed("!", 1, 15, 3))
    (log,) = (home / "state").rglob("*.log")
    assert "suggestions: 1 partly accepted" in log.read_text()


async def test_a_block_grows_on_the_screen_of_who_asks_again(
    endpoint: FakeEndpoint,
) -> None:
    held = asyncio.Event()
    endpoint.script.append(Answer(("\n    a = 1\n", held, "    b = 2\n", "\nx")))
    async with Client() as client:
        await initialized(client, experimental={"foretype": {"didExtend": True}})
        client.notify("textDocument/didOpen", opened("def f():"))
        params = completion_at(0, 8)
        answer = await client.request("textDocument/inlineCompletion", params)
        assert texts(answer) == ["\n    a = 1"]
        held.set()
        told: tuple[str, Any] = ("", None)
        async with asyncio.timeout(DEADLINE_S):
            while told[0] != "foretype/didExtend":
                told = await client.notification()
        assert told[1] == {"uri": URI, "version": 1}
        answer = await client.request("textDocument/inlineCompletion", params)
        assert texts(answer) == ["\n    a = 1\n    b = 2"]


async def test_an_editor_without_ghost_text_is_offered_an_entry_in_its_list(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Client() as client:
        assert "completionProvider" not in await initialized(client)
    monkeypatch.setenv("FORETYPE_EDITOR_POPUP", "true")
    async with Client() as client:
        capabilities = await initialized(client)
        assert "." in capabilities["completionProvider"]["triggerCharacters"]
        client.notify("textDocument/didOpen", opened(f"{TEXT}ma"))
        endpoint.default = Answer(("th.pi * r", "\n"))
        params = completion_at(1, 13)
        del params["context"]
        answer = await client.request("textDocument/completion", params)
        assert answer["isIncomplete"]
        (item,) = answer["items"]
        assert item["label"] == "math.pi * r"
        assert item["textEdit"] == {
            "range": {
                "start": {"line": 1, "character": 11},
                "end": {"line": 1, "character": 13},
            },
            "newText": "math.pi * r",
        }
        accept = item["command"]
        assert await client.request("workspace/executeCommand", accept) is None


async def test_why_there_is_nothing_is_a_request_and_a_command(
    endpoint: FakeEndpoint,
) -> None:
    endpoint.default = Answer(status=401, body="{}")
    params = {"textDocument": {"uri": URI}}
    async with Client() as client:
        await initialized(client)
        said = await client.request("foretype/explain", params)
        assert "has not opened this document" in said["message"]
        client.notify("textDocument/didOpen", opened())
        assert (
            texts(
                await client.request(
                    "textDocument/inlineCompletion", completion_at(1, 11)
                )
            )
            == []
        )
        said = (await client.request("foretype/explain", params))["message"]
        assert "because the endpoint refused the API key" in said
        assert "endpoint.api_key_env" in said
        command = {"command": "foretype.explain", "arguments": [URI]}
        assert await client.request("workspace/executeCommand", command) is None
        shown: tuple[str, Any] = ("", {})
        async with asyncio.timeout(DEADLINE_S):
            while said not in shown[1].get("message", ""):
                shown = await client.notification()
        assert shown[0] == "window/showMessage"


async def test_a_cancelled_request_is_answered_and_its_stream_goes_on(
    endpoint: FakeEndpoint,
) -> None:
    held = asyncio.Event()
    endpoint.script.append(Answer((held, "math.pi", "\n")))
    async with Client() as client:
        await client.initialize()
        client.notify("textDocument/didOpen", opened())
        waiting = asyncio.create_task(
            client.request("textDocument/inlineCompletion", completion_at(1, 11))
        )
        request = await endpoint.next_request()
        # It is the first request after `initialize`.
        client.notify("$/cancelRequest", {"id": 2})
        async with asyncio.timeout(DEADLINE_S):
            assert await waiting is None
        held.set()
        # What it brought is remembered.
        await request.ended()
        answer = await client.request(
            "textDocument/inlineCompletion", completion_at(1, 11)
        )
        assert texts(answer) == ["math.pi"]
        assert len(endpoint.requests) == 1


async def test_the_endpoint_sees_the_text_diverge_and_not_agree(
    endpoint: FakeEndpoint,
) -> None:
    held = asyncio.Event()
    endpoint.script.append(Answer(("ma", held, "th.pi", "\n")))
    async with Client() as client:
        await client.initialize()
        client.notify("textDocument/didOpen", opened())
        client.notify("textDocument/didChange", typed(" ", 0, 12))
        first = asyncio.create_task(
            client.request("textDocument/inlineCompletion", completion_at(1, 11))
        )
        request = await endpoint.next_request()
        await request.wrote(1)
        client.notify("textDocument/didChange", typed("math", 1, 11, 3))
        async with asyncio.timeout(DEADLINE_S):
            assert await first is None
        # Out-typed, it still agrees: the next request joins it.
        second = asyncio.create_task(
            client.request("textDocument/inlineCompletion", completion_at(1, 15))
        )
        await client.request(
            "workspace/executeCommand", {"command": "foretype.accept", "arguments": [0]}
        )
        assert request.disconnected_ns is None
        client.notify("textDocument/didChange", typed("!", 1, 13, 4))
        await request.disconnected()
        assert await second is None


async def test_the_endpoint_sees_a_stream_go_another_way_than_was_typed(
    endpoint: FakeEndpoint,
) -> None:
    held = asyncio.Event()
    endpoint.script.append(Answer(("ma", held, "x(", asyncio.Event(), "r)")))
    async with Client() as client:
        await client.initialize()
        client.notify("textDocument/didOpen", opened())
        waiting = asyncio.create_task(
            client.request("textDocument/inlineCompletion", completion_at(1, 11))
        )
        request = await endpoint.next_request()
        await request.wrote(1)
        client.notify("textDocument/didChange", typed("math", 1, 11))
        assert await waiting is None
        held.set()
        await request.disconnected()


async def test_an_endpoint_that_is_down_shows_nothing_and_no_error(
    endpoint: FakeEndpoint,
) -> None:
    await endpoint.close()
    async with Client() as client:
        await client.initialize()
        client.notify("textDocument/didOpen", opened())
        for _ in range(3):
            answer = await client.request(
                "textDocument/inlineCompletion", completion_at(1, 11)
            )
            assert texts(answer) == []
        told = []
        while client.has_notifications:
            told.append(await client.notification())
    kinds = [p["kind"] for method, p in told if method == "didChangeStatus"]
    assert kinds.count("Warning") == 1
    assert not [p for method, p in told if method == "window/showMessage"]


async def test_a_model_that_cannot_start_is_told_in_one_message(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORETYPE_LOCAL_MODEL_PATH", str(home / "no.gguf"))
    async with Client() as client:
        await client.initialize()
        client.notify("textDocument/didOpen", opened())
        for _ in range(3):
            answer = await client.request(
                "textDocument/inlineCompletion", completion_at(1, 11)
            )
            assert texts(answer) == []
        shown = []
        while client.has_notifications:
            method, params = await client.notification()
            if method == "window/showMessage":
                shown.append(params["message"])
    assert len(shown) == 1
    assert "no.gguf" in shown[0]


async def test_wrong_settings_are_named_once(
    endpoint: FakeEndpoint, home: Path
) -> None:
    folder = home / "config" / "foretype"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("[endpoint]\nmodle = 'x'\ntimeout_ms = 1\n")
    async with Client() as client:
        await client.initialize()
        client.notify("textDocument/didOpen", opened())
        answer = await client.request(
            "textDocument/inlineCompletion", completion_at(1, 11)
        )
        assert texts(answer) == ["math.pi * r"]
        shown = []
        while client.has_notifications:
            method, params = await client.notification()
            if method == "window/showMessage":
                shown.append(params["message"])
    assert len(shown) == 1
    assert "endpoint.modle is not a setting; the nearest is endpoint.model" in shown[0]
    assert "endpoint.timeout_ms must be from 500 to 600000, not 1" in shown[0]


async def test_no_text_and_no_key_is_logged(
    endpoint: FakeEndpoint, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORETYPE_API_KEY", "sk-planted-key")
    log = home / "foretype.log"
    command = (*SERVER_COMMAND, "--log-file", str(log), "--log-level", "debug")
    endpoint.script.append(Answer(status=401, body=""))
    async with Client(command) as client:
        await client.initialize()
        client.notify("textDocument/didOpen", opened("planted_text = 1\n"))
        client.notify("textDocument/didChange", {"planted_text": 1})
        for _ in range(2):
            await client.request("textDocument/inlineCompletion", completion_at(1, 0))
        request = await endpoint.next_request()
        assert request.headers["authorization"] == "Bearer sk-planted-key"
    logged = log.read_text()
    assert "refused the API key" in logged
    assert "planted" not in logged
    assert log.stat().st_mode & 0o777 == 0o600


async def test_the_end_of_input_at_any_moment_leaves_nothing_behind(
    start: Callable[..., Any], endpoint: FakeEndpoint
) -> None:
    endpoint.script.append(Answer((asyncio.Event(),)))
    server = await start()
    server.stdin.write(framed(INITIALIZE))
    await server.responses(1)
    server.stdin.write(
        framed({"method": "textDocument/didOpen", "params": opened()})
        + framed(
            {
                "id": 1,
                "method": "textDocument/inlineCompletion",
                "params": completion_at(1, 11),
            }
        )
    )
    request = await endpoint.next_request()
    server.stdin.write(b"Content-Length: 900\r\n\r\n{")
    assert await server.end() == 1
    await request.disconnected()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM to handle")
async def test_sigterm_closes_the_streams(
    start: Callable[..., Any], endpoint: FakeEndpoint
) -> None:
    server = await start()
    server.stdin.write(framed(INITIALIZE))
    await server.responses(1)
    server.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(DEADLINE_S):
        assert await server.process.wait() == 1


async def test_input_from_a_file_goes_through_the_portable_reader(
    endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    script = tmp_path / "messages"
    script.write_bytes(
        framed(INITIALIZE)
        + framed({"id": 1, "method": "shutdown"})
        + framed({"method": "exit"})
    )
    with script.open("rb") as file:
        process = await asyncio.create_subprocess_exec(
            *SERVER_COMMAND, stdin=file, stdout=asyncio.subprocess.PIPE
        )
        stdout, _ = await process.communicate()
    assert process.returncode == 0
    assert stdout.count(b"Content-Length") == 2


async def test_without_any_input_it_ends() -> None:
    process = await asyncio.create_subprocess_exec(
        *SERVER_COMMAND,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(DEADLINE_S):
        assert await process.wait() == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
async def test_the_built_in_model_dies_with_a_killed_server(
    start: Callable[..., Any], built_in_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(built_in_cache))
    server = await start()
    server.stdin.write(framed(INITIALIZE))
    while True:
        message = await server.receive()
        if message.get("params", {}).get("message", "").startswith("ready"):
            break
    (model,) = psutil.Process(server.process.pid).children()
    server.process.kill()
    gone, alive = await asyncio.to_thread(
        psutil.wait_procs, [model], timeout=DEADLINE_S
    )
    assert (gone, alive) == ([model], [])


async def test_the_built_in_model_completes_and_comes_back_when_killed(
    start: Callable[..., Any], built_in_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(built_in_cache))
    numbers = "".join(f"NUMBER_{i} = {i}\n" for i in range(8)) + "NUMBER_8 ="
    server = await start()
    server.stdin.write(
        framed(INITIALIZE)
        + framed({"method": "textDocument/didOpen", "params": opened(numbers)})
    )
    await server.responses(1)
    for request_id in (1, 2):
        server.stdin.write(
            framed(
                {
                    "id": request_id,
                    "method": "textDocument/inlineCompletion",
                    "params": completion_at(8, 10),
                }
            )
        )
        answer = (await server.responses(1))[request_id]
        assert texts(answer["result"]) == [" 8"]
        if request_id == 2:
            break
        (model,) = psutil.Process(server.process.pid).children()
        model.kill()
        while True:
            message = await server.receive()
            if "ended" in message.get("params", {}).get("message", ""):
                break
        # Another text, so that memory cannot answer.
        server.stdin.write(
            framed({"method": "textDocument/didChange", "params": typed("#\n", 0, 0)})
            + framed({"method": "textDocument/didClose", "params": opened()})
            + framed({"method": "textDocument/didOpen", "params": opened(numbers)})
        )
    server.stdin.write(
        framed({"id": 3, "method": "shutdown"}) + framed({"method": "exit"})
    )
    assert await server.end() == 0
