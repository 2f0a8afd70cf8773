"""Where Foretype's own log goes: a file of the user's, and the editor's window."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import platformdirs

log = logging.getLogger(__name__)

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


def to_editors() -> None:
    """Sends warnings to the editors they are about, and logs what nobody catches."""
    logging.getLogger("foretype").addHandler(EditorHandler())
    asyncio.get_running_loop().set_exception_handler(_log_unhandled)


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


current_editor: ContextVar[Callable[[int, str], None]] = ContextVar("current_editor")
"""What sends a line of the log to the editor that the running task works for."""


class EditorHandler(logging.Handler):
    """Sends warnings and worse to the editor that they are about."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        if send := current_editor.get(None):
            send(record.levelno, record.getMessage())


def _log_unhandled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Logs what no handler caught, without the values that asyncio would print."""
    error = context.get("exception")
    if isinstance(error, BaseException):
        log_crash(log, "unhandled", error)
    else:
        log.error("unhandled: %s", context.get("message"))
