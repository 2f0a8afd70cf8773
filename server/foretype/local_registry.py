"""Where it is written down which servers of the built-in model run, and for whom.

One file for each, which only its user can read. Its name says what the server is (the
versions, the model, the settings it was started with), so one of another version is
never mistaken for it; and nobody else can guess the token it holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path

import platformdirs

from foretype import __version__

_KEY_CHARS = 16


@dataclass(frozen=True)
class Running:
    """A server that was written down; it may be gone by now."""

    port: int
    token: str = field(repr=False)


@dataclass(frozen=True)
class Entry:
    """The place of one kind of server; `name` is all that its files have in common."""

    folder: Path
    name: str

    @property
    def file(self) -> Path:
        """Where the server is written down."""
        return self.folder / f"{self.name}.json"

    @property
    def lock_file(self) -> Path:
        """What is locked by who starts the server."""
        return self.folder / f"{self.name}.lock"

    @property
    def log_file(self) -> Path:
        """Where llama.cpp's last words go."""
        return self.folder / f"{self.name}.log"

    def prepare(self) -> None:
        """Makes the folder. Raises: OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.name == "posix":
            self.folder.chmod(0o700)

    def read(self) -> Running | None:
        """The server that is written down, unless somebody else could have done it."""
        try:
            with self.file.open("rb") as file:
                if not _is_private(os.fstat(file.fileno())):
                    return None
                values = json.load(file)
            return Running(port=int(values["port"]), token=str(values["token"]))
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def write(self, running: Running) -> None:
        """Writes a server down in the place of an earlier one. Raises: OSError."""
        # Mode 600, and never seen half-written.
        fd, name = tempfile.mkstemp(".tmp", self.name, self.folder)
        try:
            with open(fd, "w", encoding="utf-8") as file:
                json.dump(asdict(running), file)
            os.replace(name, self.file)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise

    def remove(self, running: Running) -> None:
        """Strikes a server out, unless another has taken its place."""
        if self.read() == running:
            self.file.unlink(missing_ok=True)


def entry(kind: Mapping[str, object], model_path: Path | None) -> Entry:
    """The place of servers of a kind, which says what they were started with."""
    described = {
        **kind,
        "model": _identity(model_path),
        "version": __version__,
        "llama": _installed("xllamacpp"),
        # A home folder may be shared by machines and containers.
        "machine": platform.node(),
    }
    text = json.dumps(described, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    folder = platformdirs.user_state_path("foretype", appauthor=False) / "local"
    return Entry(folder, digest[:_KEY_CHARS])


def _identity(model_path: Path | None) -> list[object] | None:
    """What changes when another model is put in a file's place."""
    if model_path is None:
        return None
    try:
        found = model_path.stat()
    except OSError:
        return [str(model_path)]
    return [str(model_path.resolve()), found.st_size, found.st_mtime_ns]


def _installed(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _is_private(found: os.stat_result) -> bool:
    """Whether a file is the user's own and nobody else may write or read it."""
    if os.name != "posix":
        return True
    return found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & 0o077
