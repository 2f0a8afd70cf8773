"""A link between two programs that delays what it carries.

Both ends are on loopback. A new connection carries nothing for one round trip, which
is what its handshake takes; after that each byte arrives half of one later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

HOST = "127.0.0.1"


class Link:
    """Carries connections to a port; `async with` gives the port to connect to."""

    def __init__(self, to_port: int, round_trip_ms: float) -> None:
        self._to_port = to_port
        self._round_trip_s = round_trip_ms / 1000

    async def __aenter__(self) -> int:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Near(self._to_port, self._round_trip_s), HOST, 0
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aexit__(self, *_: object) -> None:
        self._server.close()


class _End(asyncio.Protocol):
    """One end of a connection: what it receives leaves the other end, later."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._free_s = 0.0
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._later(lambda end: None if end.is_closing() else end.write(data))

    def connection_lost(self, error: Exception | None) -> None:
        if error is None:
            self._later(lambda end: end.close())
        else:
            self._later(lambda end: end.abort())

    def opened(self, from_s: float) -> None:
        """Carries nothing before a time."""
        self._free_s = from_s

    def _later(self, do: Callable[[asyncio.Transport], None]) -> None:
        loop = asyncio.get_running_loop()
        due_s = max(loop.time(), self._free_s) + self._delay_s

        def now() -> None:
            if self.other and self.other.transport:
                do(self.other.transport)

        loop.call_at(due_s, now)


class _Near(_End):
    """The end that the client connects to."""

    def __init__(self, to_port: int, round_trip_s: float) -> None:
        super().__init__(round_trip_s / 2)
        self._to_port = to_port
        self._round_trip_s = round_trip_s

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        self.opened(loop.time() + self._round_trip_s)
        far = _End(self._round_trip_s / 2)
        far.other, self.other = self, far
        self._connecting = loop.create_task(
            loop.create_connection(lambda: far, HOST, self._to_port)
        )
