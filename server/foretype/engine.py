"""From a snapshot to completions: the story of one request, top to bottom."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from math import inf

from foretype import edits, prompt, reuse, trim
from foretype.answer import Answer, Completion, Source
from foretype.document import Anchor, Document, Snapshot
from foretype.edits import Edit
from foretype.errors import ModelError
from foretype.generation import Generation
from foretype.health import Health
from foretype.model import Model
from foretype.reason import Reason, declined, fruitless, hopeless
from foretype.reuse import Index
from foretype.secrets import Masker
from foretype.stats import Stats
from foretype.suggestions import SHOWN_S, Suggestion, Suggestions
from foretype.timeline import Stage, Timeline
from foretype.trim import Cut, Shape

# What is not complete so long after its first text is shown as far as it is there. A
# block: about what a reader needs to see that something is there (Continue shows what
# it has after 300 ms too). A line: most are complete by then, but for those of slow
# models and of prose, where a line is a paragraph.
PATIENCE_S = {Shape.BLOCK: 0.300, Shape.LINE: 0.150}
# Asked by hand, so many are offered to choose from, and so long is waited for them
# once the first is there.
MAX_ITEMS = 3
ITEMS_PATIENCE_S = 0.500
# At 0 a model says the same again; the others are to be different, and still code.
TEMPERATURES = (0.4, 0.8)
# What all documents together may keep: some thousand completions.
MAX_BYTES = 8 * 1024 * 1024
# So much of that is left for the streams that run.
STREAM_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Unseen:
    """What was answered, until it has been on the screen for long enough."""

    snapshot: Snapshot
    suggestion: Suggestion
    cut: Cut
    seen: asyncio.TimerHandle
    """When it has."""


class Engine:
    """Completes, and keeps what was generated for each document.

    `ready_model` returns once there is a model. Raises: a leaf of `ModelError`.
    """

    def __init__(
        self, ready_model: Callable[[], Awaitable[Model]], stats: Stats
    ) -> None:
        self.suggestions = Suggestions(stats)
        self._ready_model = ready_model
        self._stats = stats
        # The document used longest ago first.
        self._indexes: dict[str, Index[Generation]] = {}
        self._health = Health()
        self._masker = Masker()
        self._evaluation: asyncio.Task[None] | None = None
        # What was answered last for a document, until the next key.
        self._unseen: dict[str, _Unseen] = {}

    async def complete(
        self,
        snapshot: Snapshot,
        timeline: Timeline,
        *,
        is_invoked: bool = False,
        may_grow: bool = False,
    ) -> Answer:
        """What belongs at the cursor, as soon as enough of it is known.

        With `may_grow` a block is answered with its first line, as `grown` tells when
        there is more of it. Cancelling this ends the wait; the generation goes on.
        """
        uri, anchor = snapshot.uri, snapshot.anchor
        self._end_unseen(uri)
        if reason := declined(snapshot):
            return self._nothing(uri, reason)
        shape = trim.shape(anchor, is_invoked=is_invoked)
        index = self._index(uri)
        is_debounced = is_invoked or not snapshot.settings.completion.debounce_ms

        generation: Generation | None
        shown = self.suggestions.at(uri, anchor, snapshot.settings)
        if shown and not (is_invoked and shown[0].shape is not shape):
            suggestion, cut = shown
            generation, source = suggestion.generation, Source.SHOWN
        else:
            # Asked by hand, a line that is shown may become a block.
            generation = shown[0].generation if shown else index.find(anchor)
            source = _source(generation)
        timeline.stamp(Stage.LOOKED_UP)
        while source is not Source.SHOWN:
            if generation and _now_s() >= self._gives_up_s(generation, snapshot):
                generation = None
            rest = reuse.rest_at(generation, anchor) if generation else None
            if generation is None or rest is None:
                # Nothing fits, or a stream did and went another way.
                if reason := self._hopeless(snapshot, is_invoked=is_invoked):
                    return self._nothing(uri, reason)
                if not is_debounced:
                    await asyncio.sleep(snapshot.settings.completion.debounce_ms / 1000)
                    is_debounced = True
                    generation = index.find(anchor)
                    source = _source(generation)
                    continue
                source = Source.MODEL
                generation = self._ask(snapshot, shape)
                if is_invoked:
                    self._ask_alternative(snapshot, shape)
                continue
            cut = trim.cut(
                anchor,
                rest,
                shape,
                is_final=generation.is_done,
                is_whole=generation.is_whole,
            )
            if not cut.is_enough:
                so_far = trim.so_far(rest, anchor, shape)
                cut = trim.fit(so_far, anchor, is_enough=False)
            cut = cut.for_editor(snapshot.settings.editor)
            if not cut.is_enough:
                is_hasty = may_grow and shape is Shape.BLOCK
                patience_s = 0 if is_hasty else PATIENCE_S[shape]
                patience_ends_s = generation.first_text_s + patience_s
                if not cut.is_news or _now_s() < patience_ends_s:
                    if source is not Source.MODEL:
                        timeline.stamp(Stage.JOINED)
                    until_s = patience_ends_s if cut.is_news else inf
                    gives_up_s = self._gives_up_s(generation, snapshot)
                    await generation.growth(min(until_s, gives_up_s))
                    continue
            says_all = rest == generation.streamed
            if cut.is_news or source is Source.MODEL or says_all:
                break
            # What is left of it says nothing about this place.
            generation = None

        timeline.stamp(Stage.ENOUGH)
        assert generation is not None
        if generation.streamed:
            # Where one speaks, another that has been silent for so long never will.
            for other in index.running:
                if _now_s() >= self._health.stalls_s(other):
                    other.end()
        if trim.retypes(cut, snapshot.deleted) and not is_invoked:
            return self._nothing(uri, Reason.JUST_DELETED, generation)
        if not cut.is_news:
            reason = fruitless(generation.streamed, generation.error)
            return self._nothing(uri, reason, generation)
        found = [(generation, cut)]
        if is_invoked:
            found += await self._alternatives(snapshot, shape, cut)
        return self._answer(snapshot, shape, found, source)

    async def grown(self, answer: Answer) -> bool:
        """Returns when an answer that is on the screen has more to say, or no longer.

        That is whether asking again would bring a longer text.
        """
        suggestion = answer.suggestion
        if suggestion is None:
            return False
        end = suggestion.end
        if suggestion.shape is Shape.LINE:
            # Its words come one by one; an editor need not ask for each.
            await asyncio.sleep(PATIENCE_S[Shape.LINE])
        while not suggestion.is_complete:
            await suggestion.generation.growth()
            suggestion.grow()
            if suggestion.end > end:
                return True
        return False

    def anticipate(self, snapshot: Snapshot) -> None:
        """Asks for what an editor that waits before it asks is going to ask for."""
        settings = snapshot.settings
        if (
            settings.completion.debounce_ms
            or settings.endpoint.bills_after_disconnect
            or declined(snapshot)
            or self._hopeless(snapshot, is_invoked=False)
            or self.suggestions.at(snapshot.uri, snapshot.anchor, settings)
            or self._index(snapshot.uri).find(snapshot.anchor)
        ):
            return
        self._ask(snapshot, trim.shape(snapshot.anchor, is_invoked=False))

    def edited(self, document: Document, made: Sequence[Edit]) -> None:
        """Ends the generations that the document no longer agrees with, at once."""
        self._end_unseen(document.uri)
        index = self._indexes.get(document.uri)
        if index is None:
            return
        cursors = tuple(map(document.anchor, edits.cursors(made)))
        index.edited(made, cursors)
        self.suggestions.edited(document, made, cursors)

    def shown(self, suggestion_id: int) -> None:
        """Takes in that an editor draws a suggestion."""
        self.suggestions.shown(suggestion_id)
        for uri, unseen in tuple(self._unseen.items()):
            if unseen.suggestion.id == suggestion_id:
                self._ask_ahead(uri)

    def evaluate_ahead(self, snapshot: Snapshot) -> None:
        """Has a prompt evaluated before it is needed, where that is free."""
        self._end_evaluation()
        if declined(snapshot):
            return
        self._evaluation = asyncio.create_task(
            self._evaluate(snapshot), name="evaluation"
        )

    def running(self, uri: str) -> list[Generation]:
        """The streams that run for a document, the oldest first."""
        index = self._indexes.get(uri)
        return index.running if index else []

    @property
    def chars_per_token(self) -> float:
        """What a budget in tokens is taken for, in characters."""
        return self._health.chars_per_token

    @property
    def n_bytes(self) -> int:
        """About how much memory is taken by what was generated."""
        return sum(index.n_bytes for index in self._indexes.values())

    def forget(self, uri: str) -> None:
        """Ends and drops all there is of a document."""
        self._end_unseen(uri)
        if index := self._indexes.pop(uri, None):
            index.end_all()
        self.suggestions.forget(uri)

    def forget_all(self) -> list[Generation]:
        """Ends and drops everything; returns what was running."""
        self._end_evaluation()
        running = [g for uri in self._indexes for g in self.running(uri)]
        for uri in list(self._indexes):
            self.forget(uri)
        self.suggestions.forget_all()
        self._health = Health()
        return running

    async def close(self) -> None:
        """Ends everything; returns when every stream is closed."""
        for generation in self.forget_all():
            await generation.ended()

    def _index(self, uri: str) -> Index[Generation]:
        index = self._indexes.pop(uri, None) or Index()
        self._indexes[uri] = index
        return index

    def _ask(
        self,
        snapshot: Snapshot,
        shape: Shape,
        *,
        origin: Anchor | None = None,
        assumed: str = "",
        temperature: float = 0.0,
    ) -> Generation:
        """Begins a stream; one too many is ended for it."""
        self._end_evaluation()
        timeline = Timeline()
        timeline.stamp(Stage.BEGUN)
        told = self._without_secrets(snapshot)
        timeline.stamp(Stage.CONTEXT)
        model_prompt = prompt.build(told, shape, temperature)
        timeline.stamp(Stage.PROMPT)
        timeline.n_prompt_chars = model_prompt.n_chars
        timeline.n_elsewhere_chars = sum(len(s.text) for s in told.snippets)
        timeline.n_input_tokens = round(model_prompt.n_chars / self.chars_per_token)
        generation = Generation(
            snapshot,
            shape,
            model_prompt,
            timeline,
            self._stats,
            origin=origin,
            assumed=assumed,
            is_alternative=temperature > 0,
        )
        index = self._index(snapshot.uri)
        index.add(generation, self._health.max_running(snapshot.settings))
        self._health.add(generation)
        generation.start(self._ready_model)
        for other in self._indexes.values():
            if self.n_bytes <= MAX_BYTES - STREAM_BYTES:
                break
            other.clear()
        return generation

    def _ask_alternative(self, snapshot: Snapshot, shape: Shape) -> bool:
        """Asks for another idea where there is room for one; whether it did."""
        index = self._index(snapshot.uri)
        asked = [g for g, _ in index.fitting(snapshot.anchor) if g.is_alternative]
        has_room = len(index.running) < self._health.max_running(snapshot.settings)
        if not has_room or len(asked) >= len(TEMPERATURES):
            return False
        self._ask(snapshot, shape, temperature=TEMPERATURES[len(asked)])
        return True

    async def _alternatives(
        self, snapshot: Snapshot, shape: Shape, first: Cut
    ) -> list[tuple[Generation, Cut]]:
        """Other ideas for the place, as many as there are in time."""
        index = self._index(snapshot.uri)
        deadline_s = _now_s() + ITEMS_PATIENCE_S
        n_asked = 0
        while True:
            ideas = _ideas(index, snapshot, shape, first)
            if len(ideas) >= MAX_ITEMS - 1:
                break
            # NB: What fails is not remembered, and must not be asked for on and on.
            if n_asked < len(TEMPERATURES) and self._ask_alternative(snapshot, shape):
                n_asked += 1
                continue
            if not index.running or _now_s() >= deadline_s:
                break
            await _any_growth(index.running, deadline_s)
        return ideas[: MAX_ITEMS - 1]

    def _answer(
        self,
        snapshot: Snapshot,
        shape: Shape,
        found: Sequence[tuple[Generation, Cut]],
        source: Source,
    ) -> Answer:
        """What was found, as suggestions; the first one will be asked ahead of."""
        uri = snapshot.uri
        suggestions = [
            self.suggestions.suggest(uri, generation, snapshot.anchor, shape, cut)
            for generation, cut in found
        ]
        self.suggestions.answered(uri, suggestions)
        sources = [source, *(_source(generation) for generation, _ in found[1:])]
        completions = tuple(
            Completion(suggestion.id, cut.whole, source, cut.n_covered_chars)
            for suggestion, (_, cut), source in zip(
                suggestions, found, sources, strict=True
            )
        )
        generation, cut = found[0]
        seen = asyncio.get_running_loop().call_later(SHOWN_S, self._ask_ahead, uri)
        self._unseen[uri] = _Unseen(snapshot, suggestions[0], cut, seen)
        return Answer(completions, None, generation, suggestions[0])

    def _ask_ahead(self, uri: str) -> None:
        """Asks for what comes after a suggestion that is on the screen, if need be.

        It has no priority: it needs room, and gives way to whatever a key asks for.
        """
        unseen = self._unseen.pop(uri)
        unseen.seen.cancel()
        snapshot, cut = unseen.snapshot, unseen.cut
        settings, index = snapshot.settings, self._index(uri)
        max_running = self._health.max_running(settings)
        accepted = snapshot.after(cut.whole, n_after_chars=cut.n_covered_chars)
        if (
            not settings.completion.ask_ahead
            or settings.endpoint.bills_after_disconnect
            or self._health.is_limited()
            or len(index.running) >= max_running
            or self.suggestions.are_rarely_taken
            or declined(accepted)
            or hopeless(accepted, is_invoked=False)
            or index.find(accepted.anchor)
        ):
            return
        shape = trim.shape(accepted.anchor, is_invoked=False)
        self._ask(accepted, shape, origin=snapshot.anchor, assumed=cut.whole)

    def _gives_up_s(self, generation: Generation, snapshot: Snapshot) -> float:
        """When another stream is asked for in the place of a silent one.

        By the clock of the event loop; never, where there is no room for one.
        """
        n_running = len(self.running(snapshot.uri))
        has_room = n_running < self._health.max_running(snapshot.settings)
        return self._health.stalls_s(generation) if has_room else inf

    def _hopeless(self, snapshot: Snapshot, *, is_invoked: bool) -> Reason | None:
        """Why nothing is worth asking for until the next key, if so."""
        if error := self._health.holds_off(is_invoked=is_invoked):
            return fruitless("", error)
        uri, offset = snapshot.uri, snapshot.offset
        if not is_invoked and self.suggestions.is_settled(uri, offset):
            return Reason.STATEMENT_ENDED
        return hopeless(snapshot, is_invoked=is_invoked)

    def _nothing(
        self, uri: str, reason: Reason, generation: Generation | None = None
    ) -> Answer:
        self.suggestions.answered(uri, ())
        return Answer((), reason, generation)

    def _end_unseen(self, uri: str) -> None:
        if unseen := self._unseen.pop(uri, None):
            unseen.seen.cancel()

    async def _evaluate(self, snapshot: Snapshot) -> None:
        told = self._without_secrets(snapshot)
        ahead = prompt.build(told, Shape.LINE)
        try:
            model = await self._ready_model()
            await model.evaluate_ahead(ahead)
        except ModelError:
            # The first request will meet the same error, and report it.
            return

    def _without_secrets(self, snapshot: Snapshot) -> Snapshot:
        """The view as it may be sent: what is a secret in it is masked."""
        masked = self._masker.mask(snapshot.prefix + snapshot.suffix)
        n_before = len(snapshot.prefix)
        return replace(
            snapshot,
            prefix=masked[:n_before],
            suffix=masked[n_before:],
            head=self._masker.mask(snapshot.head),
        )

    def _end_evaluation(self) -> None:
        if self._evaluation is not None:
            self._evaluation.cancel()
            self._evaluation = None


def _source(generation: Generation | None) -> Source:
    """Where what was found comes from, before it is asked for anything."""
    if generation is None:
        return Source.MODEL
    if generation.n_assumed_chars:
        return Source.AHEAD
    return Source.CACHE if generation.is_done else Source.IN_FLIGHT


def _ideas(
    index: Index[Generation], snapshot: Snapshot, shape: Shape, first: Cut
) -> list[tuple[Generation, Cut]]:
    """What else was generated for a place and is complete, each text once."""
    texts = {first.whole}
    ideas = []
    for generation, rest in index.fitting(snapshot.anchor):
        cut = trim.cut(
            snapshot.anchor,
            rest,
            shape,
            is_final=generation.is_done,
            is_whole=generation.is_whole,
        )
        cut = cut.for_editor(snapshot.settings.editor)
        if cut.is_enough and cut.is_news and cut.whole not in texts:
            texts.add(cut.whole)
            ideas.append((generation, cut))
    return ideas


async def _any_growth(running: Sequence[Generation], until_s: float) -> None:
    """Returns when one of some streams has brought more, or at a time."""
    growths = [asyncio.ensure_future(g.growth(until_s)) for g in running]
    try:
        await asyncio.wait(growths, return_when="FIRST_COMPLETED")
    finally:
        for growth in growths:
            growth.cancel()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
