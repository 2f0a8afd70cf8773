"""One OpenAI-compatible endpoint over HTTP: its client, its streams, its errors.

Imports the `openai` package, half a second's work: import this module only once
`initialize` is answered.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import aiohttp
import httpx2
import openai
from openai import AsyncOpenAI, AsyncStream, Omit

from foretype import __version__
from foretype.connections import (
    CONNECT_TIMEOUT_S,
    HttpClient,
    request_timeline,
)
from foretype.errors import (
    BadAnswer,
    KeyRefused,
    ModelError,
    ModelNotFound,
    RateLimited,
    Unreachable,
)
from foretype.model import Finish
from foretype.prompt import Prompt
from foretype.timeline import Stage, Timeline

# The end of the body comes right behind the last event. Waiting for it keeps the
# connection; but the completion waits too, so an endpoint that holds it back loses.
BODY_END_TIMEOUT_S = 0.05
# What has the package send no key; it must be told so with each request.
_NO_KEY = {"Authorization": Omit()}
# A longer wait is more likely a limit of a day, which may be raised meanwhile.
MAX_RETRY_AFTER_S = 600.0


class Wire(Protocol):
    """The shape of one API's requests and answers."""

    path: str

    def body(self, prompt: Prompt) -> dict[str, Any]:
        """The request's fields for a prompt, without the model's name."""
        ...

    def pieces(self, event: Mapping[str, Any]) -> tuple[str, str | None]:
        """The text in one event of the stream, and why the answer ended if it did.

        Raises: LookupError, TypeError or AttributeError where the event's shape is
        not this API's.
        """
        ...


@dataclass(frozen=True)
class Endpoint:
    """Where a model is and how it is paid for."""

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    n_slots: int = 0
    """How many documents a llama.cpp server of ours keeps; 0 for any other endpoint."""


