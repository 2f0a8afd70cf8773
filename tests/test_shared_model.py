"""One process of the built-in model for all editors, found, shared, left and lost.

Real weights and a real llama.cpp server, except where only the failure matters.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from fake_endpoint import DEADLINE_S
from foretype import local, local_link, local_registry
from foretype.client import Client
from foretype.errors import Unreachable
from foretype.local_door import Door
from foretype.local_link import Link, NotOurs
from foretype.local_registry import Entry, Running

pytestmark = pytest.mark.asyncio

# Enough that evaluating them again would be seen.
N_LINES = 12


@pytest.fixture(autouse=True)
def home(tmp_path: Path, built_in_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of a user who has set nothing, for this process and its children."""
    for name in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("XDG_CACHE_HOME", str(built_in_cache))
    return tmp_path


@contextlib.asynccontextmanager
async def connected(**wanted: Any) -> AsyncIterator[local.LocalServer]:
    server = await local.connect(local.Wanted(**{"linger_s": 0, **wanted}))
    try:
        yield server
    finally:
        await server.leave()


# Sharing.


async def test_who_comes_second_joins(home: Path) -> None:
    async with connected() as first, connected() as second:
        assert second.pid == first.pid
        assert second.base_url == first.base_url
    await gone(first.pid)
    assert left(home) == []


async def test_who_starts_at_the_same_instant_starts_one() -> None:
    async with contextlib.AsyncExitStack() as stack:
        servers = await asyncio.gather(
            *(stack.enter_async_context(connected()) for _ in range(3))
        )
        assert len({server.pid for server in servers}) == 1


async def test_editors_do_not_evict_each_others_documents() -> None:
    async with connected() as first, connected() as second:
        evaluated = []
        for _ in range(2):
            for server, document in ((first, "a"), (second, "a"), (first, "b")):
                evaluated.append(await n_evaluated(server, document))
        whole, again = evaluated[:3], evaluated[3:]
        assert min(whole) > N_LINES * 5
        assert max(again) <= 2


async def test_a_document_keeps_its_slot() -> None:
    async with connected() as first, connected() as second:
        slots = [await first.slot("a"), await second.slot("a"), await first.slot("b")]
        assert len(set(slots)) == 3
        assert [await first.slot("a"), await second.slot("a")] == slots[:2]


async def test_it_stays_for_whoever_comes_soon() -> None:
    async with connected(linger_s=600) as first:
        pass
    async with connected(linger_s=0) as second:
        assert second.pid == first.pid
    await gone(second.pid)


async def test_other_settings_want_another_server() -> None:
    async with connected() as first, connected(n_ctx_tokens=2048) as second:
        assert second.pid != first.pid


async def test_another_version_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected() as old:
        monkeypatch.setattr(local_registry, "__version__", "999")
        async with connected() as new:
            assert new.pid != old.pid
            assert await n_evaluated(old, "a") > N_LINES * 5


async def test_one_of_its_own_is_not_found() -> None:
    async with connected(is_shared=False) as own, connected() as shared:
        assert own.pid != shared.pid


# Losing it.


@pytest.mark.skipif(os.name != "posix", reason="Windows has no signals to name.")
async def test_a_killed_server_is_missed_by_all_and_started_again() -> None:
    async with connected() as first, connected() as second:
        os.kill(first.pid, signal.SIGKILL)
        async with asyncio.timeout(DEADLINE_S):
            assert "killed by SIGKILL" in await first.wait()
            assert await second.wait() == "its process is gone"
        with pytest.raises(Unreachable, match="the next request starts it again"):
            await second.slot("a")
        async with connected() as third:
            assert third.pid != first.pid


async def test_what_was_asked_when_it_died_is_told_so() -> None:
    async with connected() as server:
        process = psutil.Process(server.pid)
        process.suspend()
        asking = asyncio.create_task(server.slot("a"))
        await asyncio.sleep(0)
        process.kill()
        with pytest.raises(Unreachable):
            await asking


