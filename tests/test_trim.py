"""Where a completion ends, drawn: what a model wrote, and what is kept of it.

A `┆` in what the model wrote is where enough of it has been read: not a character
earlier, and the rest is never waited for.
"""

from __future__ import annotations

import itertools
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

import markers
from foretype import trim
from foretype.document import Anchor, Document
from foretype.trim import Cut, Shape


def anchor_of(drawing: str) -> Anchor:
    marked = markers.parse(drawing)
    document = Document("file:///a", "text", 1, marked.prefix + marked.suffix)
    return document.anchor(len(marked.prefix))


def read(anchor: Anchor, text: str, shape: Shape) -> tuple[str, int | None]:
    """What is kept of a text that comes a character at a time, and of how much of it.

    None: all of it was read, and its end was waited for.
    """
    for n_chars in range(len(text) + 1):
        so_far = trim.cut(anchor, text[:n_chars], shape, is_final=False)
        if so_far.is_enough:
            return so_far.text, n_chars
    return trim.cut(anchor, text, shape, is_final=True).text, None


def check_trim(written: str, kept: str, *, by_hand: bool = False) -> None:
    """Of what a model wrote this is kept, however it was cut in transit."""
    marked = markers.parse(written)
    anchor = anchor_of(written)
    shape = trim.shape(anchor, is_invoked=by_hand)
    text, n_chars = read(anchor, marked.completion, shape)
    drawn = markers.draw(markers.Marked(marked.prefix, marked.suffix, (text,)))
    assert drawn == kept
    # The same when all of it comes at once.
    at_once = trim.cut(anchor, marked.completion, shape, is_final=True)
    assert (at_once.text, at_once.is_enough) == (text, True)
    enough, *unread = marked.chunks
    assert n_chars == (len(enough) if unread else None)


def check_shape(drawing: str, shape: Shape, *, by_hand: bool = False) -> None:
    assert trim.shape(anchor_of(drawing), is_invoked=by_hand) is shape


# How much is wanted


@pytest.mark.parametrize(
    "drawing",
    [
        pytest.param("total = █", id="rest of a line"),
        pytest.param("█", id="empty document"),
        pytest.param("x = 1\n█", id="top level"),
        pytest.param("if x:█  # why", id="text behind the cursor"),
        pytest.param("f(█)", id="in brackets"),
        pytest.param("def f():\n█pass", id="before a line"),
    ],
)
def test_a_line_is_wanted(drawing: str) -> None:
    check_shape(drawing, Shape.LINE)


@pytest.mark.parametrize(
    "drawing",
    [
        pytest.param("def f():█", id="python"),
        pytest.param("int f() {█", id="c"),
        pytest.param("items.map(x =>█", id="arrow"),
        pytest.param("f x = do█", id="haskell"),
        pytest.param("if x then█", id="lua"),
        pytest.param("x = [█", id="list"),
        pytest.param("def f():\n    █", id="empty line of a body"),
        pytest.param("def f():\n█", id="before the indentation"),
        pytest.param("def f():  \n\n█", id="after a gap"),
    ],
)
def test_a_block_is_wanted(drawing: str) -> None:
    check_shape(drawing, Shape.BLOCK)


def test_asking_by_hand_wants_a_block_but_in_the_middle_of_a_line() -> None:
    check_shape("total = █", Shape.BLOCK, by_hand=True)
    check_shape("total = █ + 1", Shape.LINE, by_hand=True)


