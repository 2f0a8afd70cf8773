"""Where Foretype's own log goes: a file of the user's, and the editor's window."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

import platformdirs

LEVELS = ("debug", "info", "warning", "error")
MAX_BYTES = 1_000_000
N_BACKUPS = 2
_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


def default_file() -> Path:
    """The log file where none is named."""
    return platformdirs.user_state_path("foretype", appauthor=False) / "foretype.log"


def to_file(path: Path, level: str) -> None:
    """Sends what this package logs to a file; where it cannot be written, nowhere.

    Raises: nothing; a log that cannot be kept must not keep a person from typing.
    """
    logger = logging.getLogger("foretype")
    logger.setLevel(level.upper())
    logger.propagate = False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = _PrivateFileHandler(
            path, maxBytes=MAX_BYTES, backupCount=N_BACKUPS, encoding="utf-8"
        )
    except OSError as error:
        print(f"foretype: cannot log to {path}: {error.strerror}", file=sys.stderr)
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger.addHandler(handler)


def log_crash(log: logging.Logger, what: str, error: BaseException) -> None:
    """Logs where an unexpected error was raised, and not what it says.

    A message of Python's own may quote the text of a document.
    """
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s: %s\n%s", what, type(error).__name__, frames)


class _PrivateFileHandler(RotatingFileHandler):
    """A log that only its user can read."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(
            self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
        )
        return os.fdopen(descriptor, "a", encoding="utf-8")


class EditorHandler(logging.Handler):
    """Sends warnings and worse to the editor."""

    def __init__(self, send: Callable[[int, str], None]) -> None:
        super().__init__(logging.WARNING)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        self._send(record.levelno, record.getMessage())
