"""The file that goes with another: a source with its test, a header with its code."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

# What a test's name has around that of its source, before the extension.
_TEST_NAMES = (
    ("test_", ""),
    ("", "_test"),
    ("", "_tests"),
    ("", ".test"),
    ("", ".spec"),
    ("", "_spec"),
    ("", "Test"),
    ("", "Tests"),
    ("", "Spec"),
)
_TEST_FOLDERS = ("tests", "test", "__tests__", "spec")
_HEADERS = (".h", ".hh", ".hpp", ".hxx")
_CODE = (".c", ".cc", ".cpp", ".cxx", ".m", ".mm")
# So many folders of a workspace are looked into for one file.
MAX_FOLDERS = 400

_SKIPPED = re.compile(r"\.|node_modules$|__pycache__$|venv$")


def find(path: Path, root: Path | None) -> Path | None:
    """The counterpart of a file, if it has one in its folder or in its workspace.

    Reads folders, and so must not be called while a request waits.
    """
    names = names_of(path)
    for folder in _near(path):
        for name in names:
            if (folder / name).is_file():
                return folder / name
    if root is None:
        return None
    wanted = set(names)
    for folder in itertools.islice(_folders(root), MAX_FOLDERS):
        found = wanted.intersection(_files(folder))
        if found:
            return folder / min(found, key=names.index)
    return None


def names_of(path: Path) -> list[str]:
    """What the counterpart of a file may be called, the likeliest first."""
    stem, extension = path.stem, path.suffix
    if extension.lower() in _HEADERS:
        return [stem + other for other in _CODE]
    headers = _HEADERS if extension.lower() in _CODE else ()
    for before, after in _TEST_NAMES:
        source = stem.removeprefix(before).removesuffix(after)
        if before + source + after == stem and source:
            return [source + extension]
    tests = [before + stem + after + extension for before, after in _TEST_NAMES]
    return [*(stem + other for other in headers), *tests]


def _near(path: Path) -> Iterator[Path]:
    """Where a counterpart stands mostly."""
    folder = path.parent
    yield folder
    yield folder.parent
    for around in (folder, folder.parent):
        for name in (*_TEST_FOLDERS, "src", "lib", "include"):
            yield around / name
    # Maven's and Gradle's, which mirror each other.
    parts = folder.parts
    for here, there in (("main", "test"), ("test", "main")):
        if here in parts:
            at = parts.index(here)
            yield Path(*parts[:at], there, *parts[at + 1 :])


def _folders(root: Path) -> Iterator[Path]:
    """The folders of a workspace, those near its top first."""
    level = [root]
    while level:
        yield from level
        level = [
            Path(entry.path)
            for folder in level
            for entry in _entries(folder)
            if entry.is_dir(follow_symlinks=False) and not _SKIPPED.match(entry.name)
        ]


def _files(folder: Path) -> list[str]:
    return [entry.name for entry in _entries(folder) if entry.is_file()]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
