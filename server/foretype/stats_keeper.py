"""Has counts written to their file now and then, away from the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

import platformdirs

from foretype.errors import StatsError
from foretype.logs import log_crash
from foretype.stats import Delta, Stats

log = logging.getLogger(__name__)

# What may be lost if the server is killed.
INTERVAL_S = 30.0


def default_file() -> Path:
    """Where the counts of a user are."""
    return platformdirs.user_state_path("foretype", appauthor=False) / "stats.sqlite3"


class Keeper:
    """Writes what comes, from `start` to `close`; nothing while nothing comes.

    Raises: nothing; counts that cannot be kept must not keep a person from typing.
    """

    def __init__(self, stats: Stats, path: Path) -> None:
        self._stats = stats
        self._path = path
        self._is_closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        # What keeps the counts from being written, until it no longer does.
        self._said: str | None = None

    def start(self) -> None:
        """Begins to write."""
        self._task = asyncio.create_task(self._run(), name="keep counts")

    async def close(self) -> None:
        """Returns when all that has come is written, or cannot be."""
        # NB: Cancelled, a writing would go on in its thread and nobody hear of it.
        self._is_closing.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        is_last = False
        while not is_last:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL_S):
                    await self._is_closing.wait()
            is_last = self._is_closing.is_set()
            # What could not be written is tried again with news, and at the end.
            if self._stats.has_news or is_last:
                await self._write(self._stats.take())

    async def _write(self, delta: Delta) -> None:
        if not delta:
            return
        try:
            await asyncio.to_thread(_add, self._path, delta)
            self._said = None
        except StatsError as error:
            self._stats.put_back(delta)
            if str(error) != self._said:
                self._said = str(error)
                log.warning("counts are not kept for now: %s", error)
        except Exception as error:
            # NB: It is not put back, as it may be what the error comes from.
            log_crash(log, "counts could not be written", error)


def _add(path: Path, delta: Delta) -> None:
    # Imported here, as the start of the server must not wait for SQLite.
    from foretype.stats_store import Store

    Store(path).add(delta)
