"""What a suggestion is where the cursor is now: the plugin's arithmetic of text."""

from __future__ import annotations

import pytest

from nvim_driver import Neovim


def call(nvim: Neovim, function: str, *arguments: object) -> object:
    code = f"return require('foretype.suggestion').{function}(...)"
    result: object = nvim.lua(code, *arguments)
    return result


@pytest.mark.parametrize(
    ("line", "covered", "drawn"),
    [
        ("value", "", "├value┤"),
        ("value)", ")", "├value┤)"),
        ("a, b):", ")", "├a, b┤)├:┤"),
        # The bracket that the text opens is closed by the text.
        ("f(x), y)", ")", "├f(x), y┤)"),
        ("[1])]", ")]", "├[1]┤)]"),
        ("é'日')", "')", "├é'日┤')"),
        ("value", ")", None),
    ],
)
def test_what_is_there_is_not_drawn_again(
    nvim: Neovim, line: str, covered: str, drawn: str | None
) -> None:
    pieces = call(nvim, "pieces", line, covered)
    if drawn is None:
        assert pieces is None
        return
    assert isinstance(pieces, list)
    encoded = covered.encode()
    text, at = "", 0
    for piece in pieces:
        text += encoded[at : piece["at"]].decode() + f"├{piece['text']}┤"
        at = piece["at"]
    assert text + encoded[at:].decode() == drawn


@pytest.mark.parametrize(
    ("typed", "rest_then", "rest", "left"),
    [
        ("", ")", ")", ("a, b):", ")")),
        ("a, ", ")", ")", ("b):", ")")),
        # Typed over, closed once more by itself, and moved to a line of its own.
        ("a, b)", ")", "", (":", "")),
        ("a", ")", "))", ("a, b):"[1:], ")")),
        ("a\n", ")", "", None),
        ("x", ")", ")", None),
        ("a, b):", ")", ")", None),
        ("a", ")", ") + 1", None),
    ],
)
def test_what_is_left(
    nvim: Neovim,
    typed: str,
    rest_then: str,
    rest: str,
    left: tuple[str, str] | None,
) -> None:
    suggestion = {"text": "a, b):", "covered": ")"}
    found = call(nvim, "left", suggestion, typed, rest_then, rest)
    if left is None:
        assert found is None
    else:
        assert found == {"text": left[0], "covered": left[1]}


@pytest.mark.parametrize(
    ("text", "word", "line"),
    [
        ("math.pi", "math", "math.pi"),
        (".pi", ".", ".pi"),
        (" * r\n    x", " *", " * r"),
        ("\n    return a\n    b", "\n    return", "\n    return a"),
        ("größe = 1", "größe", "größe = 1"),
        ("   ", "   ", "   "),
    ],
)
def test_a_word_and_a_line(nvim: Neovim, text: str, word: str, line: str) -> None:
    assert call(nvim, "beginning", text, "word") == word
    assert call(nvim, "beginning", text, "line") == line
    assert call(nvim, "beginning", text, "all") == text


def test_a_beginning_covers_what_it_writes_again(nvim: Neovim) -> None:
    assert call(nvim, "covered_by", "a, b):", ")", "a") == ""
    assert call(nvim, "covered_by", "a, b):", ")", "a, b)") == ")"
    assert call(nvim, "covered_by", "a, b):", ")", "a, b):") == ")"
