"""docs/settings.md says what the settings are."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import platformdirs.macos
import platformdirs.unix
import platformdirs.windows
import pytest

import settings_docs
from foretype import layers
from foretype.layers import Layer

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"


def test_the_page_is_up_to_date(update_golden: bool) -> None:
    if update_golden:
        PAGE.write_text(settings_docs.render(), "utf-8", newline="\n")
    assert PAGE.read_text("utf-8") == settings_docs.render()


def test_every_setting_has_a_row_with_all_its_names() -> None:
    page = settings_docs.render()
    for section, key, declared in layers.setting_fields():
        name = layers.environment_name(section, key)
        rows = [line for line in page.splitlines() if f"`{name}`" in line]
        assert len(rows) == 1
        cells = [cell.strip() for cell in rows[0].strip("|").split("|")]
        assert len(cells) == len(settings_docs.COLUMNS), rows[0]
        assert cells[0] == f"`{key}`"
        assert cells[-1] == declared.metadata["description"]


def test_the_examples_work_as_they_stand() -> None:
    page = settings_docs.render()
    examples = re.findall(r"```(toml|json)\n(.*?)```", page, re.S)
    assert [language for language, _ in examples] == ["toml", "json", "toml"]
    for language, text in examples[:2]:
        read = tomllib.loads if language == "toml" else json.loads
        resolved, problems = layers.resolve([Layer("page", read(text), language)])
        assert problems == []
        assert not resolved.uses_local_model
    command, problems = layers.resolve([Layer("page", tomllib.loads(examples[2][1]))])
    assert command.endpoint.api_key_command[0] == "pass"
    assert problems == []


@pytest.mark.parametrize(
    ("system", "folder"),
    [
        (platformdirs.unix.Unix, "~/.config/foretype"),
        (platformdirs.macos.MacOS, "~/Library/Application Support/foretype"),
    ],
    ids=["Linux", "macOS"],
)
def test_the_page_names_the_file_of_each_system(
    system: type, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    found = system("foretype", appauthor=False).user_config_path
    assert found == Path(folder).expanduser()
    assert f"`{folder}/config.toml`" in settings_docs.render()


def test_the_page_names_the_file_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        platformdirs.windows, "get_win_folder", lambda name: f"<{name}>"
    )
    found = platformdirs.windows.Windows("foretype", appauthor=False).user_config_dir
    assert re.split(r"[/\\]", found) == ["<CSIDL_LOCAL_APPDATA>", "foretype"]
    assert r"`%LOCALAPPDATA%\foretype\config.toml`" in settings_docs.render()
