"""Where a model goes round in circles: small ones do, wherever they know no way on."""

from __future__ import annotations

import re
from collections.abc import Sequence

# A word or a part of one again and again.
_CIRCLES = re.compile(r"(\w{1,8}?)\1{9,}")
CIRCLE_CHARS = 24
# Within a line, a piece of so many characters that stands there three times in a row;
# shorter ones are in tables of numbers as well.
MIN_PIECE_CHARS, MAX_PIECE_CHARS = 8, 48
# A line that stands there this often in a row.
N_SAME_LINES = 3
# Several lines that come again as they are; of fewer letters they close brackets.
MAX_ROUND_LINES = 8
MIN_ROUND_LETTERS = 8
# Lines that differ in their numbers alone may be meant: so many are kept of more.
N_SERIES_LINES = 3
N_LONG_SERIES_LINES = 5

_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]{3}")


def may_circle(text: str) -> bool:
    """Whether the end of a text has so few different characters that it may repeat."""
    return len(set(text[-CIRCLE_CHARS:])) <= CIRCLE_CHARS // 3


def before_circles(text: str) -> str | None:
    """The text up to where a word repeats; None where none does."""
    found = _CIRCLES.search(text)
    return text[: found.start()] if found else None


def before_pieces(text: str) -> str | None:
    """The text less the repetitions of a piece of a line that it ends with.

    None where it ends with none.
    """
    # A piece that repeats ends with what it ended with before.
    end = text[-MIN_PIECE_CHARS:]
    n_chars = len(text) - len(end) - text.rfind(end, 0, len(text) - 1)
    piece = text[-n_chars:]
    if (
        not MIN_PIECE_CHARS <= n_chars <= MAX_PIECE_CHARS
        or not text.endswith(piece * 3)
        or "\n" in piece
        or not _WORD.search(piece)
    ):
        return None
    while text.endswith(piece * 2):
        text = text[:-n_chars]
    return text


def n_kept_lines(lines: Sequence[str]) -> int | None:
    """How many of some lines with text are kept where the last ones are a repetition.

    None where they are none.
    """
    same = lines[-N_SAME_LINES:]
    if len(same) == N_SAME_LINES and len(set(same)) == 1:
        return len(lines) - N_SAME_LINES + 1
    for n_lines in range(2, min(MAX_ROUND_LINES, len(lines) // 2) + 1):
        last = lines[-n_lines:]
        letters = sum(char.isalpha() for line in last for char in line)
        if letters >= MIN_ROUND_LETTERS and lines[-2 * n_lines : -n_lines] == last:
            return len(lines) - n_lines
    series = [_NUMBER.sub("0", line) for line in lines[-N_LONG_SERIES_LINES:]]
    if len(series) == N_LONG_SERIES_LINES and len(set(series)) == 1:
        return len(lines) - N_LONG_SERIES_LINES + N_SERIES_LINES
    return None
