"""How one setting is declared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, Field, field
from typing import Any


def setting(
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[str] = (),
    pattern: tuple[str, str] | None = None,
    never_from_editor: bool = False,
) -> Any:
    """A field with what the documentation and the check of its value need.

    `pattern` is a regular expression for a text that may be a secret where it does not
    match, and in words what it must be.
    """
    metadata = {
        "description": description,
        "minimum": minimum,
        "maximum": maximum,
        "choices": tuple(choices),
        "pattern": pattern,
        "never_from_editor": never_from_editor,
    }
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


def default_of(declared: Field[Any]) -> Any:
    """What a setting is as long as nobody sets it."""
    if declared.default_factory is not MISSING:
        return declared.default_factory()
    return declared.default
