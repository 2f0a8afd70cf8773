"""The wire of `/chat/completions`: messages in, a message's deltas out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foretype.prompt import Prompt


class ChatWire:
    """OpenAI's chat API, which nearly every provider speaks."""

    path = "/chat/completions"

    def body(self, prompt: Prompt) -> dict[str, Any]:
        body: dict[str, Any] = {
            "messages": [
                {"role": message.role, "content": message.content}
                for message in prompt.messages
            ],
            "max_tokens": prompt.max_tokens,
            "temperature": prompt.temperature,
        }
        if prompt.stop:
            body["stop"] = list(prompt.stop)
        return body

    def pieces(self, event: Mapping[str, Any]) -> tuple[str, str | None]:
        choice = event["choices"][0]
        # Some send a null where they have nothing to add.
        delta = choice["delta"] or {}
        return delta.get("content") or "", choice.get("finish_reason")
