"""Editors over TCP: LSP's base protocol, behind a line with the token."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable, Sequence

from foretype import transport
from foretype.clients import (
    MAX_MESSAGE_BYTES,
    MAX_WAITING_BYTES,
    Clients,
    Policy,
)
from foretype.throttle import FIRST_MESSAGE_TIMEOUT_S
from foretype.transport import Writer

log = logging.getLogger(__name__)

# A message that has begun to arrive has so long to end.
MESSAGE_TIMEOUT_S = 60.0
# Reading pauses at twice this; a header or a line is shorter.
READ_AHEAD_BYTES = 1 << 16
_AUTHORIZATION = b"authorization:"
_REFUSAL = {
    "jsonrpc": "2.0",
    "id": None,
    "error": {
        "code": -32600,
        "message": "the first line must be `Authorization: Bearer TOKEN`",
    },
}


async def listen(
    sockets: Sequence[socket.socket], clients: Clients
) -> Callable[[], None]:
    """Begins to let clients in; returns what ends that."""

    async def accept(
        reader: asyncio.StreamReader, stream: asyncio.StreamWriter
    ) -> None:
        writer = Writer.over(stream, MAX_WAITING_BYTES)
        try:
            _keep_alive(stream)
            if await _may_enter(reader, clients.policy):
                bodies = transport.messages(
                    reader,
                    is_strict=True,
                    max_bytes=MAX_MESSAGE_BYTES,
                    timeout_s=MESSAGE_TIMEOUT_S,
                )
                await clients.serve(bodies, writer)
            else:
                log.warning("a client without the token is turned away")
                writer.send(json.dumps(_REFUSAL).encode())
        finally:
            writer.close()
            await writer.wait_closed()

    servers = [
        await asyncio.start_server(accept, sock=bound, limit=READ_AHEAD_BYTES)
        for bound in sockets
    ]

    def close() -> None:
        for server in servers:
            server.close()

    return close


async def _may_enter(reader: asyncio.StreamReader, policy: Policy) -> bool:
    """Whether a client has shown the token, before anything else of it is looked at."""
    if not policy.token:
        return True
    try:
        async with asyncio.timeout(FIRST_MESSAGE_TIMEOUT_S):
            line = await reader.readuntil(b"\n")
    except (
        TimeoutError,
        OSError,
        asyncio.IncompleteReadError,
        asyncio.LimitOverrunError,
    ):
        return False
    name, shown = line[: len(_AUTHORIZATION)], line[len(_AUTHORIZATION) :].split()
    return (
        name.lower() == _AUTHORIZATION
        and len(shown) == 2
        and shown[0].lower() == b"bearer"
        and policy.knows(shown[1].decode(errors="replace"))
    )


def _keep_alive(stream: asyncio.StreamWriter) -> None:
    """Has the system notice a machine that is gone."""
    connection = stream.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
