"""What a person is told about the state of completions."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from foretype.errors import (
    BadAnswer,
    KeyRefused,
    LocalModelError,
    ModelError,
    ModelNotFound,
    NotSupported,
    RateLimited,
    Unreachable,
)


class Kind(enum.Enum):
    """How a status is to be drawn, in the words of `didChangeStatus`."""

    NORMAL = "Normal"
    WARNING = "Warning"
    """It passes by itself; a person can do nothing about it but read the status."""
    ERROR = "Error"
    """It lasts until a person does something."""
    INACTIVE = "Inactive"
    """A person wanted it so."""


@dataclass(frozen=True, slots=True)
class Status:
    """One state, for a status bar."""

    kind: Kind
    state: str
    """In a few words."""
    detail: str = ""
    """More about it: why, and the way out."""
    busy: bool = False

    @property
    def message(self) -> str:
        """All of it."""
        return f"{self.state}: {self.detail}" if self.detail else self.state


# The first that an error is one of.
_OF_ERRORS: tuple[tuple[type[ModelError], Kind, str], ...] = (
    (LocalModelError, Kind.ERROR, "no model"),
    (Unreachable, Kind.WARNING, "offline"),
    (KeyRefused, Kind.ERROR, "key refused"),
    (ModelNotFound, Kind.ERROR, "no such model"),
    (NotSupported, Kind.ERROR, "not supported"),
    (RateLimited, Kind.WARNING, "rate limited"),
    (BadAnswer, Kind.WARNING, "no usable answer"),
    (ModelError, Kind.ERROR, "no endpoint"),
)


def ready(model_name: str) -> Status:
    """Suggestions can be had."""
    return Status(Kind.NORMAL, "ready", model_name)


def loading(model_name: str) -> Status:
    """They will be soon."""
    return Status(Kind.NORMAL, "loading", model_name, busy=True)


def off(why: str) -> Status:
    """None are wanted in the document at hand."""
    return Status(Kind.INACTIVE, "off for this file", why)


def of_error(error: ModelError, now: datetime) -> Status:
    """None can be had, at a local time."""
    kind, state = next(
        (kind, state) for of, kind, state in _OF_ERRORS if isinstance(error, of)
    )
    if isinstance(error, RateLimited) and error.retry_after_s:
        until = now + timedelta(seconds=error.retry_after_s)
        state = f"{state} until {until:%H:%M:%S}"
    return Status(kind, state, str(error))
