"""Writes docs/settings.md from the settings themselves.

`pytest --update-golden` puts it into the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import Field
from itertools import groupby
from typing import Any, get_type_hints

from foretype import layers
from foretype.setting import default_of
from foretype.settings import Settings

PRESET_EXAMPLE = """\
[endpoint]
provider = "mistral"
"""

EXAMPLE = """\
[endpoint]
provider = "openai-compatible"
base_url = "https://api.example.com/v1"
model = "codestral-2508"
wire = "completions"
api_key_env = "EXAMPLE_API_KEY"

[completion]
max_tokens_line = 48
"""

INTRO = f"""\
# Settings

Foretype works without any: completions come from the built-in model on your own \
machine.
Settings change that, and every one of them can be left out.

This page is made from the server's source, and a test keeps the two equal.

## Where settings are read

There are five places, and a later one wins over an earlier one, key by key:

1. The defaults, in the tables below, and over them those of the preset that \
`endpoint.provider` names ([endpoints.md](endpoints.md)).
2. `config.toml` in your own configuration folder:

   | system | file |
   |---|---|
   | Linux | `~/.config/foretype/config.toml`, or in `$XDG_CONFIG_HOME` if that is set |
   | macOS | `~/Library/Application Support/foretype/config.toml` |
   | Windows | `%LOCALAPPDATA%\\foretype\\config.toml` |

3. Environment variables: `FORETYPE_`, the section and the key, in capitals.
4. `initializationOptions`, which an editor sends once, at the start.
5. `workspace/configuration`, section `foretype`: an editor's own settings, read at \
the start and again when you change them.

`foretype --help` prints where `config.toml` is on your machine.

Most providers are a preset, for which the key's variable and its name are enough:

```toml
{PRESET_EXAMPLE}```

[endpoints.md](endpoints.md) has all of them.
An example that sends everything to another endpoint:

```toml
{EXAMPLE}```

The same from an editor is JSON, with the keys in camelCase:

```json
{{
  "endpoint": {{
    "baseUrl": "https://api.example.com/v1",
    "model": "codestral-2508",
    "apiKeyEnv": "FORETYPE_EXAMPLE_KEY"
  }}
}}
```

In a variable, a switch is `true`, `false`, `1` or `0`, a list is written as a \
command line, and a table as JSON.

A name that is not a setting, or a value that is not allowed, is reported once, by name.
The rest still counts: a wrong value leaves what the places before it said.

## The API key

A key is never a setting, so it is in no file that you share or sync.
Put it into the variable that `endpoint.api_key_env` names, or have a program print it:

```toml
[endpoint]
api_key_command = ["pass", "show", "example.com/api-key"]
```

The variable is looked at first, the program is run only where it is not set.
The variable of a preset is read for the preset's own URL only, so that no other \
`base_url` can have its key sent elsewhere.
Neither a key nor the text of a document is ever logged.

## What an editor cannot set

An editor's settings can come from the folder that is opened in it, and a folder may \
be somebody else's.
What could run a program or load a file is therefore read from `config.toml` and the \
environment only, and refused with a message where an editor sends it: {{refused}}.
For the same reason `endpoint.api_key_env` must begin with `FORETYPE_` where an \
editor sets it: any other variable could be sent anywhere.
Presets are defined in `config.toml` only.
Of the opened folder itself, the server reads `.foretype.toml`, which can only have \
less suggested ([privacy.md](privacy.md#what-a-folder-can-say)).

## What is counted

So that `foretype stats` can tell what it brings and costs, the server counts: \
suggestions and what became of them, characters, answers and their times, requests to \
the model, tokens, and the cost where [`endpoint`](#endpoint) has a price.
They are counted by day and by the names of languages and models.
Text of documents, names of files and keys are never among them, and nothing is sent \
anywhere.

The counts are in one file that only you can read:

| system | file |
|---|---|
| Linux | `~/.local/state/foretype/stats.sqlite3`, or in `$XDG_STATE_HOME` if that is \
set |
| macOS | `~/Library/Application Support/foretype/stats.sqlite3` |
| Windows | `%LOCALAPPDATA%\\foretype\\stats.sqlite3` |

- `foretype stats` prints them, `foretype stats --html` makes a page with charts, and \
`foretype stats --json` is for programs.
- To switch counting off, set `stats.enabled` to `false`.
- To delete the counts, delete the file; an editor may be open.

After 400 days, a day becomes part of its month.
"""

TYPES = {
    bool: "switch",
    int: "whole number",
    float: "number",
    str: "string",
    Mapping[str, Any]: "table",
}
COLUMNS = "key", "JSON", "environment", "type", "default", "allowed", "meaning"


def render() -> str:
    """The whole page."""
    refused = ", ".join(
        f"`{section}.{key}`"
        for section, key, declared in layers.setting_fields()
        if declared.metadata["never_from_editor"]
    )
    parts = [INTRO.replace("{refused}", refused)]
    for section, keys in groupby(layers.setting_fields(), key=lambda found: found[0]):
        section_type = get_type_hints(Settings)[section]
        rows = [row(section, key, declared) for _, key, declared in keys]
        parts.append(f"## `{section}`\n\n{section_type.__doc__}\n\n{table(rows)}")
    return "\n".join(parts)


def row(section: str, key: str, declared: Field[Any]) -> Iterator[str]:
    """One setting, as the cells of a table."""
    section_type = get_type_hints(Settings)[section]
    editor = layers.camel_case(key)
    yield f"`{key}`"
    yield "refused" if declared.metadata["never_from_editor"] else f"`{editor}`"
    yield f"`{layers.environment_name(section, key)}`"
    yield TYPES.get(get_type_hints(section_type)[key], "list of strings")
    yield f"`{shown(default_of(declared))}`"
    yield allowed(declared)
    yield declared.metadata["description"]


def allowed(declared: Field[Any]) -> str:
    low, high = declared.metadata["minimum"], declared.metadata["maximum"]
    if low is not None:
        return f"{low} to {high}"
    return ", ".join(f"`{shown(value)}`" for value in declared.metadata["choices"])


def shown(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, dict):
        assert not value
    return f'"{value}"' if isinstance(value, str) else str(value)


def table(rows: list[Iterator[str]]) -> str:
    lines = [COLUMNS, ("---",) * len(COLUMNS), *map(tuple, rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
