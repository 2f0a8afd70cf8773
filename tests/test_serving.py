"""Editors over TCP and WebSocket: each as if it were alone, and nobody uninvited."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import psutil
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from websockets.exceptions import InvalidStatus

from fake_endpoint import DEADLINE_S, Answer, FakeEndpoint
from foretype import clients, layers, serving, tcp, throttle, websocket
from foretype.clients import Clients, Policy
from foretype.errors import UsageError
from foretype.server import Server
from foretype.serving import Address
from foretype.session import Session
from foretype.throttle import Throttle
from lsp_wires import (
    SERVE,
    Editor,
    Stream,
    WebSocket,
    by_stdio,
    by_tcp,
    by_websocket,
    framed,
)
from lsp_wires import serving as process_serving

TOKEN = "0123456789abcdef-token"
URI = "file:///home/me/area.py"
TEXT = "def area(r):\n    return "

By = Callable[..., AbstractAsyncContextManager[Editor]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of a user who has set nothing."""
    for name in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("FORETYPE_TOKEN", raising=False)
    return tmp_path


@pytest_asyncio.fixture
async def endpoint(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint(Answer(("math.pi", " * r", "\n"))) as endpoint:
        monkeypatch.setenv("FORETYPE_ENDPOINT_BASE_URL", endpoint.base_url)
        monkeypatch.setenv("FORETYPE_ENDPOINT_MODEL", "qwen2.5-coder")
        yield endpoint


@pytest.fixture(params=["tcp", "websocket"])
def wire(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def by(wire: str) -> By:
    """How an editor connects."""
    return by_tcp if wire == "tcp" else by_websocket


@asynccontextmanager
async def listening(wire: str, policy: Policy | None = None) -> AsyncIterator[int]:
    """A server in this process, which must leave nothing behind; its port."""
    policy = policy or Policy()
    before = asyncio.all_tasks()
    served = Clients(
        policy,
        lambda: Server(Session([layers.environment_layer()]), is_remote=True),
    )
    sockets = await serving.bind(Address("127.0.0.1", 0), policy)
    listen = tcp.listen if wire == "tcp" else websocket.listen
    close = await listen(sockets, served)
    try:
        yield sockets[0].getsockname()[1]
    finally:
        close()
        await served.close()
    # What is over has only to be seen so; it is not waited for anything else.
    left = asyncio.all_tasks() - before
    if left:
        await asyncio.wait(left, timeout=DEADLINE_S)
    assert not [task for task in left if not task.done()]


def opened(text: str = TEXT, uri: str = URI) -> dict[str, Any]:
    document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
    return {"method": "textDocument/didOpen", "params": {"textDocument": document}}


def completion(msg_id: int, line: int = 1, character: int = 11) -> dict[str, Any]:
    params = {
        "textDocument": {"uri": URI},
        "position": {"line": line, "character": character},
        "context": {"triggerKind": 2},
    }
    method = "textDocument/inlineCompletion"
    return {"id": msg_id, "method": method, "params": params}


def typed(text: str) -> dict[str, Any]:
    where = {"line": 1, "character": 11}
    params = {
        "textDocument": {"uri": URI, "version": 2},
        "contentChanges": [{"range": {"start": where, "end": where}, "text": text}],
    }
    return {"method": "textDocument/didChange", "params": params}


def texts(answer: dict[str, Any]) -> list[str]:
    return [item["insertText"] for item in answer["result"]["items"]]


# As if it were alone.


@pytest.mark.asyncio
async def test_two_editors_in_one_process(
    wire: str, by: By, endpoint: FakeEndpoint
) -> None:
    async with process_serving(f"--{wire}", "0") as (port, process):
        async with by(port) as first, by(port) as second:
            await first.initialize()
            await second.initialize()
            # The same document in both, with another text.
            await first.send(opened(), completion(1))
            await second.send(opened("nothing\n    return "), completion(1))
            assert texts(await first.answer(1)) == ["math.pi * r"]
            assert texts(await second.answer(1)) == ["math.pi * r"]
            prompts = [request.body["prompt"] for request in endpoint.requests]
            assert sum("def area" in prompt for prompt in prompts) == 1
            assert sum("nothing" in prompt for prompt in prompts) == 1

            # One that says goodbye takes nothing along.
            await first.send({"id": 2, "method": "shutdown"}, {"method": "exit"})
            await first.ended()
            await second.send(typed("mat"), completion(3, character=14))
            assert texts(await second.answer(3)) == ["h.pi * r"]
        assert process.returncode is None


@pytest.mark.asyncio
async def test_both_at_once(endpoint: FakeEndpoint) -> None:
    async with process_serving("--tcp", "0", "--websocket", "0") as (port, process):
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        other_port = int(line.rpartition(":")[2])
        async with by_tcp(port) as first, by_websocket(other_port) as second:
            assert "result" in await first.initialize()
            assert "result" in await second.initialize()


@pytest.mark.asyncio
@pytest.mark.parametrize("by_wire", ["stdio", "tcp", "websocket"])
async def test_a_burst_gives_the_request_the_text_it_was_made_for(
    by_wire: str, endpoint: FakeEndpoint
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        if by_wire == "stdio":
            editor = await stack.enter_async_context(by_stdio())
        else:
            served = process_serving(f"--{by_wire}", "0")
            port, _ = await stack.enter_async_context(served)
            by = by_tcp if by_wire == "tcp" else by_websocket
            editor = await stack.enter_async_context(by(port))
        await editor.initialize()
        await editor.send(opened(), completion(1), typed("mat"))
        # The change supersedes the request, whose stream is for the text before it.
        answer = await editor.answer(1)
        assert answer["error"]["code"] == -32800
        request = await endpoint.next_request()
        before = request.body["prompt"].split("<|fim_suffix|>")[0]
        assert before.endswith("return ")


@pytest.mark.asyncio
async def test_what_is_counted_and_logged_is_shared(
    wire: str, by: By, endpoint: FakeEndpoint, home: Path
) -> None:
    async with process_serving(f"--{wire}", "0") as (port, _):
        for _ in range(2):
            async with by(port) as editor:
                await editor.initialize()
                await editor.send(opened(), completion(1))
                await editor.answer(1)
    state = home / "state" / "foretype"
    log = (state / "foretype.log").read_text()
    assert log.count("suggestions: ") == 2
    process = await asyncio.create_subprocess_exec(
        *SERVE, "stats", "--json", stdout=asyncio.subprocess.PIPE
    )
    stdout, _ = await process.communicate()
    assert json.loads(stdout)["today"]["by_source"]["model"]["answers"] == 2


@pytest.mark.asyncio
async def test_a_warning_is_told_to_the_editor_it_is_about(wire: str, by: By) -> None:
    served = process_serving(f"--{wire}", "0")
    async with served as (port, _), by(port) as first, by(port) as second:
        await first.initialize()
        await second.initialize()
        await first.send(typed("x"))
        told = await first.notified("window/logMessage")
        assert "not open" in told["message"]
        await second.send({"id": 1, "method": "shutdown"})
        while (message := await second.receive()) is not None:
            assert "not open" not in json.dumps(message)
            if message.get("id") == 1:
                break


@pytest.mark.asyncio
async def test_the_process_ends_in_order(wire: str, by: By, home: Path) -> None:
    async with process_serving(f"--{wire}", "0") as (port, process):
        async with by(port) as editor:
            await editor.initialize()
            process.send_signal(signal.SIGTERM)
            await editor.ended()
        async with asyncio.timeout(DEADLINE_S):
            assert await process.wait() == 0


@pytest.mark.asyncio
async def test_editors_share_the_built_in_model(
    wire: str, by: By, built_in_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(built_in_cache))
    served = process_serving(f"--{wire}", "0")
    async with served as (port, process), by(port) as first, by(port) as second:
        await first.initialize()
        await second.initialize()
        for editor in (first, second):
            while True:
                status = await editor.notified("didChangeStatus")
                if status["message"].startswith("ready"):
                    break
        assert len(psutil.Process(process.pid).children()) == 1


# Who may come in.


@pytest.mark.asyncio
@pytest.mark.parametrize("in_file", [True, False])
async def test_with_the_token(wire: str, by: By, in_file: bool, home: Path) -> None:
    file = home / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    arguments = ("--token-file", str(file)) if in_file else ()
    variables = {} if in_file else {"FORETYPE_TOKEN": TOKEN}
    served = process_serving(f"--{wire}", "0", *arguments, **variables)
    async with served as (port, _), by(port, TOKEN) as editor:
        assert "result" in await editor.initialize()
        await editor.send({"id": 1, "method": "shutdown"})
        assert "error" not in await editor.answer(1)
    log = (home / "state" / "foretype" / "foretype.log").read_text()
    assert TOKEN not in log
    # The variable is no setting.
    assert "FORETYPE_TOKEN" not in log


INITIALIZE = json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize"}).encode()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"Authorization: Bearer \r\n",
        b"Authorization: Bearer another-token-0123\r\n",
        b"Authorization: Basic " + TOKEN.encode() + b"\r\n",
        b"X-Authorization: Bearer " + TOKEN.encode() + b"\r\n",
        b"Authorization: Bearer \xff\xfe\r\n",
        b"Authorization: Bearer " + b"x" * 200_000,
        b"POST / HTTP/1.1\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n",
    ],
)
async def test_without_the_token_by_tcp(
    first: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[bytes] = []
    monkeypatch.setattr(
        "foretype.protocol.Protocol.receive", lambda self, body: received.append(body)
    )
    async with listening("tcp", Policy(TOKEN)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(first + framed(INITIALIZE))
        with contextlib.suppress(ConnectionError):
            answer = await reader.read()
            assert b"the first line must be" in answer
            assert b"capabilities" not in answer
        writer.close()
    assert received == []


@pytest.mark.asyncio
async def test_a_token_that_is_not_needed_does_no_harm() -> None:
    async with listening("tcp") as port, by_tcp(port, TOKEN) as editor:
        assert "result" in await editor.initialize()


@pytest.mark.asyncio
@pytest.mark.parametrize("token", ["", "another-token-0123", "\u00fc" * 20])
async def test_without_the_token_by_websocket(token: str) -> None:
    async with listening("websocket", Policy(TOKEN)) as port:
        assert await status_of(port, token.encode().decode("latin-1")) == 401


@pytest.mark.asyncio
async def test_a_page_shows_the_token_as_a_subprotocol() -> None:
    page = "https://editor.example"
    encoded = base64.urlsafe_b64encode(TOKEN.encode()).decode().rstrip("=")
    offered = [websocket.SUBPROTOCOL, websocket.TOKEN_PREFIX + encoded]
    async with listening("websocket", Policy(TOKEN, (page,))) as port:
        async with by_websocket(port, origin=page, subprotocols=offered) as editor:
            assert isinstance(editor.wire, WebSocket)
            assert editor.wire.connection.subprotocol == websocket.SUBPROTOCOL
            assert "result" in await editor.initialize()
        for wrong in ("", "!", encoded[1:]):
            protocols = [websocket.TOKEN_PREFIX + wrong, "other"]
            status = await status_of(port, origin=page, subprotocols=protocols)
            assert status == 401


@pytest.mark.asyncio
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost"])
@pytest.mark.parametrize("token", ["", TOKEN])
async def test_a_page_that_was_not_named_is_turned_away(
    origin: str, token: str
) -> None:
    policy = Policy(token, ("https://editor.example",))
    async with listening("websocket", policy) as port:
        assert await status_of(port, token, origin=origin) == 403


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("host", "is_let_in"),
    [
        ("localhost", True),
        ("LOCALHOST:{port}", True),
        ("127.0.0.1:{port}", True),
        ("[::1]:{port}", True),
        ("evil.example:{port}", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("192.168.1.1", False),
    ],
)
async def test_a_name_that_was_made_to_point_here(host: str, is_let_in: bool) -> None:
    async with listening("websocket") as port:
        status = await status_of(port, host=host.format(port=port))
        assert status == (101 if is_let_in else 403)


async def status_of(port: int, token: str = "", **options: Any) -> int:
    """What a WebSocket's handshake is answered with."""
    try:
        async with by_websocket(port, token, **options):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


@pytest.mark.asyncio
async def test_a_page_cannot_speak_through_http(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A form or `fetch` may post anything to any port."""
    received: list[bytes] = []
    monkeypatch.setattr(
        "foretype.protocol.Protocol.receive", lambda self, body: received.append(body)
    )
    request = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s"
    async with listening("tcp") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request % (len(INITIALIZE), INITIALIZE) + framed(INITIALIZE))
        assert await reader.read() == b""
        writer.close()
    assert received == []


@pytest.mark.asyncio
async def test_a_client_cannot_say_where_text_and_keys_go(
    wire: str, by: By, endpoint: FakeEndpoint
) -> None:
    options = {
        "endpoint": {"baseUrl": "http://127.0.0.1:9/v1", "apiKeyEnv": "HOME"},
        "local.nThreads": 1,
        "completion": {"maxTokensLine": 7},
    }
    async with listening(wire) as port, by(port) as editor:
        await editor.initialize(options)
        told = (await editor.notified("window/showMessage"))["message"]
        for name in ("endpoint.baseUrl", "endpoint.apiKeyEnv", "local.nThreads"):
            assert f"{name} cannot be set over the network" in told
        assert "maxTokensLine" not in told
        await editor.send(opened(), completion(1))
        assert texts(await editor.answer(1)) == ["math.pi * r"]
        assert endpoint.requests[0].body["max_tokens"] == 7


@pytest.mark.parametrize(
    "arguments",
    [
        ("--tcp", "0.0.0.0:0"),
        ("--websocket", "[::]:0"),
    ],
)
def test_other_machines_need_a_token(arguments: tuple[str, str]) -> None:
    address = Address.parse(arguments[1])
    with pytest.raises(UsageError, match="so it needs a token"):
        asyncio.run(serving.bind(address, Policy()))
    sockets = asyncio.run(serving.bind(Address.parse("0.0.0.0:0"), Policy(TOKEN)))
    for bound in sockets:
        bound.close()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9000", Address("127.0.0.1", 9000)),
        ("localhost:9000", Address("localhost", 9000)),
        ("[::1]:9000", Address("::1", 9000)),
        (":9000", Address("127.0.0.1", 9000)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert Address.parse(text) == address


@pytest.mark.parametrize("text", ["", "localhost", "65536", "-1", "localhost:http"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="is not PORT or HOST:PORT"):
        Address.parse(text)


def test_a_port_that_is_taken_and_a_host_that_is_not_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(UsageError, match="cannot listen at 127"):
            asyncio.run(serving.bind(address, Policy()))
    with pytest.raises(UsageError, match="is not an address"):
        asyncio.run(serving.bind(Address("nowhere.invalid", 1), Policy()))


def test_localhost_is_listened_at_by_all_its_addresses() -> None:
    sockets = asyncio.run(serving.bind(Address("localhost", 0), Policy()))
    assert len({bound.getsockname()[1] for bound in sockets}) == 1
    for bound in sockets:
        bound.close()


@pytest.mark.parametrize(
    "text", ["", "short", "with a space in it", "x" * 2000, "ü" * 20]
)
def test_a_token_that_is_none(text: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    with pytest.raises(UsageError, match="must hold a token") as caught:
        serving.read_token(file)
    assert text not in str(caught.value) or not text
    with pytest.raises(UsageError, match="cannot be read"):
        serving.read_token(tmp_path / "none")


def test_the_token_of_the_environment_is_not_handed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORETYPE_TOKEN", TOKEN)
    assert serving.read_token(None) == TOKEN
    assert "FORETYPE_TOKEN" not in os.environ
    assert serving.read_token(None) == ""
    assert TOKEN not in repr(Policy(TOKEN))


@pytest.mark.skipif(os.name != "posix", reason="Windows has no modes.")
def test_a_token_that_others_can_read_is_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o644)
    assert serving.read_token(file) == TOKEN
    assert "others on this machine can read" in caplog.text
    assert TOKEN not in caplog.text


# Nobody is felt by the others.


@pytest.mark.asyncio
async def test_a_message_that_is_too_long(
    wire: str, by: By, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tcp, "MAX_MESSAGE_BYTES", 10_000)
    monkeypatch.setattr(websocket, "MAX_MESSAGE_BYTES", 10_000)
    async with listening(wire) as port, by(port) as editor, by(port) as other:
        await editor.initialize()
        await other.initialize()
        await editor.send(opened("x" * 20_000))
        if wire == "tcp":
            # It is left out, and the conversation goes on.
            await editor.send({"id": 1, "method": "shutdown"})
            assert "error" not in await editor.answer(1)
            assert "longer than is taken" in caplog.text
        else:
            await editor.ended()
        await other.send({"id": 1, "method": "shutdown"})
        assert "error" not in await other.answer(1)


@pytest.mark.asyncio
async def test_a_client_that_does_not_read(
    wire: str, by: By, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for module in (tcp, websocket):
        monkeypatch.setattr(module, "MAX_WAITING_BYTES", 100_000)
    monkeypatch.setattr(throttle, "MESSAGES_PER_S", 1e9)
    async with listening(wire) as port, by(port) as deaf, by(port) as other:
        await deaf.initialize()
        await other.initialize()
        if isinstance(deaf.wire, WebSocket):
            deaf.wire.connection.transport.pause_reading()
        # Every one is answered with as much.
        request = {"id": "x" * 50_000, "method": "no/such"}
        with contextlib.suppress(Exception):
            async with asyncio.timeout(DEADLINE_S):
                while "does not read" not in caplog.text:
                    await deaf.send(request)
        assert "a client that does not read what it is sent is left" in caplog.text
        await other.send({"id": 1, "method": "shutdown"})
        assert "error" not in await other.answer(1)


@pytest.mark.asyncio
async def test_a_client_that_says_nothing(
    wire: str, by: By, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(throttle, "FIRST_MESSAGE_TIMEOUT_S", 0.2)
    async with listening(wire) as port, by(port) as silent:
        await silent.ended()
    assert "a client that sends nothing is left" in caplog.text
    async with listening(wire, Policy(idle_timeout_s=0.2)) as port, by(port) as idle:
        await idle.initialize()
        await idle.ended()


@pytest.mark.asyncio
@pytest.mark.parametrize("sent", [b"", b"Authoriz", b"Authorization: Bearer"])
async def test_a_token_that_does_not_come(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "FIRST_MESSAGE_TIMEOUT_S", 0.2)
    async with listening("tcp", Policy(TOKEN)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        assert b"the first line must be" in await reader.read()
        writer.close()


@pytest.mark.asyncio
async def test_a_message_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "MESSAGE_TIMEOUT_S", 0.2)
    async with listening("tcp") as port, by_tcp(port) as editor:
        await editor.initialize()
        assert isinstance(editor.wire, Stream)
        editor.wire.writer.write(b"Content-Length: 100\r\n\r\n{")
        await editor.ended()


@pytest.mark.asyncio
async def test_no_more_than_there_is_room_for(
    wire: str, by: By, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "MAX_CLIENTS", 1)
    async with listening(wire) as port:
        async with by(port) as first:
            await first.initialize()
            if wire == "tcp":
                async with by(port) as second:
                    await second.ended()
            else:
                assert await status_of(port) == 503
            await first.send({"id": 1, "method": "shutdown"}, {"method": "exit"})
            await first.ended()
        async with asyncio.timeout(DEADLINE_S):
            while True:
                with contextlib.suppress(InvalidStatus, AssertionError, OSError):
                    async with by(port) as third:
                        assert "result" in await third.initialize()
                        return


@pytest.mark.asyncio
async def test_more_open_than_an_editor_ever_has(
    wire: str, by: By, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foretype.server.MAX_OPEN_CHARS", 35_000)
    async with listening(wire) as port, by(port) as editor:
        await editor.initialize()
        for i in range(4):
            await editor.send(opened("", f"file:///{i}.py"))
        await editor.ended()


@pytest.mark.asyncio
async def test_one_that_floods_is_not_felt_by_another(
    wire: str, by: By, endpoint: FakeEndpoint
) -> None:
    async with listening(wire) as port, by(port) as flooding, by(port) as other:
        await flooding.initialize()
        await other.initialize()
        await flooding.send(opened("x" * 1_000_000))

        async def flood() -> None:
            while True:
                await flooding.send(*[typed("x")] * 100)

        task = asyncio.create_task(flood())
        await other.send(opened(), completion(1))
        assert texts(await other.answer(1)) == ["math.pi * r"]
        task.cancel()
        await asyncio.wait((task,))


def test_a_burst_goes_through_and_a_flood_waits() -> None:
    of = Throttle()
    n_burst = int(throttle.BURST_S * throttle.MESSAGES_PER_S)
    assert [of.delay_s(10, 1000.0) for _ in range(n_burst)] == [0] * n_burst
    assert of.delay_s(10, 1000.0) == pytest.approx(1 / throttle.MESSAGES_PER_S)
    # Who waits as long as it is told sends as much as it may.
    now_s = 1000.0
    for _ in range(1000):
        now_s += of.delay_s(10, now_s)
    assert now_s - 1000 == pytest.approx(1001 / throttle.MESSAGES_PER_S)
    # What counts is bytes, where there are many of them.
    assert Throttle().delay_s(20 * throttle.BYTES_PER_S, 1000.0) == pytest.approx(10)
    # A pause is not saved up for more than one burst.
    assert of.delay_s(10, 1e6) == 0
    assert of.delay_s(int(throttle.BURST_S * throttle.BYTES_PER_S), 1e6) > 0


# Whatever is sent.

PIECES = (
    st.binary(max_size=30)
    | st.sampled_from(
        [
            b"\r\n\r\n",
            b"Content-Length: 5\r\n\r\n",
            b"Content-Length: 99999999\r\n\r\n",
            b"Content-Length: 99999999999999999999\r\n\r\n",
            b"Content-Length: -1\r\n\r\n",
            b"Authorization: Bearer " + TOKEN.encode() + b"\r\n",
            b"GET / HTTP/1.1\r\n",
            framed(b"[" * 5000),
            framed(b'{"jsonrpc": "2.0", "id": 1, "method": "initialize"}'),
            framed(b"\xff"),
        ]
    )
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["id", "method", "params"]), inner)
        ),
        max_leaves=6,
    ).map(lambda value: framed(json.dumps(value).encode()))
)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(sent=st.lists(PIECES, max_size=8), token=st.sampled_from(["", TOKEN]))
def test_nothing_that_is_sent_does_harm(sent: list[bytes], token: str) -> None:
    """The server answers or leaves, and goes on serving another."""

    async def send() -> None:
        with pytest.MonkeyPatch.context() as patch:
            # No model is made for who says `initialize`.
            patch.setattr(Server, "_use_settings", lambda self: None)
            async with listening("tcp", Policy(token)) as port:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                with contextlib.suppress(ConnectionError):
                    writer.write(b"".join(sent))
                    writer.write_eof()
                    async with asyncio.timeout(DEADLINE_S):
                        await reader.read()
                writer.close()
                async with by_tcp(port, token) as other:
                    assert "result" in await other.initialize()

    logging.getLogger("foretype").setLevel(logging.CRITICAL)
    try:
        asyncio.run(send())
    finally:
        logging.getLogger("foretype").setLevel(logging.NOTSET)
