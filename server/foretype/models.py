"""The models that the built-in server can run: what is there, and what may be had."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs

from foretype import gguf
from foretype.errors import UsageError

BUILT_IN = "built-in"


@dataclass(frozen=True)
class Suggested:
    """A model that is known to complete code well."""

    name: str
    source: str
    """Where a hub has it: `OWNER/REPO:FILE`."""
    n_bytes: int
    """About."""
    about: str


def _qwen(size: str, n_bytes: int, about: str) -> Suggested:
    # The base models, as llama.cpp's own project packs them; the instructed ones are
    # not trained to fill in.
    return Suggested(
        f"qwen2.5-coder-{size.lower()}",
        f"ggml-org/Qwen2.5-Coder-{size}-Q8_0-GGUF:qwen2.5-coder-{size.lower()}-q8_0.gguf",
        n_bytes,
        about,
    )


SUGGESTED = (
    _qwen("0.5B", 531_000_000, "any machine"),
    _qwen("1.5B", 1_646_000_000, "a fast processor, or any graphics card"),
    _qwen("3B", 3_285_000_000, "a graphics card with 6 GB"),
    _qwen("7B", 8_099_000_000, "a graphics card with 12 GB"),
)


@dataclass(frozen=True)
class Installed:
    """A model file that is there."""

    name: str
    path: Path
    n_bytes: int
    about: str


def folder() -> Path:
    """Where pulled models are, and where others may be put."""
    return platformdirs.user_data_path("foretype", appauthor=False) / "models"


def installed() -> list[Installed]:
    """The models in the folder, by name."""
    return [_installed(path) for path in sorted(folder().glob("*.gguf"))]


def named(name: str) -> Installed | None:
    """The model in the folder that has a name, or the suggested one of a short name."""
    suggested = suggestion(name)
    file_name = _file_of(suggested).name if suggested else name
    names = {name.lower(), file_name.lower()}
    found = (m for m in installed() if names & {m.name.lower(), m.path.name.lower()})
    return next(found, None)


def find(name: str) -> Path:
    """The file of the model that a name or a path means.

    Raises: UsageError.
    """
    if model := named(name):
        return model.path
    if suggestion(name):
        raise UsageError(
            f"{name} is not there yet; get it by: foretype models pull {name}"
        )
    path = Path(name)
    if path.suffix.lower() != ".gguf" and path.name == name:
        raise UsageError(
            f"there is no model {name}; foretype models list says which there are"
        )
    try:
        path = path.expanduser()
        gguf.read(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except RuntimeError as error:
        raise UsageError(f"{path}: {error}") from error
    except gguf.NotGguf as error:
        raise UsageError(f"{path} is not a GGUF file: {error}") from error
    return path.absolute()


def suggestion(name: str) -> Suggested | None:
    """The model of a short name."""
    return next((s for s in SUGGESTED if s.name == name.lower()), None)


def is_installed(suggested: Suggested) -> bool:
    """Whether a suggested model is there already."""
    return _file_of(suggested).exists()


def _file_of(suggested: Suggested) -> Path:
    return folder() / suggested.source.rpartition(":")[2]


def _installed(path: Path) -> Installed:
    try:
        header = gguf.read(path)
        said = [header.name or header.architecture, header.size_label]
        about = " ".join(filter(None, said))
    except (OSError, gguf.NotGguf) as error:
        about = f"cannot be used: {error}"
    return Installed(path.stem, path, path.stat().st_size, about)
