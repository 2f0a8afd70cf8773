"""What a file defines: one file of each language, and what is told of it."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from foretype import definitions as module
from foretype.definitions import (
    MAX_CHARS,
    MAX_DEFINITIONS,
    MAX_LINES,
    Definition,
    Kind,
    definitions,
    family_of,
    language_of,
)

FOLDER = Path(__file__).parent / "definitions"
FIXTURES = sorted(p for p in FOLDER.iterdir() if p.suffix != ".golden")


def drawn(path: Path) -> str:
    """The definitions of a file, to be read."""
    language = language_of(path)
    assert language is not None
    return "".join(
        f"== {found.kind} {found.name}, line {found.line_idx + 1}\n{found.text}\n\n"
        for found in definitions(path.read_text("utf-8"), language)
    )


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_a_file_of_each_language(path: Path, update_golden: bool) -> None:
    golden = path.with_name(f"{path.name}.golden")
    if update_golden:
        golden.write_text(drawn(path), "utf-8")
    assert drawn(path) == golden.read_text("utf-8")


def test_there_is_a_file_of_each_language() -> None:
    # A file of C++ is read with two sets of tags, of which one is that of C.
    read = {language_of(path) for path in FIXTURES}
    assert read == set(module._GRAMMARS) - {"javascriptreact"}


def test_a_language_is_known_by_the_name_of_a_file() -> None:
    assert language_of(PurePath("a/b.PY")) == "python"
    assert language_of(PurePath("a/.bashrc")) == "shellscript"
    assert language_of(PurePath("a/b.txt")) is None


def test_languages_that_use_each_other_are_a_family() -> None:
    assert family_of(PurePath("a.tsx")) == family_of(PurePath("b.js"))
    assert family_of(PurePath("a.h")) == family_of(PurePath("b.c"))
    assert family_of(PurePath("a.py")) != family_of(PurePath("b.rb"))
    assert family_of(PurePath("a.txt")) is None


@pytest.mark.parametrize("language", sorted(module._GRAMMARS))
@pytest.mark.parametrize("text", ["", "\0", "(" * 5000, "\ud800 class", "{[<\n" * 99])
def test_broken_text_is_no_problem(text: str, language: str) -> None:
    assert isinstance(definitions(text, language), list)


def test_text_of_any_script_is_cut_between_characters() -> None:
    assert definitions("# Füße 👣\ndef größe(π): pass", "python") == [
        Definition("größe", Kind.FUNCTION, "# Füße 👣\ndef größe(π):", 1)
    ]


def test_what_is_told_of_a_class_is_bounded() -> None:
    members = "".join(f"    def method_{n}(self): ...\n" for n in range(100))
    (of_class, *_) = definitions(f"class Big:\n{members}", "python")
    assert of_class.text.count("\n") + 1 == MAX_LINES
    (long,) = definitions(f"def f({', '.join(['parameter'] * 500)}): ...", "python")
    assert len(long.text) == MAX_CHARS


def test_a_file_with_very_many_definitions_is_bounded() -> None:
    text = "".join(f"def function_{n}(): ...\n" for n in range(2 * MAX_DEFINITIONS))
    assert len(definitions(text, "python")) == MAX_DEFINITIONS
