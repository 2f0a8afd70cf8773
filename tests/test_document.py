"""The mirror of an open document says what the editor's own copy says.

Every edit goes in as the protocol has it, and is checked against a reference that is
written straight from the protocol: one string, walked character by character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import example, given
from lsprotocol import types
from lsprotocol.types import PositionEncodingKind as Encoding

import markers
from foretype import document, lsp
from foretype.document import Anchor, Document, View
from foretype.edits import Edit
from foretype.settings import Settings

# As much as a request has of most files.
VIEW = View(6_000, 2_000)

ENCODINGS = (Encoding.Utf8, Encoding.Utf16, Encoding.Utf32)
LINE_ENDS = {
    "lf": ["\n"],
    "crlf": ["\r\n"],
    "cr": ["\r"],
    "mixed": ["\n", "\r\n", "\r"],
}
# None of these ends a line, whatever `str.splitlines` thinks.
NO_LINE_ENDS = ["\u2028", "\u2029", "\x85", "\v", "\f", "\x1c"]
CHARACTERS = [
    *"ab \t{}",
    "é",
    "e\u0301",
    "語",
    "\U0001f642",
    "\U0001f469\u200d\U0001f4bb",
    "\U00020000",
    *NO_LINE_ENDS,
]


# The reference


@dataclass(frozen=True)
class Change:
    """What an editor sends: a range in its own units, or nothing for the whole text."""

    range: tuple[tuple[int, int], tuple[int, int]] | None
    text: str


def lines_of(text: str) -> list[str]:
    """Each line with its end, as the protocol counts lines."""
    whole = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)", text)
    return [*whole, text[len("".join(whole)) :]]


def offset_of(text: str, line: int, character: int, encoding: Encoding) -> int:
    """Where a position is: the protocol's text, walked a character at a time."""
    at = 0
    for _ in range(line):
        while at < len(text) and text[at] not in "\r\n":
            at += 1
        if at == len(text):
            return at
        at += 2 if text[at : at + 2] == "\r\n" else 1
    n_units = 0
    while at < len(text) and text[at] not in "\r\n":
        n_units += width(text[at], encoding)
        if n_units > character:
            break
        at += 1
    return at


def width(char: str, encoding: Encoding) -> int:
    if encoding is Encoding.Utf8:
        return len(char.encode())
    return 2 if encoding is Encoding.Utf16 and ord(char) > 0xFFFF else 1


# What is checked


def check_edits(
    text: str, changes: Sequence[Change], encoding: Encoding, looks: Sequence[int]
) -> None:
    """The mirror and the reference agree after every change.

    `looks` are places that are looked up between changes, since the mirror remembers
    where it was last.
    """
    mirror = Document("file:///a.py", "python", 1, text)
    for change, look in zip(changes, looks, strict=False):
        before, text = text, changed(text, change, encoding)
        edit = lsp.apply(mirror, as_sent(change), encoding)
        assert mirror.text == text
        assert mirror.n_chars == len(text)
        check_returned(edit, before, text, change, encoding)
        check_places(mirror, text, encoding)
        mirror.locate(look % (len(text) + 1))


def check_returned(
    edit: Edit, before: str, after: str, change: Change, encoding: Encoding
) -> None:
    if change.range is not None:
        start, end = (offset_of(before, *place, encoding) for place in change.range)
        assert edit == Edit(start, before[start:end], change.text)
        return
    rest = before[edit.start :]
    assert rest.startswith(edit.removed)
    rest = rest.removeprefix(edit.removed)
    assert before[: edit.start] + edit.inserted + rest == after
    # It is the smallest one.
    assert not edit.removed or edit.removed[:1] != edit.inserted[:1]
    assert not edit.removed or edit.removed[-1:] != edit.inserted[-1:]