# One line


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        pytest.param("x = ├1┤", "x = ├1┤", id="all of it"),
        pytest.param("x = ├1\n┆y = 2┤", "x = ├1┤", id="one line of two"),
        pytest.param("x = ├1\r┆\ny┤\r\n", "x = ├1┤\r\n", id="crlf"),
        pytest.param("x = ├1   \n┆┤", "x = ├1┤", id="no blanks at its end"),
        pytest.param("x =├ 1┤", "x =├ 1┤", id="a blank at its beginning"),
        pytest.param("x = ├┤", "x = ├┤", id="nothing"),
        pytest.param("x = ├ \t ┤", "x = ├┤", id="only blanks"),
        pytest.param("x = ├\n\n┤", "x = ├┤", id="only line ends"),
        pytest.param(
            "import os├\nimport re\n┆x┤", "import os├\nimport re┤", id="the next line"
        ),
        pytest.param(
            "import os├\n\n\nx = 1\n┆┤", "import os├\n\n\nx = 1┤", id="after a gap"
        ),
        pytest.param(
            "a = 1├\nb = 2\n┆c┤\nb = 2\n",
            "a = 1├┤\nb = 2\n",
            id="the next line is there already",
        ),
        pytest.param(
            "a = 1├\nb = 2┤\nb = 2\n", "a = 1├┤\nb = 2\n", id="there without its end"
        ),
        pytest.param(
            "  a();├\n});\n┆┤\n})\n", "  a();├┤\n})\n", id="there but for its end"
        ),
        pytest.param(
            "a = 1├\nb = 23\n┆┤\nb = 2\n",
            "a = 1├\nb = 23┤\nb = 2\n",
            id="the next line is another one",
        ),
        pytest.param("return n├ + 1\n┆┤", "return n├ + 1┤", id="one character is one"),
        pytest.param("s = ├'a\x0bb\u2028c'\n┆┤", "s = ├'a\x0bb\u2028c'┤", id="no end"),
        pytest.param("let x = ├vec![1];\n┆┤", "let x = ├vec![1];┤", id="rust"),
        pytest.param("SELECT ├* FROM t;\n┆┤", "SELECT ├* FROM t;┤", id="sql"),
        pytest.param("| a ├| b |\n┆┤", "| a ├| b |┤", id="markdown"),
    ],
)
def test_a_line_ends_where_it_ends(written: str, kept: str) -> None:
    check_trim(written, kept)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        pytest.param("print(├x)\n┆┤)", "print(├x┤)", id="bracket"),
        pytest.param("print(├f(x))\n┆┤)", "print(├f(x)┤)", id="bracket in a bracket"),
        pytest.param("a[├i] = 1\n┆┤]", "a[├i┤]", id="square bracket"),
        pytest.param("f({├'a': 1})\n┆┤})", "f({├'a': 1┤})", id="two brackets"),
        pytest.param('print("├hello")\n┆┤")', 'print("├hello┤")', id="quote"),
        pytest.param("x = '├it'\n┆┤'", "x = '├it┤'", id="single quote"),
        pytest.param("`├a ${b}`;\n┆┤`;", "`├a ${b}┤`;", id="backtick"),
        pytest.param('"├say (";)\n┆┤"', '"├say (┤"', id="quote ends in a bracket"),
        pytest.param("f(├x);\n┆┤);", "f(├x┤);", id="bracket and semicolon"),
        pytest.param("x: ├f(1, 2), y\n┆┤,", "x: ├f(1, 2)┤,", id="comma"),
        pytest.param("let x = ├g(a;b);\n┆┤;", "let x = ├g(a;b)┤;", id="semicolon"),
        pytest.param("if x├ == {1: 2}:\n┆┤:", "if x├ == {1: 2}┤:", id="colon"),
        pytest.param("f(├x┤)", "f(├x┤)", id="not closed again"),
        pytest.param("f(├g(x)┤)", "f(├g(x)┤)", id="closed what it opened"),
        pytest.param("f(├(x]┤)", "f(├(x]┤)", id="closed wrongly"),
        pytest.param("f(├)\n┆┤)", "f(├┤)", id="nothing but the bracket"),
        pytest.param("f(├\n┆x)┤)", "f(├┤)", id="nothing before a line end"),
        pytest.param("f(├ \n┆  x)┤)", "f(├┤)", id="nothing but blanks"),
        pytest.param("f(├x)\n┆┤) ", "f(├x┤) ", id="blanks at the end of the line"),
    ],
)
def test_what_an_editor_has_closed_is_not_closed_again(written: str, kept: str) -> None:
    check_trim(written, kept)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        pytest.param("x = ├a + total\n┆┤ + total", "x = ├a┤ + total", id="all of it"),
        pytest.param(
            "f(├a, total + b\n┆┤total + b", "f(├a, ┤total + b", id="blank is kept"
        ),
        pytest.param(
            "f(├first, sec\n┆┤second)", "f(├first, ┤second)", id="only its beginning"
        ),
        pytest.param("see (├x)\n┆┤) for", "see (├x┤) for", id="bracket and text"),
        pytest.param("f(├g(x), y)┤) + 1", "f(├g(x), y┤) + 1", id="its own bracket"),
        pytest.param('x = "├a"┤" + b', 'x = "├a┤" + b', id="quote and text"),
        pytest.param('f(├"a", ┤"b")', 'f(├"a", ┤"b")', id="quote that opens"),
        pytest.param("a = ├b ┤+ 1;", "a = ├b ┤+ 1;", id="its last blank"),
        pytest.param("a = ├b ┤ + 1;", "a = ├b┤ + 1;", id="a blank that is there"),
        pytest.param(
            "a = ├b * c + 1;\n┆┤+ 1;", "a = ├b * c ┤+ 1;", id="a blank before all of it"
        ),
        pytest.param("y = ├n + 1\n┆┤ 1 == n", "y = ├n + 1┤ 1 == n", id="by chance"),
        pytest.param(
            "y = ├foobar\n┆┤foo.x", "y = ├foobar┤foo.x", id="not at the end of the line"
        ),
        pytest.param("y = ├foo┤foo.x", "y = ├┤foo.x", id="at the end of the answer"),
        pytest.param("a ├+ b\n┆┤= 3", "a ├+ b┤= 3", id="nothing in common"),
        pytest.param("a ├+ b\n┆more┤ - c", "a ├+ b┤ - c", id="the line is enough"),
    ],
)
def test_text_behind_the_cursor_is_not_written_again(written: str, kept: str) -> None:
    check_trim(written, kept)


