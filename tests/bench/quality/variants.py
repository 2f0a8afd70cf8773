"""What is compared: the server as it is, and without one part of it at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from places import Place
from tap import Layout, as_built

from foretype.health import CHARS_PER_TOKEN
from foretype.layers import environment_name, setting_fields
from foretype.settings import Settings

CONTEXT = "context"
# What is sent of the text before the cursor: a third of what the server would send, so
# that a CPU is done with all of it in an hour.
N_PREFIX_TOKENS = 600


@dataclass(frozen=True)
class Variant:
    """Settings of the server, and how its prompts are laid out."""

    settings: tuple[tuple[str, str], ...] = ()
    """Values by the names of environment variables."""
    is_plain: bool = False
    """Whether the text before the cursor is sent as it stands, in place of a prompt."""

    def __str__(self) -> str:
        told = [f"{name}={value}" for name, value in self.settings]
        return ", ".join((*told, *(["plain"] if self.is_plain else ()))) or "as shipped"

    @property
    def has_context(self) -> bool:
        """Whether the server gathers text from elsewhere, which takes a while."""
        ours = environment_name(CONTEXT, "")
        return any(k.startswith(ours) and v == "true" for k, v in self.settings)

    def layout(self, place: Place) -> Layout:
        """How prompts for a place are laid out."""
        return _as_it_stands(place) if self.is_plain else as_built


@dataclass(frozen=True)
class Part:
    """A part of the server, and what it is without it."""

    name: str
    having: Variant
    lacking: Variant


def sources() -> dict[str, bool]:
    """Every source of context that can be switched, and whether it is on."""
    return {
        key: field.default
        for section, key, field in setting_fields()
        if section == CONTEXT and isinstance(field.default, bool)
    }


def as_shipped() -> Variant:
    """The server with its defaults."""
    return _with_sources(sources())


def parts() -> list[Part]:
    """Every part whose worth can be told by leaving it out."""
    shipped, none = as_shipped(), _with_sources(dict.fromkeys(sources(), False))
    found = [
        Part(f"context: {name}", _with_sources({**_off(), name: True}), none)
        for name in sources()
    ]
    if found:
        every = _with_sources(dict.fromkeys(sources(), True))
        found.append(Part("context: every source", every, none))
    n_tokens = Settings().prefix_tokens
    return [
        *found,
        Part(
            "layout: blocks of lines, the head of the file, no space at the end",
            none,
            Variant(none.settings, is_plain=True),
        ),
        Part(
            f"{n_tokens:,} tokens before the cursor, not {N_PREFIX_TOKENS:,}",
            _with(shipped, "completion", "prefix_tokens", str(n_tokens)),
            shipped,
        ),
        Part(
            "template: none, not CodeGemma's",
            shipped,
            _with(shipped, "endpoint", "template", "codegemma"),
        ),
    ]


def variants(chosen: Iterable[Part]) -> list[Variant]:
    """What has to be asked to tell the worth of some parts, each once."""
    pairs = [(part.having, part.lacking) for part in chosen]
    return [*dict.fromkeys((as_shipped(), *(v for pair in pairs for v in pair)))]


def _off() -> dict[str, bool]:
    return dict.fromkeys(sources(), False)


def _with_sources(on: Mapping[str, bool]) -> Variant:
    return Variant(
        tuple(
            (environment_name(CONTEXT, name), str(is_on).lower())
            for name, is_on in on.items()
        )
    )


def _with(variant: Variant, section: str, key: str, value: Any) -> Variant:
    return Variant((*variant.settings, (environment_name(section, key), value)))


def _as_it_stands(place: Place) -> Layout:
    """What a client sends that cuts the text before the cursor at a length."""
    line = place.line_prefix
    # The server leaves these out of its prompt, and expects them in the answer.
    blank = line[len(line.rstrip(" ")) :] if line.strip() else ""
    n_chars = round(N_PREFIX_TOKENS * CHARS_PER_TOKEN)
    prompt = place.before[-n_chars:]
    return lambda _: (prompt, blank)
