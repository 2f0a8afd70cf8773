"""Runs a program that a model has written a part of, within limits.

The program runs in a process of its own (sandboxed.py), without any package but the
standard library, in an empty folder, and with no variables of this one's environment.
"""

from __future__ import annotations

import enum
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

_SANDBOXED = Path(__file__).with_name("sandboxed.py")
# Isolated from variables, the user's packages and the working folder; and no packages.
_COMMAND = (sys.executable, "-I", "-S", str(_SANDBOXED))


class Verdict(enum.Enum):
    """How a program ended."""

    PASSED = "passed"
    FAILED = "failed"
    """By an error, too much memory, or by ending before its end."""
    TIMED_OUT = "timed out"


@dataclass(frozen=True)
class Limits:
    """What a program may take."""

    cpu_s: int = 3
    """Whole seconds, as the system counts them."""
    wall_s: float = 10.0
    memory_bytes: int = 512 * 1024 * 1024
    file_bytes: int = 64 * 1024
    """What it may write to one file."""


class NoLimitsError(Exception):
    """This system cannot limit a process, so nothing is run on it."""


def check_limits() -> None:
    """Raises NoLimitsError where a program would run without limits."""
    if find_spec("resource") is None:
        raise NoLimitsError(
            "this system cannot limit the memory of a process, so no test of a "
            "completed program is run; run this on Linux or macOS"
        )


def run(program: str, limits: Limits | None = None) -> Verdict:
    """Whether a program runs to its end without an error; nothing of it is left.

    Raises: NoLimitsError.
    """
    check_limits()
    limits = limits or Limits()
    # Who only exits, whatever the status, does not know what to say at the end.
    token = secrets.token_hex(16)
    order = {"program": program, "token": token, "limits": asdict(limits)}
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryFile() as said,
    ):
        process = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            # A file, because that is limited too; a pipe would have to be read.
            stdout=said,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={},
            start_new_session=True,
        )
        try:
            process.communicate(json.dumps(order).encode(), limits.wall_s)
        except subprocess.TimeoutExpired:
            return Verdict.TIMED_OUT
        finally:
            # What it started; as long as any of that runs, the number is not another's.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        # The system ends with the first what takes too long, and who ignores that with
        # the second.
        if -process.returncode in (signal.SIGXCPU, signal.SIGKILL):
            return Verdict.TIMED_OUT
        said.seek(0)
        is_done = said.read(limits.file_bytes) == token.encode()
        return Verdict.PASSED if is_done else Verdict.FAILED
