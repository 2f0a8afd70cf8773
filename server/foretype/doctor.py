"""What stands between a person and completions: checks of all there is on the way.

Each check is a row: what was seen, and the way out where that is not well. Requests
are made of a text of our own; nothing of a document is sent.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from foretype import measuring, probe, route, supplier
from foretype.addresses import host_of, is_loopback
from foretype.diagnosis import Check, Outcome, Row, skipped
from foretype.endpoint_settings import FIM_WIRES, EndpointSettings
from foretype.errors import BadAnswer, ModelError, ModelNotFound, NotSupported
from foretype.measuring import Reading
from foretype.model import Model
from foretype.probe import Finding
from foretype.route import Route
from foretype.settings import Settings
from foretype.templates import tells_suffix, template_for

MAX_SHOWN_CHARS = 40
MAX_NAMED_MODELS = 5

_OF_THE_MODEL = (Check.FIM, Check.SPEED, Check.CACHE, Check.ABORT)


async def examine(
    settings: Settings, problems: Sequence[str], config_file: Path
) -> AsyncGenerator[Row, None]:
    """One row after another, as each is known."""
    row = check_settings(settings, problems, config_file)
    yield row
    if row.has_failed:
        for unseen in skipped(tuple(Check)[1:], row):
            yield unseen
        return
    rows = _of_local(settings) if settings.uses_local_model else _of_remote(settings)
    async with aclosing(rows):
        async for row in rows:
            yield row


def check_settings(
    settings: Settings, problems: Sequence[str], config_file: Path
) -> Row:
    """Whether all settings can be used, and where they are."""
    seen = str(config_file)
    if not config_file.exists():
        seen = f"there is no {config_file}"
    if settings.uses_local_model:
        seen += "; completions come from the built-in model"
    elif settings.endpoint_problem is None:
        seen += f"; completions come from {host_of(settings.endpoint.base_url)}"
    outcome = Outcome.WARNING if problems else Outcome.OK
    if settings.endpoint_problem:
        outcome = Outcome.FAILED
    return Row(Check.SETTINGS, outcome, seen, "\n".join(problems))


async def _of_local(settings: Settings) -> AsyncGenerator[Row, None]:
    models = supplier.ModelSupplier()
    try:
        models.use(settings)
        begun_s = time.perf_counter()
        try:
            model = await models.ready()
            took_s = time.perf_counter() - begun_s
            answer = await measuring.read(model, probe.question(settings), settings)
        except ModelError as error:
            row = Row.of_error(Check.MODEL, error)
            yield row
            for unseen in skipped(_OF_THE_MODEL, row):
                yield unseen
            return
        seen = f"{settings.model_name} was ready to be asked after {took_s:.1f} s"
        yield Row(Check.MODEL, Outcome.OK, seen)
        yield check_fim(settings, Finding(), answer.text)
        async for row in _of_model(model, settings):
            yield row
    finally:
        await models.close()


async def _of_remote(settings: Settings) -> AsyncGenerator[Row, None]:
    key, key_row = await check_key(settings.endpoint)
    yield key_row
    place = Route.of(settings.endpoint.base_url)
    name_row = await _row(Check.NAME, route.resolve(place))
    yield name_row
    if name_row.has_failed:
        connection_row = next(skipped((Check.CONNECTION,), name_row))
    else:
        connection_row = await check_connection(place, sends_key=bool(key))
    yield connection_row
    for row in (key_row, name_row, connection_row):
        if row.has_failed:
            for unseen in skipped((Check.MODEL, *_OF_THE_MODEL), row):
                yield unseen
            return

    try:
        answer, finding = await ask(settings, key)
    except ModelError as error:
        row = Row.of_error(Check.MODEL, error)
        yield row
        for unseen in skipped(_OF_THE_MODEL, row):
            yield unseen
        return
    adapted = finding.applied(settings)
    model = await asyncio.to_thread(supplier.client, adapted.endpoint, key)
    try:
        yield check_model(settings, answer.text, await model.model_names())
        yield check_fim(settings, finding, answer.text)
        async for row in _of_model(model, adapted):
            yield row
    finally:
        await model.close()


async def _of_model(model: Model, settings: Settings) -> AsyncGenerator[Row, None]:
    readings, row = await measuring.check_speed(model, settings)
    yield row
    if row.has_failed:
        for unseen in skipped((Check.CACHE, Check.ABORT), row):
            yield unseen
        return
    yield await measuring.check_cache(model, settings)
    yield await measuring.check_abort(model, settings, measuring.p50_ms(readings))


async def check_key(endpoint: EndpointSettings) -> tuple[str, Row]:
    """The key, and whether there is one; it is never part of the row."""
    variable, command = endpoint.api_key_env, endpoint.api_key_command
    try:
        key = await supplier.api_key(endpoint)
    except ModelError as error:
        return "", Row.of_error(Check.KEY, error)
    if key:
        seen = f"{variable} is set"
        if not os.environ.get(variable, "").strip():
            seen = f"{command[0]} printed one, as endpoint.api_key_command says"
        return key, Row(Check.KEY, Outcome.OK, seen)
    seen = f"{variable} is not set"
    if not endpoint.needs_api_key:
        seen += ", so none is sent"
        return key, Row(Check.KEY, Outcome.OK, seen)
    way_out = (
        f"set {variable} to your key for {host_of(endpoint.base_url)} where the editor "
        "is started from, or have endpoint.api_key_command print it"
    )
    return key, Row(Check.KEY, Outcome.FAILED, seen, way_out)


async def check_connection(place: Route, *, sends_key: bool) -> Row:
    """Whether a connection can be had, and who could read along."""
    row = await _row(Check.CONNECTION, route.connect(place))
    is_open = not place.is_tls and not is_loopback(place.host)
    if row.has_failed or not is_open:
        return row
    what = "the key and all text" if sends_key else "all text"
    return Row(
        Check.CONNECTION,
        Outcome.WARNING,
        f"{row.seen}; {what} can be read by everybody on the way",
        "use https:// in endpoint.base_url if the endpoint speaks it",
    )


async def ask(settings: Settings, key: str) -> tuple[Reading, Finding]:
    """An answer, and what it took to have it: that is found out as the server does.

    Raises: a leaf of `ModelError`.
    """

    def client(endpoint: EndpointSettings) -> Model:
        return supplier.client(endpoint, key)

    failed: ModelError | None = None
    try:
        answer = await _read_once(settings, client)
    except (BadAnswer, ModelNotFound, NotSupported) as error:
        failed = error
    # Whoever has switched it off is told what it would have found.
    wanted = replace(settings, endpoint=replace(settings.endpoint, probe=True))
    finding = await probe.look(settings, client) if probe.is_due(wanted) else None
    if finding is not None and settings.endpoint.probe:
        probe.remember(settings.endpoint, finding, probe.default_file())
    if failed is not None:
        if finding is None or finding == Finding():
            raise failed
        answer = await _read_once(finding.applied(settings), client)
    return answer, finding or Finding()


def check_model(settings: Settings, text: str, names: Sequence[str]) -> Row:
    """Whether the model that has answered is the one that was meant."""
    name = settings.endpoint.model
    if not text:
        return Row(
            Check.MODEL,
            Outcome.WARNING,
            f"{name} answers, but has written nothing",
            "if it thinks before it writes, switch that off by endpoint.extra_body, or "
            "give it room by endpoint.reasoning_tokens",
        )
    if not names:
        seen = f"{name} answers; the endpoint does not list its models"
    elif name in names:
        seen = f"{name} answers, and is one of {len(names)} that are listed"
    else:
        return Row(
            Check.MODEL,
            Outcome.WARNING,
            f"{name} answers, but is not listed; it may be another model that does",
            f"the endpoint lists {_some(names)}",
        )
    return Row(Check.MODEL, Outcome.OK, seen)


def check_fim(settings: Settings, finding: Finding, text: str) -> Row:
    """Whether the model is told the text after the cursor, and how."""
    adapted = finding.applied(settings)
    template = template_for(adapted.model_name, adapted.endpoint.template)
    if adapted.speaks_chat:
        how = "in a chat"
    elif adapted.wire in FIM_WIRES or adapted.endpoint.template == "suffix":
        how = "in a field of the request"
    elif template is not None:
        how = f"by the markers of {template.family}"
    if not tells_suffix(adapted):
        seen = "the model is not told the text after the cursor"
        way_out = (
            "use a model that fills in the middle, or name its family by "
            "endpoint.template"
        )
        if settings.uses_local_model:
            way_out = "use a model that fills in the middle: foretype models lists some"
        return Row(Check.FIM, Outcome.WARNING, seen, way_out)
    seen = f"the model is told the text after the cursor {how}"
    if line := text.strip().split("\n", 1)[0][:MAX_SHOWN_CHARS].strip():
        seen += f", and goes on from 'return' with {line!r}"
    if finding == Finding() or settings.endpoint.probe:
        return Row(Check.FIM, Outcome.OK, seen)
    ways_out = [
        f'set endpoint.{key} to "{value}"'
        for key, value in (("wire", finding.wire), ("template", finding.template))
        if value
    ]
    way_out = f"{' and '.join(ways_out)}, or endpoint.probe to true"
    return Row(Check.FIM, Outcome.WARNING, seen, way_out)


async def _read_once(
    settings: Settings, client: Callable[[EndpointSettings], Model]
) -> Reading:
    model = await asyncio.to_thread(client, settings.endpoint)
    try:
        return await measuring.read(model, probe.question(settings), settings)
    finally:
        await model.close()


async def _row(check: Check, looking: Awaitable[str]) -> Row:
    try:
        return Row(check, Outcome.OK, await looking)
    except ModelError as error:
        return Row.of_error(check, error)


def _some(names: Sequence[str]) -> str:
    some = ", ".join(sorted(names)[:MAX_NAMED_MODELS])
    n_more = len(names) - MAX_NAMED_MODELS
    return f"{some} and {n_more} more" if n_more > 0 else some
