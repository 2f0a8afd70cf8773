"""What outlives a request: the documents, the settings, the model and the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from foretype.document import Document, Snapshot
from foretype.edits import Edit
from foretype.engine import Answer, Engine
from foretype.settings import Layer, Settings, resolve
from foretype.supplier import ModelSupplier


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
        self.engine = Engine(self.models.ready)
        self.documents: dict[str, Document] = {}
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

    def configure(self, layer: Layer, problems: Iterable[str] = ()) -> None:
        """Takes in settings, in the place of earlier ones from the same source."""
        self._layers[layer.source] = layer
        self._unread += problems
        # What was wrong only for want of a later layer is not wrong any more.
        self.settings, self._unfit = resolve(list(self._layers.values()))

    def new_problems(self) -> list[str]:
        """What is wrong with the settings and was not said before."""
        problems = dict.fromkeys((*self._unread, *self._unfit))
        new = [p for p in problems if p not in self._reported]
        self._reported.update(new)
        return new

    def use_settings(self) -> None:
        """Makes the model that the settings name, unless it is the one in use."""
        if self._in_use is not None and (
            self._in_use.endpoint == self.settings.endpoint
            and self._in_use.local == self.settings.local
        ):
            return
        self._in_use = self.settings
        self.engine.forget_all()
        self.models.use(self.settings)
        if self.documents:
            self._evaluate_ahead(next(reversed(self.documents.values())))

    def open(self, document: Document) -> None:
        """Takes in a document that the client has opened."""
        self.close_document(document.uri)
        self.documents[document.uri] = document
        if self._in_use is not None:
            self._evaluate_ahead(document)

    def edited(self, document: Document, edit: Edit) -> None:
        """Follows up on an edit that a document has taken."""
        # What is waited for was asked for another text.
        self._supersede(document.uri)
        self.engine.edited(document, edit)

    def close_document(self, uri: str) -> None:
        """Drops all there is of a document."""
        self._supersede(uri)
        self.documents.pop(uri, None)
        self.engine.forget(uri)

    async def complete(self, snapshot: Snapshot, *, is_invoked: bool) -> Answer:
        """What belongs at the cursor; the task is cancelled when superseded."""
        self._supersede(snapshot.uri)
        task = asyncio.current_task()
        assert task is not None
        self._waits[snapshot.uri] = task
        try:
            return await self.engine.complete(snapshot, is_invoked=is_invoked)
        finally:
            if self._waits.get(snapshot.uri) is task:
                del self._waits[snapshot.uri]

    def has_reported(self, problem: str) -> bool:
        """Whether `new_problems` has returned a problem already."""
        return problem in self._reported

    async def close(self) -> None:
        """Returns when no stream is open and no process left."""
        for uri in list(self._waits):
            self._supersede(uri)
        await self.engine.close()
        await self.models.close()

    def _supersede(self, uri: str) -> None:
        if wait := self._waits.pop(uri, None):
            wait.cancel()

    def _evaluate_ahead(self, document: Document) -> None:
        """Has the part of the text evaluated that the first prompt will begin with."""
        n_chars = self.settings.completion.prefix_chars
        self.engine.evaluate_ahead(document.snapshot(n_chars, self.settings))
