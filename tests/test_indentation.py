"""How a text is indented, and another one in the same way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretype.indentation import indented, unit_of


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("def f():\n    a\n    b\n", "    "),
        ("class A:\n    def f():\n        a\n    def g():\n        b\n", "    "),
        ("if x {\n\ta\n\t\tb\n}\n", "\t"),
        ("a:\n  b:\n    c\n", "  "),
        ("a\n   b\n   c\n      d\n", "   "),
        ("{\n        a\n        b\n}\n", "        "),
        # A comment that is aligned is no level.
        ("{\n\ta\n\tb\n\tc\n\td\n\te\n }\n", "\t"),
        ("f(\n  a,\n  b)\n/**\n * c\n * d\n */\n", "  "),
        # One line may be anything, as may two that differ.
        ("a\n  b\n", ""),
        ("a\n  b\n\tc\n", ""),
        ("a\nb\n", ""),
        ("", ""),
    ],
)
def test_a_text_says_what_it_is_indented_by(text: str, unit: str) -> None:
    assert unit_of(text) == unit


@pytest.mark.parametrize(
    ("text", "unit", "is_at_line_start", "as_there"),
    [
        ("x:\n    a\n        b", "\t", False, "x:\n\ta\n\t\tb"),
        ("x:\n  a\n    b", "\t", False, "x:\n\ta\n\t\tb"),
        ("x:\n\ta\n\t\tb", "  ", False, "x:\n  a\n    b"),
        ("x:\n    a\n    b", "  ", False, "x:\n    a\n    b"),
        ("    a\n    b", "\t", True, "\ta\n\tb"),
        ("    a\n    b", "\t", False, "    a\n\tb"),
        # What is aligned keeps what is less than a level.
        ("f(\n      a", "\t", False, "f(\n\t\t\ta"),
        ("x:\n    a\n     b", "\t", False, "x:\n\ta\n\t b"),
        # A tab within a line is text.
        ("a\tb\n\tc", "    ", False, "a\tb\n    c"),
        ("a\n    b", "", False, "a\n    b"),
        # It may go on.
        ("a\n  ", "\t", False, "a\n"),
        ("\n", "\t", False, "\n"),
    ],
)
def test_a_text_is_indented_as_the_file_is(
    text: str, unit: str, is_at_line_start: bool, as_there: str
) -> None:
    assert indented(text, unit, is_at_line_start=is_at_line_start) == as_there


@given(
    text=st.text(" \tab\n", max_size=40),
    unit=st.sampled_from(["\t", "  ", "    "]),
    is_at_line_start=st.booleans(),
)
def test_what_was_there_stays_when_more_arrives(
    text: str, unit: str, is_at_line_start: bool
) -> None:
    whole = indented(text, unit, is_at_line_start=is_at_line_start)
    lines = [line.lstrip(" \t") for line in text.split("\n")[:-1]]
    kept = [line.lstrip(" \t") for line in whole.split("\n")[:-1]]
    assert [line for line in kept if line] == [line for line in lines if line]
