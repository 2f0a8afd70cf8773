"""One stream from the model, which outlives the request that started it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from itertools import count
from math import inf

from foretype import prompt, reuse, rounds, trim
from foretype.document import Anchor, Snapshot
from foretype.errors import BadAnswer, ModelError, Unreachable
from foretype.logs import log_crash
from foretype.model import Finish, Model
from foretype.prompt import Prompt
from foretype.stats import Counted, Stats
from foretype.timeline import Stage, Timeline
from foretype.trim import Shape

log = logging.getLogger(__name__)
_ids = count(1)

# Turns of the event loop from the text's arrival to the answer's last byte: the
# waiting request wakes, its task ends, the answer is written.
ANSWER_TURNS = 3


class Generation:
    """A stream, the text it has brought so far, and those who wait for more.

    It runs until it has enough for its place, fails, reaches its deadline, or is
    ended; ending it closes the stream on the wire. `snapshot` is the place the stream
    writes for: that at `origin`, or what that will be once `assumed` stands there.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        shape: Shape,
        model_prompt: Prompt,
        timeline: Timeline,
        stats: Stats,
        *,
        origin: Anchor | None = None,
        assumed: str = "",
        is_alternative: bool = False,
    ) -> None:
        self.id = next(_ids)
        self.anchor = origin or snapshot.anchor
        self.suffix_key = reuse.suffix_key(self.anchor)
        self.text = assumed
        """What belongs after the anchor, so far, in the document's line ends."""
        self.n_assumed_chars = len(assumed)
        self.is_alternative = is_alternative
        self.offset: int | None = self.anchor.start
        """Where the anchor's line begins now, in code points; None once it is gone."""
        self.cursors: tuple[Anchor, ...] = (self.anchor,)
        """Where a person may have got to since."""
        self.is_done = False
        self.is_whole = True
        """Whether the model ended the text by itself."""
        self.error: ModelError | None = None
        self.asked_s = inf
        """When the model was sent the prompt, by the clock of the event loop."""
        self.first_text_s = inf
        """When it brought something, by the same clock."""
        self.ended_s = inf
        """When it was done, likewise."""
        self.chars_per_token: float | None = None
        """Of the prompt, where the endpoint has counted its tokens."""
        self.timeline = timeline
        self.language_id = snapshot.language_id
        self.model_name = snapshot.settings.model_name
        self._place = snapshot.anchor
        self._shape = shape
        self._prompt = model_prompt
        self._endpoint = snapshot.settings.endpoint
        self._stats = stats
        self._waiters: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def streamed(self) -> str:
        """What the stream itself has brought so far."""
        return self.text[self.n_assumed_chars :]

    def start(self, ready_model: Callable[[], Awaitable[Model]]) -> None:
        """Begins to stream as soon as there is a model."""
        name = f"generation {self.id}"
        self._task = asyncio.create_task(self._run(ready_model), name=name)

    def end(self) -> None:
        """Closes the stream on the wire; what has arrived stays."""
        if self._task is not None:
            self._task.cancel()
        self._finish()

    async def ended(self) -> None:
        """Returns when the stream is closed."""
        if self._task is not None:
            await asyncio.wait((self._task,))

    async def growth(self, until_s: float = inf) -> None:
        """Returns when there is more text than now, at the end, or at a time.

        The time is one of the event loop's clock.
        """
        if self.is_done:
            return
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._waiters.append(waiter)
        if until_s == inf:
            await waiter
            return
        timer = loop.call_at(until_s, _wake, waiter)
        try:
            await waiter
        finally:
            timer.cancel()

    async def _run(self, ready_model: Callable[[], Awaitable[Model]]) -> None:
        try:
            model = await ready_model()
            self.timeline.stamp(Stage.ASKED)
            self.asked_s = asyncio.get_running_loop().time()
            async with asyncio.timeout(self._endpoint.timeout_ms / 1000):
                await self._read(model)
        except TimeoutError:
            self.error = Unreachable(
                f"the model did not finish within {self._endpoint.timeout_ms} ms "
                "(endpoint.timeout_ms)"
            )
        except ModelError as error:
            self.error = error
        except Exception as error:
            log_crash(log, f"generation {self.id} failed", error)
            self.error = BadAnswer(
                f"the stream failed on a bug ({type(error).__name__}); see the log file"
            )
        finally:
            self._finish()

    async def _read(self, model: Model) -> None:
        raw = ""
        async with aclosing(model.stream(self._prompt, self.timeline)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Finish):
                    self.is_whole = piece.reason != "length"
                    self._take_counts(piece)
                    self._receive(raw, is_final=True)
                    return
                if not raw:
                    self.timeline.stamp(Stage.FIRST_TEXT)
                    self.first_text_s = asyncio.get_running_loop().time()
                raw += piece
                self.timeline.n_chunks += 1
                # A chunk is taken for a token, unless the endpoint says otherwise.
                self.timeline.n_output_tokens += 1
                self._receive(raw, is_final=False)
                if self._has_enough(piece) or reuse.has_diverged(self):
                    # Who waits for the text is answered before the stream is closed.
                    for _ in range(ANSWER_TURNS):
                        await asyncio.sleep(0)
                    return

    def _has_enough(self, piece: str) -> bool:
        """Whether nothing that follows a piece would be kept.

        Only a line's end and a line's beginning decide that, or any character where
        text follows the cursor or goes round in circles.
        """
        streamed = self.streamed
        line = streamed.rpartition("\n")[2].strip()
        decides = (
            "\n" in piece
            or len(line) <= len(piece)
            or self._place.line_suffix
            or rounds.may_circle(streamed)
            or rounds.before_pieces(streamed) is not None
        )
        return bool(decides) and trim.is_over(self._place, streamed, self._shape)

    def _receive(self, raw: str, *, is_final: bool) -> None:
        text = prompt.received(raw, self._prompt, self._place, is_final=is_final)
        if len(text) > len(self.text) - self.n_assumed_chars:
            self.text = self.text[: self.n_assumed_chars] + text
            self._wake()

    def _finish(self) -> None:
        if not self.is_done:
            self.is_done = True
            self.ended_s = asyncio.get_running_loop().time()
            self.timeline.stamp(Stage.DONE)
            self._count()
        self._wake()

    def _take_counts(self, finish: Finish) -> None:
        if finish.n_prompt_tokens:
            self.timeline.n_input_tokens = finish.n_prompt_tokens
            self.chars_per_token = self._prompt.n_chars / finish.n_prompt_tokens
        if finish.n_output_tokens is not None:
            self.timeline.n_output_tokens = finish.n_output_tokens
        if finish.n_cached_tokens is not None:
            self.timeline.n_cached_tokens = finish.n_cached_tokens

    def _count(self) -> None:
        """Counts what the stream has cost; one that was never sent has not."""
        timeline = self.timeline
        if Stage.ASKED not in timeline.stages:
            return
        n_in, n_out = timeline.n_input_tokens, timeline.n_output_tokens
        n_cached = min(timeline.n_cached_tokens, n_in)
        input_usd = self._endpoint.usd_per_million_input_tokens
        cached_usd = self._endpoint.usd_per_million_cached_tokens or input_usd
        in_usd = ((n_in - n_cached) * input_usd + n_cached * cached_usd) / 1e6
        out_usd = n_out * self._endpoint.usd_per_million_output_tokens / 1e6
        for name, n in (
            (Counted.STREAMS, 1),
            (Counted.INPUT_TOKENS, n_in),
            (Counted.OUTPUT_TOKENS, n_out),
            (Counted.COST_USD, in_usd + out_usd),
        ):
            self._stats.count(name, self.model_name, n)

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            _wake(waiter)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
