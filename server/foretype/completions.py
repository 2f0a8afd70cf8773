"""The wire of `/completions`: raw text in, raw text out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foretype.prompt import Prompt


class CompletionsWire:
    """OpenAI's legacy API, which servers of open models speak."""

    path = "/completions"

    def body(self, prompt: Prompt) -> dict[str, Any]:
        body: dict[str, Any] = {
            "prompt": prompt.text,
            "max_tokens": prompt.max_tokens,
            "temperature": prompt.temperature,
        }
        if prompt.suffix is not None:
            body["suffix"] = prompt.suffix
        if prompt.stop:
            body["stop"] = list(prompt.stop)
        return body

    def pieces(self, event: Mapping[str, Any]) -> tuple[str, str | None]:
        choice = event["choices"][0]
        return choice["text"] or "", choice.get("finish_reason")
