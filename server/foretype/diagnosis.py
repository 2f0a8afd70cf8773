"""What a check of the way to completions has found, as one row."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from foretype.errors import ModelError


class Outcome(enum.Enum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"
    """Completions come, but not as well as they could."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """It makes no sense after what has failed before."""


class Check(enum.Enum):
    """What is looked at, in this order."""

    SETTINGS = "settings"
    KEY = "key"
    NAME = "name resolution"
    CONNECTION = "connection"
    MODEL = "model"
    FIM = "fill in the middle"
    SPEED = "speed"
    CACHE = "cache"
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class Row:
    """What one check has found."""

    check: Check
    outcome: Outcome
    seen: str
    way_out: str = ""

    @classmethod
    def of_error(
        cls, check: Check, error: ModelError, outcome: Outcome = Outcome.FAILED
    ) -> Row:
        """What an error says: what is wrong, and behind that the way out."""
        seen, _, way_out = str(error).partition("; ")
        return cls(check, outcome, seen, way_out)

    @property
    def has_failed(self) -> bool:
        """Whether checks that need this one make no sense."""
        return self.outcome is Outcome.FAILED


def skipped(checks: Iterable[Check], failed: Row) -> Iterator[Row]:
    """Rows of what was not looked at."""
    for check in checks:
        seen = f"not looked at, because of {failed.check.value}"
        yield Row(check, Outcome.SKIPPED, seen)
