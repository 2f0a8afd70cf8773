"""Where a completion ends: when to stop reading a stream, and what to keep of it."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from foretype.document import Anchor, split_lines

CLOSERS = ")]}"
_QUOTES = "\"'`"
_PAIRS = {")": "(", "]": "[", "}": "{"}
_CLOSING_PUNCTUATION = re.compile(r"[\s)\]}>\"'`;,:]*")
# What ends a line that opens a block, in the languages that have blocks.
_OPENS_BLOCK = re.compile(r"([:{(\[]|=>|->|\b(do|then|else|begin|try))$")
# A word or a part of one again and again is a model going round in circles.
_CIRCLES = re.compile(r"(\w{1,8}?)\1{9,}")
CIRCLE_CHARS = 24
_FIRST_LINE_WITH_TEXT = re.compile(r"\s*\S[^\r\n]*")

# A completion longer than this is more than a person reads before the next key.
MAX_BLOCK_LINES = 24
# A line that stands there this often in a row is a model going round in circles.
MAX_REPEATED_LINES = 2
# A shorter overlap with what follows the cursor is chance: `+ 1` ends in `1`.
MIN_OVERLAP_CHARS = 3


class Shape(enum.Enum):
    """How much is wanted at a place."""

    LINE = "line"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Cut:
    """What is kept of a text so far."""

    text: str
    is_enough: bool
    """Whether nothing that may still arrive would be kept."""


def shape(anchor: Anchor, *, is_invoked: bool) -> Shape:
    """What the place asks for.

    A block where the cursor's line or the one before an empty line has just opened
    one, on an empty line of a body, and when a person asked by hand.
    """
    if anchor.line_suffix.strip():
        return Shape.LINE
    if is_invoked:
        return Shape.BLOCK
    line_prefix = anchor.line_prefix
    if line_prefix.strip():
        opens = _OPENS_BLOCK.search(line_prefix.rstrip())
        return Shape.BLOCK if opens else Shape.LINE
    if line_prefix:
        return Shape.BLOCK
    opens = _OPENS_BLOCK.search(anchor.before.rstrip())
    return Shape.BLOCK if opens else Shape.LINE


def is_closing_punctuation(text: str) -> bool:
    """Whether a rest of a line only closes what stands before it."""
    return _CLOSING_PUNCTUATION.fullmatch(text) is not None


def may_circle(text: str) -> bool:
    """Whether the end of a text has so few different characters that it may repeat."""
    return len(set(text[-CIRCLE_CHARS:])) <= CIRCLE_CHARS // 3


def cut(
    anchor: Anchor,
    text: str,
    shape: Shape,
    *,
    is_final: bool,
    is_whole: bool = True,
) -> Cut:
    """The part of a text that belongs at the cursor.

    `is_final` says that nothing more will arrive, `is_whole` that the model ended the
    text by itself.
    """
    if is_final or may_circle(text):
        circles = _CIRCLES.search(text)
        if circles:
            text, is_final = text[: circles.start()], True
    if shape is Shape.LINE:
        kept = _cut_line(anchor, text, is_final)
    else:
        kept = _cut_block(anchor, text, is_final, is_whole)
    stripped = kept.text.rstrip()
    return Cut(stripped, kept.is_enough or is_final)


def _cut_line(anchor: Anchor, text: str, is_final: bool) -> Cut:
    """The rest of the line, or the next one with text where the line is complete."""
    found = _FIRST_LINE_WITH_TEXT.match(text)
    if not found:
        # White space so far: with text after the cursor, a new line ends it.
        is_over = bool(anchor.line_suffix.strip()) and "\n" in text
        return Cut("", is_over)
    line = found.group()
    is_complete = found.end() < len(text)
    blank = line[: len(line) - len(line.lstrip())]
    if anchor.line_suffix.strip():
        if "\n" in blank or "\r" in blank:
            return Cut("", True)
        rest = anchor.line_suffix.strip()
        end = _overlap_start(line, rest)
        # What ends like the rest so far may go on otherwise; what closes too much not.
        is_over = end < len(line) and is_closing_punctuation(rest)
        return Cut(line[:end], is_complete or is_over)
    if ("\n" in blank or "\r" in blank) and line.strip() == anchor.next_line:
        return Cut("", is_complete or is_final)
    return Cut(line, is_complete)


def _cut_block(anchor: Anchor, text: str, is_final: bool, is_whole: bool) -> Cut:
    """The block the cursor stands in or has just opened.

    It ends before a line that is indented less, behind the line that closes it, and
    where the text after the cursor begins.
    """
    line_prefix = anchor.line_prefix
    opens_here = bool(line_prefix.strip())
    indent = _indent_columns(line_prefix)
    # Lines at least this deep belong to the block.
    least = indent + 1 if opens_here else indent
    next_line = anchor.next_line
    kept: list[str] = []
    n_repeated, n_blank = 0, 0
    has_text = False
    last = ""
    for line_idx, line in enumerate(split_lines(text)):
        is_complete = line.endswith(("\n", "\r"))
        content = line.strip()
        if line_idx == 0 and content and opens_here:
            kept.append(line)
            has_text = True
            continue
        if not content:
            if not is_complete:
                # White space so far.
                break
            n_blank += 1
            if n_blank > (1 if has_text else 2) or (least == 0 and last):
                # A gap at the top level ends a paragraph or a definition.
                return Cut("".join(kept), True)
            kept.append(line)
            continue
        n_blank = 0
        depth = _indent_columns(line)
        if line_idx == 0:
            depth += indent
        is_decided = is_complete or is_final
        if is_decided and content == next_line and len(content) > 1:
            return Cut("".join(kept), True)
        if depth < least:
            if content[0] in CLOSERS and opens_here and depth == indent:
                if content == next_line:
                    return Cut("".join(kept), is_decided)
                return Cut("".join([*kept, line]), is_complete)
            return Cut("".join(kept), True)
        n_repeated = n_repeated + 1 if content == last else 0
        if n_repeated >= MAX_REPEATED_LINES and is_decided:
            return Cut("".join(kept[:-n_repeated]), True)
        last = content
        if is_final and not is_complete and not is_whole and len(kept) > 1:
            # The budget ran out within this line.
            break
        kept.append(line)
        has_text = True
        if len(kept) >= MAX_BLOCK_LINES and is_complete:
            return Cut("".join(kept), True)
    return Cut("".join(kept), False)


def _overlap_start(line: str, rest: str) -> int:
    """Where in a generated line the text begins that follows the cursor already."""
    if is_closing_punctuation(rest):
        return _unmatched(line, rest[0])
    for start in range(max(0, len(line) - len(rest)), len(line)):
        overlap = line[start:]
        if len(overlap) < min(MIN_OVERLAP_CHARS, len(rest)):
            break
        if rest.startswith(overlap):
            return start
    return len(line)


def _unmatched(line: str, closer: str) -> int:
    """Where a line closes, by `closer`, something it did not open; else its end."""
    opened: list[str] = []
    for at, char in enumerate(line):
        if char == closer and (char in _QUOTES or not opened):
            return at
        if char in _PAIRS.values():
            opened.append(char)
        elif char in _PAIRS and opened and opened[-1] == _PAIRS[char]:
            opened.pop()
    return len(line)


def _indent_columns(line: str, tab_columns: int = 4) -> int:
    """How deep a line is indented."""
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    return len(indent.expandtabs(tab_columns))
