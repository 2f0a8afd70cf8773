"""How a server of the built-in model and those who use it know each other.

A client holds one connection on the loopback interface as long as it uses the server;
the end of that connection, however it comes, tells each that the other is gone. Before
anything else both prove that they know the token, without saying it: a port that was a
server's may be anybody's by now, and must not be sent a document.

Messages are lines of JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import secrets
from collections import deque
from typing import Any, Self

from foretype.errors import Unreachable

HOST = "127.0.0.1"
# The other side is on this machine; one that does not answer is stopped, or no server.
HANDSHAKE_TIMEOUT_S = 5.0
# Longer than any message, which names one document.
MAX_LINE_BYTES = 1 << 16
_NONCE_BYTES = 32


class NotOurs(Exception):
    """Whoever is at the other end does not know the token, or does not answer."""


class Link:
    """A client's end, from `open` until one of the two is gone."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        welcome: dict[str, Any],
    ) -> None:
        self.welcome = welcome
        """What the server has said of itself."""
        self.is_lost = asyncio.Event()
        self._reader, self._writer = reader, writer
        # Answers come in the order of their questions.
        self._asked: deque[asyncio.Future[int]] = deque()
        self._reading = asyncio.create_task(self._read(), name="read the local model")

    @classmethod
    async def open(cls, port: int, token: str, linger_s: float) -> Self:
        """A link to the server at a port, which is asked to outlive it by `linger_s`.

        Raises: NotOurs.
        """
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(
                    HOST, port, limit=MAX_LINE_BYTES
                )
                try:
                    welcome = await _introduce(reader, writer, token, linger_s)
                except BaseException:
                    writer.close()
                    raise
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise NotOurs(f"{type(error).__name__}") from error
        return cls(reader, writer, welcome)

    async def slot(self, document: str) -> int:
        """The cache slot for a document. Raises: Unreachable."""
        if self.is_lost.is_set():
            raise _gone()
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked.append(answer)
        send(self._writer, {"document": document})
        return await answer

    async def close(self) -> None:
        """Lets go of the server."""
        self._writer.close()
        await self._reading
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
            while True:
                slot = int((await receive(self._reader))["slot"])
                answer = self._asked.popleft()
                if not answer.done():
                    answer.set_result(slot)
        self.is_lost.set()
        for answer in self._asked:
            if not answer.done():
                answer.set_exception(_gone())
        self._writer.close()


async def admit(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    token: str,
    welcome: dict[str, Any],
) -> float:
    """The server's side of an introduction; how long the client wants it to linger.

    Raises: NotOurs.
    """
    try:
        async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
            theirs = str((await receive(reader))["challenge"])
            ours = secrets.token_hex(_NONCE_BYTES)
            send(writer, {"proof": _proof(token, "server", theirs), "challenge": ours})
            answer = await receive(reader)
            _check(answer, token, "client", ours)
            linger_s = float(answer["linger_s"])
            send(writer, welcome)
            return linger_s
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise NotOurs(f"{type(error).__name__}") from error


async def _introduce(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    token: str,
    linger_s: float,
) -> dict[str, Any]:
    ours = secrets.token_hex(_NONCE_BYTES)
    send(writer, {"challenge": ours})
    answer = await receive(reader)
    _check(answer, token, "server", ours)
    proof = _proof(token, "client", str(answer["challenge"]))
    send(writer, {"proof": proof, "linger_s": linger_s})
    return await receive(reader)


def send(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    """Writes one message; what is gone by now misses it."""
    writer.write(json.dumps(message).encode() + b"\n")


async def receive(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next message. Raises: OSError or ValueError, at the end as well."""
    line = await reader.readline()
    if not line.endswith(b"\n"):
        raise ConnectionResetError
    try:
        message = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(message, dict):
        raise ValueError("not an object")
    return message


def _proof(token: str, role: str, challenge: str) -> str:
    """What only who knows the token can make of a challenge.

    The role is part of it, or one side's proof could be handed back as the other's.
    """
    return hmac.new(
        token.encode(), f"{role} {challenge}".encode(), hashlib.sha256
    ).hexdigest()


def _check(answer: dict[str, Any], token: str, role: str, challenge: str) -> None:
    expected = _proof(token, role, challenge)
    if not hmac.compare_digest(str(answer["proof"]), expected):
        raise ValueError("a wrong proof")


def _gone() -> Unreachable:
    return Unreachable("the built-in model has ended; the next request starts it again")
