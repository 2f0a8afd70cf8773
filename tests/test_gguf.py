"""What is read of a model file's header, and that no file can do harm by it."""

from __future__ import annotations

import struct
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from foretype import gguf, weights
from foretype.gguf import Header, NotGguf


def string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def value(key: str, said: object) -> bytes:
    name = string(key)
    if isinstance(said, str):
        return name + struct.pack("<I", 8) + string(said)
    if isinstance(said, list):
        items = b"".join(struct.pack("<I", item) for item in said)
        return name + struct.pack("<IIQ", 9, 4, len(said)) + items
    return name + struct.pack("<II", 4, said)


def file_of(values: dict[str, object], version: int = 3) -> bytes:
    start = struct.pack("<IQQ", version, 0, len(values))
    return b"GGUF" + start + b"".join(value(k, v) for k, v in values.items())


QWEN = {
    "general.architecture": "qwen2",
    "general.name": "Qwen2.5 Coder 7B",
    "general.size_label": "7B",
    "general.tags": [1, 2, 3],
    "qwen2.block_count": 28,
    "qwen2.context_length": 32_768,
    "qwen2.embedding_length": 3584,
    "qwen2.attention.head_count": 28,
    "qwen2.attention.head_count_kv": 4,
    "tokenizer.ggml.model": "gpt2",
}


def test_a_header(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(file_of(QWEN))
    header = Header("qwen2", "Qwen2.5 Coder 7B", "7B", 32_768, 28 * 4 * (128 + 128) * 2)
    assert gguf.read(path) == header
    path.write_bytes(file_of({**QWEN, "qwen2.attention.head_count_kv": [4, 0] * 14}))
    assert gguf.read(path).kv_bytes == header.kv_bytes // 2


def test_the_built_in_model(
    built_in_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(built_in_cache))
    header = gguf.read(weights.find(None))
    assert header == Header("gemma3", "Gemma 3 270m", "270M", 32_768, 18_432)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "does not begin with GGUF"),
        (b"PK\x03\x04", "does not begin with GGUF"),
        (b"GGUF", "is damaged"),
        (file_of({}, version=1), "is damaged"),
        (file_of(QWEN)[:100], "is damaged"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 60), "is damaged"),
        (file_of({"a": "x"})[:-9] + struct.pack("<Q", 1 << 60), "is damaged"),
    ],
)
def test_what_is_no_header(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    with pytest.raises(NotGguf, match=why):
        gguf.read(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 500), by=st.binary(max_size=20))
def test_no_damage_is_more_than_damage(tmp_path: Path, at: int, by: bytes) -> None:
    data = file_of(QWEN)
    path = tmp_path / "model.gguf"
    path.write_bytes(data[:at] + by + data[at + len(by) :])
    try:
        header = gguf.read(path)
    except NotGguf:
        return
    assert header.kv_bytes >= 0
