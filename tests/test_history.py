"""What was changed last, as diffs."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis import given

from foretype import history
from foretype.document import Document
from foretype.edits import Edit
from foretype.history import History


class Editor:
    """Documents that are edited, and the history of that."""

    def __init__(self, **texts: str) -> None:
        self.history = History()
        self.documents = {
            name: Document(name, "python", 1, text) for name, text in texts.items()
        }

    def edit(self, name: str, start: int, end: int, text: str) -> None:
        document = self.documents[name]
        self.history.record(document, [document.replace(start, end, text)])

    def type(self, name: str, after: str, text: str) -> None:
        """Key by key, behind the first place that says something."""
        at = self.documents[name].text.index(after) + len(after)
        for idx, key in enumerate(text):
            self.edit(name, at + idx, at + idx, key)

    def diffs(self, uri: str = "", offset: int = 0, most_chars: int = 10_000) -> str:
        names = {name: f"{name}.py" for name in ("a", "b")}
        return self.history.diffs(self.documents, names, uri, offset, most_chars)


def test_keys_in_one_line_are_one_change() -> None:
    editor = Editor(a="x = 1\ny = 2\n")
    editor.type("a", "x = ", "10 + ")
    assert editor.diffs() == "--- a.py\n-x = 1\n+x = 10 + 1\n"


def test_lines_beside_each_other_are_one_change_and_others_are_not() -> None:
    editor = Editor(a="one\ntwo\nthree\nfour\nfive\nsix\n", b="b\n")
    editor.type("a", "two", "2\nnew")
    editor.type("a", "six", "6")
    editor.type("b", "b", "c")
    editor.type("a", "one", "1")
    assert editor.diffs() == (
        "--- a.py\n-six\n+six6\n--- b.py\n-b\n+bc\n"
        "--- a.py\n-one\n-two\n+one1\n+two2\n+new\n"
    )


def test_what_was_taken_back_is_no_change() -> None:
    editor = Editor(a="one\ntwo\n")
    editor.type("a", "one", "!")
    editor.edit("a", 3, 4, "")
    assert editor.diffs() == ""


def test_the_change_at_the_cursor_is_not_told() -> None:
    editor = Editor(a="one\ntwo\nthree\nfour\n")
    editor.type("a", "one", "!")
    editor.type("a", "four", "!")
    assert editor.diffs("a", 2) == "--- a.py\n-four\n+four!\n"
    assert editor.diffs("a", editor.documents["a"].n_chars - 2) == (
        "--- a.py\n-one\n+one!\n"
    )


def test_a_change_moves_with_what_is_written_above_it() -> None:
    editor = Editor(a="one\ntwo\nthree\nfour\n")
    editor.type("a", "four", "!")
    editor.edit("a", 0, 0, "zero\n" * 3)
    assert "-four\n+four!\n" in editor.diffs()


def test_what_is_too_long_is_no_change() -> None:
    editor = Editor(a="one\ntwo\n", b="b\n")
    editor.type("b", "b", "!")
    editor.edit("a", 0, 0, "x\n" * history.MAX_CHANGE_CHARS)
    assert editor.diffs() == "--- b.py\n-b\n+b!\n"
    # The last ones have room.
    editor.type("b", "b", "?")
    assert editor.diffs(most_chars=3) == ""


def test_a_closed_document_is_told_as_it_was_left() -> None:
    editor = Editor(a="one\ntwo\n")
    editor.type("a", "two", "!")
    editor.history.close(editor.documents.pop("a"))
    # Opened again, it is another one.
    editor.documents["a"] = Document("a", "python", 1, "other\n" * 9)
    editor.type("a", "other", "?")
    assert editor.diffs() == "--- a.py\n-two\n+two!\n-other\n+other?\n"


def test_one_change_of_many_cursors_is_told_as_a_whole() -> None:
    editor = Editor(a="one\ntwo\nthree\n")
    document = editor.documents["a"]
    made = [document.replace(at, at, "#") for at in (8, 4, 0)]
    editor.history.record(document, made)
    assert editor.diffs() == ("--- a.py\n-one\n-two\n-three\n+#one\n+#two\n+#three\n")


@given(data=st.data())
def test_undoing_all_changes_gives_the_first_text(data: Any) -> None:
    """The lines that were there before each change put together what was there."""
    text = data.draw(st.text("ab\n", max_size=60))
    document = Document("a", "python", 1, text)
    kept = History()
    for _ in range(data.draw(st.integers(1, 12))):
        made: list[Edit] = []
        for _ in range(data.draw(st.integers(1, 3))):
            start = data.draw(st.integers(0, document.n_chars))
            end = data.draw(st.integers(start, min(start + 6, document.n_chars)))
            made.append(
                document.replace(start, end, data.draw(st.text("xy\n", max_size=5)))
            )
        kept.record(document, made)
    now = document.text
    changes = sorted(kept._changes, key=lambda change: change.start, reverse=True)
    for change in changes:
        now = now[: change.start] + change.old + now[change.end :]
    assert now == text
