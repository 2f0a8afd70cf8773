"""Where settings are read, and how what is read becomes settings.

`resolve` never fails: it returns settings that work and the problems it met, one
sentence each.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

import platformdirs

from foretype import presets
from foretype.endpoint_settings import FIM_WIRES, PRESETS, EndpointSettings
from foretype.presets import Preset
from foretype.settings import Settings

ENVIRONMENT_PREFIX = "FORETYPE_"
PRESETS_TABLE = "presets"
# What a preset may set: all of the endpoint but for itself, and of the completion.
_PRESET_SECTIONS = ("endpoint", "completion")
# What an editor over the network shows to be allowed in; not a setting, and no file's.
TOKEN_VARIABLE = "FORETYPE_TOKEN"
# The sections that a client over the network cannot set.
NEVER_REMOTE = ("endpoint", "local")


@dataclass(frozen=True)
class Layer:
    """One place settings are read from; `values` is as read, unchecked."""

    source: str
    values: Mapping[str, Any]
    spelling: str = "toml"
    """`toml` (snake_case), `json` (camelCase), `environment` (flat strings) or `preset`
    (snake_case, with the keys of the endpoint at the top)."""
    is_remote: bool = False
    """Whether it comes over the network, from who may be on another machine."""


def config_file() -> Path:
    """The user's own `config.toml`, whether or not it exists."""
    return platformdirs.user_config_path("foretype", appauthor=False) / "config.toml"


def file_layer(path: Path) -> tuple[Layer, list[str]]:
    """The settings in a TOML file; an absent file has none, a broken one a problem."""
    source = str(path)
    try:
        # Some editors begin a file with a byte order mark.
        return Layer(source, tomllib.loads(path.read_text("utf-8-sig"))), []
    except FileNotFoundError:
        return Layer(source, {}), []
    except (OSError, ValueError, RecursionError) as error:
        problem = f"{source} cannot be read and is ignored: {error}"
        return Layer(source, {}), [problem]


def environment_layer(environ: Mapping[str, str] = os.environ) -> Layer:
    """The settings in `FORETYPE_...` variables."""
    values = {
        name: value
        for name, value in environ.items()
        if name.startswith(ENVIRONMENT_PREFIX) and name != TOKEN_VARIABLE
    }
    return Layer("the environment", values, "environment")


def json_layer(
    source: str, values: object, *, is_remote: bool = False
) -> tuple[Layer, list[str]]:
    """The settings an editor sent; nothing at all (`null`) is none."""
    if values is None:
        return Layer(source, {}, "json"), []
    if not isinstance(values, Mapping):
        problem = f"{source}: expected an object, not {_shown(values)}; it is ignored"
        return Layer(source, {}, "json"), [problem]
    return Layer(source, values, "json", is_remote), []


def resolve(layers: Sequence[Layer]) -> tuple[Settings, list[str]]:
    """The settings of all layers, later ones winning, and what is wrong with them.

    A value that is wrong leaves what the layers before it said. The preset that
    `endpoint.provider` names is a layer below them all.
    """
    own, problems = _own_presets(layers)
    settings, wrong = _merged(layers, own)
    preset = own.get(settings.endpoint.provider)
    if preset is None and settings.endpoint.provider in PRESETS:
        preset = presets.shipped()[settings.endpoint.provider]
    if preset is not None:
        defaults, unsent_key = _defaults(preset, settings.endpoint)
        settings, wrong = _merged((defaults, *layers), own)
        if unsent_key and settings.endpoint.api_key_env == EndpointSettings.api_key_env:
            problems.append(
                f"endpoint.base_url is not that of {_called(preset)}, so that "
                f"{unsent_key} is not sent there; if it should be, set "
                "endpoint.api_key_env to it"
            )
    problems += wrong
    if problem := settings.endpoint_problem:
        problems.append(problem)
    if settings.wire in FIM_WIRES:
        # These have a field for the suffix, and a model must never be told twice.
        settings = _with(settings, ("endpoint", "template"), "suffix")
    return settings, list(dict.fromkeys(problems))


