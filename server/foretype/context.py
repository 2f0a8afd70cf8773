"""Text from elsewhere that is worth sending, gathered while nobody types.

What a request takes is what was gathered before it, and stays the same until the next
pause: it stands at the head of the prompt, which an endpoint's cache serves only as
long as it does not change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from foretype import counterpart, secrets
from foretype.document import Document, Snapshot, split_lines
from foretype.edits import Edit
from foretype.exclusions import Exclusions, unfit
from foretype.history import History
from foretype.settings import ContextSettings, Settings
from foretype.similar import Windows
from foretype.snippet import Snippet

if TYPE_CHECKING:
    # NB: For types only: the start of the server must not wait for them.
    from foretype.indexer import Indexer
    from foretype.symbols import SymbolIndex

# Of the room for all, what each source may take; what one leaves others have.
SHARES = {
    "cells": 0.5,
    "counterpart": 0.3,
    "similar": 0.4,
    "definitions": 0.4,
    "recent_edits": 0.3,
    "diagnostics": 0.1,
}
# A text of which so much stands in the view already tells nothing new.
MAX_VISIBLE_SHARE = 0.5
# Shorter lines, such as brackets, are the same anywhere.
MIN_TOLD_LINE_CHARS = 6
# What is similar is looked for with so many lines before the cursor, and a few after.
QUESTION_CHARS = 1_200
MAX_DEFINITIONS = 12
MAX_WINDOWS = 8
# A problem further away is about something else.
NEAR_LINES = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """What a compiler or a linter says about a place."""

    line_idx: int
    message: str


@dataclass(frozen=True, slots=True)
class _Others:
    """The open documents, frozen for a thread."""

    told: set[str]
    """Those whose text may go into the prompts of others."""
    changed: Mapping[str, str]
    """The texts of those that were not looked through as they are."""
    paths: Mapping[str, Path]
    folders: Sequence[Path]

    def folder_of(self, path: Path) -> Path | None:
        """The innermost folder of the workspace that a file is in."""
        around = [f for f in self.folders if path.is_relative_to(f)]
        return max(around, default=None, key=lambda folder: len(folder.parts))

    def name(self, uri: str, path: Path | None = None) -> str:
        """What a document is called."""
        known = path or self.paths.get(uri)
        if known is not None:
            return named(known, self.folders)
        return PurePosixPath(unquote(urlsplit(uri).path)).name


class Context:
    """Keeps what other texts say, and what of it each document's prompts are told."""

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._paths: dict[str, Path] = {}
        self._problems: dict[str, Sequence[Problem]] = {}
        self._snippets: dict[str, tuple[Snippet, ...]] = {}
        self._history = History()
        self._windows: Windows | None = None
        # The revision of each text as it was looked through.
        self._known: dict[str, int] = {}
        self._folders: list[Path] = []
        self._exclusions = Exclusions(())
        self._masker = secrets.Masker()
        self._symbols: SymbolIndex | None = None
        self._indexer: Indexer | None = None
        self._closing: list[asyncio.Task[None]] = []

    def use_folders(self, folders: Iterable[Path], exclusions: Exclusions) -> None:
        """Takes in which folders the workspace has, and what of it is never sent."""
        self._folders = list(folders)
        self._exclusions = exclusions
        self._snippets.clear()

    def use_settings(self, wanted: ContextSettings) -> None:
        """Begins to read the workspace where settings want that, or ends it."""
        self._snippets.clear()
        if self._indexer is not None:
            self._closing.append(asyncio.create_task(self._indexer.close()))
            self._indexer = self._symbols = None
        if wanted.definitions and self._folders:
            from foretype.indexer import Indexer
            from foretype.symbols import SymbolIndex

            self._symbols = SymbolIndex()
            self._indexer = Indexer(self._symbols)
            self._indexer.start(self._folders, list(self._paths.values()))

    def open(self, document: Document, path: Path | None) -> None:
        """Takes in a document that was opened; a file has a path."""
        self._documents[document.uri] = document
        if path is not None:
            self._paths[document.uri] = path
            # Later questions are answered from memory.
            self._exclusions.why(path)

    def edited(self, document: Document, made: Sequence[Edit]) -> None:
        """Takes in the edits of one change, which a document has taken."""
        self._history.record(document, made)

    def close_document(self, uri: str) -> None:
        """Drops a document; what was changed in it is still told."""
        if document := self._documents.pop(uri, None):
            self._history.close(document)
        self._problems.pop(uri, None)
        self._snippets.pop(uri, None)

    def files_changed(self, paths: Sequence[Path]) -> None:
        """Takes note of files that are new, different or gone."""
        if self._indexer is not None:
            self._indexer.changed(paths)

    def diagnosed(self, uri: str, problems: Sequence[Problem]) -> None:
        """Takes in all that is wrong with a document."""
        self._problems[uri] = problems

    def snippets(self, uri: str) -> tuple[Snippet, ...]:
        """What a document's prompts are told, the best last; from memory."""
        return self._snippets.get(uri, ())

    async def gather(self, snapshot: Snapshot, most_chars: int) -> bool:
        """Looks for what is worth telling at a place; whether that is other text."""
        wanted = snapshot.settings.context
        found: dict[str, list[Snippet]] = {}
        if wanted.cells:
            found["cells"] = self._cells(snapshot)
        if wanted.definitions:
            found["definitions"] = self._definitions(snapshot)
        if wanted.recent_edits:
            room = round(most_chars * SHARES["recent_edits"])
            found["recent_edits"] = self._recent_edits(snapshot, room)
        if wanted.diagnostics:
            found["diagnostics"] = self._diagnostics(snapshot)
        if wanted.similar or wanted.counterpart:
            others = self._others(snapshot)
            found |= await asyncio.to_thread(self._read, snapshot, others)
        chosen = [
            replace(snippet, text=self._masker.mask(snippet.text))
            for snippet in _chosen(found, snapshot, most_chars)
        ]
        if set(chosen) == set(self.snippets(snapshot.uri)):
            return False
        self._snippets[snapshot.uri] = tuple(chosen)
        return True

    async def close(self) -> None:
        """Returns when nothing is read any more."""
        if self._indexer is not None:
            await self._indexer.close()
        for closing in self._closing:
            await closing

    def _cells(self, snapshot: Snapshot) -> list[Snippet]:
        """The other cells of a notebook, in the order in which they were opened."""
        page = urlsplit(snapshot.uri)
        if not page.fragment:
            return []
        others = [
            Snippet(f"cell {idx + 1}", document.text)
            for idx, (uri, document) in enumerate(self._documents.items())
            if uri != snapshot.uri
            and urlsplit(uri)[:4] == page[:4]
            and not document.withheld
        ]
        # What was opened last stands last, which is nearest to new cells.
        return others[::-1]

    def _definitions(self, snapshot: Snapshot) -> list[Snippet]:
        """What the names near the cursor stand for, best first."""
        path = self._paths.get(snapshot.uri)
        if path is None or self._symbols is None or self._indexer is None:
            return []
        from foretype.symbols import names_near

        names = names_near(snapshot.prefix, snapshot.language_id, snapshot.head)
        self._indexer.want(names, path)
        return [
            Snippet(named(found.path, self._folders), found.definition.text)
            for found in self._symbols.lookup(names, path, most=MAX_DEFINITIONS)
        ]

    def _recent_edits(self, snapshot: Snapshot, most_chars: int) -> list[Snippet]:
        names = {
            uri: named(path, self._folders)
            for uri, path in self._paths.items()
            if self._may_be_told(uri, snapshot.settings)
        }
        diffs = self._history.diffs(
            self._documents, names, snapshot.uri, snapshot.offset, most_chars
        )
        return [Snippet("recent_changes.diff", diffs, is_code=False)] if diffs else []

    def _diagnostics(self, snapshot: Snapshot) -> list[Snippet]:
        document = self._documents.get(snapshot.uri)
        if document is None:
            return []
        line_idx, _ = document.locate(snapshot.offset)
        said = [
            f"{document.line(problem.line_idx).strip()}: {problem.message}"
            for problem in self._problems.get(snapshot.uri, ())
            if abs(problem.line_idx - line_idx) <= NEAR_LINES
            and problem.line_idx < document.n_lines
        ]
        return [Snippet("problems", "\n".join(said), is_code=False)] if said else []

    def _others(self, snapshot: Snapshot) -> _Others:
        """The open documents as they are now."""
        told = [u for u in self._documents if self._may_be_told(u, snapshot.settings)]
        changed = {
            uri: document.text
            for uri, document in self._documents.items()
            if uri in told and self._known.get(uri) != document.revision
        }
        self._known = {uri: self._documents[uri].revision for uri in told}
        return _Others(set(told), changed, dict(self._paths), list(self._folders))

    def _read(self, snapshot: Snapshot, others: _Others) -> dict[str, list[Snippet]]:
        """What is similar, in a thread of its own: files are read, texts cut up."""
        if self._windows is None:
            self._windows = Windows()
        windows = self._windows
        for uri, text in others.changed.items():
            windows.put(uri, text)
        for key in windows.keys - others.told:
            windows.remove(key)
        question = snapshot.suffix[: QUESTION_CHARS // 4]
        question += "\n" + snapshot.prefix[-QUESTION_CHARS:]
        found: dict[str, list[Snippet]] = {}
        if snapshot.settings.context.similar:
            found["similar"] = [
                Snippet(others.name(window.key), window.text)
                for window in windows.find(question, most=MAX_WINDOWS)
            ]
        if snapshot.settings.context.counterpart:
            found["counterpart"] = self._counterpart(
                windows, snapshot, others, question
            )
        return found

    def _counterpart(
        self, windows: Windows, snapshot: Snapshot, others: _Others, question: str
    ) -> list[Snippet]:
        """The windows of a file's counterpart that are most like the place."""
        path = others.paths.get(snapshot.uri)
        other = counterpart.find(path, others.folder_of(path)) if path else None
        if other is None:
            return []
        key = next((uri for uri, p in others.paths.items() if p == other), str(other))
        if key not in others.told:
            windows.put(key, self._file_text(other))
        found = windows.find(question, most=MAX_WINDOWS, key=key)
        return [Snippet(others.name(key, other), window.text) for window in found]

    def _file_text(self, path: Path) -> str:
        """The text of a file that may be sent; empty where it may not, or is none."""
        if self._exclusions.why(path) is not None:
            return ""
        try:
            text = path.read_text("utf-8", errors="replace")
        except OSError:
            return ""
        return "" if unfit(text, path) else text

    def _may_be_told(self, uri: str, settings: Settings) -> bool:
        """Whether text of an open document may go into another one's prompts."""
        document = self._documents.get(uri)
        path = self._paths.get(uri)
        if document is None or document.withheld:
            return False
        if document.language_id in settings.completion.disabled_languages:
            return False
        return path is None or self._exclusions.why(path) is None


def _chosen(
    found: Mapping[str, Sequence[Snippet]], snapshot: Snapshot, most_chars: int
) -> list[Snippet]:
    """As much as there is room for, without what is in the view or told twice.

    Each source has a share of the room. Their order is that of `SHARES`, within one
    source the best is last.
    """
    visible = _lines(snapshot.head + snapshot.prefix + snapshot.suffix)
    chosen: list[list[Snippet]] = []
    n_left = most_chars
    for source, share in reversed(SHARES.items()):
        of_source = []
        room = min(n_left, round(most_chars * share))
        for snippet in found.get(source, ()):
            lines = _lines(snippet.text)
            n_seen = len(lines & visible)
            if len(snippet.text) > room or n_seen > MAX_VISIBLE_SHARE * len(lines):
                continue
            visible |= lines
            room -= len(snippet.text)
            n_left -= len(snippet.text)
            of_source.append(snippet)
        chosen.append(of_source[::-1])
    return _joined(s for of_source in reversed(chosen) for s in of_source)


def _joined(snippets: Iterable[Snippet]) -> list[Snippet]:
    """Snippets with those of one file beside each other made one."""
    joined: list[Snippet] = []
    for snippet in snippets:
        if joined and joined[-1].name == snippet.name:
            text = f"{joined[-1].text}\n\n{snippet.text}"
            joined[-1] = replace(joined[-1], text=text)
        else:
            joined.append(snippet)
    return joined


def _lines(text: str) -> set[str]:
    stripped = (line.strip() for line in split_lines(text))
    return {line for line in stripped if len(line) >= MIN_TOLD_LINE_CHARS}


def named(path: PurePath, folders: Iterable[Path]) -> str:
    """A path as a person calls it: from the folder of the workspace on."""
    for folder in folders:
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return path.name