@pytest.mark.parametrize(
    ("written", "whole"),
    [
        pytest.param("f(├x)┤)", "f(├x)┤)╣", id="bracket"),
        pytest.param("f(├x);┤)", "f(├x);┤)╣", id="a semicolon that is needed"),
        pytest.param("f(├x) + g(y)┤)", "f(├x) + g(y)┤)╣", id="the line goes on"),
        pytest.param('print("├hi")┤")', 'print("├hi")┤")╣', id="quote and bracket"),
        pytest.param("f(g(├x)┤))", "f(g(├x)┤)╣)", id="one of two"),
        pytest.param("a(├b]┤)", "a(├b]┤)", id="not closed"),
        pytest.param("a = ├b + c┤ + c", "a = ├b┤ + c", id="text is not covered"),
        pytest.param("f(├x) ;┤ ) ;", "f(├x) ;┤ ) ;╣", id="blanks between"),
        pytest.param(
            "int f() {├\n  return 1;\n}┤}", "int f() {├\n  return 1;\n}┤}╣", id="block"
        ),
        pytest.param(
            "on(() => {├\n  y();\n});┤})",
            "on(() => {├\n  y();\n});┤})╣",
            id="block in a call",
        ),
        pytest.param("x = {├ a: 1 };\ny┤}", "x = {├ a: 1 };┤}╣", id="one line"),
    ],
)
def test_who_can_replace_the_rest_of_the_line_gets_it_as_written(
    written: str, whole: str
) -> None:
    marked = markers.parse(written)
    anchor = anchor_of(written)
    shape = trim.shape(anchor, is_invoked=False)
    cut = trim.cut(anchor, marked.completion, shape, is_final=True)
    expected = markers.parse(whole)
    assert cut.text + cut.tail == expected.completion
    assert cut.n_covered_chars == expected.n_replaced_chars


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        pytest.param("f() {├\n  a();\n}┤}", "f() {├\n  a();\n┤}", id="brace"),
        pytest.param(
            "  f(() => {├\n    a();\n  });\n┆┤})",
            "  f(() => {├\n    a();\n  ┤})",
            id="its indentation stays",
        ),
        pytest.param("f {├ a }\n┆┤}", "f {├ a┤}", id="on one line"),
        pytest.param(
            "if (x) {├\n  a();\n┤}", "if (x) {├\n  a();\n┤}", id="not closed by it"
        ),
        pytest.param(
            "  f(() => {├\n    a();┤})",
            "  f(() => {├\n    a();\n  ┤})",
            id="not even its last line",
        ),
        pytest.param(
            "\tf {├\r\n\t\ta\r\n┤}\r\n",
            "\tf {├\r\n\t\ta\r\n\t┤}\r\n",
            id="tabs and crlf",
        ),
    ],
)
def test_a_block_is_written_into_a_brace_that_the_editor_closed(
    written: str, kept: str
) -> None:
    check_trim(written, kept)


