"""The fake endpoint as a process that answers with a recording's true future.

The first line of JSON in says what is replayed and at which pace, the fields of `Spec`;
it is answered by the URL. A line `{"now": 7}` says where the person is, and is not
answered; `{"report": true}` is answered by all that was asked, as one line of JSON.

It speaks `/completions`, with the text after the cursor in a field of its own or
between the markers of a model family, `/chat/completions` as Foretype asks, and the API
of a Tabby server, which answers when the whole text is there.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import trustme
from future import TOKEN, Place, chance, find, limited, tokens
from link import Link
from pace import DEFAULT_MAX_TOKENS, Due, paced
from profiles import Profile
from traces import n_same_chars

from fake_endpoint import Answer, FakeEndpoint, Fault, Request

# What a Tabby server writes at most, and where it stops, unless it is told otherwise.
TABBY_MAX_TOKENS = 64
TABBY_STOP = ("\n\n",)
# It stops at the end of a line in a language that it does not know.
TABBY_LANGUAGES = ("python", "markdown", "javascript")
RETRY_AFTER_S = 1


@dataclass(frozen=True)
class Spec:
    """What is replayed."""

    places: Sequence[Place]
    profile: Profile
    ca_file: str
    """Where the certificate is written to that the endpoint's own is signed with."""


@dataclass
class Asked:
    """One request, as the report tells it."""

    place_idx: int | None
    """The place it was from; None where it could not be told."""
    n_ahead_chars: int = 0
    """How much more of the future it says than the place."""
    n_prompt_tokens: int = 0
    n_prompt_chars: int = 0
    n_same_head_chars: int = 0
    """How much of its beginning was that of the request before."""
    status: int = 200
    is_streamed: bool = True
    texts: list[str] = field(default_factory=list)
    received_ns: int = 0
    chunks_ns: list[int] = field(default_factory=list)
    """When each text was written, or was there to be written."""
    disconnected_ns: int | None = None
    answered_ns: int | None = None


class Replay:
    """Answers requests as the model of a recording would."""

    def __init__(self, spec: Spec) -> None:
        self.now = 0
        self._spec = spec
        self._asked: dict[Request, tuple[Asked, str]] = {}
        self._n_at: dict[int | None, int] = {}

    def answer(self, request: Request) -> Answer:
        """What one request is answered."""
        if request.path.startswith("/v1/health"):
            version = {"git_describe": "v0.11.0"}
            health = {"model": "true", "device": "cpu", "version": version}
            return Answer(body=json.dumps(health))
        said = _said(request)
        if said is None:
            return Answer(body="{}")
        prompt, suffix, max_tokens, stop, head = said
        places, profile = self._spec.places, self._spec.profile
        found = find(places, prompt, suffix, self.now)
        place_idx = None if found is None else found[0]
        asked = Asked(place_idx)
        self._asked[request] = asked, head
        fault = self._fault(place_idx)
        if fault == "limited":
            asked.status = 429
            headers = {"Retry-After": str(RETRY_AFTER_S)}
            first_s = asyncio.get_running_loop().time() + profile.ttft_ms / 1000
            return Answer(
                status=429, headers=headers, body="{}", before=(Due(first_s),)
            )
        if fault == "stalled":
            return Answer(before=(Fault.STALL,))
        texts, reason = [], "stop"
        if found is not None:
            place, before = places[found[0]], found[1]
            asked.n_ahead_chars = max(len(before) - len(place.before), 0)
            texts, reason = limited(tokens(place, before), max_tokens, stop)
        asked.texts = texts
        if "segments" in request.body:
            asked.is_streamed = False
            return self._tabby(texts)
        if "messages" in request.body:
            texts = ["<fill>", *texts]
        return paced(texts, reason, profile.ttft_ms, profile.tpot_ms)

    def report(self) -> list[dict[str, Any]]:
        """All requests so far."""
        head_before = ""
        for request, (asked, head) in self._asked.items():
            asked.n_prompt_tokens = sum(1 for _ in TOKEN.finditer(head))
            asked.n_prompt_chars = len(head)
            asked.n_same_head_chars = n_same_chars(head_before, head)
            head_before = head
            asked.received_ns = request.received_ns
            asked.disconnected_ns = request.disconnected_ns
            asked.answered_ns = request.answered_ns
            asked.chunks_ns = request.chunks_ns
            if not asked.is_streamed:
                asked.chunks_ns = self._made_ns(asked)
        return [asdict(asked) for asked, _ in self._asked.values()]

    def _made_ns(self, asked: Asked) -> list[int]:
        """When the texts of an answer in one piece were made, until it was left."""
        profile = self._spec.profile
        first_ns = asked.received_ns + profile.ttft_ms * 1e6
        made = [
            int(first_ns + idx * profile.tpot_ms * 1e6)
            for idx in range(len(asked.texts))
        ]
        left_ns = asked.disconnected_ns
        return made if left_ns is None else [ns for ns in made if ns < left_ns]

    def _tabby(self, texts: Sequence[str]) -> Answer:
        profile = self._spec.profile
        took_ms = profile.ttft_ms + max(len(texts) - 1, 0) * profile.tpot_ms
        whole_s = asyncio.get_running_loop().time() + took_ms / 1000
        choice = {"index": 0, "text": "".join(texts)}
        body = json.dumps({"id": "cmpl-true", "choices": [choice]})
        return Answer(body=body, before=(Due(whole_s),))

    def _fault(self, place_idx: int | None) -> str:
        """How a request fails: by its place, so that all servers have the same luck."""
        n_before = self._n_at.get(place_idx, 0)
        self._n_at[place_idx] = n_before + 1
        luck = chance(f"fault {place_idx} {n_before}")
        profile = self._spec.profile
        if luck < profile.limited_share:
            return "limited"
        return "stalled" if luck < profile.limited_share + profile.stalled_share else ""


