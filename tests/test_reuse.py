"""What was generated before and still fits, drawn: then, and now.

The first drawing is where a completion was asked for and what was generated; the second
is the document now, with what is still to be typed, or with a cursor where nothing is.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import markers
from foretype import reuse
from foretype.document import Anchor, Document
from foretype.errors import ModelError


@dataclass
class Generated:
    """What a stream has brought for an anchor."""

    anchor: Anchor
    text: str
    is_done: bool = True
    id: int = 1
    error: ModelError | None = None
    # Where it was is lost, so that the text alone must say it.
    offset: int | None = None
    cursors: tuple[Anchor, ...] = ()
    n_assumed_chars: int = 0
    is_alternative: bool = False

    @property
    def suffix_key(self) -> str:
        return reuse.suffix_key(self.anchor)

    def end(self) -> None:
        self.is_done = True


def anchor_of(marked: markers.Marked) -> Anchor:
    document = Document("file:///a.py", "python", 1, marked.prefix + marked.suffix)
    return document.anchor(len(marked.prefix))


def check_rest(then: str, now: str, *, is_running: bool = False) -> None:
    """What was generated then fits as it is drawn now."""
    generated, present = markers.parse(then), markers.parse(now)
    rest = reuse.rest_at(
        Generated(anchor_of(generated), generated.completion, not is_running),
        anchor_of(present),
    )
    expected = present.completion if present.chunks else None
    assert rest == expected


@pytest.mark.parametrize(
    ("then", "now"),
    [
        pytest.param("x = ├a + b┤", "x = ├a + b┤", id="nothing"),
        pytest.param("x = ├a + b┤", "x = a├ + b┤", id="a key"),
        pytest.param("x = ├a + b┤", "x = a + b├┤", id="all of it"),
        pytest.param("x =├ a\n┤y\n", "x = ├a\n┤y\n", id="above other text"),
        pytest.param("f():├\n  a\n  b┤", "f():\n  a├\n  b┤", id="to the next line"),
        pytest.param("f():├\n  a\n  b┤", "f():\n  a\n  ├b┤", id="to the last line"),
        pytest.param("f():├\n  a\n┤", "f():\n├  a\n┤", id="to a line's beginning"),
        pytest.param("f():├\r\n  a┤\r\n", "f():\r\n ├ a┤\r\n", id="crlf"),
        pytest.param(
            "x = ├'é\U0001f642b'┤", "x = 'é\U0001f642├b'┤", id="any characters"
        ),
        pytest.param("x\u2028y├ab┤", "x\u2028ya├b┤", id="a separator within the line"),
        pytest.param(
            "f():├\n\n  a┤", "f():\n  \n  ├a┤", id="an empty line that was indented"
        ),
    ],
)
def test_what_is_typed_as_suggested_stays_suggested(then: str, now: str) -> None:
    check_rest(then, now)
    check_rest(then, now, is_running=True)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        pytest.param("x = ├a + b┤", "x =█", id="one character"),
        pytest.param("x = ├a + b┤", "█", id="the line"),
        pytest.param("if y:\n  x = ├a┤", "if y:\n█", id="and the indentation"),
    ],
)
def test_what_stood_there_and_was_deleted_is_not_suggested(then: str, now: str) -> None:
    check_rest(then, now)
    check_rest(then, now, is_running=True)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        pytest.param("x = ├a + b┤", "x = b█", id="another character"),
        pytest.param("x = ├a + b┤", "x = a - █", id="further on"),
        pytest.param("x = ├a + b┤", "x = A█", id="another case"),
        pytest.param("x = ├a + b┤", "y = a█", id="an edit before it"),
        pytest.param("f():├\n  a\n  b┤", "f():\n  b█", id="in the next line"),
        pytest.param("f():├\n  a\n  b┤", "f():\n  b\n  █", id="in a line above"),
        pytest.param("x = ├a┤", "x = a\n█", id="to a line that was not generated"),
        pytest.param("if y:\n  x = ├a┤", "if y:█", id="back to the line above"),
    ],
)
def test_what_went_another_way_is_not_suggested(then: str, now: str) -> None:
    check_rest(then, now)
    check_rest(then, now, is_running=True)


def test_who_types_faster_than_the_stream_still_agrees_with_it() -> None:
    check_rest("x = ├a +┤", "x = a + b├┤", is_running=True)
    check_rest("x = ├┤", "x = anything├┤", is_running=True)
    check_rest("f():├\n  a┤", "f():\n  a + b├┤", is_running=True)


def test_who_types_more_than_was_generated_is_on_their_own() -> None:
    check_rest("x = ├a +┤", "x = a + b█")
    check_rest("x = ├┤", "x = anything█")
    check_rest("f():├\n  a┤", "f():\n  a + b█")


def test_who_types_faster_and_otherwise_is_on_their_own() -> None:
    check_rest("x = ├a +┤", "x = a - b█", is_running=True)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        pytest.param("print├(x)┤", "print(├x)┤)", id="bracket"),
        pytest.param("print├('x')┤", "print('├x')┤')", id="bracket and quote"),
        pytest.param("f(├g(x)┤)", "f(g(├x)┤))", id="one more"),
        pytest.param("f(├x┤);", "f(x├┤;", id="one less"),
        pytest.param("f(├x┤) ", "f(├x┤)", id="blanks"),
        pytest.param(
            "f() ├{\n  x\n}┤\ny\n", "f() {\n  ├x\n}┤\n}\ny\n", id="brace, and enter"
        ),
        pytest.param(
            "f() {├\n  x\n}┤}\ny\n", "f() {\n├  x\n}┤\n}\ny\n", id="enter in a brace"
        ),
    ],
)
def test_a_bracket_that_the_editor_closed_does_no_harm(then: str, now: str) -> None:
    check_rest(then, now)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        pytest.param("f(├x┤)", "f(x█ + y)", id="behind the cursor"),
        pytest.param("f(├x┤)\ny = 1\n", "f(x█)\ny = 2\n", id="in the next line"),
        pytest.param("x = ├1┤\n", "x = █\nnew = 1\n", id="a line inserted below"),
    ],
)
def test_another_text_behind_the_cursor_asks_for_another(then: str, now: str) -> None:
    check_rest(then, now)


FAR = "".join(f"line {idx}\n" for idx in range(60))


@pytest.mark.parametrize(
    ("then", "now"),
    [
        pytest.param(
            f"import a\n{FAR}x = ├a + b┤\n",
            f"import a\nimport b\n{FAR}x = a├ + b┤\n",
            id="far above",
        ),
        pytest.param(
            "import antigravity as up\n\ndef f(x):\n  return ├x┤",
            "import abc\nimport antigravity as up\n\ndef f(x):\n  return ├x┤",
            id="a line inserted in a short file",
        ),
        pytest.param(
            f"x = ├a + b┤\ny\n{FAR}end", f"x = a├ + b┤\ny\n{FAR}END", id="below"
        ),
        pytest.param("x = ├1┤\n\ny", "x = ├1┤\n\n\n  y", id="only blank lines"),
        pytest.param(
            "def f():  \n  a\n\t\n  x = ├1┤",
            "def f():\n  a\n\n  x = ├1┤",
            id="blanks at the ends of lines",
        ),
    ],
)
def test_an_edit_elsewhere_leaves_the_suggestion(then: str, now: str) -> None:
    check_rest(then, now)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        pytest.param(
            "def f():\n  return ├1┤\n", "def g():\n  return █\n", id="another function"
        ),
        pytest.param("a\nx = ├1┤\n", "b\nx = █\n", id="the line above changed"),
        pytest.param("f():├\n  a\n  a┤", "g():\n  a█", id="above what was generated"),
        pytest.param("├x = 1┤", "x = 1\n█", id="below the first line"),
        pytest.param("}\n├x = 1┤", "}\nx = {\n}\n█", id="below a like line"),
    ],
)
def test_the_same_line_at_another_place_is_not_the_same(then: str, now: str) -> None:
    check_rest(then, now)


def test_of_two_equal_lines_generated_the_right_one_goes_on() -> None:
    then = "f():├\n  a\n  a\n  b┤"
    check_rest(then, "f():\n  a├\n  a\n  b┤")
    check_rest(then, "f():\n  a\n  a├\n  b┤")
