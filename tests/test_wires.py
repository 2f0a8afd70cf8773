"""The contract of `Model`, kept by an endpoint on each wire, over real sockets."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from fake_endpoint import (
    COMMENT,
    DEADLINE_S,
    HOST,
    KEEP_ALIVE,
    OK,
    Answer,
    Answering,
    FakeEndpoint,
    Fault,
    Raw,
    Shaped,
    Writes,
    redirect,
)
from foretype import events
from foretype.endpoint import MAX_NAMED_MODELS, EndpointModel
from foretype.endpoint_settings import EndpointSettings
from foretype.errors import (
    BadAnswer,
    KeyRefused,
    ModelError,
    ModelNotFound,
    NotSupported,
    RateLimited,
    Unreachable,
)
from foretype.faults import MAX_RETRY_AFTER_S
from foretype.model import Finish, SlotSource
from foretype.prompt import Message, Prompt
from foretype.request import Endpoint
from foretype.slots import Slots
from foretype.snippet import Snippet
from foretype.timeline import Timeline
from foretype.wire import Framing, ReportedError, Wire
from foretype.wires import WIRES
from wire_shapes import SHAPES

KEY = "sk-the-key"
# What a provider may quote in its messages, and no message of ours may hold.
QUOTED = "text of the document"
PROMPT = Prompt(
    64, text=QUOTED, messages=(Message("user", QUOTED),), stop=("</fill>", "\n\n")
)
N_ABORTS = 100


@pytest.fixture(params=WIRES)
def name(request: pytest.FixtureRequest) -> str:
    """What `endpoint.wire` says."""
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture
def wire(name: str) -> Wire:
    return WIRES[name]()


def name_of(wire: Wire) -> str:
    return next(name for name, made in WIRES.items() if type(wire) is made)


@asynccontextmanager
async def serving(
    wire: Wire,
    default: Answering = OK,
    *,
    api_key: str = KEY,
    slots: SlotSource | None = None,
    models: tuple[str, ...] | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[FakeEndpoint, EndpointModel]]:
    """An endpoint and a model on it, which must leave nothing behind."""
    async with FakeEndpoint(default, wire=name_of(wire), models=models) as endpoint:
        model = EndpointModel(
            Endpoint(
                endpoint.base_url,
                "fake-1",
                api_key,
                slots,
                EndpointSettings(**settings),
            ),
            wire,
        )
        try:
            yield endpoint, model
        finally:
            await model.close()
        await endpoint.connections_are(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def read(model: EndpointModel, prompt: Prompt = PROMPT) -> list[str | Finish]:
    async with (
        asyncio.timeout(DEADLINE_S),
        aclosing(model.stream(prompt, Timeline())) as pieces,
    ):
        return [piece async for piece in pieces]


async def failure(model: EndpointModel) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await read(model)
    return caught.value


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancels a task and returns when it has ended, in whichever way."""
    task.cancel()
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.wait((task,))


# What arrives.

TEXTS = ("def ", "größe(😀):\n", "    pass")
NULL = Shaped(lambda shape: shape.null())
FORMS = {
    "an event a write": Answer(TEXTS),
    "all in one write": Answer(TEXTS, writes=Writes.WHOLE),
    "a byte a write": Answer(TEXTS, writes=Writes.BYTES),
    "CRLF": Answer(TEXTS, line_end="\r\n"),
    "CRLF, a byte a write": Answer(TEXTS, line_end="\r\n", writes=Writes.BYTES),
    "empty texts": Answer((TEXTS[0], "", "", *TEXTS[1:], "")),
    "null texts": Answer((NULL, TEXTS[0], NULL, *TEXTS[1:], NULL)),
    "no [DONE]": Answer(TEXTS, has_done=False),
}
# Of server-sent events only.
SSE_FORMS = {
    "CR": Answer(TEXTS, line_end="\r"),
    "comments": Answer((COMMENT, TEXTS[0], KEEP_ALIVE, COMMENT, *TEXTS[1:])),
    "events without data": Answer((Raw("event: ping\n\n"), *TEXTS)),
}
# Of lines only.
LINE_FORMS = {
    "blank lines": Answer((Raw("\n"), TEXTS[0], Raw("\r\n \n"), *TEXTS[1:])),
    "a separator that is none": Answer(tuple(f"{text}\u2028" for text in TEXTS)),
}
WIRES_AND_FORMS = [
    (name, form, answer)
    for name, made in WIRES.items()
    for form, answer in {
        **FORMS,
        **(SSE_FORMS if made.framing is Framing.SSE else LINE_FORMS),
    }.items()
]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("name", "answer"),
    [(name, answer) for name, _, answer in WIRES_AND_FORMS],
    ids=[f"{name}-{form}" for name, form, _ in WIRES_AND_FORMS],
)
async def test_the_text_then_a_finish_in_every_form(name: str, answer: Answer) -> None:
    texts = [step for step in answer.steps if isinstance(step, str) and step]
    async with serving(WIRES[name](), answer) as (_, model):
        assert await read(model) == [*texts, Finish("stop")]


@pytest.mark.asyncio
async def test_a_text_arrives_while_the_next_is_held_back(wire: Wire) -> None:
    held = asyncio.Event()
    async with (
        serving(wire, Answer(("a", held, "b"))) as (_, model),
        asyncio.timeout(DEADLINE_S),
        aclosing(model.stream(PROMPT, Timeline())) as pieces,
    ):
        assert await anext(pieces) == "a"
        held.set()
        assert await anext(pieces) == "b"
        assert await anext(pieces) == Finish("stop")
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)