@pytest.mark.parametrize(
    ("text", "next_line", "kept"),
    [
        ("a();\n}", "}", "a();\n"),
        ("a();\n});", "})", "a();\n"),
        ("if (x) {\n  }\n  b();", "}", "if (x) {\n  }\n  b();"),
        ("a\nb\nc", "b", "a\n"),
        ("b\nc", "b", "b\nc"),
        ("a\nb", "c", "a\nb"),
        ("a();\n  }", "}", "a();\n  }"),
        ("a();\n  }", "  }", "a();\n"),
        ("a();\n})", "}", "a();\n})"),
    ],
)
def test_what_the_next_line_says_is_left_to_it(
    text: str, next_line: str, kept: str
) -> None:
    document = Document("file:///a.js", "javascript", 1, f"x\n{next_line}\n")
    assert trim.before_line(text, document.anchor(1)) == kept


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        pytest.param("The ├quick bro┤", "The ├quick┤", id="whole words"),
        pytest.param("x = ├total + f(┤", "x = ├total + f(┤", id="punctuation"),
        pytest.param("x = ├tot┤", "x = ├┤", id="not a whole word"),
        pytest.param("x = ├ ┤", "x = ├┤", id="a blank"),
        pytest.param("f(├a, b┤)", "f(├a,┤)", id="before a bracket"),
        pytest.param("x = ├a + b ┤+ c", "x = ├┤+ c", id="before other text"),
        pytest.param("├\n  total = f(x┤", "├\n  total = f(┤", id="the next line"),
        pytest.param("if x:├\n    y = 1\n    z┤", "if x:├\n    y = 1┤", id="a block"),
        pytest.param("if x:├\n    y = 1┤", "if x:├┤", id="no whole line"),
    ],
)
def test_of_what_is_still_written_the_whole_words_and_lines_are_shown(
    written: str, shown: str
) -> None:
    marked, expected = markers.parse(written), markers.parse(shown)
    anchor = anchor_of(written)
    shape = trim.shape(anchor, is_invoked=False)
    assert trim.so_far(marked.completion, anchor, shape) == expected.completion


# How far a stream is read


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("x = ├1\ny = 2\n\n┆┤", id="a paragraph"),
        pytest.param("def f():\n    x = ├1\n    return x\nd┆┤", id="a block"),
        pytest.param("x = ├1\na\nb\nc\nd\n┆┤", id="so many lines"),
        pytest.param("f(├x)\ny()\n\n┆┤)", id="behind closing brackets"),
        pytest.param("x = ├1\n┆┤ + 1", id="only the line before other text"),
        pytest.param("def f():├\n    x\nd┆┤", id="no further than the block"),
        pytest.param("f {├\n  a\n}\n┆┤}", id="with the line that closes it"),
        pytest.param("x = ├1\ny = 2\n┆┤\ny = 2\n", id="to what is there already"),
    ],
)
def test_a_stream_is_read_for_the_lines_that_come_next(written: str) -> None:
    marked = markers.parse(written)
    anchor = anchor_of(written)
    shape = trim.shape(anchor, is_invoked=False)
    text, end = marked.completion, len(marked.chunks[0])
    over = [trim.is_over(anchor, text[:n], shape) for n in range(len(text) + 1)]
    assert over.index(True) == end


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("x = f(1)", True),
        ("return x", True),
        ("foo();", True),
        ("}", True),
        ("});", True),
        ("if x:", False),
        ("f(a,", False),
        ("x = (1", False),
        ("x = a +", False),
        ("return", False),
        ("int f() {", False),
        ("x.", False),
        ("", False),
    ],
)
def test_a_statement_ends_where_nothing_is_left_open(line: str, ends: bool) -> None:
    assert trim.ends_statement(line) is ends


