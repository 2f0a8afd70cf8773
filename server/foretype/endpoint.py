"""One endpoint over HTTP: its client, its streams, the models it has.

Imports the `openai` package, half a second's work: import this module only once
`initialize` is answered.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import aiohttp
import httpx2
import openai
from openai import AsyncOpenAI, Omit

from foretype import __version__, faults, request
from foretype.connections import (
    CONNECT_TIMEOUT_S,
    HttpClient,
    request_timeline,
)
from foretype.errors import BadAnswer, ModelError, ModelNotFound, Unreachable
from foretype.events import Events, MalformedError, OtherShapeError
from foretype.model import Finish
from foretype.prompt import Prompt
from foretype.request import Endpoint
from foretype.timeline import Stage, Timeline
from foretype.wire import Piece, ReportedError, Usage, Wire

# What has the package send no key; it must be told so with each request.
_NO_KEY = {"Authorization": Omit()}
# The list of models is for a message, which waits for it.
MODELS_TIMEOUT_S = 5.0
MAX_NAMED_MODELS = 5
MAX_NAME_CHARS = 80
# A warm-up is of no use any more once the first request is there.
WARM_UP_TIMEOUT_S = 2.0
# Connections, and whatever the endpoint holds ready behind them, stay for this long.
WARM_S = 60.0


class EndpointModel:
    """A `Model` on an endpoint, speaking one wire."""

    def __init__(self, endpoint: Endpoint, wire: Wire) -> None:
        self.name = endpoint.model
        self._endpoint = endpoint
        self._wire = wire
        self._path = endpoint.settings.path or wire.path
        self._headers = {} if endpoint.api_key else _NO_KEY
        self._has_kept_connection = False
        self._used_s = float("-inf")
        self._open: set[Events] = set()
        # What the endpoint has in place of a model it has not; empty: not known yet.
        self._choice_of_models = ""
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
        reason = ""
        usage = Usage()
        async with aclosing(
            self._pieces(await self._fields(prompt), timeline)
        ) as pieces:
            async for piece in pieces:
                usage = piece.usage or usage
                reason = piece.reason or reason
                if piece.text:
                    yield piece.text
        yield Finish(reason, *usage)

    async def evaluate_ahead(self, prompt: Prompt) -> None:
        if self._endpoint.slots is not None:
            await self._evaluate({**await self._fields(prompt), "n_predict": 0})
        elif self._endpoint.settings.evaluates_ahead:
            await self._evaluate(await self._fields(replace(prompt, max_tokens=1)))
        else:
            self._http_client.keep_spares()
            await self._warm_up()

    async def model_names(self) -> list[str]:
        """What the endpoint lists; nothing where it does not."""
        listed = await self._get(self._wire.models_path, MODELS_TIMEOUT_S)
        # Together's is a list by itself.
        models = listed.get("data") if isinstance(listed, dict) else listed
        if not isinstance(models, list):
            return []
        names = [model.get("id") for model in models if isinstance(model, dict)]
        return [
            name[:MAX_NAME_CHARS]
            for name in names
            if isinstance(name, str) and name.isprintable()
        ]

    async def close(self) -> None:
        # NB: aiohttp leaves a reader waiting for ever where its connection is closed
        # between the answer's head and the next chunk; closing the answer wakes it.
        for stream in tuple(self._open):
            await stream.close()
        await self._client.close()

    async def _fields(self, prompt: Prompt) -> dict[str, Any]:
        """What the request says, and the slot whose cache holds the document's prompts.

        Left to itself, llama.cpp gives a request that follows an aborted one another
        slot, where it evaluates the whole prompt again: seconds instead of 40 ms.
        """
        fields = request.fields(self._endpoint, self._wire, prompt)
        if self._endpoint.slots is not None:
            fields["id_slot"] = await self._endpoint.slots.slot(prompt.cache_key)
        return fields

    async def _evaluate(self, fields: Mapping[str, Any]) -> None:
        """Has the endpoint evaluate a prompt for its own sake."""
        async with aclosing(self._pieces(fields, Timeline())) as pieces:
            async for _ in pieces:
                pass

    async def _warm_up(self) -> None:
        """Asks for what makes the next request quicker, unless all is warm yet."""
        path = self._endpoint.settings.warm_up_path
        now_s = _now_s()
        if not path or now_s - self._used_s < WARM_S:
            return
        self._used_s = now_s
        # Where it fails, the next request tells why.
        await self._get(path, WARM_UP_TIMEOUT_S)

    async def _pieces(
        self, fields: Mapping[str, Any], timeline: Timeline
    ) -> AsyncGenerator[Piece, None]:
        """The pieces of one streamed answer; closing this closes the connection."""
        where = self._endpoint.name
        try:
            request_timeline.set(timeline)
            stream = await self._ask(fields)
            timeline.stamp(Stage.FIRST_BYTE)
            self._open.add(stream)
            try:
                async with aclosing(stream.pieces(self._wire)) as pieces:
                    async for piece in pieces:
                        yield piece
                self._has_kept_connection = True
            finally:
                self._used_s = _now_s()
                self._open.discard(stream)
                await stream.close()
                self._http_client.keep_spares()
        except openai.OpenAIError as error:
            raise await self._explained(error) from error
        except ReportedError as error:
            raise faults.of_reported(error.error, self._endpoint) from error
        except MalformedError as error:
            raise BadAnswer(f"{where} broke off its answer: {error}") from error
        except OtherShapeError as error:
            raise BadAnswer(
                f"{where} sends a stream of another shape than {self._path}; set "
                "endpoint.wire to what it speaks"
            ) from error
        except RuntimeError as error:
            if not self._client.is_closed():
                raise
            raise Unreachable(f"the connections to {where} are closed") from error
        except aiohttp.ClientError as error:
            # The package knows those of its transport that mean a broken connection.
            raise BadAnswer(
                f"{where} does not answer in HTTP ({type(error).__name__}); is "
                "endpoint.base_url right?"
            ) from error

    async def _ask(self, fields: Mapping[str, Any]) -> Events:
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

    async def _post(self, fields: Mapping[str, Any]) -> Events:
        return await self._client.post(
            self._path,
            body=fields,
            options={"headers": self._headers},
            cast_to=object,
            stream=True,
            stream_cls=Events,
        )

    async def _get(self, path: str, timeout_s: float) -> object:
        """What stands at a path; None where nothing can be read there in time."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._client.get(
                    path, cast_to=object, options={"headers": self._headers}
                )
        except (TimeoutError, openai.OpenAIError, aiohttp.ClientError):
            return None
        except (RuntimeError, ValueError):
            # The client is closed, or what stands there is no JSON.
            return None

    async def _explained(self, error: openai.OpenAIError) -> ModelError:
        """What an error means, with the models there are where one is missing."""
        meant = faults.of_error(error, self._endpoint, self._wire)
        if not isinstance(meant, ModelNotFound):
            return meant
        if not self._choice_of_models:
            names = await self.model_names()
            self._choice_of_models = _choice(self.name, self._path, names)
        return ModelNotFound(f"{meant}; {self._choice_of_models}")


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


def _choice(model: str, path: str, names: list[str]) -> str:
    """What to do about a model that is not found, given those that there are."""
    if not names:
        return "it does not list its models"
    if model in names:
        return f"it lists the model, but has no path {path}"
    # A part of the name may be all that is right: `codestral`, or less its owner.
    parts = [name for name in names if model.lower() in name.lower()]
    near = difflib.get_close_matches(model, names, n=MAX_NAMED_MODELS, cutoff=0.5)
    named = list(dict.fromkeys((*near, *sorted(parts))))[:MAX_NAMED_MODELS]
    if named:
        return f"the nearest that it has: {', '.join(named)}"
    some = ", ".join(sorted(names)[:MAX_NAMED_MODELS])
    n_more = len(names) - MAX_NAMED_MODELS
    return f"it has {some}" + (f" and {n_more} more" if n_more > 0 else "")


def _now_s() -> float:
    return asyncio.get_running_loop().time()
