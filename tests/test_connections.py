"""Connections that are there before they are needed, over TLS as to a real endpoint."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
import trustme

from fake_endpoint import DEADLINE_S, Answer, FakeEndpoint, Fault
from foretype.completions import CompletionsWire
from foretype.connections import N_SPARE
from foretype.endpoint import EndpointModel
from foretype.errors import Unreachable
from foretype.model import Finish
from foretype.prompt import Prompt
from foretype.request import Endpoint
from foretype.timeline import Stage, Timeline

PROMPT = Prompt(16, text="x = ")
ENDLESS = Answer(("a", "b", Fault.STALL))
WHOLE = Answer(("a", "b"))


@asynccontextmanager
async def serving(
    default: Answer, *, tls: ssl.SSLContext | None
) -> AsyncIterator[tuple[FakeEndpoint, EndpointModel]]:
    async with FakeEndpoint(default, tls=tls) as endpoint:
        model = EndpointModel(Endpoint(endpoint.base_url, "m"), CompletionsWire())
        try:
            yield endpoint, model
        finally:
            await model.close()
        await endpoint.connections_are(0)
    assert "spare" not in {task.get_name() for task in asyncio.all_tasks()}


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What an endpoint speaks whose authority this machine trusts."""
    authority = trustme.CA()
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return server_context(authority)


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


async def leave(model: EndpointModel) -> Timeline:
    """Reads the first text of a stream, and leaves it."""
    timeline = Timeline()
    async with (
        asyncio.timeout(DEADLINE_S),
        aclosing(model.stream(PROMPT, timeline)) as pieces,
    ):
        async for _ in pieces:
            break
    return timeline


async def read(model: EndpointModel) -> list[str | Finish]:
    async with aclosing(model.stream(PROMPT, Timeline())) as pieces:
        return [piece async for piece in pieces]


@pytest.mark.asyncio
async def test_spare_connections_are_opened_before_the_first_request(
    tls: ssl.SSLContext,
) -> None:
    async with serving(WHOLE, tls=tls) as (endpoint, model):
        await model.evaluate_ahead(PROMPT)
        await endpoint.connections_are(N_SPARE)
        assert endpoint.requests == []
        # Turning to it again opens no more.
        await model.evaluate_ahead(PROMPT)
        assert await read(model) == ["a", "b", Finish("stop")]
        assert await read(model) == ["a", "b", Finish("stop")]
        assert endpoint.n_connections == N_SPARE


@pytest.mark.asyncio
async def test_spare_connections_are_closed_though_there_was_no_request(
    tls: ssl.SSLContext,
) -> None:
    async with serving(WHOLE, tls=tls) as (endpoint, model):
        await model.evaluate_ahead(PROMPT)
        await endpoint.connections_are(N_SPARE)
    async with serving(WHOLE, tls=tls) as (_, model):
        # Not even open yet.
        await model.evaluate_ahead(PROMPT)


@pytest.mark.asyncio
async def test_no_request_behind_one_that_was_left_opens_a_connection(
    tls: ssl.SSLContext,
) -> None:
    async with serving(ENDLESS, tls=tls) as (endpoint, model):
        await model.evaluate_ahead(PROMPT)
        await endpoint.connections_are(N_SPARE)
        for n_left in range(1, 5):
            timeline = await leave(model)
            assert Stage.CONNECTED in timeline.stages
            # It was there, and another one is opened in the place of it.
            request = endpoint.requests[-1]
            await request.disconnected()
            assert request.connection <= N_SPARE + n_left - 1
            await endpoint.connections_were(N_SPARE + n_left)
            await endpoint.connections_are(N_SPARE)


@pytest.mark.asyncio
async def test_to_this_machine_no_spare_connection_is_opened() -> None:
    async with serving(ENDLESS, tls=None) as (endpoint, model):
        await model.evaluate_ahead(PROMPT)
        await leave(model)
        await endpoint.connections_are(0)
        assert endpoint.n_connections == 1


@pytest.mark.asyncio
async def test_an_endpoint_that_is_down_is_told_by_requests_only(
    tls: ssl.SSLContext,
) -> None:
    async with serving(WHOLE, tls=tls) as (endpoint, model):
        await endpoint.close()
        await model.evaluate_ahead(PROMPT)
        with pytest.raises(Unreachable, match="cannot be reached"):
            await read(model)


@pytest.mark.asyncio
async def test_a_certificate_that_is_not_trusted_is_named(
    tls: ssl.SSLContext,
) -> None:
    async with serving(WHOLE, tls=server_context(trustme.CA())) as (_, model):
        await model.evaluate_ahead(PROMPT)
        with pytest.raises(Unreachable, match=r"certificate .* SSL_CERT_FILE"):
            await read(model)
