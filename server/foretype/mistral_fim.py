"""Mistral's wire: the text before and after in fields, a message's deltas out."""

from __future__ import annotations

from typing import Any

from foretype.chat import ChatWire
from foretype.fim import FimWire
from foretype.prompt import Prompt


class MistralFimWire(ChatWire):
    """Asked like the other APIs that fill in the middle, it answers like a chat."""

    path = "/fim/completions"

    def body(self, prompt: Prompt) -> dict[str, Any]:
        return FimWire().body(prompt)
