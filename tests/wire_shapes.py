"""The streams of the APIs that Foretype speaks, as their servers write them.

Recorded from llama.cpp's server (completions, chat, responses, infill), or taken from
the references and client libraries of OpenAI, Mistral, DeepSeek, Inception and Ollama;
what repeats itself in every event is shortened. Nothing in it knows the product.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

IDS: dict[str, Any] = {"id": "x", "created": 1795633827, "model": "fake"}


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ends."""

    reason: str | None
    """`stop` or `length`; None where the stream just ends."""
    usage: tuple[int, ...] | None
    """Tokens in, out, and of those in the ones from a cache."""
    has_done: bool
    """Whether `[DONE]` follows, where the API has that."""


class Shape:
    """One API's stream, event by event."""

    content_type = "text/event-stream"

    def opening(self) -> Iterator[str]:
        """Events before the first text."""
        yield from ()

    def text(self, text: str) -> str:
        """The event that brings a text, which may be empty."""
        raise NotImplementedError

    def other_choice(self, text: str) -> str:
        """The event of a text that is not of the answer that was asked for."""
        raise NotImplementedError

    def null(self) -> str:
        """An event with a null where others have a text."""
        raise NotImplementedError

    def error(self, error: object) -> str:
        """The event that reports an error."""
        return sse({"error": error})

    def ending(self, ending: Ending) -> Iterator[str]:
        """Events after the last text."""
        raise NotImplementedError


class Completions(Shape):
    """Of `/completions`, and of APIs to fill in the middle made after it."""

    def text(self, text: str) -> str:
        return self._event({"text": text})

    def other_choice(self, text: str) -> str:
        return self._event({"text": text, "index": 1})

    def null(self) -> str:
        return self._event({"text": None})

    def ending(self, ending: Ending) -> Iterator[str]:
        if ending.reason is not None:
            yield self._event({"text": "", "finish_reason": ending.reason})
        if ending.usage is not None:
            yield sse({**IDS, "choices": [], "usage": usage(ending.usage)})
        if ending.has_done:
            yield "data: [DONE]\n\n"

    def _event(self, choice: dict[str, Any]) -> str:
        full = {"index": 0, "logprobs": None, "finish_reason": None, **choice}
        return sse({**IDS, "object": "text_completion", "choices": [full]})


class DeepSeekFim(Completions):
    """Its last event has the usage, with words of its own for the cache."""

    def ending(self, ending: Ending) -> Iterator[str]:
        if ending.reason is None:
            yield from super().ending(ending)
            return
        choice = {"text": "", "index": 0, "finish_reason": ending.reason}
        event: dict[str, Any] = {**IDS, "choices": [choice]}
        if ending.usage is not None:
            n_in, n_out, *n_cached = ending.usage
            event["usage"] = {"prompt_tokens": n_in, "completion_tokens": n_out}
            if n_cached:
                event["usage"]["prompt_cache_hit_tokens"] = n_cached[0]
        yield sse(event)
        if ending.has_done:
            yield "data: [DONE]\n\n"


class Chat(Shape):
    """Of `/chat/completions`."""

    def opening(self) -> Iterator[str]:
        yield self._event({"delta": {"role": "assistant", "content": None}})

    def text(self, text: str) -> str:
        return self._event({"delta": {"content": text} if text else {}})

    def other_choice(self, text: str) -> str:
        return self._event({"delta": {"content": text}, "index": 1})

    def null(self) -> str:
        return self._event({"delta": None})

    def ending(self, ending: Ending) -> Iterator[str]:
        if ending.reason is not None:
            yield self._event({"delta": {}, "finish_reason": ending.reason})
        if ending.usage is not None:
            yield sse({**IDS, "choices": [], "usage": usage(ending.usage)})
        if ending.has_done:
            yield "data: [DONE]\n\n"

    def _event(self, choice: dict[str, Any]) -> str:
        full = {"index": 0, "finish_reason": None, **choice}
        return sse({**IDS, "object": "chat.completion.chunk", "choices": [full]})


class MistralFim(Chat):
    """A chat's events, of which the last one has the usage as well."""

    def opening(self) -> Iterator[str]:
        yield self._event({"delta": {"role": "assistant", "content": ""}})

    def ending(self, ending: Ending) -> Iterator[str]:
        if ending.reason is None:
            yield from super().ending(ending)
            return
        delta = {"content": ""}
        choice = {"index": 0, "delta": delta, "finish_reason": ending.reason}
        event: dict[str, Any] = {**IDS, "choices": [choice]}
        if ending.usage is not None:
            event["usage"] = usage(ending.usage)
        yield sse(event)
        if ending.has_done:
            yield "data: [DONE]\n\n"