def check_places(mirror: Document, text: str, encoding: Encoding) -> None:
    lines = lines_of(text)
    assert [mirror.line(idx) for idx in range(mirror.n_lines)] == lines
    start = 0
    for line_idx, line in enumerate(lines):
        assert mirror.line_start(line_idx) == start
        for column in range(len(line) + (line_idx == len(lines) - 1)):
            assert mirror.locate(start + column) == (line_idx, column)
        content = line.rstrip("\r\n")
        for column in range(len(content) + 1):
            place = lsp.position(mirror, start + column, encoding)
            assert place.line == line_idx
            assert offset_of(text, line_idx, place.character, encoding) == (
                start + column
            )
        for n_units in range(len(line.encode()) + 2):
            place = types.Position(line_idx, n_units)
            assert lsp.offset(mirror, place, encoding) == (
                offset_of(text, line_idx, n_units, encoding)
            )
        start += len(line)
    past = types.Position(len(lines), 1)
    assert lsp.offset(mirror, past, encoding) == len(text)


def changed(text: str, change: Change, encoding: Encoding) -> str:
    if change.range is None:
        return change.text
    start, end = (offset_of(text, *place, encoding) for place in change.range)
    return text[:start] + change.text + text[end:]


def as_sent(change: Change) -> types.TextDocumentContentChangeEvent:
    if change.range is None:
        return types.TextDocumentContentChangeWholeDocument(change.text)
    start, end = (types.Position(*place) for place in change.range)
    return types.TextDocumentContentChangePartial(types.Range(start, end), change.text)


def texts(line_ends: Sequence[str], max_size: int) -> st.SearchStrategy[str]:
    # Line ends as often as all else, so that they meet each other.
    pieces = st.sampled_from(CHARACTERS) | st.sampled_from(line_ends)
    return st.lists(pieces, max_size=max_size).map("".join)


def changes(line_ends: Sequence[str]) -> st.SearchStrategy[Change]:
    place = st.tuples(st.integers(0, 6), st.integers(0, 9))
    where = st.tuples(place, place).map(lambda pair: (min(pair), max(pair)))
    caret = place.map(lambda at: (at, at))
    return st.builds(
        Change, caret | where | where | st.none(), texts(line_ends, max_size=6)
    )


# The properties


@pytest.mark.parametrize("line_ends", LINE_ENDS.values(), ids=LINE_ENDS)
@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda e: e.value)
@given(data=st.data())
def test_the_mirror_follows_any_edits(
    data: Any, encoding: Encoding, line_ends: Sequence[str]
) -> None:
    check_edits(
        data.draw(texts(line_ends, max_size=16)),
        data.draw(st.lists(changes(line_ends), min_size=1, max_size=5)),
        encoding,
        data.draw(st.lists(st.integers(0, 99), min_size=5, max_size=5)),
    )


@pytest.mark.parametrize(
    ("text", "where", "inserted"),
    [
        pytest.param("a\rb\nc", ((1, 0), (1, 1)), "", id="removed what stood between"),
        pytest.param("a\rb", ((1, 0), (1, 0)), "\n", id="newline after a return"),
        pytest.param("a\nb", ((0, 1), (0, 1)), "\r", id="return before a newline"),
        pytest.param("a\r\nb", ((0, 1), (1, 0)), "\r", id="only the return is left"),
        pytest.param("a\r\nb", ((0, 9), (1, 0)), "\n", id="only the newline is left"),
        pytest.param("\r\r\n\n", ((1, 0), (2, 0)), "", id="an empty line goes"),
        pytest.param("a\r", ((1, 0), (1, 0)), "\r\n", id="a pair after a return"),
    ],
)
@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda e: e.value)
def test_returns_and_newlines_that_meet_are_one_line_end(
    text: str,
    where: tuple[tuple[int, int], tuple[int, int]],
    inserted: str,
    encoding: Encoding,
) -> None:
    check_edits(text, [Change(where, inserted)], encoding, [0])


@pytest.mark.parametrize("char", NO_LINE_ENDS, ids=lambda c: f"U+{ord(c):04X}")
def test_other_separators_do_not_end_a_line(char: str) -> None:
    mirror = Document("file:///a", "text", 1, f"one{char}line\nand another")
    assert mirror.n_lines == 2
    assert mirror.line(0) == f"one{char}line\n"