@pytest.mark.asyncio
async def test_of_several_answers_only_the_first_is_read(name: str) -> None:
    # Ollama has no more than one.
    if name == "ollama":
        steps: tuple[str | Shaped, ...] = ("a", "b")
    else:
        other = Shaped(lambda shape: shape.other_choice("other"))
        steps = (other, "a", other, other, "b", other)
    async with serving(WIRES[name](), Answer(steps)) as (_, model):
        assert await read(model) == ["a", "b", Finish("stop")]


@pytest.mark.parametrize("name", ["completions", "chat", "fim", "mistral-fim"])
def test_the_answers_may_come_in_one_event_in_any_order(name: str) -> None:
    first, second = (
        {"index": idx, "text": text, "delta": {"content": text}}
        for idx, text in enumerate(("a", "b"))
    )
    for choices in ([first, second], [second, first]):
        piece = WIRES[name]().piece({"choices": choices})
        assert piece is not None
        assert piece.text == "a"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "finish"),
    [
        (Answer(("a",), usage=(7, 3)), Finish("stop", 7, 3)),
        (Answer(("a",), finish_reason="length"), Finish("length")),
        (
            Answer(("a",), usage=(7, 3), finish_reason="length"),
            Finish("length", 7, 3),
        ),
        (Answer(("a",), finish_reason=None, has_done=False), Finish("")),
    ],
    ids=["usage", "length", "usage and length", "no reason"],
)
async def test_the_finish_tells_the_reason_and_the_usage(
    wire: Wire, answer: Answer, finish: Finish
) -> None:
    async with serving(wire, answer) as (_, model):
        assert await read(model) == ["a", finish]


@pytest.mark.asyncio
async def test_the_finish_tells_what_was_cached(name: str) -> None:
    # Ollama does not.
    n_cached = None if name == "ollama" else 5
    answer = Answer(("a",), usage=(7, 3, 5))
    async with serving(WIRES[name](), answer) as (_, model):
        assert await read(model) == ["a", Finish("stop", 7, 3, n_cached)]


@pytest.mark.parametrize(
    "counted",
    [
        None,
        [7],
        {},
        {"prompt_tokens": "7", "completion_tokens": -3},
        {"prompt_tokens": True, "completion_tokens": 1.5, "prompt_tokens_details": 5},
        {"input_tokens": "7", "output_tokens": None, "input_tokens_details": [5]},
    ],
    ids=repr,
)
def test_odd_counts_are_no_counts(name: str, counted: object) -> None:
    events: dict[str, dict[str, object]] = {
        "responses": {"type": "response.completed", "response": {"usage": counted}},
        "infill": {
            "content": "",
            "stop": True,
            "timings": counted,
            "tokens_evaluated": counted,
            "tokens_predicted": "3",
        },
        "ollama": {
            "response": "",
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": counted,
        },
    }
    event = events.get(name, {"choices": [], "usage": counted})
    piece = WIRES[name]().piece(event)
    assert piece is not None
    assert not any(piece.usage or ())


@pytest.mark.asyncio
async def test_an_empty_completion_is_no_error(wire: Wire) -> None:
    async with serving(wire, Answer()) as (_, model):
        assert await read(model) == [Finish("stop")]


# What goes wrong.

