"""The contract of `Model`, kept by an endpoint on each wire, over real sockets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from fake_endpoint import (
    COMMENT,
    DEADLINE_S,
    HOST,
    KEEP_ALIVE,
    NO_SUCH_CHUNK,
    NOT_AN_OBJECT,
    NOT_JSON,
    NOT_UTF_8,
    OK,
    Answer,
    Answering,
    FakeEndpoint,
    Fault,
    Writes,
    event,
    redirect,
)
from foretype.chat import ChatWire
from foretype.completions import CompletionsWire
from foretype.endpoint import MAX_RETRY_AFTER_S, Endpoint, EndpointModel, Wire
from foretype.errors import (
    BadAnswer,
    KeyRefused,
    ModelError,
    ModelNotFound,
    RateLimited,
    Unreachable,
)
from foretype.model import Finish
from foretype.prompt import Message, Prompt
from foretype.timeline import Timeline

KEY = "sk-the-key"
# What a provider may quote in its messages, and no message of ours may hold.
QUOTED = "text of the document"
PROMPT = Prompt(
    64, text=QUOTED, messages=(Message("user", QUOTED),), stop=("</fill>", "\n\n")
)
N_ABORTS = 100


@pytest.fixture(params=[CompletionsWire, ChatWire])
def wire(request: pytest.FixtureRequest) -> Wire:
    made: Wire = request.param()
    return made


@asynccontextmanager
async def serving(
    wire: Wire, default: Answering = OK, *, api_key: str = KEY, **fields: Any
) -> AsyncIterator[tuple[FakeEndpoint, EndpointModel]]:
    """An endpoint and a model on it, which must leave nothing behind."""
    async with FakeEndpoint(default) as endpoint:
        model = EndpointModel(
            Endpoint(endpoint.base_url, "fake-1", api_key, **fields), wire
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
FORMS = {
    "an event a write": Answer(TEXTS),
    "all in one write": Answer(TEXTS, writes=Writes.WHOLE),
    "a byte a write": Answer(TEXTS, writes=Writes.BYTES),
    "CRLF": Answer(TEXTS, line_end="\r\n"),
    "CRLF, a byte a write": Answer(TEXTS, line_end="\r\n", writes=Writes.BYTES),
    "CR": Answer(TEXTS, line_end="\r"),
    "a role first": Answer(("", *TEXTS), has_role_first=True),
    "comments": Answer((COMMENT, TEXTS[0], KEEP_ALIVE, COMMENT, *TEXTS[1:])),
    "empty texts": Answer((TEXTS[0], "", "", *TEXTS[1:], "")),
    "no [DONE]": Answer(TEXTS, has_done=False),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", FORMS)
async def test_the_text_then_a_finish_in_every_form(wire: Wire, name: str) -> None:
    answer = FORMS[name]
    # Only a chat tells a role.
    if answer.has_role_first and isinstance(wire, CompletionsWire):
        answer = Answer(answer.steps)
    async with serving(wire, answer) as (_, model):
        assert await read(model) == [*TEXTS, Finish("stop")]


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
@pytest.mark.parametrize(
    ("answer", "finish"),
    [
        (Answer(("a",), usage=(7, 3)), Finish("stop", 7, 3)),
        (Answer(("a",), finish_reason="length"), Finish("length")),
        (Answer(("a",), finish_reason=None), Finish("")),
        (Answer(("a", event({"choices": [], "usage": None}))), Finish("stop")),
        (Answer(("a", event({"choices": [], "usage": [7]}))), Finish("stop")),
    ],
    ids=["usage", "length", "no reason", "null usage", "odd usage"],
)
async def test_the_finish_tells_the_reason_and_the_usage(
    wire: Wire, answer: Answer, finish: Finish
) -> None:
    async with serving(wire, answer) as (_, model):
        assert await read(model) == ["a", finish]


@pytest.mark.asyncio
async def test_an_empty_completion_is_no_error(wire: Wire) -> None:
    async with serving(wire, Answer()) as (endpoint, model):
        assert await read(model) == [Finish("stop")]
        endpoint.default = Answer(finish_reason=None)
        assert await read(model) == [Finish("")]


# What goes wrong.

REPORTED = {"message": f"cannot read {QUOTED}", "code": "overloaded"}
ODD_TEXT = {"choices": [{"index": 0, "text": [QUOTED], "delta": {"content": [QUOTED]}}]}
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
    "a page": (Answer(body=f"<p>{QUOTED}"), BadAnswer, "not a stream"),
    "an answer in one": (Answer(body='{"choices": []}'), BadAnswer, "not a stream"),
    "no body": (Answer(body=""), BadAnswer, "not a stream"),
    "an error in the stream": (
        Answer(("a", event({"error": REPORTED}))),
        BadAnswer,
        "'overloaded'",
    ),
    "an error without a code": (
        Answer(("a", event({"error": QUOTED}))),
        BadAnswer,
        "an error",
    ),
    "not JSON": (Answer(("a", NOT_JSON)), BadAnswer, "not JSON"),
    "not an object": (Answer(("a", NOT_AN_OBJECT)), BadAnswer, "not an object"),
    "not UTF-8": (Answer(("a", NOT_UTF_8)), BadAnswer, "not UTF-8"),
    "another shape": (Answer(("a", NO_SUCH_CHUNK)), BadAnswer, "endpoint.wire"),
    "a text of another type": (
        Answer(("a", event(ODD_TEXT))),
        BadAnswer,
        "endpoint.wire",
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
    ],
)
async def test_a_limit_says_for_how_long(
    wire: Wire, headers: dict[str, str], least_s: float, most_s: float
) -> None:
    async with serving(wire, Answer(status=429, headers=headers, body="{}")) as (_, m):
        error = await failure(m)
    assert isinstance(error, RateLimited)
    assert least_s <= error.retry_after_s <= most_s


@pytest.mark.asyncio
@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_becomes_one_error_after_one_request(
    wire: Wire, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer, kind, way_out = FAULTS[name]
    caplog.set_level(logging.DEBUG)
    async with serving(wire, answer) as (endpoint, model):
        error = await failure(model)
        assert type(error) is kind
        assert way_out in str(error)
        for written in (str(error), repr(error), caplog.text):
            assert QUOTED not in written
            assert KEY not in written
        assert len(endpoint.requests) == 1

        endpoint.default = OK
        assert await read(model) == ["ok", Finish("stop")]


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


@pytest.mark.asyncio
async def test_the_other_wire_is_told_from_its_shape(wire: Wire) -> None:
    other = "completions" if isinstance(wire, ChatWire) else "chat"
    async with serving(wire, Answer(("a",), wire=other)) as (_, model):
        error = await failure(model)
        assert type(error) is BadAnswer
        assert "endpoint.wire" in str(error)


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


@pytest.mark.asyncio
async def test_the_request_holds_these_fields_and_no_others(wire: Wire) -> None:
    async with serving(wire) as (endpoint, model):
        await read(model)
        request = await endpoint.next_request()
        text: dict[str, object] = (
            {"messages": [{"role": "user", "content": QUOTED}]}
            if isinstance(wire, ChatWire)
            else {"prompt": QUOTED}
        )
        assert request.path == f"/v1{wire.path}"
        assert request.body == text | {
            "model": "fake-1",
            "max_tokens": 64,
            "temperature": 0,
            "stream": True,
            "stop": ["</fill>", "\n\n"],
        }


def test_a_suffix_and_stops_are_sent_only_where_there_are_any() -> None:
    wire = CompletionsWire()
    assert wire.body(Prompt(8, text="a")).keys() == {
        "prompt",
        "max_tokens",
        "temperature",
    }
    assert wire.body(Prompt(8, text="a", suffix=""))["suffix"] == ""
    assert wire.body(Prompt(8, text="a", suffix="b"))["suffix"] == "b"
    assert "stop" not in ChatWire().body(Prompt(8))


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
    async with FakeEndpoint() as proxy:
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


@pytest.mark.asyncio
async def test_evaluating_ahead_asks_for_no_tokens(wire: Wire) -> None:
    async with serving(wire, n_slots=2) as (endpoint, model):
        await model.evaluate_ahead(PROMPT)
        request = await endpoint.next_request()
        assert request.body["n_predict"] == 0
        await request.ended()
        assert request.answered_ns is not None


@pytest.mark.asyncio
async def test_nothing_is_evaluated_ahead_where_it_may_cost(wire: Wire) -> None:
    async with serving(wire) as (endpoint, model):
        await model.evaluate_ahead(PROMPT)
        assert endpoint.n_connections == 0


@pytest.mark.asyncio
async def test_each_document_keeps_its_slot(wire: Wire) -> None:
    async with serving(wire, n_slots=2) as (endpoint, model):
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
    monkeypatch.setattr("foretype.endpoint.BODY_END_TIMEOUT_S", DEADLINE_S)
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
    async with FakeEndpoint(Answer(("a", "b"))) as endpoint:
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
