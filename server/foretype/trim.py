"""Where a completion ends: when to stop reading a stream, and what to keep of it."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace

from foretype import rounds
from foretype.document import Anchor, split_lines
from foretype.settings import EditorSettings

CLOSERS = ")]}"
_QUOTES = "\"'`"
_PAIRS = {")": "(", "]": "[", "}": "{"}
_CLOSING_PUNCTUATION = re.compile(r"[\s)\]}>\"'`;,:]*")
# What ends a line that opens a block, in the languages that have blocks.
_OPENS_BLOCK = re.compile(r"([:{(\[]|=>|->|\b(do|then|else|begin|try))$")
_WORD_AT_END = re.compile(r"\w+$")
_FIRST_LINE_WITH_TEXT = re.compile(r"\s*\S[^\r\n]*")

# What ends a line whose statement goes on in the next one.
_GOES_ON = re.compile(r"([,\\+\-*/%&|^=<.:?({\[]|\b(and|or|not|in|is|return))$")

# A completion longer than this is more than a person reads before the next key.
MAX_BLOCK_LINES = 24
# Where a line is asked for, the stream goes on for so many more, which are shown one
# after the other as each is done; a model with 5 % wrong tokens is seldom right for
# longer (docs/latency.md#example-sessions).
MAX_LINES_AHEAD = 4
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
    """What goes in at the cursor and leaves the rest of the line as it is."""
    is_enough: bool
    """Whether nothing that may still arrive would be kept."""
    tail: str = ""
    """What the model wrote behind it that takes in the beginning of that rest."""
    n_covered_chars: int = 0
    """How many characters of the rest of the line `tail` has in it, in order."""
    n_added_chars: int = 0
    """So much at the end of `text` is not the model's: a line end, an indentation."""

    @property
    def whole(self) -> str:
        """All of it, which replaces what it covers."""
        return self.text + self.tail

    def for_editor(self, editor: EditorSettings) -> Cut:
        """It without the tail where an editor cannot replace text behind the cursor."""
        if editor.range_end == "rest" or not self.tail:
            return self
        return replace(self, tail="", n_covered_chars=0)

    @property
    def is_news(self) -> bool:
        """Whether it has more in it than white space and what is there already."""
        n_tail_chars = sum(not char.isspace() for char in self.tail)
        return bool(self.text.strip()) or n_tail_chars > self.n_covered_chars


def shape(anchor: Anchor, *, is_invoked: bool) -> Shape:
    """What the place asks for.

    A block where the cursor's line or the one before an empty line has just opened
    one, on an empty line at the end of a body, and when a person asked by hand.
    """
    line_prefix = anchor.line_prefix
    rest = anchor.line_suffix.strip()
    if rest:
        # An editor closes a brace as soon as it is opened.
        is_block = rest[0] == "}" and line_prefix.rstrip().endswith("{")
        return Shape.BLOCK if is_block else Shape.LINE
    if is_invoked:
        return Shape.BLOCK
    if line_prefix.strip():
        opens = _OPENS_BLOCK.search(line_prefix.rstrip())
        return Shape.BLOCK if opens else Shape.LINE
    if line_prefix:
        # Where the same body goes on below, a line is missing, and not all of it.
        goes_on = anchor.next_line and _indent_columns(
            anchor.next_indent + "x"
        ) >= _indent_columns(line_prefix)
        return Shape.LINE if goes_on else Shape.BLOCK
    opens = _OPENS_BLOCK.search(anchor.before.rstrip())
    return Shape.BLOCK if opens else Shape.LINE


def is_closing_punctuation(text: str) -> bool:
    """Whether a rest of a line only closes what stands before it."""
    return _CLOSING_PUNCTUATION.fullmatch(text) is not None


def without_closers(text: str) -> str:
    """A rest of a line less the closing punctuation it begins with."""
    found = _CLOSING_PUNCTUATION.match(text)
    return text[found.end() :] if found else text


def ends_statement(line: str) -> bool:
    """Whether a line that has just been completed needs nothing more behind it."""
    content = line.strip()
    if not content or _GOES_ON.search(content) or _OPENS_BLOCK.search(content):
        return False
    return all(content.count(o) <= content.count(c) for c, o in _PAIRS.items())


def so_far(text: str, anchor: Anchor, shape: Shape) -> str:
    """What may be shown of a text that goes on: its whole lines, or whole words.

    Within a line nothing may, as what follows there decides where the text ends.
    """
    if shape is Shape.BLOCK:
        end = max(text.rfind("\n"), text.rfind("\r"))
        return text[: max(end, 0)].rstrip()
    if not is_closing_punctuation(anchor.line_suffix):
        return ""
    return _WORD_AT_END.sub("", text).rstrip()


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
    text, is_final = _before_circles(text, is_final)
    if shape is Shape.LINE:
        kept, is_enough = _cut_line(anchor, text, is_final)
    else:
        kept, is_enough = _cut_block(anchor, text, is_final, is_whole)
    return fit(kept, anchor, is_enough=is_enough or is_final)


