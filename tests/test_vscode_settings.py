"""The VS Code extension's manifest says what the settings are, and where from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import foretype
import vscode_settings
from foretype import layers
from foretype.layers import Layer

MANIFEST = Path(__file__).parents[1] / "editors" / "vscode" / "package.json"

# How the extension itself finds the server.
OF_THE_EXTENSION = {"foretype.server.command"}


def manifest() -> dict[str, Any]:
    return dict(json.loads(MANIFEST.read_text("utf-8")))


def properties() -> dict[str, dict[str, Any]]:
    """Every setting of the extension."""
    return {
        name: schema
        for section in manifest()["contributes"]["configuration"]
        for name, schema in section["properties"].items()
    }


def test_the_manifest_is_up_to_date(update_golden: bool) -> None:
    found = manifest()
    by_hand, *made = found["contributes"]["configuration"]
    if update_golden:
        made = vscode_settings.sections()
        found["contributes"]["configuration"] = [by_hand, *made]
        text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
        MANIFEST.write_text(text, "utf-8", newline="\n")
    assert made == vscode_settings.sections()
    assert by_hand["properties"].keys() == OF_THE_EXTENSION


def test_the_version_is_the_servers() -> None:
    # Each extension brings the server it was made for.
    assert manifest()["version"] == foretype.__version__


def test_a_folder_can_set_nothing_but_a_switch() -> None:
    scopes = {name: schema["scope"] for name, schema in properties().items()}
    assert scopes.pop("foretype.completion.enabled") == "window"
    # What says where to send text is the machine's, and is not carried to others.
    for name, scope in scopes.items():
        is_list = name.startswith("foretype.completion.disabled")
        assert scope == ("application" if is_list else "machine"), name


def test_what_no_editor_may_set_is_not_offered() -> None:
    offered = properties()
    refused = [
        vscode_settings.setting_name(section, key)
        for section, key, declared in layers.setting_fields()
        if declared.metadata["never_from_editor"]
    ]
    assert refused
    assert not offered.keys() & set(refused)


@pytest.mark.parametrize("name", sorted(properties().keys() - OF_THE_EXTENSION))
def test_the_server_takes_each_default(name: str) -> None:
    _, section, key = name.split(".")
    values = {section: {key: properties()[name]["default"]}}
    settings, problems = layers.resolve([Layer("VS Code", values, "json")])
    # Defaults that differ are those that suit VS Code, which the server knows as well.
    assert problems == []
    assert settings.uses_local_model


def test_links_lead_to_settings() -> None:
    linked = {
        link
        for schema in properties().values()
        for link in re.findall("`#(.*?)#`", schema["markdownDescription"])
    }
    assert "foretype.endpoint.baseUrl" in linked
    assert linked <= properties().keys()