REPORTED = {"message": f"cannot read {QUOTED}", "code": "overloaded"}
FAULTS: dict[str, tuple[Answer, type[ModelError], str]] = {
    "401": (Answer(status=401, body=QUOTED), KeyRefused, "endpoint.api_key_env"),
    "403": (Answer(status=403, body=QUOTED), KeyRefused, "endpoint.api_key_env"),
    "404": (Answer(status=404, body=QUOTED), ModelNotFound, "endpoint.model"),
    "429": (Answer(status=429, body=QUOTED), RateLimited, "429"),
    # The package would try 408, 409, 429 and 5xx again if it were let.
    "408": (Answer(status=408, body=QUOTED), BadAnswer, "408"),
    "409": (Answer(status=409, body=QUOTED), BadAnswer, "409"),
    "500": (Answer(status=500, body=QUOTED), BadAnswer, "500"),
    "503": (
        Answer(status=503, body=QUOTED, headers={"Retry-After": "0"}),
        BadAnswer,
        "503",
    ),
    "400 with an error": (
        Answer(status=400, body=f'{{"error": {{"message": "{QUOTED}"}}}}'),
        BadAnswer,
        "400",
    ),
    "400 with a field": (
        Answer(
            status=400,
            body=json.dumps(
                {
                    "error": {
                        "message": QUOTED,
                        "code": "unsupported_parameter",
                        "param": "temperature",
                    }
                }
            ),
        ),
        BadAnswer,
        "(unsupported_parameter, temperature)",
    ),
    "an error in the stream": (
        Answer(("a", Shaped(lambda shape: shape.error(REPORTED)))),
        BadAnswer,
        "'overloaded'",
    ),
    "an error first": (
        Answer((Shaped(lambda shape: shape.error(REPORTED)),)),
        BadAnswer,
        "'overloaded'",
    ),
    "an error without a code": (
        Answer(("a", Shaped(lambda shape: shape.error(QUOTED)))),
        BadAnswer,
        "an error",
    ),
    "a limit in the stream": (
        Answer((Shaped(lambda shape: shape.error({"code": 429, "message": QUOTED})),)),
        RateLimited,
        "429",
    ),
    "not JSON": (Answer(("a", Raw('data: {"c": [\n\n'))), BadAnswer, "not JSON"),
    "a page": (Answer(body=f"<p>{QUOTED}"), BadAnswer, "not a stream"),
    "no body": (Answer(body=""), BadAnswer, "not a stream"),
    "a text of another type": (
        Answer(("a", Shaped(lambda shape: shape.text([QUOTED])))),  # type: ignore[arg-type]
        BadAnswer,
        "endpoint.wire",
    ),
    "longer than any completion": (
        Answer(("a", Raw("x" * 300_000))),
        BadAnswer,
        "longer than any completion",
    ),
    "closed before a byte": (
        Answer(before=(Fault.CLOSE,)),
        Unreachable,
        "endpoint.base_url",
    ),
    "reset before a byte": (
        Answer(before=(Fault.RESET,)),
        Unreachable,
        "endpoint.base_url",
    ),
}
SSE_FAULTS: dict[str, tuple[Answer, type[ModelError], str]] = {
    "an answer in one": (Answer(body='{"choices": []}'), BadAnswer, "not a stream"),
    "not an object": (Answer(("a", Raw('data: ["c"]\n\n'))), BadAnswer, "not an obj"),
    "not UTF-8": (Answer(("a", Raw(b"data: \xff\xfe\n\n"))), BadAnswer, "not UTF-8"),
}
LINE_FAULTS: dict[str, tuple[Answer, type[ModelError], str]] = {
    "an answer in one": (Answer(body='{"choices": []}'), BadAnswer, "endpoint.wire"),
    "not an object": (Answer(("a", Raw('["c"]\n'))), BadAnswer, "not an object"),
    "not UTF-8": (Answer(("a", Raw(b"\xff\xfe\n"))), BadAnswer, "not UTF-8"),
    "cut off": (
        Answer(("a", Raw('{"respon')), finish_reason=None),
        BadAnswer,
        "not JSON",
    ),
}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("headers", "least_s", "most_s"),
    [
        ({}, 0, 0),
        ({"Retry-After": "7"}, 7, 7),
        ({"Retry-After": "7", "retry-after-ms": "250"}, 0.25, 0.25),
        ({"Retry-After": "86400"}, MAX_RETRY_AFTER_S, MAX_RETRY_AFTER_S),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0, 0),
        ({"Retry-After": "Thu, 31 Dec 2099 23:59:59 GMT"}, 600, 600),
        ({"Retry-After": "in a while"}, 0, 0),
        ({"retry-after-ms": "soon"}, 0, 0),
        ({"retry-after-ms": "-5"}, 0, 0),
        ({"Retry-After": "1.5"}, 1.5, 1.5),
        ({"Retry-After": "2m59.5s"}, 179.5, 179.5),
        ({"Retry-After": "1h1ms"}, MAX_RETRY_AFTER_S, MAX_RETRY_AFTER_S),
        ({"Retry-After": "nan"}, 0, 0),
        # Cerebras counts seconds, Groq and OpenAI write as Go does.
        ({"x-reset-requests": "12.5"}, 12.5, 12.5),
        ({"x-reset-requests": "7.66s", "x-reset-tokens": "120ms"}, 0.12, 0.12),
        (
            {
                "x-reset-requests": "7.66s",
                "x-remaining-requests": "0",
                "x-reset-tokens": "120ms",
                "x-remaining-tokens": "5901",
            },
            7.66,
            7.66,
        ),
        ({"Retry-After": "3", "x-reset-requests": "12.5"}, 3, 3),
        ({"x-reset-requests": "soon"}, 0, 0),
    ],
)
async def test_a_limit_says_for_how_long(
    wire: Wire, headers: dict[str, str], least_s: float, most_s: float
) -> None:
    answer = Answer(status=429, headers=headers, body="{}")
    resets = ("x-reset-requests", "x-reset-tokens")
    async with serving(wire, answer, rate_limit_reset_headers=resets) as (_, model):
        error = await failure(model)
    assert isinstance(error, RateLimited)
    assert least_s <= error.retry_after_s <= most_s


