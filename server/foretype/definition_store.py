"""Definitions by name, in a SQLite database: in memory, or in a file of the cache.

Compact: a definition of two short lines takes 130 bytes in memory, where an object of
Python's takes 390. Everything here blocks, in memory for microseconds.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from foretype.definitions import MAX_DEFINITIONS, Definition, Kind, family_of

# Databases of another version are deleted: raised with the tables, and with what
# `definitions` makes of a file.
SCHEMA_VERSION = 1
# Another server with the same workspace holds the file for milliseconds.
BUSY_TIMEOUT_S = 10.0
# So many definitions of one name are compared with each other.
MAX_ALIKE = 32
# So many files of a folder are looked through for a name that is common elsewhere.
MAX_NEIGHBOURS = 100
# Of one name, as others should have room.
MAX_OF_NAME = 2

# The ids of a file's definitions are in the block that begins at its own id times this.
_BLOCK = 512
assert _BLOCK > MAX_DEFINITIONS

_TABLES = (
    "CREATE TABLE folders (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE)",
    # A file that is put again gets a new id, so the lowest was put the longest ago.
    """
    CREATE TABLE files (
        id INTEGER PRIMARY KEY,
        folder INTEGER NOT NULL,
        name TEXT NOT NULL,
        family TEXT NOT NULL,
        mtime_ns INTEGER NOT NULL,
        n_bytes INTEGER NOT NULL,
        UNIQUE (folder, name)
    )
    """,
    """
    CREATE TABLE definitions (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        line_idx INTEGER NOT NULL,
        text TEXT NOT NULL
    )
    """,
    "CREATE INDEX definition_name ON definitions (name)",
)
_WITH_FILES = f"""
    SELECT folders.path, files.name, named.kind, named.line_idx, named.text
    FROM named JOIN files ON files.id = named.id / {_BLOCK}
    JOIN folders ON folders.id = files.folder
    WHERE files.family = ?
"""
_NAMED = f"""
    WITH named AS (SELECT * FROM definitions WHERE name = ? LIMIT {MAX_ALIKE})
    {_WITH_FILES}
"""
_NAMED_IN_FOLDER = f"""
    WITH near AS (
        SELECT files.id * {_BLOCK} AS first FROM folders
        JOIN files ON files.folder = folders.id
        WHERE folders.path = ? LIMIT {MAX_NEIGHBOURS}
    ), named AS (
        SELECT definitions.* FROM near CROSS JOIN definitions
        WHERE definitions.name = ?
        AND definitions.id BETWEEN near.first AND near.first + {_BLOCK - 1}
    )
    {_WITH_FILES}
