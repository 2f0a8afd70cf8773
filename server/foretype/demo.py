"""`foretype demo`: a person types, and the real server completes.

Lines of a file are taken out and typed again, key by key, through a server process and
LSP as an editor would; a completion is accepted as far as it is what the file says.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console, RenderableType
from rich.live import Live

from foretype import picture
from foretype.client import Client
from foretype.errors import UsageError
from foretype.typist import Typist

SAMPLE = Path(__file__).with_name("demo_sample.py.txt")
SAMPLE_NAME = "colors.py"
SVG_TITLE = "foretype demo"
# What nobody types is not counted for a person's statistics.
SETTINGS = {"stats": {"enabled": False}}


async def run(path: Path | None, svg_path: Path | None) -> int:
    """Plays a session, prints what it measured, and returns the exit code.

    Raises: UsageError, or ForetypeError where the server or the model fails.
    """
    if svg_path is not None:
        _check_writable(svg_path)
    name, text = (path.name, _read(path)) if path else (SAMPLE_NAME, _read(SAMPLE))
    console = Console(highlight=False)
    with _shown(console) as show:
        typist = Typist(name, text, show)
        try:
            async with Client(settings=SETTINGS) as client:
                await typist.play(client)
        except ExceptionGroup as group:
            # One failure of several tasks is all that one line can tell.
            raise group.exceptions[0] from None
    if svg_path is not None:
        _write(svg_path, picture.svg(typist.best_picture(), SVG_TITLE))
    console.print(typist.tally.summary(), soft_wrap=True)
    return 0


@contextlib.contextmanager
def _shown(console: Console) -> Iterator[Callable[[RenderableType], None]]:
    """What shows a picture in place of the last one; nothing where nobody looks."""
    if not console.is_terminal:
        yield lambda _: None
        return
    with Live(console=console, auto_refresh=False) as live:
        yield lambda drawn: live.update(drawn, refresh=True)


def _read(path: Path) -> str:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text") from error
    if not text.strip():
        raise UsageError(f"{path} is empty, so there is nothing to type")
    return text


def _check_writable(path: Path) -> None:
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder, so {path.name} cannot be saved")
    if path.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
        raise UsageError(f"{path} cannot be written")


def _write(path: Path, svg: str) -> None:
    try:
        path.write_text(svg, "utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
