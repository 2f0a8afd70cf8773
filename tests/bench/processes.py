"""The processes that are measured, spoken to with as little in between as can be.

Everything here blocks: a client with an event loop of its own would add the time its
loop needs to wake up.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any, Self

BENCH = Path(__file__).parent
_CONTENT_LENGTH = re.compile(rb"content-length: *(\d+)", re.I)
CLOSE_TIMEOUT_S = 10.0

_ids = itertools.count(1)


def clean_environment(home: str) -> dict[str, str]:
    """The variables of a process that sees nobody's settings, caches or logs."""
    folders = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith("FORETYPE_")},
        **{name: home for name in folders},
        # An endpoint is asked what is measured, and nothing besides.
        "FORETYPE_ENDPOINT_PROBE": "false",
    }


class LanguageServer:
    """A language server's process, which is stopped on leaving `with`."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._unread = bytearray()
        self.spawned_ns = time.perf_counter_ns()
        self._process = subprocess.Popen(
            command, bufsize=0, stdin=PIPE, stdout=PIPE, env=dict(environment)
        )
        assert self._process.stdin and self._process.stdout
        self._stdin = self._process.stdin.fileno()
        self._stdout = self._process.stdout.fileno()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin and self._process.stdout
        try:
            self.request("shutdown", None)
            self.notify("exit", None)
        except OSError:
            # It has ended by itself; whoever waits for it has been told.
            pass
        finally:
            self._process.stdin.close()
            try:
                self._process.wait(CLOSE_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process.stdout.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def initialize(self, encoding: str) -> int:
        """Opens the conversation; returns when the answer was read."""
        general = {"positionEncodings": [encoding]}
        params = {"processId": None, "rootUri": None}
        capabilities = {"capabilities": {"general": general}}
        answered_ns, result = self.request("initialize", {**params, **capabilities})
        assert result["capabilities"]["positionEncoding"] == encoding
        self.notify("initialized", {})
        return answered_ns

    def request(self, method: str, params: object) -> tuple[int, Any]:
        """When the answer to a request was read, and its result."""
        msg_id, message = request(method, params)
        self.send(message)
        return self.answer(msg_id)

    def notify(self, method: str, params: object) -> None:
        self.send(framed({"method": method, "params": params}))

    def send(self, message: bytes) -> int:
        """Writes one or more messages; returns when that began."""
        began_ns = time.perf_counter_ns()
        unwritten = memoryview(message)
        while unwritten:
            unwritten = unwritten[os.write(self._stdin, unwritten) :]
        return began_ns

    def answer(self, msg_id: int) -> tuple[int, Any]:
        """When a request's answer was read, and its result; None for an error."""
        while True:
            body, read_ns = self._message()
            message = json.loads(body)
            if message.get("id") == msg_id and "method" not in message:
                return read_ns, message.get("result")

    def _message(self) -> tuple[bytes, int]:
        read_ns = time.perf_counter_ns()
        while True:
            head, found, rest = self._unread.partition(b"\r\n\r\n")
            if found and (length := _CONTENT_LENGTH.search(head)):
                n_bytes = int(length[1])
                if len(rest) >= n_bytes:
                    self._unread = rest[n_bytes:]
                    return bytes(rest[:n_bytes]), read_ns
            data = os.read(self._stdout, 1 << 20)
            read_ns = time.perf_counter_ns()
            if not data:
                raise BrokenPipeError("the server has ended")
            self._unread += data


class Endpoint:
    """The stamping endpoint's process."""

    def __init__(self) -> None:
        path = str(BENCH.parent)
        self._process = subprocess.Popen(
            [sys.executable, str(BENCH / "stamping_endpoint.py")],
            stdin=PIPE,
            stdout=PIPE,
            env={**os.environ, "PYTHONPATH": path},
            text=True,
        )
        self.base_url: str = self._line()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=CLOSE_TIMEOUT_S)

    def answer_with(self, chunks: Sequence[str], end: str, **fields: float) -> None:
        """Has the endpoint answer all further requests so."""
        self._call(answer={"chunks": list(chunks), "end": end, **fields})

    def received(self, n: int) -> None:
        """Returns once n requests have come since the last call of `ended`."""
        self._call(received=n)

    def ended(self, n: int = 1) -> list[dict[str, int]]:
        """The stamps of n requests, once these are over."""
        stamps: list[dict[str, int]] = self._call(ended=n)
        return stamps

    def count(self) -> int:
        """How many requests there have been."""
        n_requests: int = self._call(count=True)
        return n_requests

    def _call(self, **command: object) -> Any:
        assert self._process.stdin is not None
        print(json.dumps(command), file=self._process.stdin, flush=True)
        return self._line()

    def _line(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@contextmanager
def started(
    command: Sequence[str], environment: Mapping[str, str], encoding: str = "utf-8"
) -> Iterator[LanguageServer]:
    """A server that has answered `initialize`."""
    with LanguageServer(command, environment) as server:
        server.initialize(encoding)
        yield server


def framed(message: Mapping[str, object]) -> bytes:
    """A message as it goes over the pipe."""
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def request(method: str, params: object) -> tuple[int, bytes]:
    """A request's id, and the request."""
    msg_id = next(_ids)
    return msg_id, framed({"id": msg_id, "method": method, "params": params})
