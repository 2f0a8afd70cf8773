"""From a snapshot to a completion: the story of one request, top to bottom."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from foretype import context, prompt, reuse, trim
from foretype.document import Document, Snapshot
from foretype.edits import Edit
from foretype.errors import ModelError
from foretype.generation import Generation
from foretype.model import Model
from foretype.reuse import Index
from foretype.trim import Shape


class Source(enum.Enum):
    """Where a completion came from."""

    SHOWN = "shown"
    """The rest of what was suggested last, typed as suggested."""
    CACHE = "cache"
    """Generated before, and remembered."""
    IN_FLIGHT = "in flight"
    """A stream was joined that an earlier request had begun."""
    MODEL = "model"
    """This request asked the model."""


class Reason(enum.Enum):
    """Why there is nothing to show."""

    DISABLED = "completion.enabled is false"
    MIDDLE_OF_WORD = "the cursor is inside a word"
    MIDDLE_OF_LINE = "this model cannot be told the text after the cursor"
    MODEL_FAILED = "the model could not be asked"
    NOTHING_GENERATED = "the model wrote nothing that belongs here"


@dataclass(frozen=True, slots=True)
class Completion:
    """What goes in at the cursor."""

    id: int
    insert_text: str
    source: Source


@dataclass(frozen=True, slots=True)
class Answer:
    """A completion, or the reason why there is none."""

    completion: Completion | None = None
    reason: Reason | None = None
    generation: Generation | None = None
    """What the completion is from."""

    @property
    def error(self) -> ModelError | None:
        """What kept the model from answering."""
        return self.generation.error if self.generation else None


class Engine:
    """Completes, and keeps what was generated for each document.

    `ready_model` returns once there is a model. Raises: a leaf of `ModelError`.
    """

    def __init__(self, ready_model: Callable[[], Awaitable[Model]]) -> None:
        self._ready_model = ready_model
        self._indexes: dict[str, Index[Generation]] = {}
        self._shown_ids: dict[str, int] = {}
        self._ahead: asyncio.Task[None] | None = None

    async def complete(self, snapshot: Snapshot, *, is_invoked: bool) -> Answer:
        """What belongs at the cursor, as soon as enough of it is known.

        Cancelling this ends the wait; the generation goes on.
        """
        if reason := _declined(snapshot, is_invoked=is_invoked):
            return Answer(reason=reason)
        anchor = snapshot.anchor
        shape = trim.shape(anchor, is_invoked=is_invoked)
        index = self._indexes.setdefault(snapshot.uri, Index())

        generation = index.find(anchor)
        source = self._source(snapshot.uri, generation)
        while True:
            rest = reuse.rest_at(generation, anchor) if generation else None
            if generation is None or rest is None:
                # Nothing fits, or a stream did and went another way.
                source = Source.MODEL
                generation = self._ask(snapshot, shape, index)
                continue
            kept = trim.cut(
                anchor,
                rest,
                shape,
                is_final=generation.is_done,
                is_whole=generation.is_whole,
            )
            if not kept.is_enough:
                await generation.growth()
            elif kept.text or source is Source.MODEL or rest == generation.text:
                break
            else:
                # What is left of it says nothing about this place.
                generation = None

        if not kept.text:
            failed = generation.error is not None
            reason = Reason.MODEL_FAILED if failed else Reason.NOTHING_GENERATED
            return Answer(None, reason, generation)
        self._shown_ids[snapshot.uri] = generation.id
        return Answer(Completion(generation.id, kept.text, source), None, generation)

    def edited(self, document: Document, edit: Edit) -> None:
        """Ends the generations that the document no longer agrees with, at once."""
        index = self._indexes.get(document.uri)
        if index is None:
            return
        # An editor that closes a bracket puts the cursor before what it inserted.
        cursors = (edit.end, edit.end - 1) if edit.inserted else (edit.end,)
        index.edited(edit, tuple(map(document.anchor, cursors)))

    def evaluate_ahead(self, snapshot: Snapshot) -> None:
        """Has a prompt evaluated before it is needed, where that is free."""
        self._end_evaluation()
        self._ahead = asyncio.create_task(self._evaluate(snapshot), name="evaluation")

    def running(self, uri: str) -> list[Generation]:
        """The streams that run for a document, the oldest first."""
        index = self._indexes.get(uri)
        return index.running if index else []

    def forget(self, uri: str) -> None:
        """Ends and drops all there is of a document."""
        if index := self._indexes.pop(uri, None):
            index.end_all()
        self._shown_ids.pop(uri, None)

    def forget_all(self) -> list[Generation]:
        """Ends and drops everything; returns what was running."""
        self._end_evaluation()
        ended = [g for index in self._indexes.values() for g in index.end_all()]
        self._indexes.clear()
        self._shown_ids.clear()
        return ended

    async def close(self) -> None:
        """Ends everything; returns when every stream is closed."""
        for generation in self.forget_all():
            await generation.ended()

    def _source(self, uri: str, generation: Generation | None) -> Source:
        if generation is None:
            return Source.MODEL
        if not generation.is_done:
            return Source.IN_FLIGHT
        was_shown = generation.id == self._shown_ids.get(uri)
        return Source.SHOWN if was_shown else Source.CACHE

    def _ask(
        self, snapshot: Snapshot, shape: Shape, index: Index[Generation]
    ) -> Generation:
        self._end_evaluation()
        snippets = context.collect(snapshot)
        generation = Generation(
            snapshot, shape, prompt.build(snapshot, snippets, shape)
        )
        index.add(generation)
        generation.start(self._ready_model)
        return generation

    async def _evaluate(self, snapshot: Snapshot) -> None:
        ahead = prompt.build(snapshot, context.collect(snapshot), Shape.LINE)
        try:
            model = await self._ready_model()
            await model.evaluate_ahead(ahead)
        except ModelError:
            # The first request will meet the same error, and report it.
            return

    def _end_evaluation(self) -> None:
        if self._ahead is not None:
            self._ahead.cancel()
            self._ahead = None


def _declined(snapshot: Snapshot, *, is_invoked: bool) -> Reason | None:
    """Why the model is not asked at a place, if so."""
    if not snapshot.settings.completion.enabled:
        return Reason.DISABLED
    if is_invoked:
        # A person who asks by hand has seen where the cursor stands.
        return None
    anchor = snapshot.anchor
    after = anchor.line_suffix
    if not trim.is_closing_punctuation(after):
        if _is_word(after[:1]) and _is_word(anchor.line_prefix[-1:]):
            return Reason.MIDDLE_OF_WORD
        if not prompt.tells_suffix(snapshot.settings):
            return Reason.MIDDLE_OF_LINE
    return None


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
