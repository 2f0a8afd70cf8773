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
    assert [language for language, _ in examples] == ["toml", "toml", "json", "toml"]
    for language, text in examples[:3]:
        read = tomllib.loads if language == "toml" else json.loads
        resolved, problems = layers.resolve([Layer("page", read(text), language)])
        assert problems == []
        assert not resolved.uses_local_model
    command, problems = layers.resolve([Layer("page", tomllib.loads(examples[3][1]))])
    assert command.endpoint.api_key_command[0] == "pass"
    assert problems == []


@pytest.mark.parametrize(
    ("system", "config_folder", "state_folder"),
    [
        (platformdirs.unix.Unix, "~/.config/foretype", "~/.local/state/foretype"),
        (platformdirs.macos.MacOS, *["~/Library/Application Support/foretype"] * 2),
    ],
    ids=["Linux", "macOS"],
)
def test_the_page_names_the_files_of_each_system(
    system: type, config_folder: str, state_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    found = system("foretype", appauthor=False)
    assert found.user_config_path == Path(config_folder).expanduser()
    assert found.user_state_path == Path(state_folder).expanduser()
    page = settings_docs.render()
    assert f"`{config_folder}/config.toml`" in page
    assert f"`{state_folder}/stats.sqlite3`" in page


def test_the_page_names_the_files_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        platformdirs.windows, "get_win_folder", lambda name: f"<{name}>"
    )
    found = platformdirs.windows.Windows("foretype", appauthor=False)
    for folder in (found.user_config_dir, found.user_state_dir):
        assert re.split(r"[/\\]", folder) == ["<CSIDL_LOCAL_APPDATA>", "foretype"]
    page = settings_docs.render()
    assert r"`%LOCALAPPDATA%\foretype\config.toml`" in page
    assert r"`%LOCALAPPDATA%\foretype\stats.sqlite3`" in page