def fit(text: str, anchor: Anchor, *, is_enough: bool = True) -> Cut:
    """A text parted where it begins to write what follows the cursor already."""
    line_suffix, line_end = anchor.line_suffix, anchor.line_end
    rest = line_suffix.strip()
    if not rest:
        return Cut(text.rstrip(), is_enough)
    if not is_closing_punctuation(rest):
        end = _overlap_start(text, rest)
        if _closes(rest[0], anchor.line_prefix):
            # What the rest of the line closes first is not closed before it.
            end = min(end, _unmatched(text, rest[0]))
        kept = text[:end]
        # The blank before what follows is the text's, unless there is one already.
        return Cut(kept.rstrip() if line_suffix[0].isspace() else kept, is_enough)
    start = _unmatched(text, rest[0])
    if line_end in text[:start]:
        # What closes a block stands on a line of its own.
        kept, tail = text[:start], text[start:]
        if not tail:
            body, indent = text.rstrip(), _indent(anchor.line_prefix)
            kept = body + line_end + indent
            return Cut(kept, is_enough, n_added_chars=len(line_end + indent))
    else:
        kept = text[:start].rstrip()
        tail = text[len(kept) :].rstrip()
    n_covered = _n_covered(tail, line_suffix)
    return Cut(kept, is_enough, tail.rstrip() if n_covered else "", n_covered)


def retypes(cut: Cut, deleted: str) -> bool:
    """Whether a text says what was just deleted in its place."""
    said, before = "".join(cut.whole.split()), "".join(deleted.split())
    if min(len(said), len(before)) < MIN_OVERLAP_CHARS:
        return False
    return said.startswith(before) or before.startswith(said)


def before_line(text: str, anchor: Anchor) -> str:
    """A text up to where it says what the document says in its next line."""
    lines, next_line = split_lines(text), anchor.next_line
    if is_closing_punctuation(next_line):
        # The same closes other blocks within the text as well.
        if len(lines) > 1 and _says(lines[-1], anchor):
            lines.pop()
        return "".join(lines)
    said = (i for i, line in enumerate(lines) if i and line.strip() == next_line)
    return "".join(lines[: next(said, len(lines))])


def is_over(anchor: Anchor, text: str, shape: Shape) -> bool:
    """Whether nothing that a stream may still bring is worth remembering.

    Behind the line that was asked for come the next ones of the same block: who types
    or accepts that line is shown them without asking again.
    """
    text, is_final = _before_circles(text, is_final=False)
    if is_final or rounds.before_pieces(text) is not None:
        return True
    if shape is Shape.BLOCK:
        return _cut_block(anchor, text, False, True)[1]
    if not _cut_line(anchor, text, False)[1]:
        return False
    if not is_closing_punctuation(anchor.line_suffix):
        return True
    return _cut_block(anchor, text, False, True, n_lines_ahead=MAX_LINES_AHEAD)[1]


def _before_circles(text: str, is_final: bool) -> tuple[str, bool]:
    """The text up to where it goes round in circles, and whether it ends there."""
    kept = None
    if is_final or rounds.may_circle(text):
        kept = rounds.before_circles(text)
    if is_final and kept is None:
        # A stream that brings the same again and again is ended there (`is_over`).
        kept = rounds.before_pieces(text)
    return (text, is_final) if kept is None else (kept, True)


def _cut_line(anchor: Anchor, text: str, is_final: bool) -> tuple[str, bool]:
    """The rest of the line, or the next one with text where the line is complete."""
    found = _FIRST_LINE_WITH_TEXT.match(text)
    has_rest = bool(anchor.line_suffix.strip())
    if not found:
        # White space so far: with text after the cursor, a new line ends it.
        return "", has_rest and "\n" in text
    line = found.group()
    is_complete = found.end() < len(text)
    blank = line[: len(line) - len(line.lstrip())]
    is_below = "\n" in blank or "\r" in blank
    if is_below and has_rest:
        return "", True
    # An empty line may be there for what is written below it already.
    stands_free = is_below or not anchor.line_prefix.strip()
    if stands_free and _says(line.lstrip("\r\n"), anchor):
        return "", is_complete or is_final
    return line, is_complete


