"""Which files of a workspace are read, in which order, and their text."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from foretype.definition_store import Stamp
from foretype.exclusions import MAX_FILE_BYTES, unfit

# Folders that hold what others wrote or what programs made; hidden ones are left out
# by their dot, virtual environments by their `pyvenv.cfg`.
_SKIPPED_NAMES = """
    node_modules bower_components jspm_packages venv virtualenv site-packages
    __pycache__ __pypackages__ build dist target out obj _build CMakeFiles Pods
    DerivedData coverage htmlcov
"""
SKIPPED = frozenset(_SKIPPED_NAMES.split())


def outermost(folders: Sequence[str]) -> list[str]:
    """Folders that are in no other of them."""
    paths = sorted({Path(folder) for folder in folders})
    return [
        str(path)
        for path in paths
        if not any(path != other and path.is_relative_to(other) for other in paths)
    ]


def nearest_first(folder: Path, near: Sequence[str]) -> Iterator[Path]:
    """The folders around the files that are open, from inside out."""
    for path in map(Path, near):
        for around in path.parents:
            if around == folder or not around.is_relative_to(folder):
                break
            if not any(map(is_skipped, around.relative_to(folder).parts)):
                yield around
    yield folder


def is_skipped(name: str) -> bool:
    """Whether a folder of this name is left out."""
    return name in SKIPPED or name.startswith(".")


def can_be_written(path: str) -> bool:
    """Whether a path can be written down: names of files are bytes on some systems."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def stamp_of(status: os.stat_result) -> Stamp | None:
    """The stamp of a file, unless it is too big."""
    if status.st_size > MAX_FILE_BYTES:
        return None
    return Stamp(status.st_mtime_ns, status.st_size)


def text_of(path: Path) -> str:
    """The text of a file; nothing if it cannot be read or tells others nothing."""
    try:
        with path.open("rb") as file:
            # It may have grown since it was looked at.
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError:
        return ""
    text = data.decode("utf-8", "replace")
    return "" if unfit(text, path) else text
