"""What a GGUF file says of itself: a few values of its header, nothing of its weights.

Only what comes before the vocabulary is read, a kilobyte or two; the `gguf` package
would map the whole file and bring numpy.
Source: the GGUF specification in the ggml repository, version 3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

MAGIC = b"GGUF"
# The formats of the value types 0 to 7 and 10 to 12.
_FORMATS = {**dict(enumerate("BbHhIif?")), 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MAX_STRING_BYTES = 1 << 16
# Arrays before the vocabulary have one value for each layer.
_MAX_ARRAY = 1 << 12
_MAX_VALUES = 1 << 10
# What the keys of the vocabulary, which come last, begin with.
_VOCABULARY = "tokenizer."


@dataclass(frozen=True)
class Header:
    """A model as its file describes it; 0 and the empty string are not said."""

    architecture: str = ""
    name: str = ""
    size_label: str = ""
    n_ctx_tokens: int = 0
    """The context it was trained on."""
    kv_bytes: int = 0
    """What the cache takes for each token of context, in 16 bits."""


class NotGguf(Exception):
    """The file is no GGUF file, or its header is damaged."""


def read(path: Path) -> Header:
    """The header of a file. Raises: OSError, NotGguf."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise NotGguf("it does not begin with GGUF")
        try:
            values = _values(file)
        except (struct.error, UnicodeDecodeError, ValueError) as error:
            raise NotGguf("its header is damaged") from error
    architecture = _text(values, "general.architecture")
    return Header(
        architecture=architecture,
        name=_text(values, "general.name"),
        size_label=_text(values, "general.size_label"),
        n_ctx_tokens=_number(values, f"{architecture}.context_length"),
        kv_bytes=_kv_bytes(values, architecture),
    )


def _values(file: BinaryIO) -> dict[str, Any]:
    version, _, n_values = _unpack(file, "IQQ")
    if version not in (2, 3):
        raise ValueError(f"version {version}")
    values: dict[str, Any] = {}
    for _ in range(min(n_values, _MAX_VALUES)):
        key = _string(file)
        if key.startswith(_VOCABULARY):
            break
        (kind,) = _unpack(file, "I")
        values[key] = _value(file, kind)
    return values


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind == _ARRAY:
        item_kind, n = _unpack(file, "IQ")
        if n > _MAX_ARRAY or item_kind == _ARRAY:
            raise ValueError("an array of another shape")
        return [_value(file, item_kind) for _ in range(n)]
    if kind not in _FORMATS:
        raise ValueError(f"a value of type {kind}")
    return _unpack(file, _FORMATS[kind])[0]


def _string(file: BinaryIO) -> str:
    (n_bytes,) = _unpack(file, "Q")
    if n_bytes > _MAX_STRING_BYTES:
        raise ValueError("a string is too long")
    data = file.read(n_bytes)
    if len(data) < n_bytes:
        raise ValueError("it ends in a string")
    return data.decode()


def _unpack(file: BinaryIO, layout: str) -> tuple[Any, ...]:
    layout = f"<{layout}"
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


def _kv_bytes(values: dict[str, Any], architecture: str) -> int:
    """What keys and values of one token take, over all layers."""

    def number(key: str) -> int:
        return _number(values, f"{architecture}.{key}")

    n_layers = number("block_count")
    n_heads = number("attention.head_count")
    said = values.get(f"{architecture}.attention.head_count_kv", n_heads)
    # Some models have as many as they like in each layer.
    if isinstance(said, list):
        n_kv_heads = sum(n for n in said if isinstance(n, int))
    else:
        n_kv_heads = said * n_layers if isinstance(said, int) else 0
    width = number("embedding_length") // n_heads if n_heads else 0
    key_length = number("attention.key_length") or width
    value_length = number("attention.value_length") or width
    return n_kv_heads * (key_length + value_length) * 2


def _text(values: dict[str, Any], key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""


def _number(values: dict[str, Any], key: str) -> int:
    value = values.get(key)
    return value if isinstance(value, int) and value > 0 else 0
