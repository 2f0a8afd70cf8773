"""What is sent to an endpoint for a prompt: the wire's fields, as its settings want."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from foretype.endpoint_settings import EndpointSettings
from foretype.model import SlotSource
from foretype.prompt import Prompt
from foretype.wire import Wire

# So that nobody can tell from a cache key what a document is called.
_SECRET = secrets.token_bytes(32)
_CACHE_KEY_BYTES = 12


@dataclass(frozen=True)
class Endpoint:
    """Where a model is and how it is asked."""

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    slots: SlotSource | None = field(default=None, repr=False)
    """Where documents have their prompts in a llama.cpp server of ours."""
    settings: EndpointSettings = field(default_factory=EndpointSettings)

    @property
    def name(self) -> str:
        """What it is called in a message."""
        return f"the endpoint at {self.base_url}"


def fields(endpoint: Endpoint, wire: Wire, prompt: Prompt) -> dict[str, Any]:
    """Everything that a request says."""
    settings = endpoint.settings
    asked = replace(
        prompt,
        max_tokens=prompt.max_tokens + settings.reasoning_tokens,
        stop=prompt.stop[: settings.max_stops],
    )
    body = wire.body(asked)
    if not settings.sends_temperature:
        body.pop("temperature", None)
    if settings.max_tokens_field != "max_tokens" and "max_tokens" in body:
        body[settings.max_tokens_field] = body.pop("max_tokens")
    if settings.sends_cache_key and prompt.cache_key:
        body["prompt_cache_key"] = _cache_key(prompt.cache_key)
    body = _merged(body, settings.extra_body)
    return {**body, "model": endpoint.model, "stream": True}


def _cache_key(name: str) -> str:
    return blake2b(
        name.encode("utf-8", "surrogatepass"), digest_size=_CACHE_KEY_BYTES, key=_SECRET
    ).hexdigest()


def _merged(fields: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Both, table by table; where both have a value, it is that of the second."""
    merged = dict(fields)
    for name, value in more.items():
        known = merged.get(name)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            merged[name] = _merged(known, value)
        else:
            merged[name] = value
    return merged
