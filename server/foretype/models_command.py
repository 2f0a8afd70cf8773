"""`foretype models`: what there is, which one is used, and getting another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from foretype import config_file, gguf, layers, models, weights
from foretype.errors import UsageError
from foretype.hub import DEFAULT_URL, Hub, Remote
from foretype.settings import Settings

# The one that Hugging Face's own tools read; another hub must not be sent it.
_DEFAULT_TOKEN_ENV = "HF_TOKEN"


def show(settings: Settings) -> int:
    """Prints the models that are there, and those that may be had."""
    console = Console(highlight=False, soft_wrap=True)
    named = settings.local.model_path
    in_use = Path(os.path.expanduser(named)) if named else None
    table = _table("there")
    table.add_row(
        _mark(in_use is None),
        models.BUILT_IN,
        _size(weights.packaged_bytes()),
        "Gemma 3 270M, in the package"
        if weights.packaged_bytes()
        else f"not installed: {weights.INSTALL_HINT}",
    )
    found = models.installed()
    for model in found:
        is_used = in_use is not None and _is_same(model.path, in_use)
        table.add_row(_mark(is_used), model.name, _size(model.n_bytes), model.about)
    if in_use is not None and not any(_is_same(m.path, in_use) for m in found):
        n_bytes = in_use.stat().st_size if in_use.is_file() else None
        about = "named by local.model_path"
        table.add_row(
            _mark(True), str(in_use), _size(n_bytes), about if n_bytes else "is gone"
        )
    console.print(table)

    missing = [s for s in models.SUGGESTED if not models.is_installed(s)]
    if missing:
        table = _table("to be had by foretype models pull NAME")
        for suggested in missing:
            table.add_row("", suggested.name, _size(suggested.n_bytes), suggested.about)
        console.print()
        console.print(table)
    console.print(f"\nModels are in {models.folder()}")
    if not settings.uses_local_model:
        console.print(_elsewhere(settings))
    return 0


def use(name: str, settings: Settings) -> int:
    """Has the built-in server run a model from now on. Raises: UsageError."""
    path = None if name == models.BUILT_IN else models.find(name)
    file = layers.config_file()
    config_file.change(file, "local", "model_path", None if path is None else str(path))
    print(f"local.model_path is {path or 'not set'} now, in {file}")
    if variable := os.environ.get(layers.environment_name("local", "model_path")):
        print(f"but the environment says {variable}, which wins")
    elif not settings.uses_local_model:
        print(_elsewhere(settings))
    else:
        print("Editors use it once they are restarted")
    return 0


def pull(
    name: str, settings: Settings, *, hub_url: str | None, token_env: str | None
) -> int:
    """Gets a model from a hub. Raises: UsageError, HubError."""
    suggested = models.suggestion(name)
    url = hub_url or settings.local.hub_url
    if token_env is None and url == DEFAULT_URL:
        token_env = _DEFAULT_TOKEN_ENV
    hub = Hub(url, os.environ.get(token_env or "", "").strip())
    try:
        remote = hub.find(suggested.source if suggested else name)
        target = models.folder() / remote.name
        with _room_for(target):
            if target.exists():
                _check_same(target, remote)
                print(f"{target} is there already")
            else:
                with _progress(remote.name) as on_progress:
                    hub.pull(remote, target, on_progress)
                print(f"{target} is there, and is what the hub says it should be")
    finally:
        hub.close()
    try:
        gguf.read(target)
    except gguf.NotGguf as error:
        raise UsageError(f"{target} is not a model that can be run: {error}") from error
    print(f"To have it complete: foretype models use {target.stem}")
    return 0


def remove(name: str, settings: Settings) -> int:
    """Deletes a model that was pulled. Raises: UsageError."""
    model = models.named(name)
    if model is None:
        raise UsageError(
            f"{models.folder()} has no model {name}; foretype models list says which "
            "there are"
        )
    path, in_use = model.path, settings.local.model_path
    if in_use and _is_same(path, Path(in_use)):
        raise UsageError(
            f"{name} is in use; choose another first: foretype models use built-in"
        )
    try:
        path.unlink()
    except OSError as error:
        raise UsageError(f"{path} cannot be deleted: {error.strerror}") from error
    print(f"{path} is deleted ({_size(model.n_bytes)})")
    return 0


@contextmanager
def _room_for(target: Path) -> Iterator[None]:
    """Keeps another process from getting the same file meanwhile."""
    from filelock import FileLock, Timeout

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock", timeout=0):
            yield
    except Timeout:
        raise UsageError(f"another process is getting {target.name} already") from None
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, where somebody looks."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=None)
        yield lambda n, n_all: bar.update(task, completed=n, total=n_all)


def _check_same(target: Path, remote: Remote) -> None:
    from hashlib import file_digest

    with target.open("rb") as file:
        if file_digest(file, "sha256").hexdigest() != remote.sha256:
            raise UsageError(
                f"{target} is another file than the hub's; to get that: foretype "
                f"models remove {target.stem}"
            )


def _table(title: str) -> Table:
    table = Table(
        box=None, pad_edge=False, title=f"Models {title}", title_justify="left"
    )
    for column in ("", "name", "size", "about"):
        table.add_column(column, justify="right" if column == "size" else "left")
    return table


def _mark(is_used: bool) -> str:
    return "*" if is_used else ""


def _size(n_bytes: int | None) -> str:
    return "" if n_bytes is None else f"{n_bytes / 1e9:.2f} GB"


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(os.path.expanduser(other))
    except OSError:
        return False


def _elsewhere(settings: Settings) -> str:
    return (
        f"Completions come from {settings.endpoint.base_url or 'an endpoint'}; to have "
        'a model of these, set endpoint.provider to "local"'
    )
