"""A copy of the project to complete in, its holes, and how a person comes to each.

Whoever completes there must not be able to read what is missing: a document with a hole
has it on disk as well.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import log, sqrt
from pathlib import Path, PurePosixPath
from random import Random

from languages import PYTHON, Language, language_of
from places import Place
from punching import Hole, Kind, holes
from rapidfuzz import fuzz

# What is copied of a checkout, and what of that is not part of the project.
FOLDERS = ("server", "editors", "tests")
LEFT_OUT = (".*", "__pycache__", "node_modules", "build", "dist", "out", "*.vsix")
OWN = "our own sources"
CELLS = "cells of a notebook"
NOTEBOOK = "tests/bench/quality/project/notebook/rides.py"
CELL_LINE = "# %%\n"
OWN_FOLDER = "server/foretype/"
# Editors are seldom left with more files open than these.
N_RELATED_FILES = 3
N_OTHER_FILES = 1
# A line that is as like the missing one as this may be the same change elsewhere.
MIN_LIKENESS = 60
MIN_LINE_CHARS = 8
# What is typed at the hole at least: a person pauses before each of the last two.
N_KEYS = 3

_KEY = re.compile(r"\n[ \t]*|.")
_NAME = re.compile(r"[A-Za-z_]\w{2,}")


@dataclass(frozen=True)
class Typed:
    """A text that a person types before the hole is come to."""

    path: str
    start: int
    """In the document as it is then."""
    text: str


@dataclass(frozen=True)
class Scene:
    """What an editor has open, and what was typed last."""

    opened: Mapping[str, str]
    """Other documents by their paths, as they are when the hole is come to."""
    elsewhere: Typed | None
    """What was typed before that."""
    keys: Sequence[str]
    """What is typed right before the cursor."""


class Workspace:
    """A copy of the project in a folder of its own."""

    def __init__(self, project: Path, folder: Path) -> None:
        root = self.root = folder / "project"
        self.home = folder / "home"
        self.home.mkdir()
        for name in FOLDERS:
            if (project / name).is_dir():
                ignored = shutil.ignore_patterns(*LEFT_OUT)
                shutil.copytree(project / name, root / name, ignore=ignored)
        for path in project.iterdir():
            if path.is_file() and not path.name.startswith("."):
                shutil.copy(path, root)
        self.texts = {
            path.relative_to(root).as_posix(): path.read_text("utf-8")
            for path in sorted(root.rglob("*"))
            if path.is_file() and language_of(path.name)
        }
        """Every file in one of our languages, by its path with slashes."""
        # Cells are no files, and a notebook is none that others could be told of.
        self.texts |= _cells(NOTEBOOK, self.texts.pop(NOTEBOOK))
        (root / NOTEBOOK).unlink()
        self._names = {path: set(_NAME.findall(t)) for path, t in self.texts.items()}
        self._n_files = Counter(n for names in self._names.values() for n in names)

    @contextmanager
    def with_hole(self, place: Place) -> Iterator[None]:
        """While it lasts, the document is on disk, without what is missing in it."""
        if _is_cell(place.path):
            yield
            return
        file = self.root / place.path
        file.write_text(place.text, "utf-8")
        try:
            yield
        finally:
            file.unlink()
            if place.path in self.texts:
                file.write_text(self.texts[place.path], "utf-8")

    def places(self, n: int, seed: int) -> list[Place]:
        """Some holes, of each kind as many; half of them in our own sources.

        Those of one file come one after the other, downwards.
        """
        groups: dict[str, list[tuple[str, Hole]]] = {}
        for path, text in self.texts.items():
            language = language_of(path)
            group = _group(path, language)
            if language and group:
                found = holes(text, language, seed)
                groups.setdefault(group, []).extend((path, hole) for hole in found)
        others = sorted(groups.keys() - {OWN})
        n_of = {OWN: n - n // 2}
        for idx, group in enumerate(others):
            n_of[group] = (n // 2 + idx) // len(others)
        chosen = [
            place
            for group, n_places in n_of.items()
            for place in self._sampled(group, groups[group], n_places, seed)
        ]
        return sorted(chosen, key=lambda place: (place.path, len(place.before)))

    def scene(self, place: Place, seed: int) -> Scene:
        """How a person comes to a place; to one in a file of its own, from nowhere.

        Of what is missing there, nothing decides but which line was typed elsewhere.
        """
        keys = _KEY.findall(place.before)
        few = keys[-N_KEYS:]
        if place.path not in self.texts:
            return Scene({}, None, few)
        chance = Random(f"{seed} {place.path} {place.line_prefix} {place.truth}")
        opened = {path: self.texts[path] for path in self._opened(place, chance)}
        if chance.random() < 0.5 and (change := _same_change(place, opened)):
            return Scene(opened, change, few)
        above = place.before[_line_above(place) :]
        return Scene(opened, None, max(few, _KEY.findall(above), key=len))

    def _sampled(
        self, group: str, found: Sequence[tuple[str, Hole]], n: int, seed: int
    ) -> list[Place]:
        """Some places of a group, of each kind as many.

        A hole is drawn by what it is, so that a change elsewhere leaves it drawn.
        """
        places = []
        for kind_idx, kind in enumerate(Kind):
            of_kind = [
                self._place(group, path, hole)
                for path, hole in found
                if hole.kind is kind
            ]
            of_kind.sort(key=lambda place: _luck(place, seed))
            places += of_kind[: (n + kind_idx) // len(Kind)]
        return places

    def _place(self, group: str, path: str, hole: Hole) -> Place:
        text, language = self.texts[path], language_of(path)
        assert language is not None
        line = text.count("\n", 0, hole.start) + 1
        column = hole.start - text.rfind("\n", 0, hole.start)
        return Place(
            name=f"{path}:{line}:{column}, {hole.kind.value}",
            group=group,
            kind=hole.kind.value,
            path=path,
            language_id=language.language_id,
            before=text[: hole.start],
            truth=text[hole.start : hole.end],
            after=text[hole.end :],
        )

    def _opened(self, place: Place, chance: Random) -> list[str]:
        """The files with which a document has most rare names in common, and others.

        Of a notebook, all other cells.
        """
        if _is_cell(place.path):
            notebook = place.path.partition("#")[0]
            others = [path for path in self.texts if path.startswith(f"{notebook}#")]
            return [path for path in others if path != place.path]
        language = language_of(place.path)
        names = set(_NAME.findall(place.text))
        candidates = [
            path
            for path in self.texts
            if path != place.path
            and language_of(path) is language
            and not _is_cell(path)
        ]
        candidates.sort(key=lambda path: -self._likeness(names, self._names[path]))
        rest = candidates[N_RELATED_FILES:]
        others = chance.sample(rest, min(N_OTHER_FILES, len(rest)))
        return [*others, *reversed(candidates[:N_RELATED_FILES])]

    def _likeness(self, names: set[str], others: set[str]) -> float:
        """The cosine of two files' names, each weighed by how rare it is."""
        common = self._weight(names & others)
        return common / sqrt(self._weight(names) * self._weight(others) or 1)

    def _weight(self, names: set[str]) -> float:
        n_files = len(self.texts)
        return sum(log(n_files / max(self._n_files[name], 1)) ** 2 for name in names)