def _cut_block(
    anchor: Anchor,
    text: str,
    is_final: bool,
    is_whole: bool,
    n_lines_ahead: int | None = None,
) -> tuple[str, bool]:
    """The block the cursor stands in or has just opened, and whether it is complete.

    It ends before a line that is indented less, behind the line that closes it, and
    where the text after the cursor begins. With `n_lines_ahead` it is the cursor's own
    line, and so many more of the block that line is in.
    """
    line_prefix = anchor.line_prefix
    opens_here = bool(line_prefix.strip()) and n_lines_ahead is None
    most_lines = MAX_BLOCK_LINES if n_lines_ahead is None else 1 + n_lines_ahead
    indent = _indent_columns(line_prefix)
    # Lines at least this deep belong to the block.
    least = indent + 1 if opens_here else indent
    next_line = anchor.next_line
    rest = anchor.line_suffix.strip()
    kept: list[str] = []
    # Those of `kept` that have text, and where each of them stands there.
    said: list[str] = []
    places: list[int] = []
    n_blank = 0
    has_text = False
    for line_idx, line in enumerate(split_lines(text)):
        is_complete = line.endswith(("\n", "\r"))
        content = line.strip()
        if line_idx == 0 and content and line_prefix.strip():
            kept.append(line)
            has_text = True
            if opens_here and rest and _unmatched(line, rest[0]) < len(line):
                # What was opened is closed within the line.
                return "".join(kept), is_complete
            continue
        if not content:
            if not is_complete:
                # White space so far.
                break
            n_blank += 1
            if n_blank > (1 if has_text else 2) or (least == 0 and said):
                # A gap at the top level ends a paragraph or a definition.
                return "".join(kept), True
            kept.append(line)
            continue
        n_blank = 0
        depth = _indent_columns(line)
        if line_idx == 0:
            depth += indent
        is_decided = is_complete or is_final
        if is_decided and content == next_line and len(content) > 1:
            return "".join(kept), True
        if depth < least:
            if content[0] in CLOSERS and opens_here and depth == indent:
                if _says(" " * depth + content, anchor) and not rest:
                    return "".join(kept), is_decided
                return "".join([*kept, line]), is_complete
            return "".join(kept), True
        if is_decided:
            said.append(" " * depth + content)
            places.append(len(kept))
            n_kept = rounds.n_kept_lines(said)
            if n_kept is not None:
                return "".join([*kept, line][: places[n_kept]]), True
        if is_final and not is_complete and not is_whole and len(kept) > 1:
            # The budget ran out within this line.
            break
        kept.append(line)
        has_text = True
        if len(kept) >= most_lines and is_complete:
            return "".join(kept), True
    return "".join(kept), False


def _says(line: str, anchor: Anchor) -> bool:
    """Whether a line is the next one already, or it is but for its semicolon.

    What only closes a block is the same where it closes one of the same depth.
    """
    content, next_line = line.strip(), anchor.next_line
    if not next_line or content.rstrip(";,") != next_line.rstrip(";,"):
        return False
    is_as_deep = _indent_columns(line) == _indent_columns(anchor.next_indent + "x")
    return is_as_deep or not is_closing_punctuation(content)


def _overlap_start(line: str, rest: str) -> int:
    """Where in a generated line the text begins that follows the cursor already."""
    for start in range(max(0, len(line) - len(rest)), len(line)):
        overlap = line[start:]
        if len(overlap) < min(MIN_OVERLAP_CHARS, len(rest)):
            break
        if rest.startswith(overlap):
            return start
    return len(line)


def _n_covered(tail: str, line_suffix: str) -> int:
    """How much of the rest of a line is found in a text, in order, from its start."""
    at = n_covered = 0
    for idx, char in enumerate(line_suffix):
        if char.isspace():
            continue
        found = tail.find(char, at)
        if found < 0:
            break
        at, n_covered = found + 1, idx + 1
    return n_covered


def _closes(char: str, line_prefix: str) -> bool:
    """Whether a character behind the cursor closes what was opened before it."""
    return char in CLOSERS or (char in _QUOTES and line_prefix.count(char) % 2 == 1)


def _unmatched(text: str, closer: str) -> int:
    """Where a text closes, by `closer`, something it did not open; else its end."""
    opened: list[str] = []
    for at, char in enumerate(text):
        if char == closer and (char in _QUOTES or not opened):
            return at
        if char in _PAIRS.values():
            opened.append(char)
        elif char in _PAIRS and opened and opened[-1] == _PAIRS[char]:
            opened.pop()
    return len(text)


def _indent_columns(line: str, tab_columns: int = 4) -> int:
    """How deep a line is indented."""
    return len(_indent(line).expandtabs(tab_columns))


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]
