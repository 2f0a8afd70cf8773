"""How a text is indented, and another one in the same way."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

# A text of so many indented lines tells; that one of them is otherwise does not matter.
N_TELLING_LINES = 2
MIN_SHARE = 0.8
# Steps that people use; others are alignment.
UNITS = (2, 4, 8, 3)

_INDENT = re.compile(r"^([ \t]+)\S", re.MULTILINE)
_INDENT_BEHIND_END = re.compile(r"(?<=[\r\n])[ \t]+")
_OPEN_INDENT = re.compile(r"[\r\n][ \t]*\Z")


def unit_of(text: str) -> str:
    """What one more level of a text is indented by; empty where it does not say."""
    indents = _INDENT.findall(text)
    n_tabs = sum(indent[0] == "\t" for indent in indents)
    if n_tabs >= max(N_TELLING_LINES, MIN_SHARE * len(indents)):
        return "\t"
    widths = [len(indent) for indent in indents if "\t" not in indent]
    if len(widths) < max(N_TELLING_LINES, MIN_SHARE * len(indents)):
        return ""
    # The first line stands for one without indentation, such as what it is part of.
    steps = Counter(abs(one - other) for one, other in pairwise((0, *widths)))
    n_spaces = max(UNITS, key=lambda unit: steps[unit])
    return " " * n_spaces if steps[n_spaces] else ""


def indented(text: str, unit: str, *, is_at_line_start: bool) -> str:
    """A text whose lines are indented by a unit for each level.

    Its first line only where it begins one. Where spaces are to become tabs, the first
    indent says how many are a level. An indent that may become longer is left out.
    """
    if not unit or text.isspace():
        return text
    text = f"\n{text}" if is_at_line_start else text
    indents = _INDENT_BEHIND_END.findall(text)
    if indents:
        if open_indent := _OPEN_INDENT.search(text):
            text = text[: open_indent.start() + 1]
        replaced = "\t"
        if unit == "\t":
            first = next((indent for indent in indents if "\t" not in indent), "")
            replaced = " " * (2 if len(first) % 4 else 4)
        text = _INDENT_BEHIND_END.sub(lambda i: i[0].replace(replaced, unit), text)
    return text.removeprefix("\n") if is_at_line_start else text