WIRES_AND_FAULTS = [
    (name, fault, *said)
    for name, made in WIRES.items()
    for fault, said in {
        **FAULTS,
        **(SSE_FAULTS if made.framing is Framing.SSE else LINE_FAULTS),
    }.items()
]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("name", "answer", "kind", "way_out"),
    [(name, *said) for name, _, *said in WIRES_AND_FAULTS],
    ids=[f"{name}-{fault}" for name, fault, *_ in WIRES_AND_FAULTS],
)
async def test_a_fault_becomes_one_error_after_one_request(
    name: str,
    answer: Answer,
    kind: type[ModelError],
    way_out: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("foretype.events.MAX_ANSWER_BYTES", 100_000)
    async with serving(WIRES[name](), answer) as (endpoint, model):
        error = await failure(model)
        assert type(error) is kind
        assert way_out in str(error)
        for written in (str(error), repr(error), caplog.text):
            assert QUOTED not in written
            assert KEY not in written
        assert len(endpoint.requests) == 1

        endpoint.default = OK
        assert await read(model) == ["ok", Finish("stop")]


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("completions", {"choices": [{"index": 0, "other": "x"}]}),
        ("completions", {"choices": ["x"]}),
        ("completions", {"choices": 7}),
        ("chat", {"choices": [{"index": 0, "text": "x"}]}),
        ("chat", {"choices": [{"index": 0, "delta": "x"}]}),
        ("mistral-fim", {"choices": [{"index": 0, "text": "x"}]}),
        ("fim", {"choices": [{"index": 0, "delta": {"content": "x"}}]}),
        ("responses", {"type": "response.output_text.delta"}),
        ("responses", {"type": "response.completed"}),
        ("responses", {"type": "response.incomplete", "response": []}),
        ("responses", {"type": "response.failed", "response": "x"}),
    ],
)
def test_an_event_that_is_cut_short_is_of_another_shape(
    name: str, event: dict[str, object]
) -> None:
    with pytest.raises((LookupError, TypeError, AttributeError)):
        WIRES[name]().piece(event)


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", [Fault.CLOSE, Fault.RESET])
async def test_a_connection_that_breaks_keeps_the_text_before(
    wire: Wire, fault: Fault
) -> None:
    has_text = asyncio.Event()
    async with (
        serving(wire, Answer(("a", has_text, fault))) as (endpoint, model),
        asyncio.timeout(DEADLINE_S),
        aclosing(model.stream(PROMPT, Timeline())) as pieces,
    ):
        assert await anext(pieces) == "a"
        has_text.set()
        with pytest.raises(Unreachable):
            await anext(pieces)
        assert len(endpoint.requests) == 1


WORDS = st.sampled_from(
    [
        *("choices", "index", "text", "delta", "content", "finish_reason", "usage"),
        *("prompt_tokens", "prompt_tokens_details", "cached_tokens", "error", "code"),
        *("type", "response", "response.completed", "response.incomplete"),
        *("response.output_text.delta", "response.failed", "incomplete_details"),
        *("reason", "input_tokens_details", "stop", "stop_type", "limit", "timings"),
        *("cache_n", "tokens_evaluated", "done", "done_reason", "eval_count", ""),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5)
    ),
    max_leaves=20,
)


@given(name=st.sampled_from(list(WIRES)), event=VALUES)
def test_whatever_an_event_says_it_is_read_or_refused(name: str, event: object) -> None:
    try:
        piece = events._piece(WIRES[name](), event)
    except (events.MalformedError, events.OtherShapeError, ReportedError):
        return
    if piece is not None:
        assert isinstance(piece.text, str)
        assert isinstance(piece.reason, str | None)
        assert all(n is None or n >= 0 for n in piece.usage or ())


# Whose events another wire reads as well.
ALIKE = ({"completions", "fim"}, {"chat", "mistral-fim"})


@pytest.mark.asyncio
@pytest.mark.parametrize("other", SHAPES)
async def test_another_wire_is_told_from_its_shape(name: str, other: str) -> None:
    async with serving(WIRES[name](), Answer(("a",), wire=other)) as (_, model):
        if name == other or {name, other} in ALIKE:
            assert await read(model) == ["a", Finish("stop")]
            return
        error = await failure(model)
        assert type(error) is BadAnswer
        assert "endpoint.wire" in str(error)


def test_there_are_shapes_of_each_wire_and_of_nothing_else() -> None:
    assert list(SHAPES) == list(WIRES)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("name", "status", "said", "way_out"),
    [
        (
            "infill",
            501,
            # As llama.cpp's server says it (tests/test_local_wires.py).
            "Infill is not supported by this model: prefix token is missing.",
            'set endpoint.wire to "completions"',
        ),
        (
            "ollama",
            400,
            "registry.ollama.ai/library/llama3:latest does not support insert",
            "set endpoint.template",
        ),
        (
            "completions",
            400,
            "suffix is not currently supported",
            "set endpoint.template",
        ),
        (
            "completions",
            400,
            "Unsupported param: suffix",
            "set endpoint.template",
        ),
    ],
)
async def test_what_an_endpoint_cannot_do_is_told_with_the_way_out(
    name: str, status: int, said: str, way_out: str
) -> None:
    for body in (
        {"error": {"code": status, "message": said, "type": "not_supported_error"}},
        {"error": said},
        {"object": "error", "message": said},
        {"detail": said},
    ):
        answer = Answer(status=status, body=json.dumps(body))
        async with serving(WIRES[name](), answer) as (_, model):
            error = await failure(model)
            assert type(error) is NotSupported
            assert way_out in str(error)
            assert f"HTTP {status}" in str(error)


# Retired models.

NO_MODEL = [
    (404, {"error": {"code": "model_not_found", "message": "no fake-1"}}),
    (404, {"error": "model 'fake-1' not found"}),
    (400, {"error": {"message": "Model Not Exist", "type": "invalid_request_error"}}),
    (400, {"object": "error", "type": "invalid_model", "message": "Invalid model: f"}),
    (400, {"error": {"message": "fake-1 is not a valid model ID", "code": 400}}),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("status", "body"), NO_MODEL, ids=repr)
