"""Editors over WebSocket: one message of LSP, without a header, in one of WebSocket's.

A web page may open a WebSocket to any address, this machine's own among them, and the
browser lets it: so a page comes in only if its origin was named. The token is shown in
the `Authorization` header or, as pages cannot set that, as one of the subprotocols; not
in the URL, which ends up in logs.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from foretype.addresses import is_loopback
from foretype.clients import (
    MAX_MESSAGE_BYTES,
    MAX_WAITING_BYTES,
    Clients,
    Policy,
)
from foretype.throttle import FIRST_MESSAGE_TIMEOUT_S
from foretype.transport import FLUSH_TIMEOUT_S, Output

log = logging.getLogger(__name__)

SUBPROTOCOL = Subprotocol("foretype")
TOKEN_PREFIX = "foretype.bearer."
# A client that is gone is noticed within twice as long.
PING_INTERVAL_S = 30.0
# As many messages wait while one is handled.
MAX_QUEUE = 4
CLOSE_TIMEOUT_S = 2.0

# NB: The library logs headers, with the token, and quotes messages.
_silent = logging.getLogger("foretype.websocket.library")
_silent.setLevel(logging.CRITICAL + 1)


async def listen(
    sockets: Sequence[socket.socket], clients: Clients
) -> Callable[[], None]:
    """Begins to let clients in; returns what ends that."""

    def check(connection: ServerConnection, request: Request) -> Response | None:
        refused = _refusal(request.headers, clients.policy)
        if refused is None and clients.is_full:
            refused = HTTPStatus.SERVICE_UNAVAILABLE, "there are too many clients\n"
        if refused is None:
            return None
        log.warning("a WebSocket client is turned away: %s", refused[1].strip())
        return connection.respond(*refused)

    async def accept(connection: ServerConnection) -> None:
        await clients.serve(_bodies(connection), WebSocketOutput(connection))

    servers = [
        await serve(
            accept,
            sock=bound,
            process_request=check,
            select_subprotocol=_subprotocol,
            # It would be given work by every message, and memory by a hostile one.
            compression=None,
            server_header=None,
            open_timeout=FIRST_MESSAGE_TIMEOUT_S,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_INTERVAL_S,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=MAX_MESSAGE_BYTES,
            max_queue=MAX_QUEUE,
            logger=_silent,
        )
        for bound in sockets
    ]

    def close() -> None:
        for server in servers:
            server.close(close_connections=False)

    return close


class WebSocketOutput(Output):
    """Messages on a WebSocket, which wait here until the client reads."""

    def __init__(self, connection: ServerConnection) -> None:
        self.is_closed = asyncio.Event()
        self._connection = connection
        self._waiting: deque[bytes] = deque()
        self._n_waiting_bytes = 0
        self._has_more = asyncio.Event()
        self._is_closing = False
        self._sending = asyncio.create_task(self._send_all(), name="send")

    def send(self, body: bytes) -> None:
        if self.is_closed.is_set() or self._is_closing:
            return
        self._waiting.append(body)
        self._n_waiting_bytes += len(body)
        self._has_more.set()
        if self._n_waiting_bytes > MAX_WAITING_BYTES:
            log.warning("a client that does not read what it is sent is left")
            self._abort()

    def close(self) -> None:
        self._is_closing = True
        self._has_more.set()

    async def wait_closed(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_TIMEOUT_S):
                await self.is_closed.wait()
        except TimeoutError:
            self._abort()
            await self.is_closed.wait()

    async def _send_all(self) -> None:
        try:
            while self._waiting or not self._is_closing:
                if not self._waiting:
                    self._has_more.clear()
                    await self._has_more.wait()
                    continue
                body = self._waiting.popleft()
                await self._connection.send(body.decode())
                self._n_waiting_bytes -= len(body)
            await self._connection.close()
        except ConnectionClosed:
            return
        finally:
            self.is_closed.set()

    def _abort(self) -> None:
        self._connection.transport.abort()
        self.is_closed.set()
        self._sending.cancel()


async def _bodies(connection: ServerConnection) -> AsyncIterator[bytes]:
    try:
        async for message in connection:
            yield message.encode() if isinstance(message, str) else message
    except ConnectionClosed:
        # It broke, or sent what is too long or no WebSocket message.
        return


def _refusal(headers: Headers, policy: Policy) -> tuple[HTTPStatus, str] | None:
    """Why a client may not come in; None where it may."""
    origins = headers.get_all("Origin")
    if any(origin not in policy.origins for origin in origins):
        return (
            HTTPStatus.FORBIDDEN,
            "the page's origin was not named by --allow-origin\n",
        )
    if not policy.token and not _names_loopback(headers.get_all("Host")):
        # A name that was made to point here: what a page of that name asks for.
        return HTTPStatus.FORBIDDEN, "the host must be localhost or its address\n"
    if not any(map(policy.knows, _shown_tokens(headers))):
        return HTTPStatus.UNAUTHORIZED, "the token is missing or wrong\n"
    return None


def _names_loopback(hosts: Sequence[str]) -> bool:
    if len(hosts) != 1:
        return False
    host = hosts[0]
    name, _, port = host.rpartition(":")
    if not name or not port.isdecimal():
        name = host
    return is_loopback(name.removeprefix("[").removesuffix("]").lower())


def _shown_tokens(headers: Headers) -> list[str]:
    """The tokens a client shows; one that is empty where it shows none."""
    shown = [""]
    for value in headers.get_all("Authorization"):
        scheme, _, token = value.partition(" ")
        if scheme.lower() == "bearer":
            shown.append(token.strip())
    for value in headers.get_all("Sec-WebSocket-Protocol"):
        for protocol in value.split(","):
            encoded = protocol.strip()
            if encoded.startswith(TOKEN_PREFIX):
                shown.append(_decoded(encoded.removeprefix(TOKEN_PREFIX)))
    return shown


def _decoded(encoded: str) -> str:
    padding = "=" * (-len(encoded) % 4)
    try:
        return base64.urlsafe_b64decode(encoded + padding).decode()
    except (binascii.Error, ValueError):
        return ""


def _subprotocol(
    connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """What a client is told of those it offered, never the token.

    A browser that has offered some wants one.
    """
    named = [name for name in offered if not name.startswith(TOKEN_PREFIX)]
    return SUBPROTOCOL if SUBPROTOCOL in named else next(iter(named), None)
