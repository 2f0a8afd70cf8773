"""The wire of `/completions`: raw text in, raw text out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foretype.prompt import Prompt
from foretype.wire import Framing, Piece, first_choice, usage

_NO_SUFFIX = (
    "cannot be told the text after the cursor in a field of its own; set "
    "endpoint.template to the model's family, or to none"
)


class CompletionsWire:
    """OpenAI's legacy API, which servers of open models speak."""

    path = "/completions"
    models_path = "/models"
    framing = Framing.SSE
    # vLLM, llama.cpp and TGI, in this order.
    refusals: Mapping[str, str] = {
        "suffix is not currently supported": _NO_SUFFIX,
        "unsupported param: suffix": _NO_SUFFIX,
        "suffix not supported": _NO_SUFFIX,
    }

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

    def piece(self, event: Mapping[str, Any]) -> Piece | None:
        if "choices" not in event:
            return None
        choice = first_choice(event)
        if choice is None:
            return Piece(usage=usage(event))
        return Piece(choice["text"] or "", choice.get("finish_reason"), usage(event))
