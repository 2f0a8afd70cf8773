"""Writes the settings of the VS Code extension's manifest from the settings themselves.

`pytest --update-golden` puts them into editors/vscode/package.json.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import Field
from itertools import groupby
from typing import Any, get_type_hints

from foretype import layers, lsp
from foretype.setting import default_of
from foretype.settings import Settings

# A folder may be anybody's, so it can set nothing: what is not of the machine is of the
# user. But it can switch suggestions off, which the extension sees to.
SCOPES = {
    ("completion", "enabled"): "window",
    ("completion", "disabled_languages"): "application",
    ("completion", "disabled_files"): "application",
}
ONLY_OFF = "The settings of a folder can switch suggestions off, but not on."
TYPES: dict[Any, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    Mapping[str, Any]: "object",
}


def sections() -> list[dict[str, Any]]:
    """What `contributes.configuration` has for the server, a part for each section."""
    found = []
    grouped = groupby(layers.setting_fields(), key=lambda setting: setting[0])
    for order, (section, settings) in enumerate(grouped, start=1):
        properties = {
            setting_name(section, key): schema(section, key, declared)
            for _, key, declared in settings
            if not declared.metadata["never_from_editor"]
        }
        title = section.capitalize()
        found.append({"title": title, "order": order, "properties": properties})
    return found


def setting_name(section: str, key: str) -> str:
    """A setting as VS Code names it: `foretype.endpoint.baseUrl`."""
    return f"foretype.{section}.{layers.camel_case(key)}"


def schema(section: str, key: str, declared: Field[Any]) -> dict[str, Any]:
    """One setting: its type, what is allowed, its default in VS Code, its meaning."""
    expected = get_type_hints(get_type_hints(Settings)[section])[key]
    metadata = declared.metadata
    fields: dict[str, Any] = {"type": TYPES.get(expected, "array")}
    if fields["type"] == "array":
        fields |= {"items": {"type": "string"}, "uniqueItems": True}
    if metadata["choices"]:
        fields["enum"] = list(metadata["choices"])
    if metadata["minimum"] is not None:
        fields |= {"minimum": metadata["minimum"], "maximum": metadata["maximum"]}
    if metadata["pattern"]:
        pattern, said = metadata["pattern"]
        fields |= {"pattern": f"^({pattern})$", "patternErrorMessage": f"It is {said}."}
    shipped = default_of(declared)
    default = lsp.VS_CODE_DEFAULTS.get(section, {}).get(key, shipped)
    fields["default"] = list(default) if isinstance(default, tuple) else default
    fields["scope"] = SCOPES.get((section, key), "machine")
    said = described(section, metadata["description"])
    if fields["scope"] == "window":
        said = f"{said} {ONLY_OFF}"
    fields["markdownDescription"] = said
    return fields


def described(section: str, description: str) -> str:
    """A description with links in the place of other keys of its section."""
    shown = {
        key: setting_name(section, key)
        for found, key, declared in layers.setting_fields()
        if found == section and not declared.metadata["never_from_editor"]
    }

    def linked(match: re.Match[str]) -> str:
        key = match.group(1)
        return f"`#{shown[key]}#`" if key in shown else match.group()

    return re.sub("`([a-z_]+)`", linked, description)
