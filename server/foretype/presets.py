"""Presets: what is known of each provider, and what a person has said of others.

Those that are shipped are in `presets.toml`; `[presets.NAME]` tables of a person's own
change one of them or add another. A preset is nothing but settings below all others.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

# What `endpoint.provider` says where it is no preset.
RESERVED = ("auto", "local", "openai-compatible")
_EXTRA_BODY = "extra_body"


@dataclass(frozen=True)
class Preset:
    """One provider's settings, as they were read: unchecked."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the endpoint, and a table `completion` with keys of that."""
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """For each model worth naming, the keys that are its own, such as its price."""

    def for_model(self, model: str) -> dict[str, Any]:
        """The settings with those of a model, or of the preset's where that is empty.

        What a model adds to the body of a request is added to what its provider does.
        """
        own = self.models.get(model or str(self.settings.get("model")), {})
        settings = {**self.settings, **own}
        bodies = (self.settings.get(_EXTRA_BODY), own.get(_EXTRA_BODY))
        tables = [body for body in bodies if isinstance(body, Mapping)]
        if len(tables) > 1:
            settings[_EXTRA_BODY] = {**tables[0], **tables[1]}
        return settings

    def changed(self, table: Mapping[str, Any]) -> tuple[Preset, list[str]]:
        """This preset as a table changes it, and what is wrong with that."""
        problems = []
        models = dict(self.models)
        listed = table.get("models", [])
        for model in listed if isinstance(listed, list) else [listed]:
            name = model.get("name") if isinstance(model, Mapping) else None
            if not isinstance(name, str):
                problems.append("models must be a list of tables, each with a name")
                continue
            own = {key: value for key, value in model.items() if key != "name"}
            models[name] = {**models.get(name, {}), **own}
        settings = {key: value for key, value in table.items() if key != "models"}
        return Preset(self.name, {**self.settings, **settings}, models), problems


@cache
def shipped() -> Mapping[str, Preset]:
    """The presets that come with the package."""
    text = Path(__file__).with_name("presets.toml").read_text("utf-8")
    return {
        name: Preset(name).changed(table)[0]
        for name, table in tomllib.loads(text).items()
    }


def own(tables: object) -> tuple[dict[str, Preset], list[str]]:
    """The presets of a person's own `presets` table, and what is wrong with it."""
    if not isinstance(tables, Mapping):
        return {}, ["presets must be tables, such as [presets.gateway]"]
    found = {}
    problems = []
    for name, table in tables.items():
        if name in RESERVED:
            problems.append(f"presets.{name} cannot be set: choose another name")
        elif not isinstance(table, Mapping):
            problems.append(f"presets.{name} must be a table")
        else:
            known = shipped().get(name) or Preset(name)
            found[name], wrong = known.changed(table)
            problems += [f"presets.{name}.{problem}" for problem in wrong]
    return found, problems
