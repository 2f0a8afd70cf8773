"""The wire of `/chat/completions`: messages in, a message's deltas out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foretype.prompt import Prompt
from foretype.wire import Framing, Piece, first_choice, usage


class ChatWire:
    """OpenAI's chat API, which nearly every provider speaks."""

    path = "/chat/completions"
    models_path = "/models"
    framing = Framing.SSE
    refusals: Mapping[str, str] = {}

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

    def piece(self, event: Mapping[str, Any]) -> Piece | None:
        if "choices" not in event:
            return None
        choice = first_choice(event)
        if choice is None:
            return Piece(usage=usage(event))
        # Some send a null where they have nothing to add.
        delta = choice["delta"] or {}
        return Piece(
            delta.get("content") or "", choice.get("finish_reason"), usage(event)
        )
