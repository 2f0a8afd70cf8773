"""Makes the model that the settings name, and makes it again when it is lost.

A remote model is a client; the built-in one is a process as well, which is found or
started, watched, and started again once it has died and somebody asks for it.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from foretype import probe
from foretype.endpoint_settings import EndpointSettings
from foretype.errors import ModelError
from foretype.model import Model
from foretype.probe import Finding
from foretype.settings import Settings
from foretype.status import Kind, Status, loading, of_error, ready

if TYPE_CHECKING:
    from foretype import local
    from foretype.endpoint import EndpointModel

log = logging.getLogger(__name__)

# A model that could not be had is tried again by the first request after this long.
RETRY_PAUSE_S = 20.0
# A password manager may ask its user for a touch or a password.
KEY_COMMAND_TIMEOUT_S = 60.0


class ModelSupplier:
    """Holds the one model in use; `statuses` tells what becomes of it."""

    def __init__(self) -> None:
        self.statuses: asyncio.Queue[Status] = asyncio.Queue()
        self._settings = Settings()
        self._making: asyncio.Task[_Made] | None = None
        self._failed_at_s = 0.0
        # What was found out about the endpoint that the settings name, if anything was.
        self._finding: Finding | None = None
        self._disposing: set[asyncio.Task[None]] = set()

    def use(self, settings: Settings) -> None:
        """Begins to make the model that settings name; the one before is closed."""
        self._drop()
        if settings.endpoint != self._settings.endpoint:
            self._finding = None
        self._settings = settings
        if self._finding is None and probe.is_due(settings):
            # The first prompt must be right: a file of a few lines is waited for.
            self._finding = probe.remembered(settings.endpoint, probe.default_file())
        self._making = asyncio.create_task(self._make(), name="make the model")

    def adapted(self, settings: Settings) -> Settings:
        """Settings as the endpoint in use needs them, as far as that is known."""
        if settings.endpoint != self._settings.endpoint:
            return settings
        return self._finding.applied(settings) if self._finding else settings

    async def ready(self) -> Model:
        """The model, once there is one; whoever waits may give up without harm.

        Raises: a leaf of `ModelError`.
        """
        if self._making is None or self._is_lost(self._making):
            self.use(self._settings)
        assert self._making is not None
        made = await asyncio.shield(self._making)
        return made.model

    async def close(self) -> None:
        """Returns when every connection is closed and every process gone."""
        self._drop()
        if self._disposing:
            await asyncio.wait(self._disposing)

    def _is_lost(self, making: asyncio.Task[_Made]) -> bool:
        """Whether the model has to be made again, and may be."""
        if not making.done() or making.cancelled():
            return False
        if making.exception() is None:
            return making.result().is_lost
        now_s = asyncio.get_running_loop().time()
        return now_s - self._failed_at_s >= RETRY_PAUSE_S

    def _drop(self) -> None:
        making, self._making = self._making, None
        if making is not None:
            disposing = asyncio.create_task(_dispose(making))
            self._disposing.add(disposing)
            disposing.add_done_callback(self._disposing.discard)

    async def _make(self) -> _Made:
        settings = self._settings
        try:
            if settings.uses_local_model:
                made = await self._make_local(settings)
            else:
                made = await self._make_remote(settings)
        except ModelError as error:
            self._failed_at_s = asyncio.get_running_loop().time()
            self.statuses.put_nowait(of_error(error, datetime.now()))
            raise
        self.statuses.put_nowait(ready(settings.model_name))
        return made

    async def _make_local(self, settings: Settings) -> _Made:
        # Imported here, because a server with an endpoint starts faster without it.
        from foretype import local

        self.statuses.put_nowait(loading(settings.model_name))
        model_path = settings.local.model_path
        # Importing the client takes as long as loading the weights: do both at once.
        importing = asyncio.create_task(asyncio.to_thread(_import_client))
        server = await local.connect(
            local.Wanted(
                model_path=Path(model_path) if model_path else None,
                n_threads=settings.local.n_threads,
                n_ctx_tokens=settings.n_ctx_tokens,
                is_shared=settings.local.shared,
                linger_s=settings.local.linger_s,
            )
        )
        try:
            await importing
            model = await asyncio.to_thread(_local_client, settings.model_name, server)
        except BaseException:
            await server.leave()
            raise
        made = _Made(model, server)
        made.watch = asyncio.create_task(self._watch(made, server))
        return made

    async def _make_remote(self, settings: Settings) -> _Made:
        if problem := settings.endpoint_problem:
            raise ModelError(problem)
        endpoint = settings.endpoint
        key = await api_key(endpoint)
        if endpoint.needs_api_key and not key:
            raise ModelError(
                f"the variable {endpoint.api_key_env} is not set where the editor was "
                f"started from; set it to your key for {endpoint.base_url}, or have "
                "endpoint.api_key_command print it"
            )
        adapted = self.adapted(settings).endpoint
        made = _Made(await asyncio.to_thread(client, adapted, key))
        if self._finding is None and probe.is_due(settings):
            made.watch = asyncio.create_task(self._probe(made, settings, key))
        return made

    async def _probe(self, made: _Made, settings: Settings, key: str) -> None:
        """Finds out once how an endpoint is asked, while it is asked as it is set."""
        model_of = functools.partial(client, api_key=key)
        finding = await probe.look(settings, model_of)
        if finding is None:
            return
        file = probe.default_file()
        await asyncio.to_thread(probe.remember, settings.endpoint, finding, file)
        self._finding = finding
        if finding != Finding():
            log.info("the endpoint is asked otherwise than it is set: %s", finding)
            # The next request makes the client that fits.
            made.is_lost = True

    async def _watch(self, made: _Made, server: local.LocalServer) -> None:
        reason = await server.wait()
        made.is_lost = True
        detail = f"the built-in model ended: {reason}; the next request starts it again"
        self.statuses.put_nowait(Status(Kind.WARNING, "no model", detail))


@dataclass(slots=True)
class _Made:
    """A model with the process behind it, if it has one of its own."""

    model: Model
    server: local.LocalServer | None = None
    watch: asyncio.Task[None] | None = None
    is_lost: bool = False

    async def close(self) -> None:
        if self.watch is not None:
            self.watch.cancel()
        await self.model.close()
        if self.server is not None:
            await self.server.leave()


async def _dispose(making: asyncio.Task[_Made]) -> None:
    making.cancel()
    await asyncio.wait((making,))
    if not making.cancelled() and making.exception() is None:
        await making.result().close()


def _import_client() -> None:
    from foretype import endpoint  # noqa: F401


def _local_client(model_name: str, server: local.LocalServer) -> Model:
    """A client of the built-in model, to which no setting of an endpoint applies."""
    from foretype.completions import CompletionsWire
    from foretype.endpoint import EndpointModel
    from foretype.request import Endpoint

    endpoint = Endpoint(server.base_url, model_name, server.api_key, slots=server)
    return EndpointModel(endpoint, CompletionsWire())


def client(settings: EndpointSettings, api_key: str) -> EndpointModel:
    """A client of the endpoint; half a second in a process that has none yet."""
    from foretype.endpoint import EndpointModel
    from foretype.request import Endpoint
    from foretype.wires import WIRES

    endpoint = Endpoint(settings.base_url, settings.model, api_key, settings=settings)
    return EndpointModel(endpoint, WIRES[settings.wire]())


async def api_key(endpoint: EndpointSettings) -> str:
    """The key from the variable, else from the command; empty where there is neither.

    Raises: ModelError.
    """
    if key := os.environ.get(endpoint.api_key_env, "").strip():
        return key
    if not endpoint.api_key_command:
        return ""
    program = endpoint.api_key_command[0]
    try:
        process = await asyncio.create_subprocess_exec(
            *endpoint.api_key_command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise ModelError(
            f"endpoint.api_key_command cannot run {program!r}: {error.strerror}"
        ) from error
    try:
        async with asyncio.timeout(KEY_COMMAND_TIMEOUT_S):
            printed, _ = await process.communicate()
    except TimeoutError:
        raise ModelError(
            f"endpoint.api_key_command: {program!r} printed no key within "
            f"{KEY_COMMAND_TIMEOUT_S:.0f} s"
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    key = printed.decode(errors="replace").strip()
    if process.returncode or not key:
        raise ModelError(
            f"endpoint.api_key_command: {program!r} printed no key "
            f"(exit status {process.returncode})"
        )
    return key
