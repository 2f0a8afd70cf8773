"""Serves editors over the network: where to listen, and the token that is needed."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from foretype import logs, tcp, transport
from foretype.addresses import is_loopback
from foretype.clients import Clients, Policy
from foretype.errors import UsageError
from foretype.layers import TOKEN_VARIABLE
from foretype.server import Server

log = logging.getLogger(__name__)

DEFAULT_HOST = "127.0.0.1"
MIN_TOKEN_CHARS = 16
MAX_TOKEN_CHARS = 1024


@dataclass(frozen=True)
class Address:
    """Where to listen, as a person has written it."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """The address that `[HOST:]PORT` means. Raises: UsageError."""
        host, _, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not port.isdecimal() or int(port) > 65_535:
            raise UsageError(f"{text!r} is not PORT or HOST:PORT")
        return cls(host or DEFAULT_HOST, int(port))


async def serve(
    policy: Policy,
    make_server: Callable[[], Server],
    *,
    at_tcp: Address | None,
    at_websocket: Address | None,
) -> int:
    """Serves until the process is told to end; returns its exit code.

    Raises: UsageError.
    """
    logs.to_editors()
    clients = Clients(policy, make_server)
    stop = asyncio.Event()
    transport.on_signals(stop.set)
    closers = []
    try:
        if at_tcp is not None:
            sockets = await bind(at_tcp, policy)
            closers.append(await tcp.listen(sockets, clients))
            _tell("tcp", sockets)
        if at_websocket is not None:
            # Imported here, as not every server needs it.
            from foretype import websocket

            sockets = await bind(at_websocket, policy)
            closers.append(await websocket.listen(sockets, clients))
            _tell("ws", sockets)
        await stop.wait()
    finally:
        for close in closers:
            close()
        await clients.close()
    return 0


async def bind(address: Address, policy: Policy) -> list[socket.socket]:
    """Sockets that listen at an address, which must be this machine's own.

    Elsewhere there must be a token. Raises: UsageError.
    """
    loop = asyncio.get_running_loop()
    where = f"{address.host}:{address.port}"
    try:
        found = await loop.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{address.host} is not an address of this machine") from error
    # NB: What is looked at is what is listened at; a name may change between the two.
    places = dict.fromkeys((family, place) for family, *_, place in found)
    if not policy.token and not all(is_loopback(str(p[0])) for _, p in places):
        raise UsageError(
            f"{address.host} can be reached from other machines, so it needs a token: "
            f"name a file with one by --token-file, or put it into {TOKEN_VARIABLE}"
        )
    sockets: list[socket.socket] = []
    try:
        for family, place in places:
            # The same port for all, where it was chosen for the first.
            port = sockets[0].getsockname()[1] if sockets else address.port
            sockets.append(
                socket.create_server((place[0], port), family=family, backlog=64)
            )
    except OSError as error:
        for bound in sockets:
            bound.close()
        raise UsageError(f"cannot listen at {where}: {error.strerror}") from error
    return sockets


def read_token(file: Path | None) -> str:
    """The token of a file, or of the environment, which loses it; none is empty.

    Raises: UsageError.
    """
    token = os.environ.pop(TOKEN_VARIABLE, "").strip()
    where = TOKEN_VARIABLE
    if file is not None:
        where = str(file)
        try:
            token = file.read_text("utf-8").strip()
            is_open = os.name == "posix" and file.stat().st_mode & 0o077
        except (OSError, ValueError) as error:
            raise UsageError(f"{file} cannot be read: {error}") from error
        if is_open:
            log.warning("others on this machine can read %s, which has the token", file)
    elif not token:
        return ""
    is_long_enough = MIN_TOKEN_CHARS <= len(token) <= MAX_TOKEN_CHARS
    if not (is_long_enough and token.isascii() and token.isprintable()) or (
        " " in token
    ):
        raise UsageError(
            f"{where} must hold a token of {MIN_TOKEN_CHARS} letters and digits or "
            "more, as `openssl rand -hex 32` makes one"
        )
    return token


def _tell(scheme: str, sockets: Sequence[socket.socket]) -> None:
    """Says where it listens, once it does."""
    for bound in sockets:
        host, port = bound.getsockname()[:2]
        host = f"[{host}]" if ":" in host else host
        print(f"listening at {scheme}://{host}:{port}", flush=True)
        log.info("listening at %s://%s:%d", scheme, host, port)