@pytest.mark.parametrize(
    ("text", "line_end"),
    [("a\nb\r\n", "\n"), ("a\r\nb\n", "\r\n"), ("a\rb\n", "\r"), ("a", "\n")],
    ids=["lf", "crlf", "cr", "one line"],
)
def test_the_first_line_tells_what_ends_a_line(text: str, line_end: str) -> None:
    assert Document("file:///a", "text", 1, text).line_end == line_end


# What an edit costs


def test_a_key_in_a_huge_file_touches_one_line() -> None:
    mirror = huge_document()
    lines = [mirror.line(idx) for idx in range(mirror.n_lines)]
    key = types.TextDocumentContentChangePartial(
        types.Range(types.Position(70_000, 4), types.Position(70_000, 4)), "x"
    )
    lsp.apply(mirror, key, Encoding.Utf16)
    others = [
        idx for idx in range(mirror.n_lines) if mirror.line(idx) is not lines[idx]
    ]
    assert others == [70_000]
    assert mirror.line(70_000) == "linex 70000\n"


def test_a_key_and_a_request_in_a_huge_file_read_only_what_is_near() -> None:
    mirror = huge_document()
    # The first look walks there; a person stays.
    mirror.line_start(70_000)
    lines = CountingLines(mirror._lines)
    mirror._lines = lines
    for character in range(20):
        place = types.Position(70_000, character)
        key = types.TextDocumentContentChangePartial(types.Range(place, place), "x")
        lsp.apply(mirror, key, Encoding.Utf16)
        place = types.Position(70_000, character + 1)
        mirror.snapshot(lsp.offset(mirror, place, Encoding.Utf16), Settings(), VIEW)
    # Some 900 lines are in the view of one request, and each is read at most twice.
    assert lines.n_read < 20 * 3_000


def huge_document() -> Document:
    text = "".join(f"line {idx}\n" for idx in range(100_000))
    return Document("file:///huge.txt", "text", 1, text)


class CountingLines(list[str]):
    """Counts the lines that are read from it."""

    n_read = 0

    def __getitem__(self, idx: Any) -> Any:
        found = super().__getitem__(idx)
        self.n_read += len(found) if isinstance(idx, slice) else 1
        return found

    def __iter__(self) -> Iterator[str]:
        for line in super().__iter__():
            self.n_read += 1
            yield line


# The view of a request


