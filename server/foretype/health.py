"""What the last streams say about the endpoint: its limits, and how long it takes."""

from __future__ import annotations

import asyncio
from collections import deque
from math import inf

from foretype.errors import (
    KeyRefused,
    LocalModelError,
    ModelError,
    ModelNotFound,
    NotSupported,
    RateLimited,
)
from foretype.generation import Generation
from foretype.prompt import CHARS_PER_TOKEN
from foretype.settings import Settings

# Two streams follow a document at once: the oldest that agrees, and the newest.
MAX_RUNNING = 2
# So long after an answer 429 one stream must do.
CAUTION_S = 60.0
# So many streams are looked back on.
N_STREAMS = 16
# A stream without text is given up on after twice the longest that others have needed
# lately, of which there must be some, and no sooner than this: an endpoint that stalls
# once in a hundred times would else take every suggestion until its deadline.
MIN_STALL_S = 1.0
N_KNOWN_TTFTS = 3
# An endpoint that fails so often in a row is left alone for a while, and for longer
# each time that it fails again.
N_FAULTS = 3
MIN_PAUSE_S, MAX_PAUSE_S = 1.0, 60.0
# An endpoint is believed that counts another number this often; one out of this range
# counts something else.
N_COUNTED = 3
FEWEST_CHARS_PER_TOKEN, MOST_CHARS_PER_TOKEN = 1.0, 6.0
# A smaller difference is not worth that the head of all prompts changes.
MIN_CHANGE = 0.15


class Health:
    """Looks back on the last streams; all times are of the event loop's clock."""

    def __init__(self) -> None:
        self._streams: deque[Generation] = deque(maxlen=N_STREAMS)
        self.chars_per_token = CHARS_PER_TOKEN
        """The fewest that the endpoint has counted lately, about."""

    def add(self, generation: Generation) -> None:
        """Takes in a stream that begins."""
        self._streams.append(generation)
        counted = [s.chars_per_token for s in self._streams if s.chars_per_token]
        if len(counted) < N_COUNTED:
            return
        fewest = min(max(min(counted), FEWEST_CHARS_PER_TOKEN), MOST_CHARS_PER_TOKEN)
        if abs(fewest / self.chars_per_token - 1) >= MIN_CHANGE:
            self.chars_per_token = fewest

    def max_running(self, settings: Settings) -> int:
        """How many streams may run for a document.

        The built-in model writes one at a time for each, into the cache it keeps for
        that document: a second one would have to wait for the first.
        """
        if (
            settings.endpoint.bills_after_disconnect
            or settings.uses_local_model
            or self.is_limited()
        ):
            return 1
        return MAX_RUNNING

    def is_limited(self) -> bool:
        """Whether the endpoint has lately refused a request for being one too many."""
        since_s = _now_s() - CAUTION_S
        return any(
            isinstance(stream.error, RateLimited) and stream.ended_s > since_s
            for stream in self._streams
        )

    def holds_off(self, *, is_invoked: bool) -> ModelError | None:
        """The error for which the endpoint is not asked now, if there is one.

        Whoever asks by hand may have mended what was wrong; only a limit is kept then,
        too.
        """
        failed: list[Generation] = []
        for stream in reversed(self._streams):
            if stream.error is not None:
                failed.append(stream)
            elif stream.first_text_s < inf:
                break
        if not failed:
            return None
        error = failed[0].error
        assert error is not None
        if is_invoked and not isinstance(error, RateLimited):
            return None
        until_s = failed[0].ended_s + _pause_s(error, len(failed))
        return error if _now_s() < until_s else None

    def stalls_s(self, generation: Generation) -> float:
        """When a stream will have been silent for longer than a model takes to begin.

        Never, if it speaks or is done, or nothing is known of the model yet.
        """
        known_s = [
            stream.first_text_s - stream.asked_s
            for stream in self._streams
            if stream.first_text_s < inf
        ]
        is_silent = not generation.is_done and generation.first_text_s == inf
        if not is_silent or len(known_s) < N_KNOWN_TTFTS:
            return inf
        return generation.asked_s + max(MIN_STALL_S, 2 * max(known_s))


def _pause_s(error: ModelError, n_failures: int) -> float:
    """How long an endpoint is left alone that has failed so often in a row.

    The next natural request after that tries it again.
    """
    if isinstance(error, KeyRefused | LocalModelError):
        # With other settings all of this begins anew; a lost process has a pause of
        # its own, see `ModelSupplier`.
        return inf if isinstance(error, KeyRefused) else 0
    if isinstance(error, ModelNotFound | NotSupported):
        return MAX_PAUSE_S
    if isinstance(error, RateLimited):
        return error.retry_after_s or _doubled(n_failures - 1)
    # A fault or two may be the network's, or the endpoint's at one moment.
    return _doubled(n_failures - N_FAULTS) if n_failures >= N_FAULTS else 0


def _doubled(n_times: int) -> float:
    return min(MIN_PAUSE_S * 2.0**n_times, MAX_PAUSE_S)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