def _said(
    request: Request,
) -> tuple[str, str | None, int, Sequence[str], str] | None:
    """Prompt, suffix, most tokens, stop strings, and the whole that a cache would see.

    None of what is no request for a completion.
    """
    body = request.body
    if not isinstance(body, dict):
        return None
    stop = body.get("stop") or []
    stop = [stop] if isinstance(stop, str) else stop
    max_tokens = body.get("max_tokens", DEFAULT_MAX_TOKENS)
    if "segments" in body:
        prefix = body["segments"]["prefix"]
        suffix = body["segments"].get("suffix") or ""
        head = json.dumps(body["segments"], ensure_ascii=False)
        stop = TABBY_STOP if body["language"] in TABBY_LANGUAGES else ("\n",)
        return prefix, suffix, TABBY_MAX_TOKENS, stop, head
    if "messages" in body:
        content = body["messages"][-1]["content"]
        _, _, content = content.partition("<after>")
        suffix, _, content = content.partition("</after>\n<before>")
        head = "".join(message["content"] for message in body["messages"])
        return content.removesuffix("</before>"), suffix, max_tokens, stop, head
    if "prompt" not in body:
        return None
    prompt, suffix = body["prompt"], body.get("suffix")
    head = prompt + (suffix or "")
    if prompt.endswith("<|fim_middle|>"):
        prefix, _, suffix = prompt.partition("<|fim_suffix|>")
        prompt = prefix.rpartition("<|fim_prefix|>")[2]
        suffix = suffix.removesuffix("<|fim_middle|>")
    return prompt, suffix, max_tokens, stop, head


def _spec(fields: Mapping[str, Any]) -> Spec:
    return Spec(
        [Place(**place) for place in fields["places"]],
        Profile(**fields["profile"]),
        fields["ca_file"],
    )


@asynccontextmanager
async def _reachable(spec: Spec, replay: Replay) -> AsyncIterator[str]:
    """The endpoint, under the URL that it is reached at."""
    round_trip_ms = spec.profile.round_trip_ms
    if not round_trip_ms:
        async with FakeEndpoint(replay.answer) as fake:
            yield fake.base_url
        return
    authority = trustme.CA()
    authority.cert_pem.write_to_path(spec.ca_file)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    async with (
        FakeEndpoint(replay.answer, tls=tls) as fake,
        Link(fake.port, round_trip_ms) as port,
    ):
        yield f"https://127.0.0.1:{port}/v1"


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(1 << 24)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    spec = _spec(json.loads(await reader.readline()))
    replay = Replay(spec)
    async with _reachable(spec, replay) as base_url:
        print(json.dumps(base_url), flush=True)
        while line := await reader.readline():
            match json.loads(line):
                case {"now": int(now)}:
                    replay.now = now
                case {"report": True}:
                    counted = {
                        "asked": replay.report(),
                        "late_ns": Due.worst_late_s * 1e9,
                    }
                    print(json.dumps(counted), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
