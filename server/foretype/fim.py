"""The wire of DeepSeek and Inception: the text before and after in fields, text out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foretype.completions import CompletionsWire
from foretype.prompt import Prompt


class FimWire(CompletionsWire):
    """An API to fill in the middle, which needs no markers and must get none.

    The path is Inception's; DeepSeek's is `/beta/completions` (`endpoint.path`).
    """

    path = "/fim/completions"
    refusals: Mapping[str, str] = {}

    def body(self, prompt: Prompt) -> dict[str, Any]:
        body = super().body(prompt)
        # Behind the last character there is nothing to tell, and some models begin to
        # go round in circles before an empty text.
        if not body.get("suffix"):
            body.pop("suffix", None)
        return body
