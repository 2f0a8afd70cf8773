"""The snippets of docs/editors/README.md say what they mean to."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from foretype import layers

PAGE = Path(__file__).parents[1] / "docs" / "editors" / "README.md"


def snippets(language: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert found
    return found


def initialization_options(value: Any) -> Iterator[Any]:
    """Each value of that name, however deep."""
    names = ("initialization_options", "initializationOptions")
    for key, child in value.items() if isinstance(value, dict) else ():
        if key in names:
            yield child
        else:
            yield from initialization_options(child)


def settings_of(options: object) -> layers.Settings:
    layer, problems = layers.json_layer("the editor", options)
    resolved, unfit = layers.resolve([layer])
    assert [*problems, *unfit] == []
    return resolved


def test_the_snippet_for_helix_switches_the_list_on() -> None:
    (snippet,) = snippets("toml")
    server = tomllib.loads(snippet)["language-server"]["foretype"]
    assert server["command"] == "foretype"
    assert settings_of(server["config"]).editor.popup


def test_json_snippets_switch_the_list_on() -> None:
    parsed = [json.loads(snippet) for snippet in snippets("json")]
    options = [o for value in parsed for o in initialization_options(value)]
    assert len(options) == 2
    for each in options:
        assert settings_of(each).editor.popup


def test_the_variable_for_jupyterlab_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(r"`(FORETYPE_\w+)=(\w+)`", PAGE.read_text("utf-8"))
    assert found is not None
    monkeypatch.setenv(*found.groups())
    resolved, problems = layers.resolve([layers.environment_layer()])
    assert problems == []
    assert resolved.editor.popup
