"""The wire of OpenAI's `/responses`: messages in, typed events out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foretype.prompt import Prompt
from foretype.wire import Framing, Piece, ReportedError, Usage, count

# The API takes no fewer.
MIN_MAX_OUTPUT_TOKENS = 16


class ResponsesWire:
    """OpenAI's newer API; it has no stop strings."""

    path = "/responses"
    models_path = "/models"
    framing = Framing.SSE
    refusals: Mapping[str, str] = {}

    def body(self, prompt: Prompt) -> dict[str, Any]:
        return {
            "input": [
                {"role": message.role, "content": message.content}
                for message in prompt.messages
            ],
            "max_output_tokens": max(prompt.max_tokens, MIN_MAX_OUTPUT_TOKENS),
            "temperature": prompt.temperature,
            # Else the text is kept for a month.
            "store": False,
        }

    def piece(self, event: Mapping[str, Any]) -> Piece | None:
        match event.get("type"):
            case "response.output_text.delta":
                # A message may have several parts, and only the first is read.
                if event.get("content_index"):
                    return Piece()
                return Piece(event["delta"] or "")
            case "response.completed":
                return Piece("", "stop", _usage(event["response"]), is_last=True)
            case "response.incomplete":
                response = event["response"]
                reason = (response.get("incomplete_details") or {}).get("reason")
                if reason == "max_output_tokens":
                    reason = "length"
                return Piece("", reason, _usage(response), is_last=True)
            case "response.failed":
                raise ReportedError(event["response"].get("error"))
            case "error":
                raise ReportedError(event)
        return None


def _usage(response: Mapping[str, Any]) -> Usage | None:
    counted = response.get("usage")
    if not isinstance(counted, dict):
        return None
    details = counted.get("input_tokens_details")
    return Usage(
        count(counted.get("input_tokens")),
        count(counted.get("output_tokens")),
        count(details.get("cached_tokens")) if isinstance(details, dict) else None,
    )
