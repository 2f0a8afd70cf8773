"""Asks an endpoint once how its model takes a place to fill in, and remembers that.

A model's name tells its markers only as a rule: a server may speak nothing but chats,
refuse the field for a suffix, or serve a model that was never shown those markers and
writes them into the text.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Any

import platformdirs

from foretype import prompt
from foretype.document import Document
from foretype.endpoint_settings import EndpointSettings
from foretype.errors import BadAnswer, ModelError, ModelNotFound, NotSupported
from foretype.model import Finish, Model
from foretype.settings import Settings
from foretype.templates import TEMPLATES, template_for
from foretype.timeline import Timeline
from foretype.trim import Shape

log = logging.getLogger(__name__)

# What is asked; the answer does not matter, but for markers in it.
BEFORE = "def total(one, two):\n    return "
AFTER = "\n\n\nprint(total(1, 2))\n"
TIMEOUT_S = 30.0
# Another model may be behind the same name by then.
KEPT_DAYS = 30

# Wires whose prompts depend on what is found; the others have one form.
_OPEN_WIRES = ("completions", "ollama")


@dataclass(frozen=True)
class Finding:
    """What is to be set otherwise than it is; empty where it may stay."""

    template: str = ""
    wire: str = ""

    def applied(self, settings: Settings) -> Settings:
        """Settings as the endpoint needs them."""
        if not (self.template or self.wire):
            return settings
        endpoint = replace(
            settings.endpoint,
            template=self.template or settings.endpoint.template,
            wire=self.wire or settings.endpoint.wire,
        )
        return replace(settings, endpoint=endpoint)


def is_due(settings: Settings) -> bool:
    """Whether there is anything about an endpoint that its answer would tell."""
    endpoint = settings.endpoint
    return (
        endpoint.probe
        and endpoint.wire in _OPEN_WIRES
        and not settings.uses_local_model
        and settings.endpoint_problem is None
    )


async def look(
    settings: Settings, model_of: Callable[[EndpointSettings], Model]
) -> Finding | None:
    """What an endpoint's answer tells; None where it does not answer.

    `model_of` makes a client, which is closed again.
    """
    try:
        raw = await _answer(settings, model_of)
    except NotSupported:
        # The request's own field for the suffix: markers do without.
        family = template_for(settings.model_name, "auto")
        return Finding(template=family.family if family else "none")
    except (ModelNotFound, BadAnswer):
        # What serves nothing but chats has no such path, or says so in its own words.
        chat = Finding(wire="chat")
        try:
            return chat if await _answer(chat.applied(settings), model_of) else None
        except (ModelError, TimeoutError):
            return None
    except (ModelError, TimeoutError):
        return None
    if settings.endpoint.template == "auto" and _leaks(raw, settings):
        return Finding(template="none")
    return Finding()


def remembered(endpoint: EndpointSettings, path: Path) -> Finding | None:
    """What was found at an endpoint before, if that is not too long ago."""
    entry = _read(path).get(_key(endpoint))
    with suppress(ValueError, TypeError, KeyError):
        if entry is not None:
            age = date.today() - date.fromisoformat(entry["on"])
            if age.days <= KEPT_DAYS:
                return Finding(str(entry["template"]), str(entry["wire"]))
    return None


def remember(endpoint: EndpointSettings, finding: Finding, path: Path) -> None:
    """Keeps what was found; it is asked for again where that cannot be written."""
    entries = _read(path)
    entries[_key(endpoint)] = {
        "template": finding.template,
        "wire": finding.wire,
        "on": date.today().isoformat(),
    }
    new = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(fd, "w", encoding="utf-8") as file:
            json.dump(entries, file, indent=1)
        os.replace(new, path)
    except OSError as error:
        log.warning("%s cannot be written: %s", path, error.strerror)


def default_file() -> Path:
    """Where findings are kept."""
    return platformdirs.user_state_path("foretype", appauthor=False) / "endpoints.json"


def question(
    settings: Settings, before: str = BEFORE, after: str = AFTER
) -> prompt.Prompt:
    """What is sent for a place in Python code, with nothing to stop at."""
    document = Document("file:///total.py", "python", 1, before + after)
    view = prompt.view(settings, prompt.CHARS_PER_TOKEN)
    snapshot = document.snapshot(len(before), settings, view)
    # Stop strings would hide what is looked for.
    return replace(prompt.build(snapshot, Shape.LINE), stop=())


async def _answer(
    settings: Settings, model_of: Callable[[EndpointSettings], Model]
) -> str:
    """What the model writes into the hole, as it came.

    Raises: a leaf of `ModelError`, TimeoutError.
    """
    asked = replace(question(settings), cache_key="")
    model = await asyncio.to_thread(model_of, settings.endpoint)
    raw = ""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            async with aclosing(model.stream(asked, Timeline())) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Finish):
                        break
                    raw += piece
    finally:
        await model.close()
    return raw


def _leaks(raw: str, settings: Settings) -> bool:
    """Whether a text has markers in it that are no end of a text.

    A model that knows them never writes them within the line it was asked for.
    """
    own = template_for(settings.model_name, settings.endpoint.template)
    if own is None:
        return False
    line = raw.split("\n", 1)[0]
    middles = (marker for t in TEMPLATES for marker in t.reserved if marker in t.form)
    return any(marker in line for marker in middles)


def _key(endpoint: EndpointSettings) -> str:
    """An endpoint's name in the file, from which its URL cannot be told."""
    told = (
        endpoint.base_url,
        endpoint.path,
        endpoint.model,
        endpoint.wire,
        endpoint.template,
    )
    return blake2b("\n".join(told).encode(), digest_size=16).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """What is in the file; nothing where it is not there, or not ours."""
    try:
        entries = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return entries if isinstance(entries, dict) else {}