def _own_presets(layers: Sequence[Layer]) -> tuple[dict[str, Preset], list[str]]:
    """The presets of a person's own file, and what is wrong with them."""
    found: dict[str, Preset] = {}
    problems: list[str] = []
    for layer in layers:
        if PRESETS_TABLE not in layer.values:
            continue
        if layer.spelling != "toml":
            problems.append(f"{layer.source}: {PRESETS_TABLE} {_not_from_editor()}")
            continue
        own, wrong = presets.own(layer.values[PRESETS_TABLE])
        found |= own
        problems += [f"{layer.source}: {problem}" for problem in wrong]
    for preset in found.values():
        for model in ("", *preset.models):
            values = preset.for_model(model)
            _, wrong = _merged((Layer(_called(preset), values, "preset"),), found)
            problems += wrong
    return found, problems


def _defaults(preset: Preset, endpoint: EndpointSettings) -> tuple[Layer, str]:
    """A preset as a layer, and the variable of its key if that may not be sent.

    Its key is only for its own URL: another may have come from somebody else's folder.
    """
    values = preset.for_model(endpoint.model)
    url = str(values.get("base_url", ""))
    is_own = not endpoint.base_url or endpoint.base_url.rstrip("/") == url.rstrip("/")
    unsent_key = ""
    if not is_own:
        variable = values.pop("api_key_env", "")
        values.pop("api_key_command", None)
        unsent_key = str(variable) if values.pop("needs_api_key", False) else ""
    return Layer(_called(preset), values, "preset"), unsent_key


def _called(preset: Preset) -> str:
    return f"the preset {preset.name!r}"


def _merged(layers: Sequence[Layer], own: Iterable[str]) -> tuple[Settings, list[str]]:
    """The settings of some layers, and what is wrong with them."""
    settings = Settings()
    problems: list[str] = []
    unknown: list[tuple[Layer, str]] = []
    for layer in layers:
        for path, name, value in _entries(layer):
            if value is None:
                # An editor's way to say that a key is not set.
                continue
            if path is None:
                unknown.append((layer, name))
                continue
            checked, wrong = _checked(path, value, layer, own)
            if wrong:
                problems.append(f"{layer.source}: {name} {wrong}")
                continue
            settings = _with(settings, path, checked)
    # A later layer may say that a variable of an earlier one holds the key.
    keys = (EndpointSettings.api_key_env, settings.endpoint.api_key_env)
    problems += [
        f"{layer.source}: {_unknown(name, layer.spelling)}"
        for layer, name in unknown
        if layer.spelling != "environment" or name not in keys
    ]
    return settings, problems


def setting_fields() -> Iterator[tuple[str, str, Field[Any]]]:
    """Every setting as (section, key, field), in the order they are declared."""
    for section in fields(Settings):
        for key in fields(_section_type(section.name)):
            yield section.name, key.name, key


def environment_name(section: str, key: str) -> str:
    """The variable that sets a key: `FORETYPE_ENDPOINT_BASE_URL`."""
    return f"{ENVIRONMENT_PREFIX}{section}_{key}".upper()


