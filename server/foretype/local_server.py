"""The process that runs the built-in model: `python -m foretype.local_server`.

It reads one line of JSON from its standard input (`Request`), loads the model, writes
one line of JSON to its standard output (`Answer`), and serves llama.cpp's HTTP API on
the loopback interface to whoever comes through its `Door`, until nobody does any more.
`local` is the clients' side.

The only module that imports `xllamacpp`: 100 MB, and its `Server()` holds the GIL for
the whole second it loads.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from foretype import gguf, weights
from foretype.errors import LocalModelError
from foretype.local_door import Door
from foretype.local_registry import Entry, Running

if TYPE_CHECKING:
    import xllamacpp

# A disconnect is noticed between batches, and an aborted prompt evaluation holds up the
# next request until then: 0.3-1.1 s at 128, 4-5 s at the default of 2,048. Evaluation
# is slower at 64 and no faster at 256.
N_BATCH_TOKENS = 128

# A connection occupies one while it is open, for 5 s even if it is idle.
N_HTTP_THREADS = 32
# As many documents may be streamed to at once; where prompts go that lost their slot is
# the cache below, from which a fifth document comes back in 0.02 s instead of 2.5 s.
MAX_SLOTS = 4
# What all slots together may take of the machine's memory: none has more than its share
# on a machine of 16 GiB with a model of seven billion weights.
SLOTS_MEMORY_SHARE = 1 / 32
# What the prompts that lost their slot may take, and at least. One file takes 25 MiB of
# the built-in model's; llama.cpp's default is 8 GiB.
CACHE_MEMORY_SHARE = 1 / 64
MIN_CACHE_MIB = 256
# Text that was cut from the front of a prompt moves the rest, which is reused from runs
# of this many tokens on: 0.16 s instead of 4.6 s.
MIN_REUSED_TOKENS = 64

_STDIN_FD, _STDOUT_FD, _STDERR_FD = 0, 1, 2
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LOG_ERRORS = 1


class Request(TypedDict):
    """What the first client asks for; on standard input, as processes are listed."""

    client_pid: int
    model_path: str | None
    token: str
    n_threads: int
    n_ctx_tokens: int
    folder: str | None
    """Where to write the server down, for others to find; None where it is for one."""
    name: str


class Answer(TypedDict, total=False):
    """How it went."""

    port: int
    """Of the door."""
    error: str
    unshared: str
    """Why no other client will find the server."""


@dataclass(frozen=True)
class Shape:
    """How a model is laid out in memory."""

    n_slots: int
    n_ctx_tokens: int
    cache_mib: int


def main() -> None:
    """Serves the model until it is not used any more."""
    # llama.cpp and the C library may print anything to the standard output.
    answer_fd = os.dup(_STDOUT_FD)
    os.dup2(_STDERR_FD, _STDOUT_FD)

    _die_with_parent(signal.SIGKILL if sys.platform == "linux" else 0)
    line = sys.stdin.buffer.readline()
    if not line:
        return
    request: Request = json.loads(line)
    if sys.platform == "linux" and os.getppid() != request["client_pid"]:
        return  # It had died before it could be watched.

    try:
        server, shape = _serve(request)
    except LocalModelError as error:
        _answer(answer_fd, {"error": str(error)})
        return
    asyncio.run(_attend(request, server.listening_address, shape, answer_fd))
    # Not `sys.exit`: llama.cpp's threads may be in the middle of a batch.
    os._exit(0)


async def _attend(request: Request, address: str, shape: Shape, answer_fd: int) -> None:
    """Lets clients in until there are none."""
    welcome = {"address": address, "pid": os.getpid(), "n_slots": shape.n_slots}
    door = Door(request["token"], welcome, shape.n_slots)
    port = await door.open()
    answer: Answer = {"port": port}
    running = Running(port, request["token"])
    entry = None
    if request["folder"] is not None:
        entry = Entry(Path(request["folder"]), request["name"])
        try:
            entry.write(running)
        except OSError as error:
            answer["unshared"] = f"{entry.folder} cannot be written: {error.strerror}"
    # From here on it may outlive whoever started it.
    _die_with_parent(0)
    _answer(answer_fd, answer)
    await door.deserted()
    await door.close()
    if entry is not None:
        entry.remove(running)


def _die_with_parent(by_signal: int) -> None:
    """Has the kernel kill this process when the thread that started it ends, or not.

    While the model loads, nothing of Python runs that could look. Where there is no
    such call, one whose parent died finds nobody coming in once it has loaded.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, by_signal)


