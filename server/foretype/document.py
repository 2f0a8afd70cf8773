"""One open document as a list of lines edited in place, and frozen views of it.

An edit costs what it touches, whatever the size of the file. Only `\\n`, `\\r\\n` and
`\\r` end a line, as the protocol says. Nothing here knows the protocol's positions.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from foretype import edits
from foretype.edits import Edit
from foretype.settings import Settings
from foretype.snippet import Snippet

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")

# The window of a snapshot begins on a line whose number is a multiple of this, so that
# the head of the prompt stays the same while the cursor moves down.
BLOCK_LINES = 32
# A single line longer than what is wanted is cut at a multiple of this.
BLOCK_CHARS = 512


# So much of the text before an anchor's line tells one place from another.
ANCHOR_CHARS = 240
# Of a longer line, so much around the cursor stands for the whole of it.
MAX_LINE_PREFIX_CHARS = 4096
MAX_LINE_SUFFIX_CHARS = 2048


@dataclass(frozen=True, slots=True)
class Anchor:
    """The text right around a cursor: where a completion is made for, and fits."""

    before: str
    """The end of the text before the cursor's line."""
    line_prefix: str
    """The cursor's line up to the cursor."""
    line_suffix: str
    """The cursor's line from the cursor on, without its line end."""
    next_line: str
    """The next line with text in it, without the white space around it."""
    line_after: str
    """The one with text in it after that."""
    line_end: str
    """What ends a line in this document: `\\n`, `\\r\\n` or `\\r`."""
    next_indent: str = ""
    """The white space before `next_line`."""
    start: int = field(default=0, compare=False)
    """Where `line_prefix` begins, in code points from the start of the text."""

    @property
    def offset(self) -> int:
        """The cursor, in code points from the start of the text."""
        return self.start + len(self.line_prefix)

    def after(self, text: str, n_before_chars: int, n_after_chars: int) -> Anchor:
        """What the anchor will be once a text stands in the place of those around it.

        What is replaced is on the cursor's line.
        """
        line = self.line_prefix[: len(self.line_prefix) - n_before_chars] + text
        line_start = max(line.rfind("\n"), line.rfind("\r")) + 1
        return replace(
            self,
            before=(self.before + line[:line_start])[-ANCHOR_CHARS:],
            line_prefix=line[line_start:],
            line_suffix=self.line_suffix[n_after_chars:],
            start=self.start + line_start,
        )


@dataclass(frozen=True, slots=True)
class View:
    """How much of the text around the cursor a snapshot has at most."""

    prefix_chars: int
    suffix_chars: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A frozen view of one document around the cursor."""

    uri: str
    language_id: str
    version: int
    offset: int
    """The cursor, in code points from the start of the text."""
    prefix: str
    """The text before the cursor, from an edge that seldom moves."""
    suffix: str
    """The text after the cursor, up to a line's end where the view ends."""
    head: str
    """The first lines of the text where `prefix` does not reach them, else empty."""
    anchor: Anchor
    settings: Settings
    n_chars: int
    """The length of the whole text."""
    n_typed_chars: int
    """So many before the cursor were typed in a row, up to now."""
    withheld: str
    """Why nothing of the document may be sent, in a few words, if so."""
    deleted: str = ""
    """What was deleted last, right at the cursor, more than a character at once."""
    snippets: tuple[Snippet, ...] = ()
    """Text from elsewhere that the model is told, the best last."""
    indent: str = ""
    """What the editor indents a new document by; empty where it has not said."""

    def after(
        self, text: str, *, n_before_chars: int = 0, n_after_chars: int = 0
    ) -> Snapshot:
        """What the view will be once a text stands in the place of those around it.

        What is replaced is on the cursor's line.
        """
        return replace(
            self,
            offset=self.offset - n_before_chars + len(text),
            prefix=self.prefix[: len(self.prefix) - n_before_chars] + text,
            suffix=self.suffix[n_after_chars:],
            deleted="",
            anchor=self.anchor.after(text, n_before_chars, n_after_chars),
            n_typed_chars=max(self.n_typed_chars - n_before_chars, 0) + len(text),
        )