async def test_a_port_that_nobody_listens_at_is_stale(home: Path) -> None:
    async with listening(print) as port:
        pass
    write_down(Running(port, "a token"))
    async with connected() as server, connected() as other:
        assert server.pid == other.pid


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"[" * 9999]
)
async def test_another_program_at_the_port_is_not_taken_for_it(said: bytes) -> None:
    heard = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: Any) -> None:
        heard.extend(await reader.readline())
        writer.write(said)
        writer.close()

    async with listening(serve) as port:
        write_down(Running(port, "a token"))
        async with connected() as server:
            assert await server.slot("a document") == 0
    assert heard
    assert b"token" not in heard
    assert b"document" not in heard


async def test_one_that_is_stopped_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with connected() as stopped:
        process = psutil.Process(stopped.pid)
        process.suspend()
        with monkeypatch.context() as patch:
            patch.setattr(local_link, "HANDSHAKE_TIMEOUT_S", 0.5)
            running = the_entry().read()
            assert running is not None
            with pytest.raises(NotOurs):
                await Link.open(running.port, running.token, 0)
        process.resume()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no modes.")
async def test_what_others_can_write_is_not_believed() -> None:
    running = Running(1, "a token")
    entry = write_down(running)
    assert entry.file.stat().st_mode & 0o777 == 0o600
    assert entry.read() == running
    entry.file.chmod(0o666)
    assert entry.read() is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"port": "x", "token": 1}', '{"port": 1}']
)
async def test_a_damaged_entry_is_none(text: str) -> None:
    entry = write_down(Running(1, "a token"))
    entry.file.write_text(text)
    assert entry.read() is None


async def test_only_its_own_entry_is_struck_out() -> None:
    first, second = Running(1, "first"), Running(2, "second")
    entry = write_down(second)
    entry.remove(first)
    assert entry.read() == second
    entry.remove(second)
    assert entry.read() is None


# Where it cannot be shared.