def _answer(fd: int, answer: Answer) -> None:
    try:
        with open(fd, "w", encoding="utf-8") as output:
            print(json.dumps(answer), file=output)
    except BrokenPipeError:
        return  # Who asked is gone; another may come in.


def _serve(request: Request) -> tuple[xllamacpp.Server, Shape]:
    """The running server, which answers as soon as this returns, and its shape."""
    try:
        import xllamacpp

        from foretype import machine
    except ImportError as error:
        raise LocalModelError(
            f"xllamacpp cannot be imported ({error}): {weights.INSTALL_HINT}"
        ) from error

    named = request["model_path"]
    path = weights.find(Path(named) if named is not None else None)
    try:
        header = gguf.read(path)
    except (OSError, gguf.NotGguf) as error:
        raise _cannot_load(path) from error
    shape = shape_for(header, request["n_ctx_tokens"], machine.memory_bytes())

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [request["token"]]
    params.ui = False
    params.endpoint_slots = False  # It would show the prompts.
    # Errors only, and these never quote a prompt.
    params.verbosity = _LOG_ERRORS

    # NB: Not niced: at nice 5 a first token takes three times as long during a build.
    n_threads = request["n_threads"] or machine.n_threads()
    params.cpuparams.n_threads = n_threads
    params.cpuparams_batch.n_threads = n_threads
    params.n_threads_http = N_HTTP_THREADS
    params.n_parallel = shape.n_slots
    # llama.cpp splits it over slots. A pool for all of them would do with less memory,
    # but is emptied of one document's prompt when another's comes.
    params.n_ctx = shape.n_slots * shape.n_ctx_tokens
    params.n_batch = params.n_ubatch = N_BATCH_TOKENS
    # Fitting reads the model twice (1.5 s) to shrink what may not fit on a GPU.
    params.fit_params = False
    # Without it the sliding-window layers of Gemma keep 512 tokens, and an edit further
    # back evaluates the whole prompt: 1.7 s instead of 0.04 s.
    params.swa_full = True
    params.cache_ram_mib = shape.cache_mib
    params.n_cache_reuse = MIN_REUSED_TOKENS

    try:
        return xllamacpp.Server(params), shape
    except Exception as error:  # A bare RuntimeError, the cause is in llama.cpp's log.
        raise _cannot_load(path) from error


def shape_for(header: gguf.Header, n_ctx_tokens: int, memory_bytes: int) -> Shape:
    """What fits the machine: fewer slots where the memory is small for the model."""
    if header.n_ctx_tokens:
        n_ctx_tokens = min(n_ctx_tokens, header.n_ctx_tokens)
    slot_bytes = max(header.kv_bytes * n_ctx_tokens, 1)
    n_slots = int(memory_bytes * SLOTS_MEMORY_SHARE) // slot_bytes
    cache_mib = int(memory_bytes * CACHE_MEMORY_SHARE) >> 20
    return Shape(
        # One is there in any case, as without it there would be no model.
        n_slots=max(1, min(n_slots, MAX_SLOTS)),
        n_ctx_tokens=n_ctx_tokens,
        cache_mib=max(cache_mib, MIN_CACHE_MIB),
    )


def _cannot_load(path: Path) -> LocalModelError:
    return LocalModelError(
        f"llama.cpp cannot load {path}: the file is damaged, of a kind this version of"
        " xllamacpp does not know, or too big for the memory"
    )


if __name__ == "__main__":
    main()
