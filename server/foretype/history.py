"""What a person has changed lately, in all documents, as small diffs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foretype.document import Document, split_lines
from foretype.edits import Edit

# More is a file that was formatted or fetched, and says nothing about what comes next.
MAX_CHANGE_CHARS = 1_600
# Those of the last minutes; each takes some microseconds of every key.
MAX_CHANGES = 24


@dataclass(slots=True)
class _Change:
    """Whole lines of one document, and what stood there before."""

    uri: str
    start: int
    end: int
    old: str
    new: str = ""
    """What stands there, once the document is closed."""


class History:
    """The last changes; those of lines beside each other are one.

    Offsets are code points in the documents as they are now.
    """

    def __init__(self) -> None:
        # The one touched longest ago first.
        self._changes: list[_Change] = []

    def record(self, document: Document, made: Sequence[Edit]) -> None:
        """Takes in the edits of one change, which a document has taken."""
        if not made:
            return
        start, end = _span(made)
        _, column = document.locate(start)
        line_idx, end_column = document.locate(end)
        lines_start = start - column
        lines_end = end - end_column + len(document.line(line_idx))
        touched: list[tuple[_Change, int, int]] = []
        for change in self._changes:
            if change.uri != document.uri or change.new:
                continue
            before = change.start, change.end
            for edit in made:
                change.start = edit.shifted(change.start)
                change.end = edit.shifted(change.end)
            if change.start <= lines_end and change.end >= lines_start:
                touched.append((change, *before))
        for change, _, _ in touched:
            self._changes.remove(change)
            lines_start = min(lines_start, change.start)
            lines_end = max(lines_end, change.end)
        if lines_end - lines_start > MAX_CHANGE_CHARS:
            return
        old = document.between(lines_start, lines_end)
        # Nothing before the lines has moved, so that offsets in them hold throughout.
        for edit in reversed(made):
            at = edit.start - lines_start
            old = old[:at] + edit.removed + old[at + len(edit.inserted) :]
        for change, change_start, change_end in sorted(
            touched, key=lambda each: each[1], reverse=True
        ):
            head = old[: change_start - lines_start]
            old = head + change.old + old[change_end - lines_start :]
        if len(old) > MAX_CHANGE_CHARS:
            return
        self._changes.append(_Change(document.uri, lines_start, lines_end, old))
        del self._changes[:-MAX_CHANGES]

    def close(self, document: Document) -> None:
        """Remembers what a document that is closed says now."""
        for change in self._changes:
            if change.uri == document.uri and not change.new:
                change.new = document.between(change.start, change.end) or "\n"

    def diffs(
        self,
        documents: Mapping[str, Document],
        names: Mapping[str, str],
        uri: str,
        offset: int,
        most_chars: int,
    ) -> str:
        """The last changes in documents that have a name, the latest last.

        That of the lines around `offset`, which the prompt shows, is not among them.
        """
        told: list[tuple[str, str]] = []
        n_chars = 0
        for change in reversed(self._changes):
            if change.uri not in names or (
                change.uri == uri and change.start <= offset <= change.end
            ):
                continue
            document = documents.get(change.uri)
            new = change.new
            if not new and document is not None:
                new = document.between(change.start, change.end)
            lines = _diff(change.old, new)
            n_chars += len(lines)
            if n_chars > most_chars:
                break
            if lines:
                told.append((names[change.uri], lines))
        said, last_name = [], ""
        for name, lines in reversed(told):
            said.append(lines if name == last_name else f"--- {name}\n{lines}")
            last_name = name
        return "".join(said)


def _span(made: Sequence[Edit]) -> tuple[int, int]:
    """Where the first of some edits begins and the last ends, once all are made."""
    start, end = made[0].start, made[0].end
    for edit in made[1:]:
        start = min(start, edit.start)
        end = max(edit.shifted(end), edit.end)
    return start, end


def _diff(old: str, new: str) -> str:
    """The lines that are gone and those that are new, each with its sign."""
    # Imported here, as few starts of the server need it.
    import difflib

    olds = [line.rstrip() for line in split_lines(old)]
    news = [line.rstrip() for line in split_lines(new)]
    changed = difflib.unified_diff(olds, news, n=0, lineterm="")
    lines = [line for line in list(changed)[2:] if not line.startswith("@@")]
    return "".join(f"{line}\n" for line in lines if line[1:].strip())
