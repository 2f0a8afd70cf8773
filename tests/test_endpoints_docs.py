"""docs/endpoints.md says what the presets are, and its lines work."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import endpoints_docs
from foretype import layers, presets
from foretype.layers import Layer

PAGE = Path(__file__).parents[1] / "docs" / "endpoints.md"
DATA = Path(layers.__file__).with_name("presets.toml")


def test_the_page_is_up_to_date(update_golden: bool) -> None:
    if update_golden:
        PAGE.write_text(endpoints_docs.render(), "utf-8", newline="\n")
    assert PAGE.read_text("utf-8") == endpoints_docs.render()


def test_something_is_said_of_each_preset_and_of_nothing_else() -> None:
    assert list(endpoints_docs.ABOUT) == list(presets.shipped())


def test_the_prices_are_of_the_same_day() -> None:
    assert f"of {endpoints_docs.PRICES_OF}," in DATA.read_text("utf-8")


def test_all_lines_work_as_they_stand() -> None:
    page = endpoints_docs.render()
    snippets = re.findall(r"```toml\n(.*?)```", page, re.S)
    # Any other URL, the built-in model, and one's own preset have some as well.
    assert len(snippets) == len(presets.shipped()) + 3
    for snippet in snippets:
        resolved, problems = layers.resolve([Layer("page", tomllib.loads(snippet))])
        assert problems == []
        assert resolved.endpoint_problem is None


def test_a_person_needs_three_lines() -> None:
    for preset in presets.shipped().values():
        assert endpoints_docs.snippet(preset).count("\n") <= 3


def test_what_a_note_has_to_be_set_can_be_set() -> None:
    page = endpoints_docs.render()
    for text in re.findall(r"`([a-z_]+ = [^`]+)`", page):
        if text.startswith(("provider", "sort")):
            # A field of the body, in `extra_body`.
            continue
        _, problems = layers.resolve(
            [Layer("page", {"endpoint": {**URL, **tomllib.loads(text)}})]
        )
        assert problems == [], text


URL = {"base_url": "http://h/v1", "model": "m"}
