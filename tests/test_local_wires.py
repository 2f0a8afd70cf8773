"""The wires that llama.cpp's server speaks, over the real one with real weights."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import struct
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from foretype import local, weights
from foretype.endpoint import EndpointModel
from foretype.endpoint_settings import EndpointSettings
from foretype.errors import NotSupported
from foretype.model import Finish
from foretype.prompt import Message, Prompt
from foretype.request import Endpoint
from foretype.snippet import Snippet
from foretype.timeline import Timeline
from foretype.wires import WIRES

# Evaluating takes long on a machine that is busy.
DEADLINE_S = 120
N_TOKENS = 16
PROMPT = Prompt(
    N_TOKENS,
    text="def add(a, b):\n    return",
    suffix="\n\ndef subtract(a, b):\n",
    messages=(Message("user", "Say something."),),
    extra=(Snippet("numbers.py", "ONE = 1\n"),),
)


@pytest.fixture
def model_path(built_in_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The built-in weights, which have no markers to fill in the middle."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(built_in_cache))
    return weights.find(None)


@pytest.fixture
def fim_model_path(model_path: Path, tmp_path: Path) -> Path:
    """The same weights, with words nobody was trained on as such markers."""
    path = tmp_path / "fim.gguf"
    add_markers(model_path, path, {"pre": 6, "suf": 7, "mid": 8})
    return path


@pytest.mark.asyncio
async def test_text_and_counts_come_over_three_wires(model_path: Path) -> None:
    prompt = Prompt(N_TOKENS, text=PROMPT.text, messages=PROMPT.messages)
    async with local_server(model_path) as server:
        for name in ("completions", "chat", "responses"):
            async with model_on(server, name) as model:
                *texts, finish = await read(model, prompt)
            assert "".join(map(str, texts)).strip()
            assert isinstance(finish, Finish)
            assert finish.reason in ("length", "stop")
            assert (finish.n_prompt_tokens or 0) > 5
            assert 0 < (finish.n_output_tokens or 0) <= N_TOKENS

        # A model without markers cannot be asked over the fourth.
        async with model_on(server, "infill") as model:
            with pytest.raises(NotSupported) as caught:
                await read(model, PROMPT)
    assert 'set endpoint.wire to "completions"' in str(caught.value)
    assert "HTTP 501" in str(caught.value)


@pytest.mark.asyncio
async def test_text_and_counts_come_from_infill(fim_model_path: Path) -> None:
    async with (
        local_server(fim_model_path) as server,
        model_on(server, "infill") as model,
    ):
        await model.evaluate_ahead(PROMPT)
        *texts, finish = await read(model, PROMPT)
        assert len(texts) > 1
        assert isinstance(finish, Finish)
        assert finish.reason in ("length", "stop")
        assert (finish.n_prompt_tokens or 0) > 20
        assert 0 < (finish.n_output_tokens or 0) <= N_TOKENS
        # What was evaluated ahead, all but the last token of it.
        assert (finish.n_cached_tokens or 0) > 15

        # Streams that are left make room for the next.
        for _ in range(3):
            async with aclosing(model.stream(PROMPT, Timeline())) as pieces:
                await anext(pieces)
        assert len(await read(model, PROMPT)) > 1


@contextlib.asynccontextmanager
async def local_server(model_path: Path) -> AsyncIterator[local.LocalServer]:
    wanted = local.Wanted(model_path, n_ctx_tokens=512, is_shared=False)
    server = await local.connect(wanted)
    try:
        yield server
    finally:
        await server.leave()


@contextlib.asynccontextmanager
async def model_on(
    server: local.LocalServer, name: str
) -> AsyncIterator[EndpointModel]:
    """The server's model over a wire, asked for counts in the way of the API."""
    counting = {"stream_options": {"include_usage": True}}
    is_native = name == "infill"
    endpoint = Endpoint(
        server.base_url.removesuffix("/v1") if is_native else server.base_url,
        "m",
        server.api_key,
        server,
        EndpointSettings(extra_body={} if is_native else counting),
    )
    model = EndpointModel(endpoint, WIRES[name]())
    try:
        yield model
    finally:
        await model.close()


async def read(model: EndpointModel, prompt: Prompt) -> list[str | Finish]:
    async with (
        asyncio.timeout(DEADLINE_S),
        aclosing(model.stream(prompt, Timeline())) as pieces,
    ):
        return [piece async for piece in pieces]


def add_markers(source: Path, target: Path, token_ids: dict[str, int]) -> None:
    """Copies a GGUF file with more keys, which name tokens to fill in the middle.

    They are put first, and filled up so that all behind them stays aligned.
    """
    keys = [
        gguf_key(f"tokenizer.ggml.fim_{name}_token_id", 4, struct.pack("<I", token_id))
        for name, token_id in token_ids.items()
    ]
    n_bytes = sum(map(len, keys)) + len(gguf_text("filling", ""))
    keys.append(gguf_text("filling", " " * (-n_bytes % 32)))
    with source.open("rb") as old, target.open("wb") as new:
        magic, version, n_tensors, n_keys = struct.unpack("<4sIQQ", old.read(24))
        n_keys += len(keys)
        new.write(struct.pack("<4sIQQ", magic, version, n_tensors, n_keys))
        new.write(b"".join(keys))
        shutil.copyfileobj(old, new)


def gguf_text(name: str, text: str) -> bytes:
    return gguf_key(name, 8, struct.pack("<Q", len(text)) + text.encode())


def gguf_key(name: str, kind: int, value: bytes) -> bytes:
    """A key with its value, of one of the format's types."""
    return (
        struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind) + value
    )
