"""What is sent for a prompt, as an endpoint's settings want it."""

from __future__ import annotations

from typing import Any

import pytest

from foretype import request
from foretype.endpoint_settings import EndpointSettings
from foretype.prompt import Message, Prompt
from foretype.request import Endpoint
from foretype.wires import WIRES

PROMPT = Prompt(
    64,
    text="x = ",
    messages=(Message("user", "x = "),),
    stop=("a", "b", "c", "d"),
    cache_key="file:///home/me/secret-project/main.py",
)


def fields(wire: str, prompt: Prompt = PROMPT, **settings: Any) -> dict[str, Any]:
    endpoint = Endpoint("http://h/v1", "m", settings=EndpointSettings(**settings))
    return request.fields(endpoint, WIRES[wire](), prompt)


@pytest.mark.parametrize("wire", ["completions", "chat", "fim", "mistral-fim"])
def test_the_most_tokens_have_the_name_that_the_api_knows(wire: str) -> None:
    assert fields(wire)["max_tokens"] == 64
    renamed = fields(wire, max_tokens_field="max_completion_tokens")
    assert renamed["max_completion_tokens"] == 64
    assert "max_tokens" not in renamed


@pytest.mark.parametrize(
    ("wire", "n_asked"),
    [
        ("chat", lambda body: body["max_tokens"]),
        ("responses", lambda body: body["max_output_tokens"]),
        ("ollama", lambda body: body["options"]["num_predict"]),
    ],
)
def test_a_model_that_thinks_first_may_write_more(wire: str, n_asked: Any) -> None:
    assert n_asked(fields(wire, reasoning_tokens=512)) == 576


@pytest.mark.parametrize(("max_stops", "stop"), [(4, list("abcd")), (1, ["a"])])
def test_only_so_many_stops_are_sent(max_stops: int, stop: list[str]) -> None:
    assert fields("completions", max_stops=max_stops)["stop"] == stop


def test_no_stop_is_sent_where_none_is_taken() -> None:
    assert "stop" not in fields("completions", max_stops=0)


@pytest.mark.parametrize("wire", ["completions", "chat", "responses", "fim"])
def test_no_temperature_is_sent_where_none_is_taken(wire: str) -> None:
    assert fields(wire)["temperature"] == 0
    assert "temperature" not in fields(wire, sends_temperature=False)


def test_the_cache_key_is_one_word_for_a_document_and_does_not_tell_its_name() -> None:
    assert "prompt_cache_key" not in fields("chat")
    key = fields("chat", sends_cache_key=True)["prompt_cache_key"]
    again = fields("completions", sends_cache_key=True)["prompt_cache_key"]
    assert key == again
    assert key.isalnum()
    assert len(key) < 64

    other = Prompt(64, cache_key="file:///home/me/secret-project/other.py")
    assert fields("chat", other, sends_cache_key=True)["prompt_cache_key"] != key
    # Any name of a document will do.
    odd = Prompt(64, cache_key="untitled:\udcff")
    assert fields("chat", odd, sends_cache_key=True)["prompt_cache_key"]
    assert "prompt_cache_key" not in fields("chat", Prompt(64), sends_cache_key=True)


def test_more_fields_win_table_by_table() -> None:
    more = {
        "keep_alive": "-1",
        "options": {"num_ctx": 8192, "temperature": 0.5},
        "logprobs": [1],
    }
    body = fields("ollama", extra_body=more)
    assert body["keep_alive"] == "-1"
    assert body["logprobs"] == [1]
    assert body["options"] == {
        "num_predict": 64,
        "num_ctx": 8192,
        "temperature": 0.5,
        "stop": ["a", "b", "c", "d"],
    }
    # What was set is not changed by it.
    assert more["options"] == {"num_ctx": 8192, "temperature": 0.5}


@pytest.mark.parametrize("wire", WIRES)
def test_no_field_turns_the_stream_off_or_names_another_model(wire: str) -> None:
    body = fields(wire, extra_body={"stream": False, "model": "other"})
    assert (body["stream"], body["model"]) == (True, "m")
