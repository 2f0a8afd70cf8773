"""How soon and how fast a model answers, what its cache saves, what leaving it does."""

from __future__ import annotations

import asyncio
import secrets
import statistics
import time
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace

from foretype import probe
from foretype.addresses import host_of, is_loopback
from foretype.diagnosis import Check, Outcome, Row
from foretype.endpoint_settings import PRESETS, EndpointSettings
from foretype.errors import ModelError, Unreachable
from foretype.model import Finish, Model
from foretype.prompt import Prompt
from foretype.settings import Settings
from foretype.timeline import Timeline

N_REQUESTS = 10
# A slow endpoint is measured by fewer of them.
MEASURING_BUDGET_S = 10.0
# Fewer would say nothing of the others.
MIN_REQUESTS = 3
MEASURED_TOKENS = 24
LEFT_TOKENS = 128
# Text that comes later is mostly too late for the next key.
SLOW_TTFT_MS = 1000.0
# What is read a second time in less of the time was in a cache.
CACHED_SHARE = 0.6
# How much later than the others a request behind one that was left may be answered.
LEFT_FACTOR = 3.0
LEFT_MARGIN_MS = 500.0
# OpenAI's cache takes nothing under 1,024 tokens, which a CPU takes seconds to read.
N_REPEATED_FUNCTIONS = 80
N_REPEATED_LOCALLY = 25


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer, read to its end or left at its first text."""

    ttft_ms: float
    text: str
    tokens_per_s: float = 0.0
    """0 where the text came in one piece."""
    n_prompt_tokens: int | None = None
    n_cached_tokens: int | None = None


async def read(
    model: Model, asked: Prompt, settings: Settings, *, is_left: bool = False
) -> Reading:
    """Asks once, and reads to the end or leaves at the first text.

    Raises: a leaf of `ModelError`.
    """
    timeout_s = settings.endpoint.timeout_ms / 1000
    text = ""
    n_chunks = 0
    finish = Finish("")
    begun_s = first_s = last_s = time.perf_counter()
    try:
        async with (
            asyncio.timeout(timeout_s),
            aclosing(model.stream(asked, Timeline())) as pieces,
        ):
            async for piece in pieces:
                if isinstance(piece, Finish):
                    finish = piece
                    break
                last_s = time.perf_counter()
                first_s = first_s if text else last_s
                text += piece
                n_chunks += 1
                if is_left:
                    break
    except TimeoutError:
        raise Unreachable(
            f"no whole answer has come within {timeout_s:g} s; is the endpoint "
            "overloaded, or still loading its model?"
        ) from None
    n_tokens = finish.n_output_tokens
    if n_tokens is None or settings.endpoint.reasoning_tokens:
        # What it thought, which is counted too, came before the first text.
        n_tokens = n_chunks
    writing_s = last_s - first_s
    return Reading(
        ttft_ms=(first_s - begun_s) * 1000,
        text=text,
        tokens_per_s=(n_tokens - 1) / writing_s if n_chunks > 1 and writing_s else 0,
        n_prompt_tokens=finish.n_prompt_tokens,
        n_cached_tokens=finish.n_cached_tokens,
    )


async def check_speed(model: Model, settings: Settings) -> tuple[list[Reading], Row]:
    """How soon text comes, and how fast, over some small requests."""
    readings: list[Reading] = []
    trouble = ""
    begun_s = time.perf_counter()
    for n in range(N_REQUESTS):
        before = f"def total_{n}(one, two):\n    "
        asked = replace(probe.question(settings, before), max_tokens=MEASURED_TOKENS)
        try:
            reading = await read(model, asked, settings)
        except ModelError as error:
            trouble = str(error)
            break
        if reading.text:
            readings.append(reading)
        if time.perf_counter() - begun_s > MEASURING_BUDGET_S and readings:
            break
    what, _, way_out = trouble.partition("; ")
    if not readings or (trouble and len(readings) < MIN_REQUESTS):
        what = what or f"nothing was written in {N_REQUESTS} answers"
        return readings, Row(Check.SPEED, Outcome.FAILED, what, way_out)
    seen = _speed(readings)
    if trouble:
        return readings, Row(
            Check.SPEED, Outcome.WARNING, f"{seen}; then {what}", way_out
        )
    if p50_ms(readings) > SLOW_TTFT_MS:
        way_out = "a smaller model, or one that is nearer, is on the screen sooner"
        return readings, Row(Check.SPEED, Outcome.WARNING, seen, way_out)
    return readings, Row(Check.SPEED, Outcome.OK, seen)


async def check_cache(model: Model, settings: Settings) -> Row:
    """What the second of two equal prompts costs of the first."""
    # Nobody can have sent this before.
    word = secrets.token_hex(4)
    is_local = settings.uses_local_model
    n_functions = N_REPEATED_LOCALLY if is_local else N_REPEATED_FUNCTIONS
    functions = [
        f"def column_{n}(row):\n    return row.fields[{n}].strip()\n\n\n"
        for n in range(n_functions)
    ]
    before = f"# {word}\n{''.join(functions)}def last(row):\n    "
    asked = replace(
        probe.question(settings, before), max_tokens=MEASURED_TOKENS, cache_key=word
    )
    try:
        first = await read(model, asked, settings, is_left=True)
        # The usage stands at the end of an answer.
        second = await read(model, asked, settings)
    except ModelError as error:
        return Row.of_error(Check.CACHE, error, Outcome.WARNING)
    share = second.ttft_ms / first.ttft_ms
    times = f"text after {second.ttft_ms:.0f} ms instead of {first.ttft_ms:.0f} ms"
    n_cached, n_all = second.n_cached_tokens, second.n_prompt_tokens
    if n_cached:
        of = f" of {n_all:,}" if n_all else ""
        seen = f"a repeated prompt has {n_cached:,}{of} tokens from the cache: {times}"
        return Row(Check.CACHE, Outcome.OK, seen + _discount(settings.endpoint))
    if share < CACHED_SHARE:
        seen = f"a repeated prompt is read quicker: {times}"
        return Row(Check.CACHE, Outcome.OK, seen)
    return Row(
        Check.CACHE,
        Outcome.WARNING,
        f"no sign of a cache for repeated prompts: {times}",
        "switch on the cache of a server of your own; of another, a completion costs "
        "more than it could",
    )


async def check_abort(model: Model, settings: Settings, usual_ms: float) -> Row:
    """Whether a stream that is left stands in the way of the next."""
    endless = replace(probe.question(settings), max_tokens=LEFT_TOKENS)
    try:
        await read(model, endless, settings, is_left=True)
        asked = probe.question(settings, "def total(one, two):\n    ")
        after = await read(
            model, replace(asked, max_tokens=MEASURED_TOKENS), settings, is_left=True
        )
    except ModelError as error:
        return Row.of_error(Check.ABORT, error, Outcome.WARNING)
    seen = f"behind a stream that was left, text came after {after.ttft_ms:.0f} ms"
    bill = _bill(settings)
    if after.ttft_ms > max(usual_ms * LEFT_FACTOR, usual_ms + LEFT_MARGIN_MS):
        return Row(
            Check.ABORT,
            Outcome.WARNING,
            f"{seen}, later than the {usual_ms:.0f} ms of others{bill}",
            "the endpoint may go on with what nobody reads; a gateway in between may "
            "not tell it, or it may have room for one request at a time",
        )
    return Row(Check.ABORT, Outcome.OK, f"{seen}, as usual{bill}")


def _speed(readings: Iterable[Reading]) -> str:
    """The median and the range of some times, and the median of speeds."""
    ttfts_ms = sorted(reading.ttft_ms for reading in readings)
    speeds = [reading.tokens_per_s for reading in readings if reading.tokens_per_s]
    n = len(ttfts_ms)
    seen = (
        f"first text after {statistics.median(ttfts_ms):.0f} ms (p50 of {n}, from "
        f"{ttfts_ms[0]:.0f} to {ttfts_ms[-1]:.0f})"
    )
    if speeds:
        seen += f", then {statistics.median(speeds):,.0f} tokens/s"
    return seen


def p50_ms(readings: Iterable[Reading]) -> float:
    """The median time to the first text."""
    return statistics.median(reading.ttft_ms for reading in readings)


def _discount(endpoint: EndpointSettings) -> str:
    """What the provider charges for tokens from its cache, if that is known."""
    full, cached = (
        endpoint.usd_per_million_input_tokens,
        endpoint.usd_per_million_cached_tokens,
    )
    return f", at {cached / full:.0%} of the price" if full and cached else ""


def _bill(settings: Settings) -> str:
    """What leaving a stream means for its price, as far as that is known."""
    endpoint = settings.endpoint
    if settings.uses_local_model or is_loopback(host_of(endpoint.base_url)):
        return ""
    if endpoint.bills_after_disconnect:
        return (
            "; the provider charges for what nobody reads as well, so only one stream "
            "runs for a document"
        )
    if endpoint.provider in PRESETS:
        return "; leaving ends the bill, as far as is known"
    return (
        "; whether leaving ends the bill is not known (if not, set "
        "endpoint.bills_after_disconnect)"
    )