"""
_OF_FILE = f"id BETWEEN ? * {_BLOCK} AND ? * {_BLOCK} + {_BLOCK - 1}"


# Folder, file, kind, line and text.
_Row = tuple[str, str, str, int, str]
# The reasons for a definition, less than 0, how many files have its name, and when it
# is named.
_Rank = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Stamp:
    """By what a file is seen to be another than it was."""

    mtime_ns: int
    n_bytes: int


_NO_STAMP = Stamp(0, 0)


@dataclass(frozen=True, slots=True)
class Found:
    """A definition and the file it is in."""

    path: Path
    definition: Definition


class DefinitionStore:
    """The definitions of many files. Raises, from anything with a path: sqlite3.Error.

    Each change is a transaction, unless it is inside one.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._db = sqlite3.connect(
            path or ":memory:", timeout=BUSY_TIMEOUT_S, isolation_level=None
        )
        # Who has an index need not close it.
        self._closing = weakref.finalize(self, self._db.close)
        self._prepare(is_file=path is not None)
        (self._page_bytes,) = self._db.execute("PRAGMA page_size").fetchone()

    def close(self) -> None:
        """Lets go of the database."""
        self._closing()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """What is done inside is done as a whole, or not at all."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def put(
        self, path: PurePath, found: Sequence[Definition], stamp: Stamp = _NO_STAMP
    ) -> None:
        """Takes in what a file defines, in the place of what it did."""
        self.remove(path)
        folder = str(path.parent)
        self._db.execute("INSERT OR IGNORE INTO folders (path) VALUES (?)", (folder,))
        file_id = self._db.execute(
            """
            INSERT INTO files (folder, name, family, mtime_ns, n_bytes)
            SELECT id, ?, ?, ?, ? FROM folders WHERE path = ?
            """,
            (
                path.name,
                family_of(path) or "",
                stamp.mtime_ns,
                stamp.n_bytes,
                folder,
            ),
        ).lastrowid
        assert file_id is not None
        first = file_id * _BLOCK
        self._db.executemany(
            "INSERT INTO definitions VALUES (?, ?, ?, ?, ?)",
            [
                (first + idx, d.name, d.kind.value, d.line_idx, d.text)
                for idx, d in enumerate(found)
            ],
        )

    def remove(self, path: PurePath) -> bool:
        """Drops what a file defines; whether there was such a file."""
        file_id = self._file_id(path)
        if file_id is not None:
            self._remove(file_id)
        return file_id is not None

    def files_below(self, folder: PurePath) -> list[Path]:
        """The files in a folder and in those inside it."""
        # What begins with the path and a separator sorts before the path and the
        # character after that, and so the index finds it.
        rows = self._db.execute(
            """
            SELECT folders.path, files.name FROM folders
            JOIN files ON files.folder = folders.id
            WHERE folders.path = ? OR (folders.path > ? AND folders.path < ?)
            """,
            (str(folder), f"{folder}{os.sep}", f"{folder}{chr(ord(os.sep) + 1)}"),
        )
        return [Path(folder_path, name) for folder_path, name in rows]

    def stamps(self, folder: PurePath) -> dict[str, Stamp]:
        """The stamps of the files in a folder, by name."""
        rows = self._db.execute(
            """
            SELECT files.name, mtime_ns, n_bytes FROM files
            JOIN folders ON folders.id = files.folder WHERE folders.path = ?
            """,
            (str(folder),),
        )
        return {name: Stamp(mtime_ns, n_bytes) for name, mtime_ns, n_bytes in rows}

    def folders(self) -> list[str]:
        """The folders that have files."""
        rows = self._db.execute(
            "SELECT path FROM folders WHERE id IN (SELECT folder FROM files)"
        )
        return [path for (path,) in rows]

    def definitions(self, path: PurePath) -> list[Definition]:
        """What a file defines."""
        file_id = self._file_id(path)
        if file_id is None:
            return []
        rows = self._db.execute(
            f"SELECT name, kind, text, line_idx FROM definitions WHERE {_OF_FILE}",
            (file_id, file_id),
        )
        return [
            Definition(name, Kind(kind), text, line_idx)
            for name, kind, text, line_idx in rows
        ]

    def lookup(self, names: Sequence[str], near: PurePath, most: int) -> list[Found]:
        """Definitions of names elsewhere, of use in a file, the best first.

        Best is what is in the same folder, or in a file or folder that is named,
        then what has few others of its name, then what is named first.
        """
        family = family_of(near)
        if family is None:
            return []
        folder, spoken = str(near.parent), set(names)
        ranked: list[tuple[_Rank, _Row]] = []
        for name_idx, name in enumerate(names):
            rows: list[_Row] = self._db.execute(_NAMED, (name, family)).fetchall()
            if len(rows) == MAX_ALIKE:
                rows += self._db.execute(_NAMED_IN_FOLDER, (folder, name, family))
                rows = list(dict.fromkeys(rows))
            rows = [row for row in rows if row[:2] != (folder, near.name)]
            n_files = len({row[:2] for row in rows})
            of_name = []
            for row in rows:
                # A module is a file, a package is a folder.
                stem = row[1].partition(".")[0]
                is_named = stem in spoken or os.path.basename(row[0]) in spoken
                n_reasons = (row[0] == folder) + is_named
                of_name.append(((-n_reasons, n_files, name_idx), row))
            of_name.sort(key=_rank)
            ranked += of_name[:MAX_OF_NAME]
        ranked.sort(key=_rank)
        return [
            Found(Path(path, file), Definition(names[name_idx], Kind(kind), text, line))
            for (_, _, name_idx), (path, file, kind, line, text) in ranked[:most]
        ]

    @property
    def n_bytes(self) -> int:
        """What the database takes, of memory or of the disk."""
        (n_pages,) = self._db.execute("PRAGMA page_count").fetchone()
        (n_free,) = self._db.execute("PRAGMA freelist_count").fetchone()
        n_used: int = (n_pages - n_free) * self._page_bytes
        return n_used

    def remove_oldest(self, n_files: int) -> int:
        """Drops the files that were put the longest ago; how many there were."""
        rows = self._db.execute("SELECT id FROM files ORDER BY id LIMIT ?", (n_files,))
        oldest = [file_id for (file_id,) in rows]
        for file_id in oldest:
            self._remove(file_id)
        return len(oldest)

    def _file_id(self, path: PurePath) -> int | None:
        row = self._db.execute(
            """
            SELECT id FROM files WHERE name = ?
            AND folder = (SELECT id FROM folders WHERE path = ?)
            """,
            (path.name, str(path.parent)),
        ).fetchone()
        return row and int(row[0])

    def _remove(self, file_id: int) -> None:
        self._db.execute(f"DELETE FROM definitions WHERE {_OF_FILE}", (file_id,) * 2)
        self._db.execute("DELETE FROM files WHERE id = ?", (file_id,))

    def _prepare(self, *, is_file: bool) -> None:
        """Makes the tables, where there are none of this version."""
        if is_file:
            # What is lost when the machine stops is read again from the workspace.
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
        if self._version() == SCHEMA_VERSION:
            return
        with self.transaction():
            # Another server may have been quicker.
            if self._version() == SCHEMA_VERSION:
                return
            for name in ("folders", "files", "definitions"):
                self._db.execute(f"DROP TABLE IF EXISTS {name}")
            for statement in _TABLES:
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _version(self) -> int:
        version: int = self._db.execute("PRAGMA user_version").fetchone()[0]
        return version


def _rank(ranked: tuple[_Rank, _Row]) -> _Rank:
    return ranked[0]
