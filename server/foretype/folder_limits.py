"""What a folder of the workspace says in its `.foretype.toml`, which can only narrow.

Whoever wrote a folder need not be who opened it: it can have less sent, never more, and
nothing elsewhere.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from foretype.settings import Settings

NAME = ".foretype.toml"
MAX_FILE_BYTES = 100_000
ALLOWED = (
    "completion.enabled = false, completion.disabled_languages and "
    "completion.disabled_files"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is left out in one folder, besides what the settings leave out."""

    is_off: bool = False
    languages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def applied(self, settings: Settings) -> Settings:
        """Settings for a document in the folder."""
        if self == Limits():
            return settings
        completion = settings.completion
        narrowed = replace(
            completion,
            enabled=completion.enabled and not self.is_off,
            disabled_languages=(*completion.disabled_languages, *self.languages),
            disabled_files=(*completion.disabled_files, *self.files),
        )
        return replace(settings, completion=narrowed)


def read(folder: Path) -> tuple[Limits, list[str]]:
    """The limits of a folder, and what is wrong with its file; it may have none.

    One that cannot be read leaves nothing to be suggested there: it may say so.
    """
    path = folder / NAME
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise ValueError(f"it has more than {MAX_FILE_BYTES // 1000} kB")
        values = tomllib.loads(data.decode("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return Limits(), []
    except (OSError, ValueError, RecursionError) as error:
        problem = f"{path} cannot be read, so nothing is suggested there: {error}"
        return Limits(is_off=True), [problem]
    problems = []
    limits = Limits()
    for name, value in _entries(values):
        match name, value:
            case "completion.enabled", False:
                limits = replace(limits, is_off=True)
            case "completion.disabled_languages", list() if _are_texts(value):
                limits = replace(limits, languages=tuple(value))
            case "completion.disabled_files", list() if _are_texts(value):
                limits = replace(limits, files=tuple(value))
            case _:
                problems.append(
                    f"{path}: {name} is ignored, as a folder can only narrow what is "
                    f"suggested: by {ALLOWED}"
                )
    return limits, problems


def _entries(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found = []
    for section, table in values.items():
        if isinstance(table, Mapping):
            found += [(f"{section}.{key}", value) for key, value in table.items()]
        else:
            found.append((section, table))
    return found


def _are_texts(value: list[Any]) -> bool:
    return all(isinstance(each, str) for each in value)