class Responses(Shape):
    """Of `/responses`, which has no `[DONE]`."""

    def opening(self) -> Iterator[str]:
        item = {"id": "msg_x", "role": "assistant", "type": "message", "content": []}
        part = {"type": "output_text", "text": ""}
        yield self._event("response.created", response={"status": "in_progress"})
        yield self._event("response.in_progress", response={"status": "in_progress"})
        yield self._event("response.output_item.added", item=item)
        yield self._event("response.content_part.added", item_id="msg_x", part=part)

    def text(self, text: str) -> str:
        return self._delta(text, 0)

    def other_choice(self, text: str) -> str:
        return self._delta(text, 1)

    def null(self) -> str:
        return self._delta(None, 0)

    def error(self, error: object) -> str:
        response = {"status": "failed", "error": error}
        return self._event("response.failed", response=response)

    def ending(self, ending: Ending) -> Iterator[str]:
        if ending.reason is None:
            return
        response: dict[str, Any] = {"status": "completed", "error": None}
        if ending.usage is not None:
            n_in, n_out, *n_cached = ending.usage
            counted: dict[str, Any] = {"input_tokens": n_in, "output_tokens": n_out}
            if n_cached:
                counted["input_tokens_details"] = {"cached_tokens": n_cached[0]}
            response["usage"] = counted
        yield self._event("response.output_text.done", item_id="msg_x", text="all")
        if ending.reason == "stop":
            yield self._event("response.completed", response=response)
            return
        reason = {"length": "max_output_tokens"}.get(ending.reason, ending.reason)
        response["status"] = "incomplete"
        response["incomplete_details"] = {"reason": reason}
        yield self._event("response.incomplete", response=response)

    def _delta(self, text: str | None, part_idx: int) -> str:
        return self._event(
            "response.output_text.delta",
            item_id="msg_x",
            output_index=0,
            content_index=part_idx,
            delta=text,
        )

    def _event(self, kind: str, **fields: Any) -> str:
        return f"event: {kind}\n" + sse({"type": kind, "sequence_number": 7, **fields})


class Infill(Shape):
    """Of llama.cpp's `/infill`, which has no `[DONE]` either."""

    def text(self, text: str) -> str:
        return self._event({"content": text})

    def other_choice(self, text: str) -> str:
        return self._event({"content": text, "index": 1})

    def null(self) -> str:
        return self._event({"content": None})

    def ending(self, ending: Ending) -> Iterator[str]:
        if ending.reason is None:
            return
        event: dict[str, Any] = {
            "content": "",
            "stop": True,
            "stop_type": {"stop": "eos", "length": "limit"}[ending.reason],
        }
        if ending.usage is not None:
            n_in, n_out, *n_cached = ending.usage
            event |= {"tokens_evaluated": n_in, "tokens_predicted": n_out}
            event["timings"] = {"prompt_ms": 11.9, "predicted_n": n_out}
            if n_cached:
                event["timings"]["cache_n"] = n_cached[0]
        yield sse(event)

    def _event(self, fields: dict[str, Any]) -> str:
        counts = {"id_slot": -1, "tokens_predicted": 1, "tokens_evaluated": 15}
        return sse({"index": 0, "stop": False, "tokens": [107], **counts, **fields})


class Ollama(Shape):
    """Of `/api/generate`, an object a line."""

    content_type = "application/x-ndjson"

    def text(self, text: str) -> str:
        return self._line({"response": text, "done": False})

    def null(self) -> str:
        return self._line({"response": None, "done": False})

    def error(self, error: object) -> str:
        return line({"error": error})

    def ending(self, ending: Ending) -> Iterator[str]:
        if ending.reason is None:
            return
        last = {"response": "", "done": True, "done_reason": ending.reason}
        if ending.usage is not None:
            n_in, n_out, *_ = ending.usage
            last |= {"prompt_eval_count": n_in, "eval_count": n_out}
        yield self._line({**last, "total_duration": 174560334})

    def _line(self, fields: dict[str, Any]) -> str:
        return line({"model": "fake", "created_at": "2026-10-17T23:14:07Z", **fields})


SHAPES: dict[str, Shape] = {
    "completions": Completions(),
    "chat": Chat(),
    "responses": Responses(),
    "fim": DeepSeekFim(),
    "mistral-fim": MistralFim(),
    "infill": Infill(),
    "ollama": Ollama(),
}


def of_path(path: str) -> str:
    """The name of the shape that is answered at a path, where only one can be."""
    for end, name in (
        ("/chat/completions", "chat"),
        ("/responses", "responses"),
        ("/infill", "infill"),
        ("/api/generate", "ollama"),
    ):
        if path.endswith(end):
            return name
    return "completions"


def sse(fields: object) -> str:
    """One event of a stream of server-sent events."""
    return f"data: {json.dumps(fields, ensure_ascii=False)}\n\n"


def line(fields: object) -> str:
    """One line of a stream of lines."""
    return f"{json.dumps(fields, ensure_ascii=False)}\n"


def usage(counts: tuple[int, ...]) -> dict[str, Any]:
    """What OpenAI's APIs count."""
    n_in, n_out, *n_cached = counts
    counted: dict[str, Any] = {
        "prompt_tokens": n_in,
        "completion_tokens": n_out,
        "total_tokens": n_in + n_out,
    }
    if n_cached:
        counted["prompt_tokens_details"] = {"cached_tokens": n_cached[0]}
    return counted