def uri(root: Path, path: str) -> str:
    """The name of a document in the protocol."""
    if not _is_cell(path):
        return (root / path).as_uri()
    notebook, _, cell = path.partition("#")
    named = (root / notebook).as_uri().removeprefix("file:")
    return f"vscode-notebook-cell:{named}#{cell}"


def _same_change(place: Place, opened: Mapping[str, str]) -> Typed | None:
    """The line most like the missing one that the model is not shown anyway."""
    wanted = place.line_prefix + place.truth.partition("\n")[0]
    candidates = [
        Typed(path, start, line)
        for path, text in opened.items()
        for start, line in _lines(text)
    ]
    candidates += [
        Typed(place.path, start, line)
        for start, line in _lines(place.text)
        if start > len(place.before)
    ]
    scored = [
        (fuzz.ratio(wanted.strip(), typed.text.strip()), -idx)
        for idx, typed in enumerate(candidates)
    ]
    likeness, idx = max(scored, default=(0.0, 0))
    return candidates[-idx] if likeness >= MIN_LIKENESS else None


def _luck(place: Place, seed: int) -> bytes:
    """What is drawn first, by chance."""
    told = f"{seed} {place.path} {place.kind} {place.line_prefix}{place.truth}"
    return hashlib.sha256(told.encode()).digest()


def _group(path: str, language: Language | None) -> str | None:
    """What holes of a file are counted with; None where there are to be none."""
    if _is_cell(path):
        return CELLS
    if language is PYTHON:
        return OWN if path.startswith(OWN_FOLDER) else None
    return language.name if language else None


def _cells(path: str, text: str) -> dict[str, str]:
    """The cells of a notebook, of a file with a line before each."""
    notebook = str(PurePosixPath(path).with_suffix(".ipynb"))
    cells = [cell.strip() + "\n" for cell in text.split(CELL_LINE) if cell.strip()]
    return {f"{notebook}#cell{idx}.py": cell for idx, cell in enumerate(cells)}


def _is_cell(path: str) -> bool:
    return "#" in path


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that somebody may have typed just now, with their line ends."""
    start = 0
    for line in text.splitlines(keepends=True):
        if len(line.strip()) >= MIN_LINE_CHARS and line.endswith("\n"):
            yield start, line
        start += len(line)


def _line_above(place: Place) -> int:
    """Where the line begins that a person has just come down from, if there is one."""
    line_start = len(place.before) - len(place.line_prefix)
    above = [start for start, _ in _lines(place.before) if start < line_start]
    return above[-1] if above else line_start
