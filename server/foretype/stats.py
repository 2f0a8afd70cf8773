"""Counts of what was suggested, what became of it, how long it took and what it cost.

In memory, and cheap: what is counted at a key must not be felt. Only numbers are kept,
by the names of languages, models and sources; never text, the name of a file or a key.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import log
from typing import NamedTuple

from foretype.timeline import Stage

# A percentile read from buckets this wide is off by less than 10 %.
BUCKET_GROWTH = 1.1
# Answers from memory take some tenths of a millisecond, no stream over ten minutes.
MIN_MS, MAX_MS = 0.01, 1e6
# Longer than any name of a language or a model.
MAX_DETAIL_CHARS = 80

_LOG_GROWTH = log(BUCKET_GROWTH)


class Counted(enum.Enum):
    """What is counted; the detail beside it is the name of a language, unless said."""

    SHOWN = "shown"
    """Suggestions that were on the screen."""
    ACCEPTED = "accepted"
    PARTLY_ACCEPTED = "partly accepted"
    TYPED = "typed through"
    REJECTED = "rejected"
    INSERTED_CHARS = "inserted chars"
    """What accepting has inserted."""
    KEPT_30_S = "kept 30 s"
    """Accepted texts that were still there after so long."""
    GONE_30_S = "gone 30 s"
    KEPT_5_MIN = "kept 5 min"
    GONE_5_MIN = "gone 5 min"
    ANSWERS = "answers"
    """Requests of the editor that something was answered to, by source."""
    STREAMS = "streams"
    """Requests to the model, by model, as the three below."""
    INPUT_TOKENS = "input tokens"
    OUTPUT_TOKENS = "output tokens"
    COST_USD = "cost usd"


class Part(enum.StrEnum):
    """Where the time goes of a request that asks the model, in order."""

    LOOKED_UP = "part: looking up"
    PROMPT = "part: prompt"
    MODEL = "part: model ready"
    CONNECTION = "part: connection"
    FIRST_BYTE = "part: first byte"
    FIRST_TEXT = "part: first text"
    ENOUGH = "part: enough text"
    ANSWER = "part: answer"


PARTS = (
    (Part.LOOKED_UP, Stage.RECEIVED, Stage.BEGUN),
    (Part.PROMPT, Stage.BEGUN, Stage.PROMPT),
    (Part.MODEL, Stage.PROMPT, Stage.ASKED),
    (Part.CONNECTION, Stage.ASKED, Stage.CONNECTED),
    (Part.FIRST_BYTE, Stage.CONNECTED, Stage.FIRST_BYTE),
    (Part.FIRST_TEXT, Stage.FIRST_BYTE, Stage.FIRST_TEXT),
    (Part.ENOUGH, Stage.FIRST_TEXT, Stage.ENOUGH),
    (Part.ANSWER, Stage.ENOUGH, Stage.ANSWERED),
)
"""Each part with the stages that it is between."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What has come in some time, by the local date when it came."""

    counts: dict[tuple[date, Counted, str], float] = field(default_factory=dict)
    times: dict[tuple[date, str, int], tuple[int, float]] = field(default_factory=dict)
    """How many, and their sum in milliseconds, by what took them and bucket."""

    def __bool__(self) -> bool:
        return bool(self.counts or self.times)

    def add(self, other: Delta) -> None:
        """Takes in what came at another time."""
        for counted, n in other.counts.items():
            self.counts[counted] = self.counts.get(counted, 0) + n
        for timed, (n_times, sum_ms) in other.times.items():
            n_before, before_ms = self.times.get(timed, (0, 0.0))
            self.times[timed] = n_before + n_times, before_ms + sum_ms


class Stats:
    """Counts what comes, until it is taken to be kept."""

    def __init__(self, today: Callable[[], date] = date.today) -> None:
        self._today = today
        self._is_on = True
        self._new = Delta()
        self._returned = Delta()

    @property
    def has_news(self) -> bool:
        """Whether anything has come since the last take."""
        return bool(self._new)

    def count(self, name: Counted, detail: str = "", n: float = 1) -> None:
        """Counts n more; fewer than none takes back what was counted by mistake."""
        if not self._is_on or not n:
            return
        counts = self._new.counts
        key = (self._today(), name, detail[:MAX_DETAIL_CHARS])
        counts[key] = counts.get(key, 0) + n

    def time(self, what: str, ms: float) -> None:
        """Counts how long something took.

        What it was is a `Part`, or `source: ` and where an answer came from.
        """
        if not self._is_on:
            return
        times = self._new.times
        key = (self._today(), what, bucket(ms))
        n, sum_ms = times.get(key, (0, 0.0))
        times[key] = n + 1, sum_ms + ms

    def take(self) -> Delta:
        """What has come since the last take, which begins anew."""
        taken, self._returned = self._returned, Delta()
        taken.add(self._new)
        self._new = Delta()
        return taken

    def put_back(self, delta: Delta) -> None:
        """Has what could not be kept taken with what comes next."""
        if self._is_on:
            self._returned.add(delta)

    def switch(self, is_on: bool) -> None:
        """Counts from now on, or no longer; then what is not taken yet is dropped."""
        self._is_on = is_on
        if not is_on:
            self.take()


class CountRow(NamedTuple):
    """What was counted in a day (`2026-03-09`), or in a month of long ago."""

    period: str
    name: str
    detail: str
    n: float


class TimeRow(NamedTuple):
    """What took about as long in such a period."""

    period: str
    what: str
    bucket: int
    n: int
    sum_ms: float


@dataclass(frozen=True, slots=True)
class Rows:
    """All that was ever counted."""

    counts: Sequence[CountRow] = ()
    times: Sequence[TimeRow] = ()


def bucket(ms: float) -> int:
    """The number of the bucket of a time; each is 10 % wider than the one before."""
    return int(log(min(max(ms, MIN_MS), MAX_MS) / MIN_MS) / _LOG_GROWTH)