class Document:
    """The text of one open document.

    Offsets are code points from the start of the text. Finding a line's offset walks
    from the place last used, so it is free where a person types.
    """

    def __init__(
        self, uri: str, language_id: str, version: int, text: str = ""
    ) -> None:
        self.uri = uri
        self.language_id = language_id
        self.version = version
        self._lines = split_lines(text)
        self.n_chars = len(text)
        """The length of the text."""
        self.revision = 0
        """How often it was edited."""
        self.withheld = ""
        """Why nothing of it may be sent, in a few words, if so."""
        self.indent = ""
        """What the editor indents by in it; empty where it has not said."""
        # What was last typed in a row.
        self._typed_start = self._typed_end = -1
        # What was last deleted in a row, and where.
        self._deleted, self._deleted_at = "", -1
        # A line and its offset: where the document was last touched.
        self._known_line = 0
        self._known_offset = 0

    @property
    def n_lines(self) -> int:
        """The number of lines; an empty document has one, as has the text after the
        last line end."""
        return len(self._lines)

    @property
    def text(self) -> str:
        """The whole text, in time proportional to it."""
        return "".join(self._lines)

    @property
    def line_end(self) -> str:
        """What ends the first line, or `\\n` where there is only one."""
        first = self._lines[0]
        return next((end for end in ("\r\n", "\r") if first.endswith(end)), "\n")

    def line(self, line_idx: int) -> str:
        """A line with its line end."""
        return self._lines[line_idx]

    def line_start(self, line_idx: int) -> int:
        """The offset at which a line begins."""
        known, lines = self._known_line, self._lines
        if line_idx >= known:
            self._known_offset += sum(map(len, lines[known:line_idx]))
        else:
            self._known_offset -= sum(map(len, lines[line_idx:known]))
        self._known_line = line_idx
        return self._known_offset

    def locate(self, offset: int) -> tuple[int, int]:
        """The line an offset is in and the code points before it in that line.

        An offset outside the text is moved to its nearer end.
        """
        lines = self._lines
        line_idx, start = self._known_line, self._known_offset
        while line_idx > 0 and offset < start:
            line_idx -= 1
            start -= len(lines[line_idx])
        last_idx = len(lines) - 1
        while line_idx < last_idx and offset >= start + len(lines[line_idx]):
            start += len(lines[line_idx])
            line_idx += 1
        self._known_line, self._known_offset = line_idx, start
        return line_idx, max(0, min(offset - start, len(lines[line_idx])))

    def replace(self, start: int, end: int, text: str) -> Edit:
        """Puts `text` where `[start, end)` was, and returns that as an edit."""
        first_idx, first_column = self.locate(start)
        start = self._known_offset + first_column
        last_idx, last_column = self.locate(max(start, end))
        removed = _between(self._lines, first_idx, first_column, last_idx, last_column)
        self.n_chars += len(text) - len(removed)
        self.revision += 1
        if start + len(removed) != self._typed_end or start < self._typed_start:
            self._typed_start = start
        self._typed_end = start + len(text)
        self._note_deletion(start, removed, text)
        head = self._lines[first_idx][:first_column]
        touched = head + text + self._lines[last_idx][last_column:]
        meets_another = head[-1:] == "\r" or touched[:1] == "\n"
        if not (_has_line_end(text) or _has_line_end(removed) or meets_another):
            # Nearly every key: a line is still that line, however long it is.
            self._lines[first_idx] = touched
            return Edit(start, removed, text)
        # A lone \r before the edit and a \n that it moved there are one line end now.
        if (
            first_idx > 0
            and touched[:1] == "\n"
            and self._lines[first_idx - 1][-1] == "\r"
        ):
            first_idx -= 1
            touched = self._lines[first_idx] + touched
        self.line_start(first_idx)
        lines = split_lines(touched)
        if last_idx + 1 < len(self._lines) and lines[-1] == "":
            # What follows is the line after the last line end.
            lines.pop()
        self._lines[first_idx : last_idx + 1] = lines
        return Edit(start, removed, text)

    def replace_all(self, text: str) -> Edit:
        """Makes `text` the whole text, and returns the smallest edit that does so."""
        edit = edits.between(self.text, text)
        self._lines = split_lines(text)
        self.n_chars = len(text)
        self.revision += 1
        self._typed_start = self._typed_end = -1
        self._note_deletion(edit.start, edit.removed, edit.inserted)
        self._known_line = self._known_offset = 0
        return edit

    def snapshot(
        self,
        offset: int,
        settings: Settings,
        view: View,
        snippets: tuple[Snippet, ...] = (),
    ) -> Snapshot:
        """The text around an offset, frozen, for a request with these settings."""
        line_idx, column = self.locate(offset)
        offset = self._known_offset + column
        prefix = self._prefix(line_idx, column, view.prefix_chars)
        n_before_chars = offset - len(prefix)
        is_typed = offset == self._typed_end
        return Snapshot(
            uri=self.uri,
            language_id=self.language_id,
            version=self.version,
            offset=offset,
            prefix=prefix,
            suffix=self._suffix(line_idx, column, view.suffix_chars),
            head=self._head(min(view.prefix_chars // 8, n_before_chars)),
            anchor=self.anchor(offset),
            settings=settings,
            n_chars=self.n_chars,
            n_typed_chars=offset - self._typed_start if is_typed else 0,
            withheld=self.withheld,
            deleted=self._deleted if offset == self._deleted_at else "",
            snippets=snippets,
            indent=self.indent,
        )

    def between(self, start: int, end: int) -> str:
        """The text of `[start, end)`."""
        first_idx, first_column = self.locate(start)
        last_idx, last_column = self.locate(max(start, end))
        return _between(self._lines, first_idx, first_column, last_idx, last_column)

    def anchor(self, offset: int) -> Anchor:
        """The text right around an offset."""
        line_idx, column = self.locate(offset)
        line = self._lines[line_idx]
        before: list[str] = []
        n_chars, above_idx = 0, line_idx
        while above_idx > 0 and n_chars < ANCHOR_CHARS:
            above_idx -= 1
            before.append(self._lines[above_idx])
            n_chars += len(before[-1])
        # Cut at an edge that seldom moves, so that a key does not change all of it.
        n_over = max(0, column - MAX_LINE_PREFIX_CHARS)
        line_prefix = line[-(-n_over // BLOCK_CHARS) * BLOCK_CHARS : column]
        next_line, line_after = self._next_lines(line_idx)
        next_content = next_line.strip()
        return Anchor(
            before="".join(reversed(before))[-ANCHOR_CHARS:],
            line_prefix=line_prefix,
            line_suffix=line[column : column + MAX_LINE_SUFFIX_CHARS].rstrip("\r\n"),
            next_line=next_content,
            line_after=line_after.strip(),
            line_end=self.line_end,
            next_indent=next_line[: next_line.find(next_content[:1])],
            start=self._known_offset + column - len(line_prefix),
        )

    def _note_deletion(self, start: int, removed: str, inserted: str) -> None:
        """Takes in that a text was deleted, with one more word before or behind it.

        Who takes back one character after the other is on the way somewhere.
        """
        if inserted or (len(removed) < 2 and not self._deleted):
            self._deleted, self._deleted_at = "", -1
        elif start + len(removed) == self._deleted_at:
            self._deleted, self._deleted_at = removed + self._deleted, start
        elif start == self._deleted_at:
            self._deleted += removed
        else:
            is_word = len(removed) > 1
            self._deleted, self._deleted_at = removed if is_word else "", start

    def _head(self, most_chars: int) -> str:
        n_chars, end_idx = 0, 0
        last_idx = len(self._lines) - 1
        while end_idx < last_idx and n_chars + len(self._lines[end_idx]) <= most_chars:
            n_chars += len(self._lines[end_idx])
            end_idx += 1
        return "".join(self._lines[:end_idx])

    def _next_lines(self, line_idx: int) -> tuple[str, str]:
        """The next two lines with text in them, as far as they are near."""
        near = self._lines[line_idx + 1 : line_idx + 1 + BLOCK_LINES]
        found = (line for line in near if not line.isspace() and line)
        return next(found, ""), next(found, "")

    def _prefix(self, line_idx: int, column: int, most_chars: int) -> str:
        """The text before a place from the edge of a block of lines on."""
        current = self._lines[line_idx][:column]
        if len(current) > most_chars:
            block_chars = max(1, min(BLOCK_CHARS, most_chars // 2))
            cut = -(-(len(current) - most_chars) // block_chars) * block_chars
            return current[cut:]
        # NB: A loop of Python's over some hundred lines would be most of a key's time.
        n_above, n_chars = 0, len(current)
        while n_above < line_idx:
            end = line_idx - n_above
            upwards = reversed(self._lines[max(0, end - 8 * BLOCK_LINES) : end])
            sums = [*accumulate(map(len, upwards), initial=n_chars)]
            n_fitting = bisect_right(sums, most_chars) - 1
            n_above, n_chars = n_above + n_fitting, sums[-1]
            if n_chars > most_chars:
                break
        first_idx = line_idx - n_above
        edge_idx = -(-first_idx // BLOCK_LINES) * BLOCK_LINES
        if edge_idx >= line_idx:
            # Not one edge of a block is within reach.
            edge_idx = first_idx
        return "".join(self._lines[edge_idx:line_idx]) + current

    def _suffix(self, line_idx: int, column: int, most_chars: int) -> str:
        """The rest of the line and as many whole lines after it as there is room for.

        Of a rest longer than the room the beginning is kept.
        """
        rest = self._lines[line_idx][column:]
        if len(rest) > most_chars:
            return rest[:most_chars]
        n_chars, end_idx = len(rest), line_idx + 1
        while (
            end_idx < len(self._lines)
            and n_chars + len(self._lines[end_idx]) <= most_chars
        ):
            n_chars += len(self._lines[end_idx])
            end_idx += 1
        return rest + "".join(self._lines[line_idx + 1 : end_idx])


def _has_line_end(text: str) -> bool:
    return "\n" in text or "\r" in text


def split_lines(text: str) -> list[str]:
    """The lines with their ends; the last one has no end and may be empty."""
    lines: list[str] = _LINE.findall(text)
    if not lines or lines[-1][-1] in "\r\n":
        lines.append("")
    return lines


def _between(
    lines: Sequence[str],
    first_idx: int,
    first_column: int,
    last_idx: int,
    last_column: int,
) -> str:
    if first_idx == last_idx:
        return lines[first_idx][first_column:last_column]
    return "".join(
        (
            lines[first_idx][first_column:],
            *lines[first_idx + 1 : last_idx],
            lines[last_idx][:last_column],
        )
    )