@given(
    lengths=st.lists(st.integers(0, 70) | st.integers(0, 3_000), max_size=120),
    line_end=st.sampled_from(LINE_ENDS["mixed"]),
    at=st.floats(0, 1),
    prefix_chars=st.integers(200, 5_000),
    suffix_chars=st.integers(0, 3_000),
)
# The first lines are short and the view begins right below them.
@example([1] * 64 + [1900] * 3, "\n", 0.9999, 6_000, 0)
# The view begins in the middle of the file.
@example([20] * 120, "\n", 0.95, 1_500, 100)
# One line that is longer than the view.
@example([600], "\n", 0.9, 200, 0)
def test_a_snapshot_shows_the_true_text_around_the_cursor(
    lengths: list[int], line_end: str, at: float, prefix_chars: int, suffix_chars: int
) -> None:
    text = "".join(
        f"{idx} ".ljust(length, ".") + line_end for idx, length in enumerate(lengths)
    )
    offset = outside_line_end(text, round(at * len(text)))
    mirror = Document("file:///a.py", "python", 7, text)
    view = View(prefix_chars, suffix_chars)
    snapshot = mirror.snapshot(offset, Settings(), view)

    assert snapshot.offset == offset
    assert text[:offset].endswith(snapshot.prefix)
    assert len(snapshot.prefix) <= prefix_chars
    # What stands before the cursor in its line is never all left out.
    assert snapshot.prefix or not snapshot.anchor.line_prefix
    check_edge(text, offset, offset - len(snapshot.prefix), prefix_chars)

    end = offset + len(snapshot.suffix)
    assert text[offset:].startswith(snapshot.suffix)
    assert len(snapshot.suffix) <= suffix_chars
    next_end = end + len(lines_of(text[end:])[0])
    if is_line_start(text, end) or end == len(text):
        # One more line would have been too much.
        assert end == len(text) or next_end - offset > suffix_chars
    else:
        assert len(snapshot.suffix) == suffix_chars

    # The beginning of the file is sent once, in the head or in the prefix.
    assert len(snapshot.head) <= min(prefix_chars // 8, offset - len(snapshot.prefix))
    assert text.startswith(snapshot.head)
    assert is_line_start(text, len(snapshot.head))

    assert snapshot.anchor == anchor_of(text, offset)


def check_edge(text: str, offset: int, start: int, prefix_chars: int) -> None:
    """The view begins where it will still begin when a few more lines are typed."""
    starts = line_starts(text)
    line_start = max(at for at in starts if at <= offset)
    if start > line_start:
        # Within a line that is too long, it moves in steps.
        assert offset - line_start > prefix_chars
        step = min(document.BLOCK_CHARS, prefix_chars // 2)
        assert (start - line_start) % step == 0
        return
    reach = [at for at in starts if offset - prefix_chars <= at < line_start]
    edges = [at for at in reach if starts.index(at) % document.BLOCK_LINES == 0]
    assert start == min([*(edges or reach), line_start])


def anchor_of(text: str, offset: int) -> Anchor:
    start = max(at for at in line_starts(text) if at <= offset)
    line, *following = lines_of(text[start:])
    near = [ln for ln in following[: document.BLOCK_LINES] if ln.strip()]
    next_line, line_after, *_ = [*near, "", ""]
    suffix = line[offset - start :][: document.MAX_LINE_SUFFIX_CHARS]
    return Anchor(
        before=text[max(0, start - document.ANCHOR_CHARS) : start],
        line_prefix=text[start:offset][-document.MAX_LINE_PREFIX_CHARS :],
        line_suffix=suffix.rstrip("\r\n"),
        next_line=next_line.strip(),
        line_after=line_after.strip(),
        line_end=re.search(r"\r\n|\r|\n|$", text)[0] or "\n",  # type: ignore[index]
        next_indent=next_line[: len(next_line) - len(next_line.lstrip())],
    )


def line_starts(text: str) -> list[int]:
    starts = [0]
    for line in lines_of(text)[:-1]:
        starts.append(starts[-1] + len(line))
    return starts


def is_line_start(text: str, offset: int) -> bool:
    return offset in line_starts(text)


def outside_line_end(text: str, offset: int) -> int:
    """No cursor stands between a return and its newline."""
    return offset - (text[offset - 1 : offset + 1] == "\r\n")


def test_the_view_begins_at_the_same_place_while_the_cursor_moves_down() -> None:
    text = "".join(f"line {idx:03d}\n" for idx in range(400))
    mirror = Document("file:///a.txt", "text", 1, text)
    starts = [
        offset - len(mirror.snapshot(offset, Settings(), View(1_000, 0)).prefix)
        for offset in range(0, len(text), 9)
    ]
    assert starts == sorted(starts)
    # Once in every block of lines.
    assert len(set(starts)) <= len(starts) // document.BLOCK_LINES + 1


@pytest.mark.parametrize(
    ("drawing", "anchor"),
    [
        pytest.param(
            "import os\n\ndef f(x):\n    return (█)\n\n\n  g()\n  h()\n",
            Anchor(
                *("import os\n\ndef f(x):\n", "    return (", ")", "g()", "h()", "\n"),
                next_indent="  ",
            ),
            id="a place in the middle",
        ),
        pytest.param("█", Anchor("", "", "", "", "", "\n"), id="an empty document"),
        pytest.param(
            "a\r\n\tb█c\r\nd", Anchor("a\r\n", "\tb", "c", "d", "", "\r\n"), id="crlf"
        ),
        pytest.param("a\rb█\r\r", Anchor("a\r", "b", "", "", "", "\r"), id="cr"),
    ],
)
def test_an_anchor_is_the_text_right_around_the_cursor(
    drawing: str, anchor: Anchor
) -> None:
    marked = markers.parse(drawing)
    mirror = Document("file:///a", "text", 1, marked.prefix + marked.suffix)
    assert mirror.anchor(len(marked.prefix)) == anchor


@pytest.mark.parametrize("offset", [-5, 99], ids=["before", "behind"])
def test_a_place_outside_the_text_is_its_nearer_end(offset: int) -> None:
    mirror = Document("file:///a", "text", 1, "one\ntwo")
    assert mirror.snapshot(offset, Settings(), VIEW).offset == (0 if offset < 0 else 7)


@pytest.mark.parametrize(
    ("drawing", "text", "n_before_chars", "n_after_chars"),
    [
        pytest.param("import os\n\nx = █\ny\n", "1 + 1", 0, 0, id="in a line"),
        pytest.param("def f():█\ny\n", "\n    a\n    b", 0, 0, id="lines"),
        pytest.param("a\r\nf(█);\r\n", "x,\r\n  y)", 0, 1, id="over a bracket"),
        pytest.param("x = pri█\n", "print", 3, 0, id="over a word"),
        pytest.param("f(ab█)\n", "\n", 2, 1, id="over both"),
    ],
)
def test_what_a_view_will_be_is_what_it_is_then(
    drawing: str, text: str, n_before_chars: int, n_after_chars: int
) -> None:
    marked = markers.parse(drawing)
    mirror = Document("file:///a", "text", 1, marked.prefix + marked.suffix)
    offset = len(marked.prefix)
    imagined = mirror.snapshot(offset, Settings(), VIEW).after(
        text, n_before_chars=n_before_chars, n_after_chars=n_after_chars
    )
    edit = mirror.replace(offset - n_before_chars, offset + n_after_chars, text)
    present = mirror.snapshot(edit.end, Settings(), VIEW)
    assert imagined.anchor.start == present.anchor.start
    assert replace(imagined, n_chars=present.n_chars) == present


def test_what_is_typed_in_a_row_is_told_from_what_was_there() -> None:
    mirror = Document("file:///a.py", "python", 1, "total")

    def n_typed_chars(offset: int) -> int:
        return mirror.snapshot(offset, Settings(), VIEW).n_typed_chars

    assert n_typed_chars(0) == 0
    mirror.replace(0, 0, "s")
    mirror.replace(1, 1, "ux")
    assert n_typed_chars(3) == 3
    # Taken back, and replaced as a list does; elsewhere nothing was typed.
    mirror.replace(2, 3, "")
    mirror.replace(0, 2, "sub")
    assert (n_typed_chars(3), n_typed_chars(2), n_typed_chars(8)) == (3, 0, 0)
    assert mirror.snapshot(3, Settings(), VIEW).after("_x").n_typed_chars == 5
    mirror.replace(8, 8, "!")
    assert (n_typed_chars(9), n_typed_chars(3)) == (1, 0)
    # What was there before is not typed because something in front of it was.
    mirror.replace(0, 1, "")
    assert n_typed_chars(0) == 0
    mirror.replace_all("x")
    assert n_typed_chars(1) == 0


def test_what_was_just_deleted_is_known_where_it_stood() -> None:
    mirror = Document("file:///a.py", "python", 1, "one two three four")

    def deleted(offset: int) -> str:
        return mirror.snapshot(offset, Settings(), VIEW).deleted

    assert deleted(0) == ""
    mirror.replace(4, 8, "")
    assert (deleted(4), deleted(3)) == ("two ", "")
    # On, word by word and key by key, before and behind.
    mirror.replace(0, 4, "")
    mirror.replace(0, 5, "")
    mirror.replace(0, 1, "")
    assert deleted(0) == "one two three "
    assert mirror.snapshot(0, Settings(), VIEW).after("x").deleted == ""
    mirror.replace(0, 0, "n")
    assert deleted(1) == ""
    # Who takes back one character is on the way to another one.
    mirror.replace(0, 1, "")
    assert deleted(0) == ""
    mirror.replace(2, 4, "")
    mirror.replace(0, 1, "")
    assert (deleted(0), deleted(2)) == ("", "")
    mirror.replace_all("our")
    mirror.replace_all("")
    assert deleted(0) == "our"
