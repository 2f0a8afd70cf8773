"""The editors that are served over the network: who may come in, and how many.

Each has a conversation and a session of its own. What they share is the process: its
log, its file of counts, and the built-in model.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from foretype import logs
from foretype.server import Server
from foretype.throttle import orderly
from foretype.transport import Output

log = logging.getLogger(__name__)

MAX_CLIENTS = 64
# A source file of more is rare, and reading it holds the others up for 0.1 s.
MAX_MESSAGE_BYTES = 8 << 20
# What a client has not read yet.
MAX_WAITING_BYTES = 8 << 20


@dataclass(frozen=True)
class Policy:
    """Who may come in."""

    token: str = field(default="", repr=False)
    origins: tuple[str, ...] = ()
    """The web pages that may, by their origins."""
    idle_timeout_s: float = 4 * 3600

    def knows(self, token: str) -> bool:
        """Whether a token is the right one; any is where none is wanted."""
        return not self.token or hmac.compare_digest(
            token.encode(), self.token.encode()
        )


class Clients:
    """Those who are in."""

    def __init__(self, policy: Policy, make_server: Callable[[], Server]) -> None:
        self.policy = policy
        self._make_server = make_server
        self._conversations: dict[asyncio.Task[None], Server] = {}

    @property
    def is_full(self) -> bool:
        """Whether nobody else may come in for now."""
        return len(self._conversations) >= MAX_CLIENTS

    async def serve(self, bodies: AsyncIterator[bytes], output: Output) -> None:
        """Converses with one client, which has been let in, until it ends."""
        if self.is_full:
            log.warning("a client is turned away: there are %d already", MAX_CLIENTS)
            output.close()
            return
        bodies = orderly(bodies, self.policy.idle_timeout_s)
        server = self._make_server()
        # A task of its own, whose context says which editor a warning is for.
        task = asyncio.create_task(server.converse(bodies, output))
        self._conversations[task] = server
        await asyncio.wait((task,))
        del self._conversations[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            logs.log_crash(log, "a conversation failed", error)

    async def close(self) -> None:
        """Ends all conversations; returns when nothing is left of them."""
        for server in self._conversations.values():
            server.stop()
        if self._conversations:
            await asyncio.wait(tuple(self._conversations))
