"""Who uses a server of the built-in model, and when it has outlived them all."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import Any

from foretype.local_link import HOST, MAX_LINE_BYTES, NotOurs, admit, receive, send
from foretype.slots import Slots

# Whoever started the server comes at once; if not, it was killed meanwhile.
FIRST_CLIENT_TIMEOUT_S = 10.0


class Door:
    """Lets clients in, lends them slots, and knows when the last one has left."""

    def __init__(self, token: str, welcome: dict[str, Any], n_slots: int) -> None:
        self._token = token
        self._welcome = welcome
        self._slots = Slots(n_slots)
        self._ids = itertools.count()
        self._inside: set[int] = set()
        self._changed = asyncio.Event()
        # How long there must have been nobody: as the last who left wanted it.
        self._linger_s = FIRST_CLIENT_TIMEOUT_S
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        """Begins to let clients in; returns the port."""
        self._server = await asyncio.start_server(
            self._serve, HOST, 0, limit=MAX_LINE_BYTES
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def deserted(self) -> None:
        """Returns when there has been nobody for as long as was wanted."""
        while True:
            self._changed.clear()
            if self._inside:
                await self._changed.wait()
                continue
            try:
                async with asyncio.timeout(self._linger_s):
                    await self._changed.wait()
            except TimeoutError:
                return

    async def close(self) -> None:
        """Lets nobody in any more."""
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        client = next(self._ids)
        linger_s = self._linger_s
        try:
            linger_s = await admit(reader, writer, self._token, self._welcome)
            self._inside.add(client)
            self._changed.set()
            while True:
                document = str((await receive(reader))["document"])
                send(writer, {"slot": self._slots.of(client, document)})
        except (NotOurs, OSError, ValueError, LookupError):
            # It has left, or was none of ours.
            return
        finally:
            if client in self._inside:
                self._inside.discard(client)
                self._slots.give_back(client)
                self._linger_s = linger_s
                self._changed.set()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
