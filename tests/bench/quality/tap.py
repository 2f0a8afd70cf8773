"""The built-in model behind a tap: the server asks it as an endpoint on loopback.

So all that the model was sent and wrote is known, whatever the server makes of it. The
model writes to its end, and is handed on in one piece: what is shown does not depend
on how quick the machine is, as a suggestion that grows on the screen would.

Each prompt is evaluated from its beginning, on its own. A prompt that goes on from one
in the cache is evaluated in other batches, which round otherwise: of seven completions,
two became others that way.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web

from foretype import local, weights
from foretype.errors import ForetypeError, LocalModelError
from foretype.local import Wanted
from foretype.settings import Settings

HOST = "127.0.0.1"
MODEL_NAME = Settings().model_name
# What llama.cpp is told besides: to evaluate all of the prompt, in one place.
_ALONE = {"cache_prompt": False, "n_cache_reuse": 0, "id_slot": 0}

Layout = Callable[[str], tuple[str, str]]
"""The prompt to send in the place of one, and what to begin the answer with."""


def as_built(prompt: str) -> tuple[str, str]:
    """The prompt as the server has built it."""
    return prompt, ""


@dataclass
class Recording:
    """What the model was asked last, and wrote; empty where it was not asked."""

    base_url: str
    """The endpoint that this is recorded of."""
    layout: Layout = as_built
    asked: str = ""
    """The server's prompt."""
    prompt: str = ""
    """What was sent instead, or the same."""
    written: str = ""


@dataclass(frozen=True)
class _Written:
    """What the model wrote, a token at a time, and why it ended."""

    pieces: list[str]
    reason: str

    def within(self, max_tokens: int) -> _Written | None:
        """What it would have written with fewer tokens; None where that is unknown."""
        if len(self.pieces) > max_tokens:
            return _Written(self.pieces[:max_tokens], "length")
        is_known = self.reason != "length" or len(self.pieces) == max_tokens
        return self if is_known else None


@dataclass
class _Answers:
    """What the model wrote before, also in a file, if there is one."""

    path: Path | None
    known: dict[str, _Written] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path is None or not self.path.exists():
            return
        try:
            for line in self.path.read_text("utf-8").splitlines():
                record = json.loads(line)
                key = record.pop("key")
                self.known[key] = _Written(**record)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise ForetypeError(
                f"{self.path} is no file of answers ({error}); name another one"
            ) from error

    def find(self, key: str, max_tokens: int) -> _Written | None:
        """What the model would write, as far as it is known."""
        written = self.known.get(key)
        return written.within(max_tokens) if written else None

    def add(self, key: str, written: _Written) -> None:
        self.known[key] = written
        if self.path:
            with self.path.open("a", encoding="utf-8") as file:
                print(json.dumps({"key": key, **asdict(written)}), file=file)


class Tap:
    """The model's process, and the endpoint in front of it, for `async with`.

    Raises: LocalModelError.
    """

    def __init__(self, answers: Path | None = None, n_threads: int = 0) -> None:
        self._recordings: list[Recording] = []
        self._answers = _Answers(answers)
        self._n_threads = n_threads
        self._one_by_one = asyncio.Lock()
        self._problem = ""

    async def __aenter__(self) -> Self:
        context = Settings().n_ctx_tokens
        self._model = await local.connect(
            Wanted(n_threads=self._n_threads, n_ctx_tokens=context, is_shared=False)
        )
        # llama.cpp closes a connection behind every stream, without a word.
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            headers={"Authorization": f"Bearer {self._model.api_key}"},
            timeout=aiohttp.ClientTimeout(total=None),
        )
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/{number}/v1/completions", self._complete)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, 0)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._http.close()
        await self._model.leave()

    def recording(self, layout: Layout = as_built) -> Recording:
        """A new recording, of an endpoint of its own."""
        base_url = f"http://{HOST}:{self._port}/{len(self._recordings)}/v1"
        self._recordings.append(Recording(base_url, layout))
        return self._recordings[-1]

    def check(self) -> None:
        """Raises LocalModelError where the model has failed."""
        if self._problem:
            raise LocalModelError(self._problem)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        recording = self._recordings[int(request.match_info["number"])]
        recording.asked = body["prompt"]
        recording.prompt, opening = recording.layout(recording.asked)
        try:
            async with self._one_by_one:
                written = await self._written({**body, "prompt": recording.prompt})
        except (aiohttp.ClientError, KeyError, ValueError) as error:
            self._problem = f"the built-in model failed: {error or type(error)}"
            return web.Response(status=500)
        texts = [text for text in (opening, *written.pieces) if text]
        recording.written = "".join(texts)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        # The server leaves a stream of which it has read enough.
        with suppress(ConnectionResetError):
            await response.prepare(request)
            for text in texts:
                await response.write(_event(text, None))
            await response.write(_event("", written.reason))
            await response.write(b"data: [DONE]\n\n")
        return response

    async def _written(self, body: Mapping[str, Any]) -> _Written:
        """What the model writes, from memory if it can be."""
        told = {name: body.get(name) for name in ("prompt", "temperature", "stop")}
        text = json.dumps([weights.SHA256, told], sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()
        max_tokens = body["max_tokens"]
        written = self._answers.find(key, max_tokens)
        if written is None:
            written = await self._ask(body)
            self._answers.add(key, written)
        return written

    async def _ask(self, body: Mapping[str, Any]) -> _Written:
        url = f"{self._model.base_url}/completions"
        pieces, reason = [], ""
        async with self._http.post(url, json={**body, **_ALONE}) as answer:
            answer.raise_for_status()
            async for line in answer.content:
                data = line.strip().removeprefix(b"data: ")
                if data.startswith(b"{"):
                    [choice] = json.loads(data)["choices"]
                    pieces.append(choice["text"])
                    reason = choice["finish_reason"] or reason
        return _Written([piece for piece in pieces if piece], reason)


def _event(text: str, reason: str | None) -> bytes:
    choice = {"index": 0, "text": text, "finish_reason": reason}
    return b"data: %s\n\n" % json.dumps({"choices": [choice]}).encode()
