"""What outlives a request: the documents, the settings, the model and the engine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from foretype import folder_limits, prompt
from foretype.answer import Answer, Source
from foretype.context import Context
from foretype.document import Document, Snapshot
from foretype.edits import Edit
from foretype.engine import Engine
from foretype.errors import ForetypeError
from foretype.exclusions import KEY_FILE, Exclusions, is_ignore_file, is_key_file
from foretype.explain import Records, explain
from foretype.folder_limits import Limits
from foretype.layers import Layer, resolve
from foretype.logs import log_crash
from foretype.settings import Settings
from foretype.stats import PARTS, Counted, Stats
from foretype.supplier import ModelSupplier
from foretype.timeline import Stage, Timeline

log = logging.getLogger(__name__)

# An editor that asks so long after a key waits on purpose: VS Code takes 2 to 50 ms,
# Neovim 200.
LATE_S = 0.100
# So often in a row, and it is asked for at the key itself.
N_LATE = 3
# Who has pressed no key for so long looks at something: one in fifty gaps of recorded
# typing. What prompts are told changes only then, as the head of them does with it.
PAUSE_S = 3.0


class Session:
    """One client's connection, from its first message to its last.

    At most one request of a document waits: the next one, or an edit, supersedes it.
    """

    def __init__(
        self,
        layers: Iterable[Layer],
        problems: Iterable[str] = (),
        models: ModelSupplier | None = None,
    ) -> None:
        self.models = models or ModelSupplier()
        self.stats = Stats()
        self.engine = Engine(self.models.ready, self.stats)
        self.documents: dict[str, Document] = {}
        self.records = Records()
        self.context = Context()
        self._paths: dict[str, Path | None] = {}
        self._exclusions = Exclusions(())
        self._limits: dict[Path, Limits] = {}
        self._waits: dict[str, asyncio.Task[Any]] = {}
        self._layers: dict[str, Layer] = {}
        # What could not be read, and what was read and does not fit.
        self._unread = list(problems)
        self._unfit: list[str] = []
        self._reported: set[str] = set()
        # The settings that the model in use was made from.
        self._in_use: Settings | None = None
        self.settings = Settings()
        for layer in layers:
            self.configure(layer)
        # Where a person was last in each document.
        self._places: dict[str, int] = {}
        self._idle: asyncio.TimerHandle | None = None
        self._gathering: asyncio.Task[None] | None = None
        # When a document was changed by a key, by the clock of the event loop.
        self._typed_s: dict[str, float] = {}
        self._n_late = 0

    def set_defaults(self, layer: Layer) -> None:
        """Takes in settings that every other source wins over."""
        self._layers = {layer.source: layer, **self._layers}
        self.configure(layer)

    def configure(self, layer: Layer, problems: Iterable[str] = ()) -> None:
        """Takes in settings, in the place of earlier ones from the same source."""
        self._layers[layer.source] = layer
        self._unread += problems
        # What was wrong only for want of a later layer is not wrong any more.
        self.settings, self._unfit = resolve(list(self._layers.values()))
        self.stats.switch(self.settings.stats.enabled)

    def new_problems(self) -> list[str]:
        """What is wrong with the settings and was not said before."""
        problems = dict.fromkeys((*self._unread, *self._unfit))
        new = [p for p in problems if p not in self._reported]
        self._reported.update(new)
        return new

    def use_settings(self) -> None:
        """Makes the model that the settings name, unless it is the one in use."""
        in_use, self._in_use = self._in_use, self.settings
        if in_use is None or in_use.context != self.settings.context:
            self.context.use_settings(self.settings.context)
        if in_use is not None and (
            in_use.endpoint == self.settings.endpoint
            and in_use.local == self.settings.local
            and in_use.n_ctx_tokens == self.settings.n_ctx_tokens
        ):
            return
        self.engine.forget_all()
        self.models.use(self.settings)
        if self.documents:
            self._evaluate_ahead(next(reversed(self.documents.values())))

    def open(self, document: Document, path: Path | None = None) -> None:
        """Takes in a document that the client has opened; a file has a path."""
        self.close_document(document.uri)
        self.documents[document.uri] = document
        self._paths[document.uri] = path
        self.context.open(document, path)
        self._is_at(document.uri, 0)
        document.withheld = self.why_withheld(document.uri, path)
        self._evaluate_ahead(document)

    def use_folders(self, folders: Iterable[Path]) -> None:
        """Takes in which folders the workspace has; ignore files count from there."""
        all_folders = list(folders)
        self._limits = {folder: Limits() for folder in all_folders}
        for folder in all_folders:
            self._read_limits(folder)
        self._exclusions = Exclusions(all_folders)
        self.context.use_folders(all_folders, self._exclusions)
        if self._in_use is not None:
            self.context.use_settings(self._in_use.context)
        self._look_at_paths()

    def files_changed(self, paths: Sequence[Path]) -> None:
        """Takes note of files that are new, different or gone, ignore files too."""
        self.context.files_changed(paths)
        for path in paths:
            if path.name == folder_limits.NAME and path.parent in self._limits:
                self._read_limits(path.parent)
            if is_ignore_file(path):
                self._exclusions.refresh(path)
                self._look_at_paths()

    def why_withheld(self, uri: str, path: Path | None) -> str:
        """Why nothing of a document may be sent, in a few words, if so.

        Of one that is no file, its name is all there is.
        """
        if path is not None:
            return self._exclusions.why_not_completed(path) or ""
        name = PurePosixPath(unquote(urlsplit(uri).path))
        return KEY_FILE if is_key_file(name) else ""

    def snapshot(self, document: Document, offset: int) -> Snapshot:
        """A frozen view of a document around an offset, as a request takes it."""
        snippets = self.context.snippets(document.uri)
        settings = self.models.adapted(self.settings)
        path = self._paths.get(document.uri)
        for folder, limits in self._limits.items():
            if path is not None and path.is_relative_to(folder):
                settings = limits.applied(settings)
        view = prompt.view(settings, self.engine.chars_per_token)
        return document.snapshot(offset, settings, view, snippets)

    def edited(self, document: Document, made: Sequence[Edit]) -> None:
        """Follows up on the edits of one change, which a document has taken."""
        # What is waited for was asked for another text.
        self._supersede(document.uri)
        self.engine.edited(document, made)
        self.context.edited(document, made)
        if made:
            self._is_at(document.uri, made[-1].end)
        if len(made) == 1 and made[0].is_key and made[0].inserted:
            self._typed_s[document.uri] = _now_s()
            if self._n_late >= N_LATE:
                cursor = made[0].cursors[0]
                self.engine.anticipate(self.snapshot(document, cursor))

    def focused(self, uri: str) -> None:
        """Prepares for the first key in a document that a person has turned to."""
        if document := self.documents.get(uri):
            self._evaluate_ahead(document)

    def close_document(self, uri: str) -> None:
        """Drops all there is of a document."""
        self._supersede(uri)
        self._typed_s.pop(uri, None)
        self.documents.pop(uri, None)
        self._paths.pop(uri, None)
        self._places.pop(uri, None)
        self.context.close_document(uri)
        self.engine.forget(uri)

    async def complete(
        self, snapshot: Snapshot, *, is_invoked: bool = False, may_grow: bool = False
    ) -> Answer:
        """What belongs at the cursor; the task is cancelled when superseded."""
        self._supersede(snapshot.uri)
        self._is_at(snapshot.uri, snapshot.offset)
        if not is_invoked:
            self._note_lateness(snapshot.uri)
        task = asyncio.current_task()
        assert task is not None
        self._waits[snapshot.uri] = task
        timeline = Timeline()
        timeline.stamp(Stage.RECEIVED)
        answer: Answer | None = None
        try:
            answer = await self.engine.complete(
                snapshot, timeline, is_invoked=is_invoked, may_grow=may_grow
            )
            return answer
        finally:
            if self._waits.get(snapshot.uri) is task:
                del self._waits[snapshot.uri]
            timeline.stamp(Stage.ANSWERED if answer else Stage.SUPERSEDED)
            self.records.add(snapshot, timeline, answer, is_invoked=is_invoked)
            if answer is not None:
                self._count(answer, timeline)

    def _count(self, answer: Answer, timeline: Timeline) -> None:
        """Counts an answer that shows something, and where its time went."""
        first, generation = answer.completion, answer.generation
        if first is None or generation is None:
            return
        source = first.source
        self.stats.count(Counted.ANSWERS, source.value)
        answer_ms = timeline.ms_between(Stage.RECEIVED, Stage.ANSWERED)
        self.stats.time(f"source: {source.value}", answer_ms or 0)
        if source is not Source.MODEL:
            return
        stages = {**timeline.stages, **generation.timeline.stages}
        for part, earlier, later in PARTS:
            if earlier in stages and later in stages:
                self.stats.time(part, max(stages[later] - stages[earlier], 0) / 1e6)

    def explain(self, uri: str) -> str:
        """Why there is nothing at the cursor of a document, or what is."""
        return explain(
            self.records,
            uri,
            is_open=uri in self.documents,
            is_waiting=uri in self._waits,
        )

    def has_reported(self, problem: str) -> bool:
        """Whether `new_problems` has returned a problem already."""
        return problem in self._reported

    async def close(self) -> None:
        """Returns when no stream is open and no process left."""
        for uri in list(self._waits):
            self._supersede(uri)
        if self._idle is not None:
            self._idle.cancel()
        if self._gathering is not None:
            self._gathering.cancel()
            await asyncio.wait((self._gathering,))
        await self.context.close()
        await self.engine.close()
        await self.models.close()

    def _is_at(self, uri: str, offset: int) -> None:
        """Takes in where a person is; what to tell of it is gathered in a pause."""
        self._places[uri] = offset
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self.settings.context.is_wanted:
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(PAUSE_S, self._pause, uri)

    def _pause(self, uri: str) -> None:
        if self._gathering is None or self._gathering.done():
            self._gathering = asyncio.create_task(self._gather(uri), name="gather")

    async def _gather(self, uri: str) -> None:
        """Looks for what a document's prompts are told; free models then read it."""
        document = self.documents.get(uri)
        if document is None or document.withheld:
            return
        most_tokens = self.settings.context.max_tokens
        most_chars = round(most_tokens * self.engine.chars_per_token)
        snapshot = self.snapshot(document, self._places[uri])
        try:
            is_new = await self.context.gather(snapshot, most_chars)
        except ForetypeError as error:
            # Once: it is another problem only with other settings.
            self._unread.append(str(error))
            return
        except Exception as error:
            log_crash(log, "no text from elsewhere could be gathered", error)
            return
        if is_new and uri in self.documents:
            self.engine.evaluate_ahead(self.snapshot(document, self._places[uri]))

    def _note_lateness(self, uri: str) -> None:
        """Counts how often in a row an editor has waited after a key before it asked.

        Neovim waits 200 ms after each; the engine need not.
        """
        typed_s = self._typed_s.pop(uri, None)
        if typed_s is not None:
            is_late = _now_s() - typed_s >= LATE_S
            self._n_late = self._n_late + 1 if is_late else 0

    def _read_limits(self, folder: Path) -> None:
        self._limits[folder], problems = folder_limits.read(folder)
        self._unread += problems

    def _look_at_paths(self) -> None:
        for uri, path in self._paths.items():
            self.documents[uri].withheld = self.why_withheld(uri, path)

    def _supersede(self, uri: str) -> None:
        if wait := self._waits.pop(uri, None):
            wait.cancel()

    def _evaluate_ahead(self, document: Document) -> None:
        """Has the part of the text evaluated that the first prompt will begin with."""
        if self._in_use is None:
            # The settings may still name another model than the defaults do.
            return
        view = prompt.view(self.settings, self.engine.chars_per_token)
        self.engine.evaluate_ahead(self.snapshot(document, view.prefix_chars))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
