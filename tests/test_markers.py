"""What is drawn with the marks is read back as it was."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

import markers
from markers import Marked

MARKS = "█├┤╣┆"
TEXTS = st.text(st.characters(exclude_characters=MARKS), max_size=8)


@st.composite
def drawn(draw: st.DrawFn) -> Marked:
    suffix = draw(TEXTS)
    return Marked(
        draw(TEXTS),
        suffix,
        tuple(draw(st.lists(TEXTS, min_size=1, max_size=4))),
        draw(st.integers(0, len(suffix))),
    )


@given(drawn())
def test_reading_undoes_drawing(marked: Marked) -> None:
    assert markers.parse(markers.draw(marked)) == marked


@given(drawn())
def test_drawing_undoes_reading(marked: Marked) -> None:
    drawing = markers.draw(marked)
    assert markers.draw(markers.parse(drawing)) == drawing


@pytest.mark.parametrize(
    ("drawing", "marked"),
    [
        ("a█b", Marked("a", "b")),
        ("a├x┤b", Marked("a", "b", ("x",))),
        ("a├x┆y┤b", Marked("a", "b", ("x", "y"))),
        ("a├x┤b╣c", Marked("a", "bc", ("x",), 1)),
    ],
)
def test_each_mark_says_what_it_says(drawing: str, marked: Marked) -> None:
    assert markers.parse(drawing) == marked


@pytest.mark.parametrize(
    "drawing", ["ab", "a█b█", "a├x", "a├x┤b├y┤"], ids=lambda drawing: drawing
)
def test_a_drawing_without_exactly_one_place_is_refused(drawing: str) -> None:
    with pytest.raises(ValueError):
        markers.parse(drawing)
