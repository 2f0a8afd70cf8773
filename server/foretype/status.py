"""What a person is told about the state of completions."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.Enum):
    """How a status is to be drawn, in the words of `didChangeStatus`."""

    NORMAL = "Normal"
    WARNING = "Warning"
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class Status:
    """One state, for a status bar."""

    kind: Kind
    message: str
    busy: bool = False