class EndpointModel:
    """A `Model` on an endpoint, speaking one wire."""

    def __init__(self, endpoint: Endpoint, wire: Wire) -> None:
        self.name = endpoint.model
        self._endpoint = endpoint
        self._wire = wire
        self._headers = {} if endpoint.api_key else _NO_KEY
        self._has_kept_connection = False
        self._open: set[_Events] = set()
        # The slot of each document, the one used longest ago first.
        self._slots: dict[str, int] = {}
        self._http_client = HttpClient(endpoint.base_url)
        self._client = _Client(
            base_url=endpoint.base_url,
            # The package wants a key even where it is to send none.
            api_key=endpoint.api_key or "none",
            max_retries=0,
            # The engine ends a generation at its deadline; reading has none.
            timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT_S),
            http_client=self._http_client,
        )

    async def stream(
        self, prompt: Prompt, timeline: Timeline
    ) -> AsyncGenerator[str | Finish, None]:
        body = {**self._body(prompt), "stream": True}
        reason = ""
        n_prompt_tokens = n_output_tokens = None
        async with aclosing(self._events(body, timeline)) as events:
            async for event in events:
                if isinstance(usage := event.get("usage"), dict):
                    n_prompt_tokens = usage.get("prompt_tokens")
                    n_output_tokens = usage.get("completion_tokens")
                if not event.get("choices"):
                    continue
                try:
                    text, ended = self._wire.pieces(event)
                    if not isinstance(text, str):
                        raise TypeError(f"a text is a {type(text).__name__}")
                except (LookupError, TypeError, AttributeError) as error:
                    raise BadAnswer(
                        f"{self._where} sends a stream of another shape than "
                        f"{self._wire.path}; set endpoint.wire to what it speaks"
                    ) from error
                reason = ended or reason
                if text:
                    yield text
        yield Finish(reason, n_prompt_tokens, n_output_tokens)

    async def evaluate_ahead(self, prompt: Prompt) -> None:
        if not self._endpoint.n_slots:
            self._http_client.keep_spares()
            return
        body = {**self._body(prompt), "stream": True, "n_predict": 0}
        async with aclosing(self._events(body, Timeline())) as events:
            async for _ in events:
                pass

    async def close(self) -> None:
        # NB: aiohttp leaves a reader waiting for ever where its connection is closed
        # between the answer's head and the next chunk; closing the answer wakes it.
        for stream in tuple(self._open):
            await stream.close()
        await self._client.close()

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        """The wire's fields, and the slot whose cache holds the document's prompts.

        Left to itself, llama.cpp gives a request that follows an aborted one another
        slot, where it evaluates the whole prompt again: seconds instead of 40 ms.
        """
        body = self._wire.body(prompt)
        n_slots = self._endpoint.n_slots
        if n_slots:
            slots = self._slots
            slot = slots.pop(prompt.cache_key, None)
            if slot is None:
                is_full = len(slots) >= n_slots
                slot = slots.pop(next(iter(slots))) if is_full else len(slots)
            slots[prompt.cache_key] = body["id_slot"] = slot
        return body

    @property
    def _where(self) -> str:
        return f"the endpoint at {self._endpoint.base_url}"

    async def _events(
        self, body: Mapping[str, Any], timeline: Timeline
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The objects of one streamed answer; closing this closes the connection."""
        fields = {"model": self._endpoint.model, **body}
        try:
            request_timeline.set(timeline)
            stream = await self._ask(fields)
            timeline.stamp(Stage.FIRST_BYTE)
            self._open.add(stream)
            try:
                async with aclosing(stream.events()) as events:
                    async for event in events:
                        yield event
                self._has_kept_connection = True
            finally:
                self._open.discard(stream)
                await stream.close()
                self._http_client.keep_spares()
        except openai.OpenAIError as error:
            raise _model_error(error, self._endpoint, self._where) from error
        except _MalformedError as error:
            raise BadAnswer(f"{self._where} broke off its answer: {error}") from error
        except RuntimeError as error:
            if not self._client.is_closed():
                raise
            raise Unreachable(f"the connections to {self._where} are closed") from error
        except aiohttp.ClientError as error:
            # The package knows those of its transport that mean a broken connection.
            raise BadAnswer(
                f"{self._where} does not answer in HTTP ({type(error).__name__}); is "
                "endpoint.base_url right?"
            ) from error

    async def _ask(self, fields: Mapping[str, Any]) -> _Events:
        """The answer to a request, once its head is there.

        NB: an endpoint may close a kept connection just when it is used again, and
        llama.cpp's server does so behind every stream without a word. Then, and only
        then, the request is sent once more.
        """
        may_be_stale = self._has_kept_connection
        try:
            return await self._post(fields)
        except openai.APIConnectionError:
            self._has_kept_connection = False
            if not may_be_stale:
                raise
        return await self._post(fields)

    async def _post(self, fields: Mapping[str, Any]) -> _Events:
        return await self._client.post(
            self._wire.path,
            body=fields,
            options={"headers": self._headers},
            cast_to=object,
            stream=True,
            stream_cls=_Events,
        )


class _Client(AsyncOpenAI):
    """The package's client, less what it tells of the machine and the environment.

    It would send `OPENAI_ORG_ID`, `OPENAI_PROJECT_ID` and `OPENAI_CUSTOM_HEADERS`, a
    key among them, to whichever endpoint it talks to.
    """

    @property
    def default_headers(self) -> dict[str, str | Omit]:
        return {
            "Accept": "application/json",
            # A proxy that compresses holds a stream back until it has a block.
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": f"foretype/{__version__}",
        }


class _MalformedError(Exception):
    """A stream that cannot be read on; the message quotes nothing of it."""


class _Events(AsyncStream[object]):
    """The package's stream, less its typed object for each event.

    A typed object makes an event cost several times as much (docs/latency.md).
    """

    async def events(self) -> AsyncGenerator[dict[str, Any], None]:
        """Each event's JSON object. Raises: openai.OpenAIError, _MalformedError."""
        is_empty = True
        async with aclosing(_generator(self._iter_events)) as server_sent_events:
            try:
                async for server_sent in server_sent_events:
                    if server_sent.data == "[DONE]":
                        await _read_to_end(server_sent_events)
                        return
                    is_empty = False
                    yield _event(server_sent.data)
            except UnicodeDecodeError:
                raise _MalformedError("an event is not UTF-8") from None
        if is_empty:
            raise _MalformedError("it is not a stream of events")


async def _read_to_end(server_sent_events: AsyncGenerator[Any, None]) -> None:
    """Reads what is left, so that the next request may use the connection."""
    with suppress(TimeoutError, openai.APIError, aiohttp.ClientError):
        async with asyncio.timeout(BODY_END_TIMEOUT_S):
            async for _ in server_sent_events:
                pass


def _event(data: str) -> dict[str, Any]:
    """The object of one event. Raises: _MalformedError."""
    try:
        event = json.loads(data)
    except ValueError:
        raise _MalformedError("an event is not JSON") from None
    if not isinstance(event, dict):
        raise _MalformedError("an event is not an object")
    if event.get("error"):
        raise _MalformedError(f"it reported {_error_kind(event['error'])}")
    return event


def _generator(
    iterate: Callable[[], Any],
) -> AsyncGenerator[Any, None]:
    generator: AsyncGenerator[Any, None] = iterate()
    return generator


def _error_kind(error: object) -> str:
    """The code or type of an error object; its message may quote the prompt."""
    if isinstance(error, dict):
        for key in ("code", "type"):
            if error.get(key):
                return f"the error {str(error[key])[:60]!r}"
    return "an error"


def _is_untrusted(error: BaseException) -> bool:
    """Whether it was the endpoint's certificate that a connection failed on."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _retry_after_s(headers: Mapping[str, str], now: datetime) -> float:
    """How long an endpoint wants to be left alone; 0 where it does not say."""
    try:
        if in_ms := headers.get("retry-after-ms"):
            wait_s = float(in_ms) / 1000
        elif (said := headers.get("retry-after", "")).strip().isdecimal():
            wait_s = float(said)
        else:
            wait_s = (parsedate_to_datetime(said) - now).total_seconds()
    except (ValueError, TypeError):
        return 0
    return min(wait_s, MAX_RETRY_AFTER_S) if wait_s > 0 else 0


def _model_error(
    error: openai.OpenAIError, endpoint: Endpoint, where: str
) -> ModelError:
    """What an error of the package means to a person, without what it quotes."""
    if isinstance(error, openai.APIConnectionError):
        if _is_untrusted(error):
            return Unreachable(
                f"{where} has a certificate that this machine does not trust; add the "
                "authority that signed it to the system's, or name its file by "
                "SSL_CERT_FILE"
            )
        return Unreachable(
            f"{where} cannot be reached, or it closed the connection; is it running, "
            "and is endpoint.base_url right?"
        )
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        return KeyRefused(
            f"{where} refused the API key (HTTP {error.status_code}); set the variable "
            "that endpoint.api_key_env names, and restart"
        )
    if isinstance(error, openai.NotFoundError):
        return ModelNotFound(
            f"{where} knows no model {endpoint.model!r} or no such path (HTTP 404); "
            "check endpoint.model, endpoint.wire and the /v1 of endpoint.base_url"
        )
    if isinstance(error, openai.RateLimitError):
        return RateLimited(
            f"{where} limits the rate of requests (HTTP 429)",
            _retry_after_s(error.response.headers, datetime.now(UTC)),
        )
    if isinstance(error, openai.APIStatusError):
        return BadAnswer(f"{where} answered HTTP {error.status_code}")
    return BadAnswer(f"{where} broke off its answer ({type(error).__name__})")
