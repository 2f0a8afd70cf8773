"""`foretype demo`: what it draws, what it accepts, and one real session."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest
from rich.console import Console

from foretype import demo, picture, screen
from foretype.client import Client
from foretype.errors import ForetypeError, UsageError
from foretype.screen import Origin, Screen, Tally

# A model that can go on with anything can go on with this.
COUNTING = "".join(f"assert double({i}) == {2 * i}\n" for i in range(1, 7))


def drawn(shown: Screen) -> list[str]:
    """The code in the picture, without its frame and what is below."""
    drawing = picture.draw(
        shown, Tally(), name="a.py", language="python", hint="", status=""
    )
    console = Console(width=picture.WIDTH)
    with console.capture() as capture:
        console.print(drawing)
    lines = capture.get().split("\n")[1 : picture.N_CODE_LINES + 1]
    return [line.strip("│").rstrip() for line in lines]


# The picture.


def test_ghost_text_is_drawn_at_the_cursor() -> None:
    lines = drawn(Screen("def area(r):\n    return ", "\n", "math.pi * r"))
    assert lines[:3] == [
        "    1  def area(r):",
        "    2      return math.pi * r",
        "    3",
    ]


def test_ghost_text_of_several_lines_pushes_the_text_down() -> None:
    lines = drawn(Screen("a = 1\nif a:", "\nb = 2", "\n    c = 3\n    d = 4"))
    assert lines[:5] == [
        "    1  a = 1",
        "    2  if a:",
        "           c = 3",
        "           d = 4",
        "    3  b = 2",
    ]


def test_the_window_follows_the_cursor() -> None:
    text = "".join(f"x{i} = {i}\n" for i in range(1, 200))
    lines = drawn(Screen(text, "after = 1\n"))
    cursor = picture.LOWEST_CURSOR_LINE
    assert lines[cursor - 1 : cursor + 1] == [
        "  199  x199 = 199",
        "  200  after = 1",
    ]


def test_tabs_do_not_move_the_cursor() -> None:
    assert drawn(Screen("\tx =", "\n", " 1"))[0] == "    1      x = 1"


def test_nothing_is_drawn_that_a_terminal_would_obey() -> None:
    assert (
        drawn(Screen("x\x1b[2J", "", "\x9b\u202e"))[0]
        == "    1  x\ufffd[2J\ufffd\ufffd"
    )


# What is on the screen.


@pytest.mark.parametrize(
    ("typed", "rest"), [("m", "ath.pi"), ("math.pi", ""), ("x", ""), ("math.pi2", "")]
)
def test_ghost_text_stays_while_it_is_typed(typed: str, rest: str) -> None:
    shown = Screen("return ", "\n", "math.pi").typed(typed)
    assert shown == Screen("return " + typed, "\n", rest)


def test_a_position_counts_in_utf8() -> None:
    assert Screen("a\nπ𝜋x", "").position == {"line": 1, "character": 7}


@pytest.mark.parametrize(
    ("ghost", "future", "accepted"),
    [
        ("value + 1", "value + 1\nnext", "value + 1"),
        ("value + 1", "value + 12", "value + 1"),
        ("value + 2", "value + 1", ""),
        ("one()\ntwo()", "one()\ntwo()\n", "one()\ntwo()"),
        ("one()\ntwo()", "one()\n2()\n", "one()"),
        ("\n    one()", "\n    one()", "\n    one()"),
        ("one", "one", ""),
        ("\n\n   x", "\n\n   x", ""),
        ("", "one", ""),
    ],
)
def test_accepts_what_is_right_and_worth_it(
    ghost: str, future: str, accepted: str
) -> None:
    assert Screen("", "", ghost).acceptable(future) == accepted


# What is typed.


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("x = 1", ("", "x = 1", "")),
        ("a\n\nb\n\n    c\nd\n\n", ("a\n\nb\n\n    ", "c\nd", "\n\n")),
        ("\n\n\na\n\n\n\n", ("\n\n\n", "a", "\n\n\n\n")),
    ],
)
def test_the_second_half_of_a_text_is_typed(
    text: str, parts: tuple[str, str, str]
) -> None:
    assert screen.cut(text) == parts


def test_whole_paragraphs_are_typed_and_not_too_much() -> None:
    paragraph = "x" * 150 + "\n" + "y" * 100 + "\n\n"
    before, future, after = screen.cut(paragraph * 9)
    assert before == paragraph * 5
    assert future == paragraph.rstrip()
    assert before + future + after == paragraph * 9


def test_the_sample_has_something_to_go_on_with() -> None:
    before, future, _ = screen.cut(demo.SAMPLE.read_text("utf-8"))
    compile(before.rstrip() + "\n", "before", "exec")
    assert "class Color" in before
    assert future.startswith("def subtract")


def test_an_editor_sets_the_indentation_of_a_new_line() -> None:
    future = "a\n\n    b"
    keys = []
    while future:
        keys.append(screen.next_key(future))
        future = future[len(keys[-1]) :]
    assert keys == ["a", "\n", "\n    ", "b"]


# The numbers.


@pytest.mark.parametrize(
    ("shown", "ms", "expected"),
    [
        ("1 + 2", 1.0, Origin.TYPED_ALONG),
        ("1 + 2 + 3", 90.0, Origin.TYPED_ALONG),
        ("1 + 2", 90.0, Origin.MODEL),
        ("other", 1.0, Origin.MEMORY),
        ("", 1.0, Origin.MEMORY),
        ("", 90.0, Origin.MODEL),
    ],
)
def test_an_editor_tells_answers_apart(shown: str, ms: float, expected: Origin) -> None:
    assert screen.origin(shown, "1 + 2 + 3", ms) is expected


def test_the_summary_of_nothing_is_a_line() -> None:
    assert "\n" not in Tally().summary()


# What cannot be done is said before a server is started.


@pytest.mark.asyncio
async def test_a_picture_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        await demo.run(None, tmp_path / "missing" / "demo.svg")
    with pytest.raises(UsageError, match="cannot be written"):
        await demo.run(None, tmp_path)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b" \n", "is empty"), (b"\xff", "is not UTF-8")],
)
async def test_a_file_must_be_text(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "a.py"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        await demo.run(path, None)


# The server's process.


@pytest.mark.asyncio
async def test_a_server_that_ends_fails_whoever_waits() -> None:
    words = "import sys; sys.stdin.read(9); sys.exit('last words')"
    async with Client((sys.executable, "-c", words)) as client:
        with pytest.raises(ForetypeError, match="ended with status 1: last words"):
            await client.initialize()
        with pytest.raises(ForetypeError, match="last words"):
            await client.notification()
        with pytest.raises(ForetypeError, match="last words"):
            await client.notification()


@pytest.mark.asyncio
async def test_a_server_that_cannot_be_started_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ForetypeError, match="cannot be started"):
        async with Client((str(tmp_path / "missing"),)):
            pass


@pytest.mark.asyncio
async def test_a_server_that_does_not_end_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("foretype.client.CLOSE_TIMEOUT_S", 0.01)
    deaf = "import time\nwhile True: time.sleep(1000)"
    async with Client((sys.executable, "-c", deaf)) as client:
        process = client._process
    assert process.returncode not in (None, 0)


@pytest.mark.asyncio
async def test_records_a_session_with_the_built_in_model(
    tmp_path: Path, built_in_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    monkeypatch.setenv("XDG_CACHE_HOME", str(built_in_cache))
    path, recorded = tmp_path / "counting.py", tmp_path / "demo.svg"
    path.write_text(COUNTING)

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "foretype"),
        *("demo", str(path), "--record", str(recorded)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await process.communicate()
    assert (process.returncode, stderr) == (0, b"")
    [summary] = stdout.decode().splitlines()
    assert re.search(r"^[1-9]\d* keys typed, \d+ of [1-9]\d* characters", summary)
    assert re.search(r"p50 \d+\.\d ms", summary)
    assert "\x1b" not in summary

    svg = recorded.read_text("utf-8")
    assert "counting.py" in svg
    assert str(tmp_path) not in svg
    assert ghost_text(svg)
    # What nobody types is not counted.
    assert "stats.sqlite3" not in files_in(tmp_path / "STATE")


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


def ghost_text(svg: str) -> str:
    """What is drawn in the only style that is in italics."""
    styles = re.findall(r"\.(\S+) \{[^}]*font-style: italic", svg)
    texts = [
        re.findall(rf'<text class="{style}"[^>]*>([^<]*)', svg) for style in styles
    ]
    return "".join(text for found in texts for text in found)
