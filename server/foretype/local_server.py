"""The child process that runs the built-in model: `python -m foretype.local_server`.

It reads one line of JSON from its standard input (`Request`), loads the model, writes
one line of JSON to its standard output (`{"port": ...}` or `{"error": ...}`), and
serves llama.cpp's HTTP API on the loopback interface until its input ends, which it
does however the parent dies. `local` is the parent's side.

The only module that imports `xllamacpp`: 100 MB, and its `Server()` holds the GIL for
the whole second it loads.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict
from urllib.parse import urlsplit

from foretype import weights
from foretype.errors import LocalModelError

if TYPE_CHECKING:
    import xllamacpp

# Slots keep the evaluated prompts of the two files one goes back and forth between.
N_SLOTS = 2
# A disconnect is noticed between batches, and an aborted prompt evaluation holds up the
# next request until then: 0.3-1.1 s at 128, 4-5 s at the default of 2,048. Evaluation
# is slower at 64 and no faster at 256.
N_BATCH_TOKENS = 128

# A connection occupies one while it is open, for 5 s even if it is idle.
N_HTTP_THREADS = 32
# Where prompts go that lost their slot: a third file then comes back in 0.07 s instead
# of 3.7 s. One file takes 40 MiB; llama.cpp's default is 8 GiB.
CACHE_MIB = 256
# Text that was cut from the front of a prompt moves the rest, which is reused from runs
# of this many tokens on: 0.16 s instead of 4.6 s.
MIN_REUSED_TOKENS = 64

_STDIN_FD, _STDOUT_FD, _STDERR_FD = 0, 1, 2
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LOG_ERRORS = 1


class Request(TypedDict):
    """What the parent asks for; on standard input, so the key is in no process list."""

    parent_pid: int
    model_path: str | None
    api_key: str
    n_threads: int
    n_ctx_tokens: int


def main() -> None:
    """Serves the model until standard input ends."""
    # llama.cpp and the C library may print anything to the standard output.
    answer_fd = os.dup(_STDOUT_FD)
    os.dup2(_STDERR_FD, _STDOUT_FD)

    if sys.platform == "linux":
        # The kernel kills this process when the thread that started it ends.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    line = sys.stdin.buffer.readline()
    if not line:
        return
    request: Request = json.loads(line)
    if sys.platform == "linux" and os.getppid() != request["parent_pid"]:
        return  # It had died before it could be watched.
    # NB: The thread runs only once `Server()` lets go of the GIL: outside Linux a child
    # whose parent dies during loading first finishes that.
    end_of_input = threading.Thread(target=_exit_at_end_of_input, daemon=True)
    end_of_input.start()

    try:
        server = _serve(request)
        answer = {"port": urlsplit(server.listening_address).port}
    except LocalModelError as error:
        answer = {"error": str(error)}
    with open(answer_fd, "w", encoding="utf-8") as output:
        print(json.dumps(answer), file=output)
    end_of_input.join()


def _exit_at_end_of_input() -> None:
    while os.read(_STDIN_FD, 1):
        pass
    # Not `sys.exit`: llama.cpp's threads may be in the middle of a batch.
    os._exit(0)


def _serve(request: Request) -> xllamacpp.Server:
    """The running server; it answers as soon as this returns."""
    try:
        import xllamacpp
    except ImportError as error:
        raise LocalModelError(
            f"xllamacpp cannot be imported ({error}): {weights.INSTALL_HINT}"
        ) from error

    named = request["model_path"]
    path = weights.find(Path(named) if named is not None else None)

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [request["api_key"]]
    params.ui = False
    params.endpoint_slots = False  # It would show the prompts.
    # Errors only, and these never quote a prompt.
    params.verbosity = _LOG_ERRORS

    # NB: Not niced: at nice 5 a first token takes three times as long during a build.
    n_threads = request["n_threads"] or default_n_threads()
    params.cpuparams.n_threads = n_threads
    params.cpuparams_batch.n_threads = n_threads
    params.n_threads_http = N_HTTP_THREADS
    params.n_parallel = N_SLOTS
    params.n_ctx = N_SLOTS * request["n_ctx_tokens"]  # llama.cpp splits it over slots.
    params.n_batch = params.n_ubatch = N_BATCH_TOKENS
    # Fitting reads the model twice (1.5 s) to shrink what may not fit on a GPU.
    params.fit_params = False
    # Without it the sliding-window layers of Gemma keep 512 tokens, and an edit further
    # back evaluates the whole prompt: 1.7 s instead of 0.04 s.
    params.swa_full = True
    params.cache_ram_mib = CACHE_MIB
    params.n_cache_reuse = MIN_REUSED_TOKENS

    try:
        return xllamacpp.Server(params)
    except Exception as error:  # A bare RuntimeError, the cause is in llama.cpp's log.
        raise LocalModelError(
            f"llama.cpp cannot load {path}: the file is damaged, of a kind this version"
            " of xllamacpp does not know, or too big for the memory"
        ) from error


def default_n_threads() -> int:
    """How many threads evaluate when the user has not said."""
    if sys.platform == "linux":
        n_cpus = len(os.sched_getaffinity(0))
    else:
        n_cpus = os.cpu_count() or 1
    # Half the logical CPUs are the physical cores of most machines and the fast ones of
    # the rest. The editor gets by with none to itself only where there are two.
    return n_cpus if n_cpus <= 2 else min(n_cpus // 2, 8)


if __name__ == "__main__":
    main()