async def test_a_model_that_is_gone_is_told_with_those_there_are(
    wire: Wire, status: int, body: dict[str, object]
) -> None:
    answer = Answer(status=status, body=json.dumps(body))
    models = ("other", "fake-2", "owner/FAKE-1-large", "something-else")
    async with serving(wire, answer, models=models) as (endpoint, model):
        for _ in range(3):
            error = await failure(model)
            assert type(error) is ModelNotFound
            assert "no model 'fake-1'" in str(error)
            told = "the nearest that it has: fake-2, owner/FAKE-1-large"
            assert str(error).endswith(told)
        # Once is enough.
        (fetched,) = endpoint.fetched
        assert fetched.path == f"/v1{wire.models_path}"
        assert fetched.headers["authorization"] == f"Bearer {KEY}"
        assert len(endpoint.requests) == 3


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("models", "told"),
    [
        (("a", "b"), "it has a, b"),
        (tuple("abcdefgh"), "it has a, b, c, d, e and 3 more"),
        (("a", "fake-1"), "it lists the model, but has no path {path}"),
        ((), "it does not list its models"),
        (None, "it does not list its models"),
        (("\x1b[31m",), "it does not list its models"),
        (("x" * 500,), "it has " + "x" * 80),
        # Together's list.
        ('[{"id": "a"}, {"id": "b"}]', "it has a, b"),
        ('{"data": [{"id": "a"}, {"id": 7}, "b", null]}', "it has a"),
        ('{"data": {"id": "a"}}', "it does not list its models"),
        ('"a"', "it does not list its models"),
        ('{"data": [', "it does not list its models"),
    ],
)
async def test_of_the_models_some_are_named(
    wire: Wire, models: tuple[str, ...] | str | None, told: str
) -> None:
    answer = Answer(status=404, body="{}")
    async with serving(wire, answer) as (endpoint, model):
        if isinstance(models, str):
            endpoint.fetching = Answer(body=models)
        else:
            endpoint.models = models
        error = await failure(model)
        assert str(error).endswith(f"; {told.format(path=wire.path)}")
    assert MAX_NAMED_MODELS == 5


@pytest.mark.asyncio
async def test_no_server_is_unreachable(wire: Wire) -> None:
    async with serving(wire) as (endpoint, model):
        assert await read(model) == ["ok", Finish("stop")]
        await endpoint.close()
        error = await failure(model)
        assert type(error) is Unreachable
        assert endpoint.base_url in str(error)


