"""Windows of other texts, found by the words in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from foretype.document import split_lines
from foretype.errors import ForetypeError

# A window ends at a gap once it has so many lines, or without one.
MIN_WINDOW_LINES = 8
MAX_WINDOW_LINES = 24
# Of a longer text only the beginning is looked through.
MAX_TEXT_CHARS = 200_000
# So many words make a question: those nearest to the cursor.
MAX_QUESTION_WORDS = 32
MIN_WORD_CHARS = 3

_NAME = re.compile(r"[^\W\d]\w*")
# The words in a name: `maxTokens_block` has three.
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+")


@dataclass(frozen=True, slots=True)
class Window:
    """Some lines of a text."""

    key: str
    """The text they are from, as whoever put it calls it."""
    text: str


class Windows:
    """The windows of some texts, in a full-text index of SQLite in memory.

    BM25 ranks them. May be used in any thread, by one at a time.
    Raises, when it is made: ForetypeError, where SQLite has no full-text index.
    """

    def __init__(self) -> None:
        # Imported here, as the start of the server must not wait for SQLite.
        import sqlite3

        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        try:
            self._db.execute(
                "CREATE VIRTUAL TABLE windows USING fts5("
                "words, key UNINDEXED, text UNINDEXED)"
            )
        except sqlite3.OperationalError as error:
            raise ForetypeError(
                f"context.similar and context.counterpart need another SQLite: {error}"
            ) from error
        self._rows: dict[str, list[int]] = {}

    def put(self, key: str, text: str) -> None:
        """Takes in a text, in the place of what it was."""
        self.remove(key)
        self._rows[key] = rows = []
        for window in cut(text[:MAX_TEXT_CHARS]):
            words = " ".join(words_of(window))
            if not words:
                continue
            put = self._db.execute(
                "INSERT INTO windows VALUES (?, ?, ?)", (words, key, window)
            )
            assert put.lastrowid is not None
            rows.append(put.lastrowid)

    def remove(self, key: str) -> None:
        """Drops a text."""
        rows = [(row,) for row in self._rows.pop(key, ())]
        self._db.executemany("DELETE FROM windows WHERE rowid = ?", rows)

    def find(self, question: str, *, most: int, key: str | None = None) -> list[Window]:
        """The windows most like the end of a text, the best first; of one text only
        where there is a key."""
        words = list(dict.fromkeys(reversed(words_of(question))))[:MAX_QUESTION_WORDS]
        if not words:
            return []
        # NB: In double quotes nothing is an operator of the query language.
        match = " OR ".join(f'"{word}"' for word in words)
        rows = self._db.execute(
            "SELECT key, text FROM windows WHERE windows MATCH ?1"
            " AND (?2 IS NULL OR key = ?2) ORDER BY rank LIMIT ?3",
            (match, key, most),
        )
        return [Window(key, text) for key, text in rows]

    @property
    def keys(self) -> set[str]:
        """Those of the texts that are in it."""
        return set(self._rows)


def words_of(text: str) -> list[str]:
    """The names in a text and the words they are made of, in lower case."""
    words = []
    for name in _NAME.findall(text):
        parts = _PART.findall(name)
        words += [p.lower() for p in parts if len(p) >= MIN_WORD_CHARS]
        if len(parts) > 1:
            words.append(name.lower().replace("_", ""))
    return words


def cut(text: str) -> Iterator[str]:
    """The windows of a text, which end at gaps where there are some."""
    window: list[str] = []
    for line in split_lines(text):
        is_gap = not line.strip()
        if window and (
            len(window) >= MAX_WINDOW_LINES
            or (is_gap and len(window) >= MIN_WINDOW_LINES)
        ):
            yield "".join(window).rstrip()
            window = []
        if window or not is_gap:
            window.append(line)
    if window:
        yield "".join(window).rstrip()