# A block


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        pytest.param(
            "def f(x):├\n    return x\n\nd┆ef g():\n    pass┤",
            "def f(x):├\n    return x┤",
            id="one definition of two",
        ),
        pytest.param(
            "def f(x):\n    ├y = x\n    return y\nf┆(1)┤",
            "def f(x):\n    ├y = x\n    return y┤",
            id="its indentation ends it",
        ),
        pytest.param(
            "def f(x):├\n    y = x\n\n    return y\n\n\n┆def g():┤",
            "def f(x):├\n    y = x\n\n    return y┤",
            id="one empty line does not end it",
        ),
        pytest.param(
            "def f(x):├\n\n    return x┤",
            "def f(x):├\n\n    return x┤",
            id="an empty line first",
        ),
        pytest.param("def f(x):├\n\n\n┆    return x┤", "def f(x):├┤", id="a gap first"),
        pytest.param(
            "def f(x):├  # why\n    return x\ng┆┤",
            "def f(x):├  # why\n    return x┤",
            id="the rest of the line first",
        ),
        pytest.param(
            "if a:\n    if b:├\n        c()\n    e┆lse:\n        d()┤",
            "if a:\n    if b:├\n        c()┤",
            id="in a block",
        ),
        pytest.param(
            "if a:\n\t├b()\n\tif c:\n\t\td()\ne┆┤",
            "if a:\n\t├b()\n\tif c:\n\t\td()┤",
            id="tabs",
        ),
        pytest.param(
            "def f():\r\n    ├a()\r\n    b()\r\nc┆┤\r\n",
            "def f():\r\n    ├a()\r\n    b()┤\r\n",
            id="crlf",
        ),
        pytest.param("def f():├\n    \n    ┤", "def f():├┤", id="only blanks"),
        pytest.param(
            "def f():\n├    return 1\n\n┆x┤",
            "def f():\n├    return 1┤",
            id="with its indentation",
        ),
        pytest.param("def f():├\nr┆eturn 1┤", "def f():├┤", id="not in the block"),
    ],
)
def test_a_block_ends_by_its_indentation(written: str, kept: str) -> None:
    check_trim(written, kept)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        pytest.param(
            "int f() {├\n  return 1;\n}\n┆\nint g() {┤",
            "int f() {├\n  return 1;\n}┤",
            id="c",
        ),
        pytest.param(
            "int f() {├\n  return 1;\n}\n┆┤\n}\n",
            "int f() {├\n  return 1;┤\n}\n",
            id="there already",
        ),
        pytest.param(
            "int f() {├\n  return 1;\n}┤\n}\n",
            "int f() {├\n  return 1;┤\n}\n",
            id="there already, at the end",
        ),
        pytest.param(
            "on(() => {├\n  y();\n});\n┆┤\n})\n",
            "on(() => {├\n  y();┤\n})\n",
            id="there without its semicolon",
        ),
        pytest.param(
            "if (a) {├\n  b();\n} else {\n┆  c();\n}┤\n}\n",
            "if (a) {├\n  b();\n} else {┤\n}\n",
            id="goes on behind the brace",
        ),
        pytest.param(
            "x = [├\n  1,\n  2,\n];\n┆y┤", "x = [├\n  1,\n  2,\n];┤", id="list"
        ),
        pytest.param(
            "on('x', () => {├\n  y();\n});\n┆z┤",
            "on('x', () => {├\n  y();\n});┤",
            id="call",
        ),
        pytest.param(
            "fn f() {\n    ├a();\n    b();\n}┆\n┤\n}",
            "fn f() {\n    ├a();\n    b();┤\n}",
            id="of the block around",
        ),
        pytest.param(
            "int f() {\n  ├if (a) {\n    b();\n  }\n  c();\n}┆┤",
            "int f() {\n  ├if (a) {\n    b();\n  }\n  c();┤",
            id="of a block within",
        ),
        pytest.param(
            "fn f() {├\n    g(|| {\n        h();\n    });\n}\n┆┤",
            "fn f() {├\n    g(|| {\n        h();\n    });\n}┤",
            id="rust",
        ),
        pytest.param(
            "if x then├\n  y()\ne┆nd┤", "if x then├\n  y()┤", id="no brace, lua"
        ),
    ],
)
def test_a_block_takes_the_line_that_closes_it(written: str, kept: str) -> None:
    check_trim(written, kept)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        pytest.param(
            "def f():\n    ├a()\n    b()\n┆    c()┤\n    b()\n",
            "def f():\n    ├a()┤\n    b()\n",
            id="the next line",
        ),
        pytest.param(
            "def f():\n    ├a()\n    b()┤\n    b()\n",
            "def f():\n    ├a()┤\n    b()\n",
            id="the next line without its end",
        ),
        pytest.param(
            "def f():\n    ├b()\n┆┤\n\n    b()\n",
            "def f():\n    ├┤\n\n    b()\n",
            id="at once, after a gap",
        ),
        pytest.param(
            "def f():\n    ├a()\n    b(1)\nc┆┤\n    b(\n",
            "def f():\n    ├a()\n    b(1)┤\n    b(\n",
            id="not when it goes on otherwise",
        ),
    ],
)
def test_a_block_ends_where_the_text_behind_it_begins(written: str, kept: str) -> None:
    # By itself, a line is completed where the same body goes on below.
    check_trim(written, kept, by_hand=True)


