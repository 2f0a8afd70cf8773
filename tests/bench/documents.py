"""The documents that are typed into, and the messages of the keys."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from processes import framed, request

# What a model suggests for the line of a place, and a person types along. The last
# characters are not typed: a suggestion that is used up has nothing more to show.
SUGGESTED = "compute_total(rows, rate=0.25, limit=1000)"
N_TYPED = len(SUGGESTED) - 2

# LSP's InlineCompletionTriggerKind of a request that comes with a key.
AUTOMATIC = 2

_numbers = itertools.count(1)


@dataclass
class Place:
    """Where something is typed; the column moves along."""

    line: int
    column: int


class Document:
    """One open document: the messages that open it and change it."""

    def __init__(self, text: str) -> None:
        self.uri = f"file:///home/me/module_{next(_numbers)}.py"
        self._text = text
        self._version = 1

    def opened(self) -> bytes:
        """The message that opens it."""
        document = {"uri": self.uri, "languageId": "python", "version": 1}
        params = {"textDocument": {**document, "text": self._text}}
        return framed({"method": "textDocument/didOpen", "params": params})

    def typed(self, place: Place, text: str) -> bytes:
        """The message that text was typed, which has no line end in it."""
        at = {"line": place.line, "character": place.column}
        place.column += len(text)
        self._version += 1
        params = {
            "textDocument": {"uri": self.uri, "version": self._version},
            "contentChanges": [{"range": {"start": at, "end": at}, "text": text}],
        }
        return framed({"method": "textDocument/didChange", "params": params})

    def asked(self, place: Place) -> tuple[int, bytes]:
        """The id of a request for a completion, and the request."""
        params = {
            "textDocument": {"uri": self.uri},
            "position": {"line": place.line, "character": place.column},
            "context": {"triggerKind": AUTOMATIC},
        }
        return request("textDocument/inlineCompletion", params)

    def key(self, place: Place, text: str) -> tuple[int, bytes]:
        """What an editor sends for one key: the change, and the request."""
        change = self.typed(place, text)
        msg_id, asked = self.asked(place)
        return msg_id, change + asked


def with_lines(
    n_lines: int, line_idxs: Sequence[int], line: str
) -> tuple[Document, list[Place]]:
    """A document of real Python: the standard library's asyncio, again and again.

    With it places at the ends of lines of their own, each of which has a number in it
    that tells it from the others.
    """
    folder = Path(asyncio.__file__).parent
    text = "".join(path.read_text("utf-8") for path in sorted(folder.glob("*.py")))
    python = [line for line in text.split("\n") if line.isascii()]
    lines = [*itertools.islice(itertools.cycle(python), n_lines)]
    for line_idx in line_idxs:
        lines[line_idx] = line.format(next(_numbers))
    places = [Place(line_idx, len(lines[line_idx])) for line_idx in line_idxs]
    return Document("\n".join(lines)), places


def with_one_line(
    n_chars: int, n_places: int, *, is_ascii: bool
) -> tuple[Document, list[Place]]:
    """A document of one line, as a tool writes JSON, and places far from each other."""
    word = "name" if is_ascii else "n\u00e4m\u00e9 \u65e5\u672c\U0001f600"
    items: list[str] = []
    n_units = n_so_far = 0
    ends: list[int] = []
    while n_so_far < n_chars:
        items.append(f'"{word}_{len(items)}": {len(items) % 7}, ')
        n_so_far += len(items[-1])
        n_units += len(items[-1].encode("utf-16-le")) // 2
        ends.append(n_units)
    step = len(ends) // (n_places + 1)
    # From the last one up, so that what is typed at one place moves no other.
    columns = ends[step : step * (n_places + 1) : step][::-1]
    return Document("".join(items)), [Place(0, column) for column in columns]
