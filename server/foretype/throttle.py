"""Keeps one client over the network from being felt by the others.

It is made to wait rather than refused: an editor that replaces a name in a thousand
files sends more than it may for a moment, and must lose nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

log = logging.getLogger(__name__)

# A person who types sends some forty messages a second.
MESSAGES_PER_S = 200
BYTES_PER_S = 4 << 20
# So much of it may come at once.
BURST_S = 10.0
# An editor says `initialize` at once.
FIRST_MESSAGE_TIMEOUT_S = 10.0


class Throttle:
    """Lets so much through in a second, and has who sends more wait."""

    def __init__(self) -> None:
        # When all that came would be through at the rate that is allowed.
        self._through_s = 0.0

    def delay_s(self, n_bytes: int, now_s: float) -> float:
        """How long the next message has to wait for one of so many bytes."""
        cost_s = max(1 / MESSAGES_PER_S, n_bytes / BYTES_PER_S)
        self._through_s = max(self._through_s, now_s - BURST_S) + cost_s
        return max(0.0, self._through_s - now_s)


async def orderly(
    bodies: AsyncIterator[bytes], idle_timeout_s: float
) -> AsyncIterator[bytes]:
    """A client's messages, no faster than it may send them.

    They end where nothing comes for too long.
    """
    loop = asyncio.get_running_loop()
    throttle = Throttle()
    timeout_s = min(FIRST_MESSAGE_TIMEOUT_S, idle_timeout_s)
    while True:
        try:
            async with asyncio.timeout(timeout_s):
                body = await anext(bodies)
        except StopAsyncIteration:
            return
        except TimeoutError:
            log.warning("a client that sends nothing is left")
            return
        timeout_s = idle_timeout_s
        yield body
        if delay_s := throttle.delay_s(len(body), loop.time()):
            await asyncio.sleep(delay_s)