def camel_case(name: str) -> str:
    """The JSON spelling of a key: `base_url` is `baseUrl`."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def _section_type(section: str) -> type[Any]:
    section_type = get_type_hints(Settings)[section]
    assert is_dataclass(section_type) and isinstance(section_type, type)
    return section_type


def _known_names(spelling: str) -> dict[str, tuple[str, str]]:
    """Every full name of a spelling, and the (section, key) it stands for."""
    known = {}
    for section, key, _ in setting_fields():
        if spelling == "environment":
            known[environment_name(section, key)] = (section, key)
        elif spelling == "json":
            known[f"{section}.{camel_case(key)}"] = (section, key)
        elif spelling == "preset":
            if (section, key) == ("endpoint", "provider"):
                continue
            if section in _PRESET_SECTIONS:
                name = key if section == "endpoint" else f"{section}.{key}"
                known[name] = (section, key)
        else:
            known[f"{section}.{key}"] = (section, key)
    return known


def _entries(
    layer: Layer,
) -> Iterator[tuple[tuple[str, str] | None, str, Any]]:
    """Each value of a layer with the setting it is for (None: there is no such one)."""
    known = _known_names(layer.spelling)
    if layer.spelling == "environment":
        for name, value in layer.values.items():
            yield known.get(name), name, value
        return
    sections = {section for section, _ in known.values()}
    for section, values in layer.values.items():
        if section == PRESETS_TABLE:
            continue
        if section in sections and isinstance(values, Mapping):
            for key, value in values.items():
                yield known.get(f"{section}.{key}"), f"{section}.{key}", value
        else:
            # Some editors write the path of a key as one name.
            yield known.get(section), str(section), values


def _unknown(name: str, spelling: str) -> str:
    # Imported here, as few starts of the server need it.
    import difflib

    known = list(_known_names(spelling))
    sections = [section.name for section in fields(Settings)]
    if spelling == "preset":
        sections = ["completion"]
    if name in sections:
        return f"{name} is a section of keys, not a value"
    candidates = known if "." in name else [*known, *sections]
    near = difflib.get_close_matches(name, candidates, n=1, cutoff=0.0)
    return f"{name} is not a setting; the nearest is {near[0]}"


def _checked(
    path: tuple[str, str], value: Any, layer: Layer, own: Iterable[str]
) -> tuple[Any, str | None]:
    """The value as the setting's type, or what is wrong with it.

    `own` are the names of a person's own presets.
    """
    section, key = path
    declared = next(f for f in fields(_section_type(section)) if f.name == key)
    expected: Any = get_type_hints(_section_type(section))[key]
    if layer.spelling == "json" and declared.metadata["never_from_editor"]:
        return None, _not_from_editor()
    if layer.is_remote and section in NEVER_REMOTE:
        return None, (
            "cannot be set over the network, because it says where text and keys go; "
            f"put it into {config_file()} where the server runs"
        )
    if layer.spelling == "environment":
        value = _from_environment(value, expected)
    if expected is bool:
        if not isinstance(value, bool):
            return None, f"must be true or false, not {_shown(value)}"
    elif expected in (int, float):
        # A price may be a whole number as well.
        allowed = int if expected is int else int | float
        if not isinstance(value, allowed) or isinstance(value, bool):
            kind = "a whole number" if expected is int else "a number"
            return None, f"must be {kind}, not {_shown(value)}"
        low, high = declared.metadata["minimum"], declared.metadata["maximum"]
        if not low <= value <= high:
            return None, f"must be from {low} to {high}, not {_shown(value)}"
        value = expected(value)
    elif expected is str:
        if not isinstance(value, str):
            return None, f"must be a string, not {_shown(value)}"
        pattern = declared.metadata["pattern"]
        if pattern and not re.fullmatch(pattern[0], value):
            # It is not quoted: in place of a variable's name it may be the key itself.
            return None, f"must be {pattern[1]}"
        is_others = not value.startswith(ENVIRONMENT_PREFIX)
        if key == "api_key_env" and layer.spelling == "json" and is_others:
            return None, (
                f"must begin with {ENVIRONMENT_PREFIX} where an editor sets it, as a "
                "folder it opens could have any variable sent anywhere; put another "
                f"name into {config_file()}, or choose a provider that has it"
            )
        choices = declared.metadata["choices"]
        if key == "provider":
            choices = dict.fromkeys((*choices, *own))
        if choices and value not in choices:
            return None, f"must be one of {', '.join(choices)}, not {_shown(value)}"
    elif expected == Mapping[str, Any]:
        if not isinstance(value, Mapping) or not _is_json(value):
            return None, f"must be a table of what JSON has, not {_shown(value)}"
        value = dict(value)
    else:
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            return None, f"must be a list of strings, not {_shown(value)}"
        value = tuple(value)
    return value, None


def _not_from_editor() -> str:
    return (
        "cannot be set by an editor, because a folder it opens could then set it; "
        f"put it into {config_file()}"
    )


def _from_environment(value: str, expected: Any) -> Any:
    """A variable's text as the type a setting wants, or as it is if it has another."""
    if expected is bool:
        return {"true": True, "1": True, "false": False, "0": False}.get(
            value.lower(), value
        )
    if expected is int:
        return int(value) if re.fullmatch(r"-?\d{1,18}", value) else value
    if expected is float:
        is_number = re.fullmatch(r"-?\d{1,18}(\.\d{1,18})?", value)
        return float(value) if is_number else value
    if expected is str:
        return value
    if expected == Mapping[str, Any]:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    # Imported here, as few starts of the server need it.
    import shlex

    try:
        return shlex.split(value)
    except ValueError:
        return value


def _is_json(value: Mapping[str, Any]) -> bool:
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _with(settings: Settings, path: tuple[str, str], value: Any) -> Settings:
    section, key = path
    changed = replace(getattr(settings, section), **{key: value})
    return replace(settings, **{section: changed})


def _shown(value: object) -> str:
    """A value short enough for a message."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        # A number too long to write out, or lists in lists in lists.
        return f"{type(value).__name__} of some size"
    return text if len(text) <= 60 else f"{text[:57]}..."