def test_what_stands_below_an_empty_line_is_not_written_into_it() -> None:
    check_trim("def f():\n    ├b()\n┆┤\n\n    b()\n", "def f():\n    ├┤\n\n    b()\n")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        pytest.param(
            "def f():\n    ├a()\n    b()\n    b()\n    b()\n┆    b()┤",
            "def f():\n    ├a()\n    b()┤",
            id="one line",
        ),
        pytest.param(
            "def f():\n    ├a()\n    b()\n    b()\nc┆┤",
            "def f():\n    ├a()\n    b()\n    b()┤",
            id="twice is meant",
        ),
        pytest.param(
            "def f():\n    ├b()\n    b()\n    b().c()\nd┆┤",
            "def f():\n    ├b()\n    b()\n    b().c()┤",
            id="the third goes on otherwise",
        ),
        pytest.param(
            "def f():\n    ├if one:\n        two()\n    if one:\n        two()\n┆c┤",
            "def f():\n    ├if one:\n        two()┤",
            id="two lines",
        ),
        pytest.param(
            "f {\n    ├if a {\n        if b {\n            c\n        }\n    }\n}┆\n┤",
            "f {\n    ├if a {\n        if b {\n            c\n        }\n    }┤",
            id="closing brackets are none",
        ),
        pytest.param(
            "def f():\n    ├a[1] = 0\n    a[2] = 0\n    a[3] = 0\n    a[4] = 0\n"
            "    a[5] = 0\n┆    a[6]┤",
            "def f():\n    ├a[1] = 0\n    a[2] = 0\n    a[3] = 0┤",
            id="a series without an end",
        ),
        pytest.param(
            "x = ├key[index[key[index[key[index[┤",
            "x = ├key[index[┤",
            id="within a line",
        ),
        pytest.param(
            "x = ├[0.0, 0.0, 0.0, 0.0, 0.0, 0.0]\n┆┤",
            "x = ├[0.0, 0.0, 0.0, 0.0, 0.0, 0.0]┤",
            id="numbers are none",
        ),
    ],
)
def test_a_model_that_goes_round_in_circles_is_stopped(written: str, kept: str) -> None:
    check_trim(written, kept)


