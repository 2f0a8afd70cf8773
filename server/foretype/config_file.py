"""Changes one value in the user's `config.toml`, and leaves the rest as it stands.

Comments, order and spelling stay: it is a file that a person writes (tomlkit).
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from foretype.errors import UsageError


def change(path: Path, section: str, key: str, value: str | None) -> None:
    """Sets a key of a section, or takes it out where the value is None.

    Raises: UsageError.
    """
    document = _read(path)
    table = document.get(section)
    if table is None and value is None:
        return
    if table is None:
        table = document[section] = tomlkit.table()
    if not isinstance(table, Table):
        raise UsageError(f"{path}: {section} is not a section; correct it by hand")
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value
    _write(path, tomlkit.dumps(document))


def read(path: Path) -> dict[str, Any]:
    """All that the file says; nothing where there is none.

    Raises: UsageError.
    """
    return _read(path).unwrap()


def _read(path: Path) -> tomlkit.TOMLDocument:
    try:
        # Some editors begin a file with a byte order mark.
        return tomlkit.parse(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return tomlkit.document()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TOMLKitError, RecursionError) as error:
        raise UsageError(f"{path} is not TOML; correct it first: {error}") from error


def _write(path: Path, text: str) -> None:
    """Writes the file, which is never seen half-written."""
    try:
        # What is linked to, not the link, is replaced.
        path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        fd, name = tempfile.mkstemp(".tmp", path.name, path.parent)
        try:
            with open(fd, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            os.chmod(name, mode)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
