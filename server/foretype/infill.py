"""The wire of llama.cpp's `/infill`, which knows the markers of the model it serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foretype.prompt import Prompt
from foretype.wire import Framing, Piece, Usage, count

# What is read of the last event, which would else repeat the whole prompt.
_RESPONSE_FIELDS = (
    "index",
    "content",
    "stop",
    "stop_type",
    "tokens_evaluated",
    "tokens_predicted",
    "timings",
)


class InfillWire:
    """The text before and after the cursor in fields, and objects of llama.cpp's own.

    The base URL is without `/v1`.
    """

    path = "/infill"
    models_path = "/v1/models"
    framing = Framing.SSE
    refusals: Mapping[str, str] = {
        "infill is not supported": (
            'serves a model that cannot fill in the middle; set endpoint.wire to "'
            'completions" and add /v1 to endpoint.base_url, or have it serve a model '
            "that can, such as Qwen2.5-Coder"
        )
    }

    def body(self, prompt: Prompt) -> dict[str, Any]:
        # The server puts `prompt` behind the text after the cursor: as long as only the
        # line at the cursor changes, all that stands before it is in its cache.
        line_start = prompt.text.rfind("\n") + 1
        body: dict[str, Any] = {
            "input_prefix": prompt.text[:line_start],
            "prompt": prompt.text[line_start:],
            "input_suffix": prompt.suffix or "",
            "input_extra": [
                {"filename": snippet.name, "text": snippet.text}
                for snippet in prompt.extra
            ],
            "n_predict": prompt.max_tokens,
            "temperature": prompt.temperature,
            "cache_prompt": True,
            "response_fields": list(_RESPONSE_FIELDS),
        }
        if prompt.stop:
            body["stop"] = list(prompt.stop)
        return body

    def piece(self, event: Mapping[str, Any]) -> Piece | None:
        if "content" not in event:
            return None
        text = event["content"] or ""
        if event.get("index"):
            return Piece()
        if not event.get("stop"):
            return Piece(text)
        reason = "length" if event.get("stop_type") == "limit" else "stop"
        timings = event.get("timings")
        n_cached = timings.get("cache_n") if isinstance(timings, dict) else None
        n_prompt = count(event.get("tokens_evaluated"))
        n_output = count(event.get("tokens_predicted"))
        usage = Usage(n_prompt, n_output, count(n_cached))
        return Piece(text, reason, usage, is_last=True)
