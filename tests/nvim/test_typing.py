"""What a person sees while typing in Neovim."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from endpoint_thread import EndpointThread, after
from fake_endpoint import Answer, FakeEndpoint
from nvim_driver import Neovim

Open = Callable[..., Neovim]
AREA = "def area(r):\n    return█"


def test_ghost_text_comes_with_a_key(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = Answer(("math.pi", " * r ** 2", "\n"))
    nvim = opened(AREA)
    nvim.keys(" ")
    nvim.shows("def area(r):\n    return █├math.pi * r ** 2┤")


def test_what_is_typed_as_suggested_stays(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = Answer(("math.pi", " * r ** 2", "\n"))
    nvim = opened(AREA)
    nvim.keys(" ")
    suggested = "math.pi * r ** 2"
    nvim.shows(f"def area(r):\n    return █├{suggested}┤")
    for n, char in enumerate(suggested[:-1], 1):
        nvim.keys(char)
        typed, left = suggested[:n], suggested[n:]
        # At once: it is drawn before Neovim takes the next message.
        assert nvim.screen() == f"def area(r):\n    return {typed}█├{left}┤"
    assert len(endpoint.requests) == 1
    nvim.keys(suggested[-1])
    assert nvim.screen() == f"def area(r):\n    return {suggested}█"


def test_a_key_that_does_not_match_takes_it_away(
    opened: Open, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"return ": "math.pi"})
    nvim = opened(AREA)
    nvim.keys(" ")
    nvim.shows("def area(r):\n    return █├math.pi┤")
    nvim.keys("r")
    assert nvim.screen() == "def area(r):\n    return r█"


def test_what_comes_instead_is_shown(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"return ": "math.pi", "return r": " * r * 3"})
    nvim = opened(AREA)
    nvim.keys(" ")
    nvim.shows("def area(r):\n    return █├math.pi┤")
    nvim.keys("r")
    nvim.shows("def area(r):\n    return r█├ * r * 3┤")


def test_backspace_brings_back_what_was_typed(
    opened: Open, endpoint: FakeEndpoint
) -> None:
    endpoint.default = after({"return ": "math.pi"})
    nvim = opened(AREA)
    nvim.keys(" ")
    nvim.shows("def area(r):\n    return █├math.pi┤")
    nvim.type("ma")
    nvim.keys("<BS>")
    assert nvim.screen() == "def area(r):\n    return m█├ath.pi┤"
    nvim.keys("<BS>")
    assert nvim.screen() == "def area(r):\n    return █├math.pi┤"
    assert len(endpoint.requests) == 1


def test_a_wrong_key_and_backspace(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"return ": "math.pi"})
    nvim = opened(AREA)
    nvim.keys(" ")
    nvim.shows("def area(r):\n    return █├math.pi┤")
    nvim.keys("x")
    assert nvim.screen() == "def area(r):\n    return x█"
    nvim.keys("<BS>")
    nvim.shows("def area(r):\n    return █├math.pi┤")


@pytest.mark.parametrize("key", ["<Esc>", "<C-c>", "<C-o>"])
def test_leaving_insert_mode_takes_it_away(
    opened: Open, endpoint: FakeEndpoint, key: str
) -> None:
    endpoint.default = after({"return ": "math.pi"})
    nvim = opened(AREA)
    nvim.keys(" ")
    nvim.shows("def area(r):\n    return █├math.pi┤")
    nvim.keys(key)
    nvim.until(lambda: "├" in nvim.screen(), False)
    nvim.keys("<C-\\><C-n>")


def test_an_answer_after_insert_mode_is_not_shown(
    opened: Open, thread: EndpointThread
) -> None:
    held = asyncio.Event()
    thread.endpoint.default = Answer(("math.pi",), before=(held,))
    nvim = opened(AREA)
    nvim.keys(" ")
    request = thread.next_request()
    nvim.keys("<Esc>")
    thread.set(held)
    thread.run(request.ended())
    # An answer to something that is asked later has come behind it.
    nvim.explain()
    assert nvim.screen() == "def area(r):\n    return█"


def test_a_block_is_drawn_below_the_line(opened: Open, endpoint: FakeEndpoint) -> None:
    endpoint.default = Answer(
        ("total = 0\n", "    for value in values:\n", "        total += value\n")
    )
    nvim = opened("def total(values):\n    █\n\n\nprint(1)\n")
    nvim.keys("<M-t>")
    nvim.shows(
        """\
def total(values):
    █├total = 0┤
├    for value in values:┤
├        total += value┤


print(1)"""
    )


def test_a_block_grows_while_it_is_written(
    opened: Open, thread: EndpointThread
) -> None:
    held = asyncio.Event()
    lines = ("total = 0\n", "    for v in values:\n", "        total += v\n")
    steps = (lines[0], held, *lines[1:], "    return total\n")
    thread.endpoint.default = Answer(steps)
    nvim = opened("def total(values):█\n\n\nprint(1)\n")
    nvim.keys("<CR>    ")
    nvim.shows("def total(values):\n    █├total = 0┤\n\n\nprint(1)")
    thread.set(held)
    nvim.shows(
        """\
def total(values):
    █├total = 0┤
├    for v in values:┤
├        total += v┤
├    return total┤


print(1)"""
    )


def test_text_behind_the_cursor_is_pushed_and_not_painted_over(
    opened: Open, endpoint: FakeEndpoint
) -> None:
    endpoint.default = Answer(("value",))
    nvim = opened("print(█)  # behind")
    nvim.keys("<M-t>")
    nvim.shows("print(█├value┤)  # behind")


def test_a_moving_cursor_is_asked_for_once_it_rests(
    opened: Open, endpoint: FakeEndpoint
) -> None:
    endpoint.default = Answer(("math.pi",))
    nvim = opened("def area(r):\n    return \n\n\n    █")
    nvim.keys("<M-t>")
    nvim.shows("def area(r):\n    return\n\n\n    █├math.pi┤")
    endpoint.requests.clear()
    nvim.keys("<Up><Up><Up><End>")
    nvim.shows("def area(r):\n    return █├math.pi┤")
    assert len(endpoint.requests) <= 2
