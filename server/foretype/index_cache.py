"""The files in which definitions of workspaces are kept from one start to the next."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

from foretype.definition_store import DefinitionStore

# Of workspaces that were not opened for so long, or of more than so many.
MAX_CACHE_AGE_S = 30 * 24 * 3600
MAX_CACHES = 20
MAX_CACHES_BYTES = 1024 * 2**20


def opened(cache: Path, folders: Iterable[str]) -> dict[str, DefinitionStore]:
    """The stores of folders of a workspace, by folder; what is of no more use is gone.

    Raises: nothing; a store that cannot be on disk is in memory.
    """
    paths = {folder: cache / _file_name(folder) for folder in folders}
    stores = {folder: _opened(path) for folder, path in paths.items()}
    _tidy(cache, set(paths.values()))
    return stores


def is_damage(error: Exception) -> bool:
    """Whether an error comes from a file that is no good any more."""
    # What is locked, full or read-only is an error of the operation.
    is_of_file = isinstance(error, sqlite3.DatabaseError)
    return is_of_file and not isinstance(error, sqlite3.OperationalError)


def delete(cache: Path, folders: Iterable[str]) -> None:
    """Deletes what is kept of folders of a workspace."""
    for folder in folders:
        _delete(cache / _file_name(folder))


def _file_name(folder: str) -> str:
    """The name of the cache of a folder of the workspace."""
    path = os.path.normcase(folder).encode("utf-8", "surrogatepass")
    return f"{hashlib.sha256(path).hexdigest()[:32]}.sqlite3"


def _opened(path: Path) -> DefinitionStore:
    """A store on disk; in memory if it cannot be there."""
    for _ in range(2):
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Only its user can read it, or the files that SQLite makes beside it.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
            os.utime(path)
            return DefinitionStore(path)
        except (OSError, sqlite3.Error) as error:
            if not is_damage(error):
                break
            _delete(path)
    return DefinitionStore()


def _tidy(cache: Path, in_use: set[Path]) -> None:
    """Deletes what was not used for long, or is too much."""
    used: list[tuple[float, int, Path]] = []
    with contextlib.suppress(OSError):
        for path in cache.glob("*.sqlite3"):
            status = path.stat()
            used.append((status.st_mtime, status.st_size, path))
    n_bytes = 0
    for n_newer, (used_s, size, path) in enumerate(sorted(used, reverse=True)):
        n_bytes += size
        is_old = time.time() - used_s > MAX_CACHE_AGE_S
        is_much = n_newer >= MAX_CACHES or n_bytes > MAX_CACHES_BYTES
        if (is_old or is_much) and path not in in_use:
            _delete(path)


def _delete(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            path.with_name(path.name + suffix).unlink()