async def test_without_a_folder_each_has_its_own(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (home / "state").write_text("a file where the folder should be")
    async with connected() as first, connected() as second:
        assert first.pid != second.pid
        assert await n_evaluated(first, "a") > N_LINES * 5
    assert caplog.text.count("a built-in model of its own") == 2
    await gone(first.pid)


async def test_an_entry_that_cannot_be_written_is_told(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entry = the_entry()
    # A folder cannot be replaced by a file.
    entry.file.mkdir(parents=True)
    async with connected() as server:
        assert await server.slot("a") == 0
    assert "cannot be written" in caplog.text
    await gone(server.pid)


async def test_a_lock_that_is_never_let_go_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with locking(the_entry()) as process:
        with monkeypatch.context() as patch:
            patch.setattr(local, "LOCK_TIMEOUT_S", 0.2)
            async with connected() as server:
                assert "for too long" in caplog.text
        # The lock of a killed process is free.
        waiting = asyncio.create_task(local.connect(local.Wanted(linger_s=0)))
        process.kill()
        caplog.clear()
        shared = await waiting
    assert shared.pid != server.pid
    assert caplog.text == ""
    await shared.leave()


LOCKING = """
import sys, time, filelock
lock = filelock.FileLock(sys.argv[1])
lock.acquire()
print("locked", flush=True)
time.sleep(1000)
"""


@contextlib.contextmanager
def locking(entry: Entry) -> Any:
    command = [sys.executable, "-c", LOCKING, str(entry.lock_file)]
    entry.prepare()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()
            yield process
        finally:
            process.kill()


# The door.


async def test_nobody_gets_in_without_the_token() -> None:
    door = Door("the token", {}, 2)
    port = await door.open()
    with pytest.raises(NotOurs):
        await Link.open(port, "another token", 0)
    link = await Link.open(port, "the token", 0)
    await link.close()
    await door.deserted()
    await door.close()


async def test_a_slow_stranger_holds_nobody_up() -> None:
    door = Door("the token", {}, 2)
    port = await door.open()
    _, stranger = await asyncio.open_connection(local_link.HOST, port)
    link = await Link.open(port, "the token", 0)
    assert await link.slot("a") == 0
    await link.close()
    # A stranger is no client.
    await door.deserted()
    stranger.close()
    await stranger.wait_closed()
    await door.close()


async def test_a_proof_cannot_be_handed_back() -> None:
    """A port that answers a challenge with what the real server is challenged with."""
    door = Door("the token", {}, 2)
    real_port = await door.open()

    async def reflect(reader: asyncio.StreamReader, writer: Any) -> None:
        challenge = json.loads(await reader.readline())["challenge"]
        _, real = await asyncio.open_connection(local_link.HOST, real_port)
        real.close()
        writer.write(json.dumps({"proof": challenge, "challenge": challenge}).encode())
        writer.write(b"\n")
        writer.close()

    async with listening(reflect) as port:
        with pytest.raises(NotOurs):
            await Link.open(port, "the token", 0)
    await door.close()


# Two real editors.


async def test_two_editors_share_a_model_and_outlive_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Client() as first, Client() as second:
        for client, name in ((first, "a"), (second, "b")):
            await client.initialize()
            client.notify("textDocument/didOpen", opened(name))
        assert await complete(first, "a") == await complete(second, "b") == [" 8"]
        (pid,) = models()

        # One that is killed takes nothing along.
        first._process.kill()
        await first._process.wait()
        await retype(second, "b")
        assert await complete(second, "b") == [" 8"]
        assert models() == [pid]

        # The model that is killed comes back with the next request.
        os.kill(pid, signal.SIGTERM)
        await gone(pid)
        await retype(second, "b")
        assert await complete(second, "b") == [" 8"]
        (another,) = models()
        assert another != pid
    await gone(another)


NUMBERS = "".join(f"NUMBER_{i} = {i}\n" for i in range(8)) + "NUMBER_8 ="


def opened(name: str) -> dict[str, Any]:
    document = {"uri": f"file:///{name}.py", "languageId": "python", "version": 1}
    return {"textDocument": {**document, "text": NUMBERS}}


async def retype(client: Client, name: str) -> None:
    """Opens the document anew, so that memory cannot answer."""
    client.notify("textDocument/didClose", opened(name))
    client.notify("textDocument/didOpen", opened(name))


async def complete(client: Client, name: str) -> list[str]:
    params = {
        "textDocument": {"uri": f"file:///{name}.py"},
        "position": {"line": 8, "character": 10},
        "context": {"triggerKind": 1},
    }
    async with asyncio.timeout(DEADLINE_S):
        while True:
            result = await client.request("textDocument/inlineCompletion", params)
            # The request that finds the model lost is answered with nothing.
            if result is not None and result["items"]:
                return [result["items"][0]["insertText"]]


# What the tests above are written in.


def the_entry() -> Entry:
    kind = {"n_threads": 0, "n_ctx_tokens": 4096}
    return local_registry.entry(kind, None)


def write_down(running: Running) -> Entry:
    entry = the_entry()
    entry.prepare()
    entry.write(running)
    return entry


def left(home: Path) -> list[str]:
    """The servers that are still written down."""
    return [path.name for path in (home / "state").rglob("*.json")]


def models() -> list[int]:
    """The processes of the built-in model that this test's editors have started."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "foretype.local_server" in process.cmdline():
                state = process.environ().get("XDG_STATE_HOME")
                found += [process.pid] * (state == os.environ["XDG_STATE_HOME"])
    return found


async def gone(pid: int) -> None:
    """Returns when a process has ended."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                    return
            except psutil.NoSuchProcess:
                return
            await asyncio.sleep(0.01)


async def n_evaluated(server: local.LocalServer, document: str) -> int:
    """How many tokens of a document's prompt the server had to evaluate."""
    lines = [f"{document}_{i} = area({i}, '{document}')\n" for i in range(N_LINES)]
    body = {
        "prompt": "".join(lines),
        "max_tokens": 1,
        "id_slot": await server.slot(document),
    }
    headers = {"Authorization": f"Bearer {server.api_key}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        url = f"{server.base_url}/completions"
        async with session.post(url, json=body) as answer:
            timings = (await answer.json())["timings"]
    return int(timings["prompt_n"])


@contextlib.asynccontextmanager
async def listening(serve: Callable[..., Any]) -> AsyncIterator[int]:
    """Another program, at a port."""
    server = await asyncio.start_server(serve, local_link.HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