def test_a_block_is_never_longer_than_anybody_reads() -> None:
    names = itertools.product("abcdefgh", repeat=2)
    lines = "".join(f"\n    {one}_{other}()" for one, other in names)
    read_lines = "\n".join(lines.split("\n")[: trim.MAX_BLOCK_LINES]) + "\n"
    rest = lines.removeprefix(read_lines)
    check_trim(f"def f():├{read_lines}┆{rest}┤", f"def f():├{read_lines.rstrip()}┤")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        pytest.param(
            "x = ├f(\n    1,\n)\n┆y = 2┤", "x = ├f(\n    1,\n)┤", id="of many lines"
        ),
        pytest.param("x = ├1\ny┆ = 2┤", "x = ├1┤", id="of one"),
        pytest.param(
            "├import a\nimport b\n\n┆c┤", "├import a\nimport b┤", id="a group"
        ),
    ],
)
def test_asked_by_hand_a_statement_is_completed(written: str, kept: str) -> None:
    check_trim(written, kept, by_hand=True)


@pytest.mark.parametrize(
    ("is_whole", "kept"), [(True, "\n    a()\n    b"), (False, "\n    a()")]
)
def test_a_line_that_the_budget_has_cut_is_left_out(is_whole: bool, kept: str) -> None:
    anchor = anchor_of("def f():█")
    cut = trim.cut(
        anchor, "\n    a()\n    b", Shape.BLOCK, is_final=True, is_whole=is_whole
    )
    assert cut == Cut(kept, True)


# Whatever is written, and however it is cut in transit

PLACES = [
    *("x = █", "f(█)", "f(█);\n}", 'print("█")', "x = █ + total\n", "█\nx = 1"),
    *("def f():█", "def f():\n    █\n    b()\n", "int f() {█\n}\n", "if a:\n\t█"),
    *("import os█\nimport re\n", "class A:\n█", "a {\n  b {█\n  }\n}\n"),
]
PIECES = [
    *("x", "b()", "}", ")", '"', "});", " + total", "total", "import re", "# why"),
    *("\n", "\n", "\n", "\n    ", "\n    b()", "\n  ", "\n}", "\n\t", " ", "    "),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@given(
    place=st.sampled_from(PLACES), text=TEXTS, more=TEXTS, shape=st.sampled_from(Shape)
)
def test_what_is_enough_does_not_change_any_more(
    place: str, text: str, more: str, shape: Shape
) -> None:
    anchor = anchor_of(place)
    so_far = trim.cut(anchor, text, shape, is_final=False)
    if so_far.is_enough:
        for is_final in (False, True):
            later = trim.cut(anchor, text + more, shape, is_final=is_final)
            assert later == so_far


@given(
    place=st.sampled_from(PLACES),
    text=TEXTS,
    data=st.data(),
    shape=st.sampled_from(Shape),
)
def test_the_same_is_kept_however_a_text_was_cut_in_transit(
    place: str, text: str, shape: Shape, data: Any
) -> None:
    anchor = anchor_of(place)
    kept, _ = read(anchor, text, shape)
    whole = trim.cut(anchor, text, shape, is_final=True)
    written = whole.whole[: len(whole.whole) - whole.n_added_chars]
    assert text.startswith(written)
    assert whole.n_covered_chars <= len(anchor.line_suffix)
    assert anchor.line_suffix.strip() or kept == kept.rstrip()
    cut_at = data.draw(st.integers(0, len(text)))
    for part in (text[:cut_at], text):
        so_far = trim.cut(anchor, part, shape, is_final=part is text)
        if so_far.is_enough:
            assert so_far.text == kept
            return


@pytest.mark.parametrize(
    ("said", "deleted", "retypes"),
    [
        ("total(a)", "total(a)", True),
        ("total(a) + 1", "total(a)", True),
        ("total", "total(a)", True),
        ("total( a )", " total(a)\n", True),
        ("sum(a)", "total(a)", False),
        ("total", "", False),
        # So little is chance.
        ("x)", "x)", False),
    ],
)
def test_what_was_deleted_is_told_from_what_is_new(
    said: str, deleted: str, retypes: bool
) -> None:
    assert trim.retypes(Cut(said, is_enough=True), deleted) is retypes
