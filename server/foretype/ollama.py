"""The wire of Ollama's own API: JSON objects, one a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foretype.prompt import Prompt
from foretype.wire import Framing, Piece, Usage, count

# The default of five minutes is shorter than many a break, behind which the first
# completion would wait until the model is loaded again.
KEEP_ALIVE = "30m"


class OllamaWire:
    """A prompt with the markers in it as it is, or the suffix in a field of its own.

    The base URL is without `/v1`.
    """

    path = "/api/generate"
    models_path = "/v1/models"
    framing = Framing.LINES
    refusals: Mapping[str, str] = {
        "does not support insert": (
            "has no template to fill in the middle with this model; set "
            'endpoint.template to the model\'s family, or to "auto"'
        )
    }

    def body(self, prompt: Prompt) -> dict[str, Any]:
        options: dict[str, Any] = {
            "num_predict": prompt.max_tokens,
            "temperature": prompt.temperature,
        }
        if prompt.stop:
            options["stop"] = list(prompt.stop)
        body = {
            "prompt": prompt.text,
            "options": options,
            "keep_alive": KEEP_ALIVE,
            "think": False,
        }
        if prompt.suffix:
            # Ollama's template for the model has the markers.
            return {**body, "suffix": prompt.suffix}
        # Without a suffix that template would make a chat of it.
        return {**body, "raw": True}

    def piece(self, event: Mapping[str, Any]) -> Piece | None:
        if "response" not in event:
            return None
        text = event["response"] or ""
        if not event.get("done"):
            return Piece(text)
        usage = Usage(
            count(event.get("prompt_eval_count")), count(event.get("eval_count"))
        )
        return Piece(text, event.get("done_reason"), usage, is_last=True)
