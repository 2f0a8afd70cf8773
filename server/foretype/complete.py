"""`foretype complete`: one completion in the terminal, as it arrives."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path, PurePath
from urllib.parse import quote

from rich.console import Console
from rich.text import Text

from foretype import reuse, trim
from foretype.answer import Answer
from foretype.document import Document, Snapshot
from foretype.errors import UsageError
from foretype.layers import Layer
from foretype.session import Session
from foretype.timeline import Stage, Timeline

# So much of the text before the cursor is drawn to show where it is.
N_LINES_BEFORE = 6

_LANGUAGES = {
    ".c": "c",
    ".cpp": "cpp",
    ".cs": "csharp",
    ".go": "go",
    ".java": "java",
    ".js": "javascript",
    ".lua": "lua",
    ".md": "markdown",
    ".php": "php",
    ".py": "python",
    ".rb": "ruby",
    ".rs": "rust",
    ".sh": "shellscript",
    ".ts": "typescript",
}


async def run(place: str, layers: Iterable[Layer], *, is_invoked: bool) -> int:
    """Prints the completion at `FILE:LINE:COL`, then where it came from and how fast.

    The line is completed as if it ended there: what it says already would be no news.
    Raises: UsageError, ModelError.
    """
    path, line, column = _parse(place)
    text = _read(path)
    language_id = _LANGUAGES.get(PurePath(path).suffix, "plaintext")
    uri = f"file:///{quote(path)}"
    document = Document(uri, language_id, 0, text)
    offset = _offset(document, line, column)
    # NB: A new one, as what is deleted from a document is not suggested in its place.
    text = text[:offset] + text[_line_end(document, line) :]
    document = Document(uri, language_id, 0, text)

    session = Session(layers, ())
    file = None if path == "-" else Path(path)
    document.withheld = session.why_withheld(document.uri, file)
    session.use_settings()
    try:
        snapshot = session.snapshot(document, offset)
        # The model is loaded before the clock starts: an editor does that once.
        await session.models.ready()
        return await _complete(session, snapshot, is_invoked)
    finally:
        await session.close()


def _parse(place: str) -> tuple[str, int, int]:
    parts = place.rsplit(":", 2)
    if len(parts) != 3 or not all(p.isdecimal() and int(p) > 0 for p in parts[1:]):
        raise UsageError(f"{place!r} is not FILE:LINE:COL, with both counted from 1")
    return parts[0], int(parts[1]), int(parts[2])


def _read(path: str) -> str:
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return data.decode()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text") from error


def _offset(document: Document, line: int, column: int) -> int:
    if line > document.n_lines:
        raise UsageError(f"there are only {document.n_lines} lines, no line {line}")
    last_column = _line_end(document, line) - document.line_start(line - 1) + 1
    if column > last_column:
        raise UsageError(f"the last column of line {line} is {last_column}")
    return document.line_start(line - 1) + column - 1


def _line_end(document: Document, line: int) -> int:
    content = document.line(line - 1).rstrip("\r\n")
    return document.line_start(line - 1) + len(content)


async def _complete(session: Session, snapshot: Snapshot, is_invoked: bool) -> int:
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(_last_lines(snapshot)), end="")
    completing = asyncio.create_task(
        session.engine.complete(snapshot, Timeline(), is_invoked=is_invoked)
    )
    shape = trim.shape(snapshot.anchor, is_invoked=is_invoked)
    printed = ""
    while not completing.done():
        # One turn of the loop, for the engine to find or begin a stream.
        await asyncio.sleep(0)
        for generation in session.engine.running(snapshot.uri):
            await generation.growth()
            rest = reuse.rest_at(generation, snapshot.anchor) or ""
            text = trim.cut(snapshot.anchor, rest, shape, is_final=False).text
            if text.startswith(printed):
                console.print(Text(text[len(printed) :], style="dim"), end="")
                printed = text
    answer = await completing
    known = answer
    while True:
        if known.completion is not None:
            text = known.completion.insert_text
            console.print(Text(text[len(printed) :], style="dim"), end="")
            # Of a slow model more may be printed than is answered so far.
            printed = max(printed, text, key=len)
        # What a slow model has written so far is an answer too; there is more of it.
        if not await session.engine.grown(known):
            break
        known = await session.engine.complete(
            snapshot, Timeline(), is_invoked=is_invoked
        )
    console.print()
    if answer.generation is not None:
        # Nobody will type on, so what would come next is of no use.
        answer.generation.end()
        await answer.generation.ended()
    console.print(Text(_summary(answer), style="bold"))
    if answer.error is not None:
        raise answer.error
    return 0


def _last_lines(snapshot: Snapshot) -> str:
    lines = snapshot.prefix.splitlines(keepends=True)
    if snapshot.anchor.line_prefix == "":
        lines.append("")
    return "".join(lines[-N_LINES_BEFORE:])


def _summary(answer: Answer) -> str:
    if answer.completion is None:
        assert answer.reason is not None
        return f"nothing: {answer.reason.says}"
    assert answer.generation is not None
    timeline = answer.generation.timeline
    parts = [answer.completion.source.value]
    ttft_ms = timeline.ms_between(Stage.ASKED, Stage.FIRST_TEXT)
    total_ms = timeline.ms_between(Stage.ASKED, Stage.DONE)
    if ttft_ms is not None and total_ms is not None:
        parts += [f"TTFT {ttft_ms:.0f} ms", f"total {total_ms:.0f} ms"]
        parts.append(_rate(timeline))
    return " · ".join(p for p in parts if p)


def _rate(timeline: Timeline) -> str:
    """Tokens a second after the first; a chunk of the stream is taken for a token."""
    decode_ms = timeline.ms_between(Stage.FIRST_TEXT, Stage.DONE)
    if not decode_ms or timeline.n_chunks < 2:
        return ""
    return f"{(timeline.n_chunks - 1) / decode_ms * 1000:.0f} tokens/s"
