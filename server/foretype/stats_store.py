"""The file that counts are kept in: SQLite, which several servers write to at once.

Everything here blocks. The file is opened for each reading and writing, so that it can
be deleted at any time.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from foretype.errors import StatsError
from foretype.stats import CountRow, Delta, Rows, TimeRow

SCHEMA_VERSION = 1
# Days are told apart for a year and a month, to compare one with the year before.
KEPT_DAYS = 400
# A writing takes some milliseconds; who holds the file for longer is no server.
BUSY_TIMEOUT_S = 2.0

_TABLES = (
    """
    CREATE TABLE counts (
        period TEXT NOT NULL,
        name TEXT NOT NULL,
        detail TEXT NOT NULL,
        n NUMERIC NOT NULL,
        PRIMARY KEY (period, name, detail)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE times (
        period TEXT NOT NULL,
        what TEXT NOT NULL,
        bucket INTEGER NOT NULL,
        n INTEGER NOT NULL,
        sum_ms REAL NOT NULL,
        PRIMARY KEY (period, what, bucket)
    ) WITHOUT ROWID
    """,
)
_MORE_COUNTS = "ON CONFLICT (period, name, detail) DO UPDATE SET n = n + excluded.n"
_MORE_TIMES = """
    ON CONFLICT (period, what, bucket)
    DO UPDATE SET n = n + excluded.n, sum_ms = sum_ms + excluded.sum_ms
"""
# A month has seven characters, a day ten, and both sort as they should.
_OLD_DAYS = "WHERE length(period) = 10 AND period < ?"
_FOLD = (
    f"""
    INSERT INTO counts
    SELECT substr(period, 1, 7), name, detail, sum(n) FROM counts {_OLD_DAYS}
    GROUP BY 1, 2, 3 {_MORE_COUNTS}
    """,
    f"""
    INSERT INTO times
    SELECT substr(period, 1, 7), what, bucket, sum(n), sum(sum_ms) FROM times
    {_OLD_DAYS} GROUP BY 1, 2, 3 {_MORE_TIMES}
    """,
    f"DELETE FROM counts {_OLD_DAYS}",
    f"DELETE FROM times {_OLD_DAYS}",
)


class Store:
    """The counts in one file. Raises, from whatever reads or writes: StatsError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, delta: Delta) -> None:
        """Adds what is in a delta, of something, to what is there.

        Days of long ago become part of their month.
        """
        counts = [
            (day.isoformat(), name.value, _text(detail), n)
            for (day, name, detail), n in delta.counts.items()
        ]
        times = [
            (day.isoformat(), what, bucket, n, sum_ms)
            for (day, what, bucket), (n, sum_ms) in delta.times.items()
        ]
        last_day = max(key[0] for key in (*delta.counts, *delta.times))
        first_kept = last_day - timedelta(days=KEPT_DAYS)
        with self._errors_told():
            self._create()
            with self._connected() as db:
                # NB: Reading first and writing then would fail where two do it at once.
                db.execute("BEGIN IMMEDIATE")
                if self._version(db) == 0:
                    for table in _TABLES:
                        db.execute(table)
                    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                db.executemany(
                    f"INSERT INTO counts VALUES (?, ?, ?, ?) {_MORE_COUNTS}", counts
                )
                db.executemany(
                    f"INSERT INTO times VALUES (?, ?, ?, ?, ?) {_MORE_TIMES}", times
                )
                for statement in _FOLD:
                    db.execute(statement, (first_kept.isoformat(),))
                db.execute("COMMIT")

    def read(self) -> Rows:
        """All that is there, the oldest first; nothing where there is no file."""
        with self._errors_told():
            if not self.path.exists():
                return Rows()
            with self._connected() as db:
                db.execute("BEGIN")
                if self._version(db) == 0:
                    return Rows()
                # The columns of a row are those of its table, in the same order.
                counts = db.execute("SELECT * FROM counts ORDER BY 1, 2, 3")
                times = db.execute("SELECT * FROM times ORDER BY 1, 2, 3")
                return Rows(
                    [CountRow(*row) for row in counts],
                    [TimeRow(*row) for row in times],
                )

    def _create(self) -> None:
        """Makes an empty file that only its user can read, where there is none."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # NB: A file that is there is not opened: closing it would drop its locks.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        # Closing undoes what is not committed.
        with contextlib.closing(db):
            yield db

    def _version(self, db: sqlite3.Connection) -> int:
        """The version of the tables; 0 where there are none yet."""
        version: int = db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise StatsError(
                f"{self.path} is of a newer version of Foretype; update this one, or "
                "delete the file to start counting anew"
            )
        return version

    @contextlib.contextmanager
    def _errors_told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StatsError(f"{self.path} {_problem(error)}") from error
        except OSError as error:
            raise StatsError(f"{self.path} {_unusable(error.strerror)}") from error


def _text(name: str) -> str:
    """A name as a file can hold it; editors may send halves of a character."""
    return name.encode("utf-8", "replace").decode()


def _problem(error: sqlite3.Error) -> str:
    # The higher bits say more than is needed here.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "is locked by another program; end that program, or try again"
    # An error of no kind is a table that is missing or another than ours.
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
        return "is damaged; delete it to start counting anew"
    return _unusable(str(error))


def _unusable(why: str | None) -> str:
    return (
        f"cannot be used ({why}); make the file and its folder writable, or set "
        "stats.enabled to false"
    )
