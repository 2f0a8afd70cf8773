"""Windows of other texts, found by the words in them."""

from __future__ import annotations

import pytest

from foretype import similar
from foretype.similar import Windows, cut, words_of


def test_the_words_of_a_name_are_found_however_they_are_joined() -> None:
    assert words_of("maxTokens_block HTTPServer x2 _a über") == [
        *("max", "tokens", "block", "maxtokensblock"),
        *("http", "server", "httpserver"),
        "über",
    ]


def test_a_text_is_cut_at_gaps_where_there_are_some() -> None:
    lines = [f"line {n}" for n in range(60)]
    text = "\n".join([*lines[:10], "", *lines[10:13], "", *lines[13:20], "", "", "end"])
    windows = list(cut(text))
    assert [w.split("\n")[0] for w in windows] == ["line 0", "line 10", "end"]
    assert "".join(w.replace("\n", "") for w in windows) == text.replace("\n", "")
    long = list(cut("\n".join(lines)))
    assert [w.count("\n") + 1 for w in long] == [24, 24, 12]
    assert list(cut("\n\n")) == []


def test_what_has_rare_words_of_the_place_is_found_first() -> None:
    windows = Windows()
    windows.put("a", "def total(prices):\n    return sum(prices)\n")
    windows.put("b", "def volume(radius):\n    return radius ** 3\n")
    windows.put("c", "def area(radius):\n    return total(radius)\n")
    found = windows.find("x = volume(radius)", most=9)
    assert [w.key for w in found] == ["b", "c"]
    assert found[0].text.startswith("def volume")
    assert [w.key for w in windows.find("volume", most=9, key="c")] == []
    assert windows.find("", most=9) == windows.find("of it", most=9) == []


def test_a_text_takes_the_place_of_what_it_was() -> None:
    windows = Windows()
    windows.put("a", "one_word\n")
    windows.put("a", "another\n")
    assert windows.find("word", most=9) == []
    assert [w.text for w in windows.find("another", most=9)] == ["another"]
    windows.remove("a")
    windows.remove("never there")
    assert windows.find("another", most=9) == []
    assert windows.keys == set()


@pytest.mark.parametrize("text", ['"', "'", "a OR NEAR(", "NOT AND OR", "x*:^{}"])
def test_no_text_is_taken_for_a_question_in_the_librarys_language(text: str) -> None:
    windows = Windows()
    windows.put("a", "near and not\n")
    windows.find(text, most=1)


def test_only_the_beginning_of_a_long_text_is_looked_through() -> None:
    windows = Windows()
    windows.put("a", "first\n" + "x\n" * similar.MAX_TEXT_CHARS + "last\n")
    assert windows.find("first", most=1)
    assert not windows.find("last", most=1)