@pytest.mark.asyncio
async def test_what_is_not_http_is_a_bad_answer(wire: Wire) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(greet, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        model = EndpointModel(Endpoint(f"http://{HOST}:{port}/v1", "fake-1"), wire)
        error = await failure(model)
        assert type(error) is BadAnswer
        assert "endpoint.base_url" in str(error)
        await model.close()


# What is sent, and where.


ASKED = Prompt(
    64,
    text="import math\n\ndef area(r):\n    return",
    suffix="\n\ndef volume",
    messages=(Message("system", "rules"), Message("user", QUOTED)),
    stop=("</fill>", "\n\n"),
    extra=(Snippet("shapes.py", "SIDES = 4\n"),),
)
MESSAGES = [
    {"role": "system", "content": "rules"},
    {"role": "user", "content": QUOTED},
]
TEXT = {"prompt": ASKED.text, "suffix": ASKED.suffix}
LIMITS = {"max_tokens": 64, "temperature": 0, "stop": ["</fill>", "\n\n"]}
SENT: dict[str, dict[str, object]] = {
    "completions": {**TEXT, **LIMITS},
    "fim": {**TEXT, **LIMITS},
    "mistral-fim": {**TEXT, **LIMITS},
    "chat": {"messages": MESSAGES, **LIMITS},
    "responses": {
        "input": MESSAGES,
        "max_output_tokens": 64,
        "temperature": 0,
        "store": False,
    },
    "infill": {
        "input_extra": [{"filename": "shapes.py", "text": "SIDES = 4\n"}],
        "input_prefix": "import math\n\ndef area(r):\n",
        "prompt": "    return",
        "input_suffix": "\n\ndef volume",
        "n_predict": 64,
        "temperature": 0,
        "stop": ["</fill>", "\n\n"],
        "cache_prompt": True,
        "response_fields": [
            "index",
            "content",
            "stop",
            "stop_type",
            "tokens_evaluated",
            "tokens_predicted",
            "timings",
        ],
    },
    "ollama": {
        **TEXT,
        "options": {"num_predict": 64, "temperature": 0, "stop": ["</fill>", "\n\n"]},
        "keep_alive": "30m",
        "think": False,
    },
}


@pytest.mark.asyncio
async def test_the_request_holds_these_fields_and_no_others(name: str) -> None:
    wire = WIRES[name]()
    async with serving(wire) as (endpoint, model):
        await read(model, ASKED)
        request = await endpoint.next_request()
        assert request.path == f"/v1{wire.path}"
        assert request.body == {**SENT[name], "model": "fake-1", "stream": True}


def test_what_there_is_none_of_is_not_sent() -> None:
    bare = Prompt(8, text="a")
    assert WIRES["completions"]().body(bare).keys() == {
        "prompt",
        "max_tokens",
        "temperature",
    }
    assert "stop" not in WIRES["chat"]().body(bare)
    assert "stop" not in WIRES["infill"]().body(bare)
    assert "stop" not in WIRES["ollama"]().body(bare)["options"]


@pytest.mark.parametrize(
    ("name", "suffix", "sent"),
    [
        ("completions", "", {"suffix": ""}),
        ("completions", "b", {"suffix": "b"}),
        # What these take for a model that is to fill in the middle of nothing.
        ("fim", "", {}),
        ("fim", None, {}),
        ("mistral-fim", "", {}),
        ("infill", "", {"input_suffix": ""}),
        ("infill", None, {"input_suffix": ""}),
        # Without a suffix, Ollama makes a chat of a prompt that is not raw.
        ("ollama", "", {"raw": True}),
        ("ollama", None, {"raw": True}),
        ("ollama", "b", {"suffix": "b"}),
    ],
)
def test_how_the_end_of_a_document_is_told(
    name: str, suffix: str | None, sent: dict[str, object]
) -> None:
    body = WIRES[name]().body(Prompt(8, text="a", suffix=suffix))
    told = ("suffix", "input_suffix", "raw")
    assert {field: body[field] for field in told if field in body} == sent


@pytest.mark.parametrize(
    ("text", "prefix", "line"),
    [("", "", ""), ("a", "", "a"), ("a\n", "a\n", ""), ("a\nb\n  c", "a\nb\n", "  c")],
)
def test_the_line_at_the_cursor_stands_behind_the_suffix_in_llama_cpps_prompt(
    text: str, prefix: str, line: str
) -> None:
    body = WIRES["infill"]().body(Prompt(8, text=text, suffix="d"))
    assert (body["input_prefix"], body["prompt"]) == (prefix, line)


def test_responses_are_allowed_as_many_tokens_as_the_api_wants() -> None:
    assert WIRES["responses"]().body(Prompt(1))["max_output_tokens"] == 16


@pytest.mark.asyncio
async def test_the_key_is_sent_as_bearer_and_shown_nowhere(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(wire) as (endpoint, model):
        await read(model)
        request = await endpoint.next_request()
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert KEY not in repr(Endpoint(endpoint.base_url, "fake-1", KEY))
        assert KEY not in repr(model)
        assert KEY not in caplog.text
        assert QUOTED not in caplog.text


@pytest.mark.asyncio
@pytest.mark.parametrize(("api_key", "sent"), [("", None), (KEY, f"Bearer {KEY}")])
async def test_nothing_of_the_environment_is_sent(
    wire: Wire, api_key: str, sent: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID", "WEBHOOK_SECRET")
    for name in names:
        monkeypatch.setenv(f"OPENAI_{name}", "from-outside")
    monkeypatch.setenv(
        "OPENAI_CUSTOM_HEADERS", "X-Custom: from-outside\nAuthorization: from-outside"
    )
    monkeypatch.setenv("OPENAI_BASE_URL", "http://from-outside.invalid/v1")
    async with serving(wire, api_key=api_key) as (endpoint, model):
        await read(model)
        request = await endpoint.next_request()
        assert request.headers.get("authorization") == sent
        assert "from-outside" not in str(request.headers)


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(wire: Wire, status: int) -> None:
    async with FakeEndpoint() as elsewhere:
        answer = redirect(f"{elsewhere.base_url}{wire.path}", status)
        async with serving(wire, answer) as (endpoint, model):
            assert type(await failure(model)) is BadAnswer
            assert len(endpoint.requests) == 1
        assert elsewhere.n_connections == 0


@pytest.mark.asyncio
async def test_a_proxy_is_for_other_machines_only(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with FakeEndpoint(wire=name_of(wire)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{HOST}:{proxy.port}")
        async with serving(wire) as (_, model):
            await read(model)
        assert proxy.n_connections == 0

        model = EndpointModel(Endpoint("http://model.invalid/v1", "fake-1"), wire)
        await read(model)
        await model.close()
        request = await proxy.next_request()
        assert request.path == f"http://model.invalid/v1{wire.path}"


class TwoSlots:
    """A llama.cpp server of ours, as far as its slots."""

    def __init__(self) -> None:
        self._slots = Slots(2)

    async def slot(self, document: str) -> int:
        return self._slots.of("me", document)


@pytest.mark.asyncio
async def test_the_built_in_model_evaluates_ahead_without_a_token(wire: Wire) -> None:
    async with serving(wire, slots=TwoSlots()) as (endpoint, model):
        await model.evaluate_ahead(PROMPT)
        request = await endpoint.next_request()
        assert request.body["n_predict"] == 0
        await request.ended()
        assert request.answered_ns is not None


# Where each says how many tokens it wants.
N_ASKED: dict[str, Callable[[dict[str, Any]], int]] = {
    "responses": lambda body: body["max_output_tokens"],
    "infill": lambda body: body["n_predict"],
    "ollama": lambda body: body["options"]["num_predict"],
}


@pytest.mark.asyncio
async def test_a_server_of_ones_own_evaluates_ahead_for_one_token(name: str) -> None:
    wire = WIRES[name]()
    async with serving(wire, evaluates_ahead=True) as (endpoint, model):
        await model.evaluate_ahead(ASKED)
        ahead = await endpoint.next_request()
        await ahead.ended()
        assert ahead.answered_ns is not None
        await read(model, ASKED)
        request = await endpoint.next_request()
        n_asked = N_ASKED.get(name, lambda body: body["max_tokens"])
        assert n_asked(ahead.body) == (16 if name == "responses" else 1)
        assert n_asked(request.body) == 64
        # All else is as it will be, so that it is found in the cache.
        changed = {"max_tokens", "max_output_tokens", "n_predict", "options"}
        same = [key for key in request.body if key not in changed]
        assert {k: ahead.body[k] for k in same} == {k: request.body[k] for k in same}


@pytest.mark.asyncio
async def test_nothing_is_evaluated_ahead_where_it_may_cost(wire: Wire) -> None:
    async with serving(wire) as (endpoint, model):
        await model.evaluate_ahead(PROMPT)
        assert endpoint.n_connections == 0


@pytest.mark.asyncio
async def test_an_endpoint_is_warmed_up_at_the_start_and_after_idle(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(wire, warm_up_path="/tcp_warming") as (endpoint, model):
        for _ in range(3):
            await model.evaluate_ahead(PROMPT)
        (warming,) = endpoint.fetched
        assert warming.path == "/v1/tcp_warming"
        assert warming.headers["authorization"] == f"Bearer {KEY}"
        # The first request goes over the connection that is warm.
        await read(model)
        assert [request.connection for request in endpoint.requests] == [1]

        monkeypatch.setattr("foretype.endpoint.WARM_S", 0.0)
        await model.evaluate_ahead(PROMPT)
        assert len(endpoint.fetched) == 2
        assert endpoint.n_connections == 1


@pytest.mark.asyncio
async def test_a_list_of_models_is_not_waited_for_long(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foretype.endpoint.MODELS_TIMEOUT_S", 0.01)
    answer = Answer(status=404, body="{}")
    async with serving(wire, answer) as (endpoint, model):
        endpoint.fetching = Answer(before=(Fault.STALL,))
        assert "does not list its models" in str(await failure(model))


@pytest.mark.asyncio
async def test_a_warm_up_that_fails_is_of_no_matter(wire: Wire) -> None:
    path = "/models"  # There are none.
    async with serving(wire, warm_up_path=path) as (endpoint, model):
        await model.evaluate_ahead(PROMPT)
        assert len(endpoint.fetched) == 1
        await endpoint.close()
        await model.evaluate_ahead(PROMPT)


@pytest.mark.asyncio
async def test_each_document_keeps_its_slot(wire: Wire) -> None:
    async with serving(wire, slots=TwoSlots()) as (endpoint, model):
        for name in ("a", "b", "a", "c", "a", "b"):
            await read(model, replace(PROMPT, cache_key=name))
        slots = [request.body["id_slot"] for request in endpoint.requests]
        assert slots == [0, 1, 0, 1, 0, 1]


# Connections.


@pytest.mark.asyncio
@pytest.mark.parametrize("has_done", [True, False])
async def test_a_stream_that_ended_leaves_its_connection_to_the_next(
    wire: Wire, has_done: bool
) -> None:
    answer = Answer(("a",), has_done=has_done)
    async with serving(wire, answer) as (endpoint, model):
        for _ in range(3):
            await read(model)
        assert [request.connection for request in endpoint.requests] == [1, 1, 1]


@pytest.mark.asyncio
async def test_a_body_that_ends_after_its_last_event_keeps_the_connection(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foretype.events.BODY_END_TIMEOUT_S", DEADLINE_S)
    async with serving(wire) as (endpoint, model):
        for _ in range(2):
            ends = asyncio.Event()
            endpoint.default = Answer(("a",), after=(ends,))
            async with aclosing(model.stream(PROMPT, Timeline())) as pieces:
                assert await anext(pieces) == "a"
                finishing = asyncio.create_task(anext(pieces))
                # Some turns of the loop, in which the last event is read.
                for _ in range(20):
                    await asyncio.sleep(0)
                ends.set()
                assert await finishing == Finish("stop")
        assert [request.connection for request in endpoint.requests] == [1, 1]


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", [Fault.STALL, Fault.CLOSE, Fault.RESET])
async def test_a_body_without_an_end_is_a_whole_answer(
    wire: Wire, fault: Fault
) -> None:
    async with serving(wire, Answer(("a",), after=(fault,))) as (endpoint, model):
        assert await read(model) == ["a", Finish("stop")]
        await endpoint.connections_are(0)


@pytest.mark.asyncio
async def test_a_connection_closed_behind_an_answer_costs_no_completion(
    wire: Wire,
) -> None:
    async with serving(wire, Answer(("a",), is_last=True)) as (endpoint, model):
        for _ in range(N_ABORTS):
            assert await read(model) == ["a", Finish("stop")]
        assert len(endpoint.requests) == N_ABORTS


@pytest.mark.asyncio
async def test_a_broken_connection_is_tried_once_more_only_if_it_was_kept(
    wire: Wire,
) -> None:
    async with serving(wire) as (endpoint, model):
        await read(model)
        endpoint.default = Answer(before=(Fault.CLOSE,))
        assert type(await failure(model)) is Unreachable
        assert [request.connection for request in endpoint.requests] == [1, 1, 2]
        assert type(await failure(model)) is Unreachable
        assert len(endpoint.requests) == 4


@pytest.mark.asyncio
async def test_streams_run_side_by_side(wire: Wire) -> None:
    held = asyncio.Event()
    async with serving(wire) as (endpoint, model):
        endpoint.script.append(Answer(("slow", held, "er")))
        slow = asyncio.create_task(read(model))
        await (await endpoint.next_request()).wrote(1)
        assert await read(model) == ["ok", Finish("stop")]
        held.set()
        assert await slow == ["slow", "er", Finish("stop")]


# Aborts: each must be seen by the endpoint, which else goes on generating.


async def cancel_before_the_first_byte(
    endpoint: FakeEndpoint, model: EndpointModel
) -> None:
    endpoint.script.append(Answer(before=(Fault.STALL,)))
    reading = asyncio.create_task(read(model))
    request = await endpoint.next_request()
    await cancelled(reading)
    await request.disconnected()


async def cancel_between_two_texts(
    endpoint: FakeEndpoint, model: EndpointModel
) -> None:
    endpoint.script.append(Answer(("a", Fault.STALL)))
    has_text = asyncio.Event()

    async def consume() -> None:
        async with aclosing(model.stream(PROMPT, Timeline())) as pieces:
            async for _ in pieces:
                has_text.set()

    reading = asyncio.create_task(consume())
    request = await endpoint.next_request()
    await has_text.wait()
    await cancelled(reading)
    await request.disconnected()


async def cancel_in_the_loop_body(endpoint: FakeEndpoint, model: EndpointModel) -> None:
    endpoint.script.append(Answer(("a", Fault.STALL)))
    has_text = asyncio.Event()

    async def consume() -> None:
        async with aclosing(model.stream(PROMPT, Timeline())) as pieces:
            async for _ in pieces:
                has_text.set()
                await asyncio.Event().wait()

    reading = asyncio.create_task(consume())
    request = await endpoint.next_request()
    await has_text.wait()
    await cancelled(reading)
    await request.disconnected()


async def close_after_a_text(endpoint: FakeEndpoint, model: EndpointModel) -> None:
    endpoint.script.append(Answer(("a", Fault.STALL)))
    async with aclosing(model.stream(PROMPT, Timeline())) as pieces:
        assert await anext(pieces) == "a"
    await (await endpoint.next_request()).disconnected()


async def close_in_a_burst(endpoint: FakeEndpoint, model: EndpointModel) -> None:
    endpoint.script.append(Answer(("a",) * 50 + (Fault.STALL,)))
    async with aclosing(model.stream(PROMPT, Timeline())) as pieces:
        assert await anext(pieces) == "a"
    await (await endpoint.next_request()).disconnected()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "abort",
    [
        cancel_before_the_first_byte,
        cancel_between_two_texts,
        cancel_in_the_loop_body,
        close_after_a_text,
        close_in_a_burst,
    ],
)
async def test_the_endpoint_sees_every_abort(
    wire: Wire, abort: Callable[[FakeEndpoint, EndpointModel], Awaitable[None]]
) -> None:
    async with serving(wire) as (endpoint, model):
        for _ in range(N_ABORTS):
            await abort(endpoint, model)
        seen = [request.disconnected_ns is not None for request in endpoint.requests]
        assert seen == [True] * N_ABORTS
        await endpoint.connections_are(0)
        assert await read(model) == ["ok", Finish("stop")]


@pytest.mark.asyncio
async def test_cancelling_at_any_moment_leaves_nothing_behind(wire: Wire) -> None:
    async with serving(wire, Answer(("a", "b"))) as (endpoint, model):
        for n_turns in range(N_ABORTS):
            reading = asyncio.create_task(read(model))
            for _ in range(n_turns):
                await asyncio.sleep(0)
            await cancelled(reading)
        assert await read(model) == ["a", "b", Finish("stop")]
        for request in endpoint.requests:
            await request.ended()
        await endpoint.connections_are(1)


@pytest.mark.asyncio
async def test_a_stream_that_is_closed_unread_sends_nothing(wire: Wire) -> None:
    async with serving(wire) as (endpoint, model):
        await model.stream(PROMPT, Timeline()).aclose()
        assert endpoint.n_connections == 0


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "answer",
    [Answer(before=(Fault.STALL,)), Answer(("a", Fault.STALL))],
    ids=["before the first byte", "between two texts"],
)
async def test_closing_the_model_ends_its_streams(wire: Wire, answer: Answer) -> None:
    async with serving(wire, answer) as (endpoint, model):
        reading = [asyncio.create_task(failure(model)) for _ in range(3)]
        requests = [await endpoint.next_request() for _ in reading]
        for request in requests:
            await request.wrote(len(answer.steps[:1]))
        await model.close()
        for request in requests:
            await request.disconnected()
        async with asyncio.timeout(DEADLINE_S):
            errors = await asyncio.gather(*reading)
        assert {type(error) for error in errors} == {Unreachable}


@pytest.mark.asyncio
async def test_a_closed_model_is_unreachable(wire: Wire) -> None:
    async with serving(wire) as (endpoint, model):
        await model.close()
        assert type(await failure(model)) is Unreachable
        assert endpoint.n_connections == 0


@pytest.mark.asyncio
async def test_closing_at_any_moment_is_unreachable_at_worst(wire: Wire) -> None:
    answer = Answer(("a", "b"))
    async with FakeEndpoint(answer, wire=name_of(wire)) as endpoint:
        for n_turns in range(N_ABORTS):
            model = EndpointModel(Endpoint(endpoint.base_url, "fake-1"), wire)
            reading = asyncio.create_task(read(model))
            for _ in range(n_turns):
                await asyncio.sleep(0)
            await model.close()
            async with asyncio.timeout(DEADLINE_S):
                await asyncio.wait((reading,))
            assert reading.exception() is None or isinstance(
                reading.exception(), Unreachable
            )
            await endpoint.connections_are(0)
