"""One place, completed by a server of its own: nothing is left from another place."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from children import running
from diagnosing import diagnostics
from editor import Editor, Server
from places import Outcome, Place
from processes import clean_environment
from tap import MODEL_NAME, Recording, Tap
from variants import N_PREFIX_TOKENS, Variant
from workspace import Scene, Typed, Workspace, uri

from foretype.client import SERVER_COMMAND
from foretype.errors import ForetypeError
from foretype.reason import Reason

# A cold prompt takes seconds, on a busy machine a minute.
ANSWER_TIMEOUT_S = 600.0
# What is gathered in the background is there once the server has done nothing for so
# long: it begins only when a person has been idle for 3 s.
REST_S = 4.0
N_PAUSES = 2
REST_TIMEOUT_S = 120.0
_POLL_S = 0.1
_CAPABILITIES = {
    "general": {"positionEncodings": ["utf-16"]},
    "workspace": {
        "workspaceFolders": True,
        "didChangeWatchedFiles": {"dynamicRegistration": True},
    },
}


async def ask(
    place: Place, scene: Scene, variant: Variant, tap: Tap, workspace: Workspace
) -> Outcome:
    """What an editor shows at a place that was come to by a scene.

    Raises: ForetypeError where the model or the server fails.
    """
    recording = tap.recording(variant.layout(place))
    environment = {
        **clean_environment(str(workspace.home)),
        **_settings(recording),
        **dict(variant.settings),
    }
    root, here = workspace.root, uri(workspace.root, place.path)
    async with running(SERVER_COMMAND, environment) as process:
        server = Server(process)
        reading = asyncio.create_task(server.read(), name="read the server")
        try:
            folders = [{"uri": root.as_uri(), "name": root.name}]
            params = {"workspaceFolders": folders, "capabilities": _CAPABILITIES}
            await server.initialize(params)
            editor = _arrive(server, place, scene, root)
            pauses = process if variant.has_context else None
            if pauses:
                said = await asyncio.to_thread(diagnostics, place)
                shared = {"textDocument": {"uri": here}, "diagnostics": said}
                server.notify("foretype/didDiagnose", shared)
            await _type(editor, scene.keys, pauses)
            answer = await _answer(editor, reading)
            named = {"textDocument": {"uri": here}}
            explained = await server.result("foretype/explain", named)
            await server.shut_down()
        finally:
            reading.cancel()
    tap.check()
    return _outcome(place, editor, answer, explained["message"], recording)


def _settings(recording: Recording) -> Mapping[str, str]:
    """The server's settings, under which it sends what it sends the built-in model."""
    return {
        "FORETYPE_ENDPOINT_BASE_URL": recording.base_url,
        "FORETYPE_ENDPOINT_MODEL": MODEL_NAME,
        "FORETYPE_ENDPOINT_PROBE": "false",
        "FORETYPE_ENDPOINT_TIMEOUT_MS": str(round(1000 * ANSWER_TIMEOUT_S)),
        "FORETYPE_COMPLETION_ASK_AHEAD": "false",
        "FORETYPE_COMPLETION_PREFIX_TOKENS": str(N_PREFIX_TOKENS),
        "FORETYPE_STATS_ENABLED": "false",
    }


def _arrive(server: Server, place: Place, scene: Scene, root: Path) -> Editor:
    """Opens what is open, types what is typed elsewhere, and turns to the place."""
    n_keys_chars = sum(map(len, scene.keys))
    start = len(place.before) - n_keys_chars
    texts = {**scene.opened, place.path: place.before[:start] + place.after}
    typed = scene.elsewhere
    if typed and typed.path == place.path:
        # It stands behind what is not typed yet.
        typed = Typed(typed.path, typed.start - n_keys_chars, typed.text)
    editors = {}
    for path, text in texts.items():
        if typed and typed.path == path:
            text = text[: typed.start] + text[typed.start + len(typed.text) :]
        named = uri(root, path)
        editors[path] = Editor(server, named, place.language_id, text, start)
        editors[path].open()
    if typed:
        for idx, char in enumerate(typed.text):
            at = typed.start + idx
            editors[typed.path].change([(at, at, char)], at + 1)
    editor = editors[place.path]
    editor.cursor = start
    server.notify(
        "textDocument/didFocus", {"textDocument": {"uri": uri(root, place.path)}}
    )
    return editor


async def _type(editor: Editor, keys: Sequence[str], pauses: Process | None) -> None:
    """Types up to the cursor, with a pause before each of the last two keys, if any.

    What the server learns it wants in the first one is there after the second.
    """
    for n_left, key in zip(range(len(keys), 0, -1), keys, strict=True):
        if pauses and n_left <= N_PAUSES:
            await _rest(pauses)
        at = editor.cursor
        editor.change([(at, at, key)], at + len(key))


async def _rest(process: Process) -> None:
    """Returns when the server and what it has started have nothing left to do."""
    async with asyncio.timeout(REST_TIMEOUT_S):
        used_s, n_still = -1.0, 0
        while n_still * _POLL_S < REST_S:
            await asyncio.sleep(_POLL_S)
            now_s = _used_s(process.pid)
            n_still = n_still + 1 if now_s == used_s else 0
            used_s = now_s


def _used_s(pid: int) -> float:
    """The CPU time of a process and all that it has started."""
    parent = psutil.Process(pid)
    used_s = 0.0
    for process in (parent, *parent.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            # It has ended meanwhile.
            continue
        used_s += times.user + times.system
    return used_s


async def _answer(editor: Editor, reading: asyncio.Task[None]) -> dict[str, Any]:
    """The server's answer to a request for what belongs at the cursor."""
    answered: asyncio.Future[dict[str, Any]] = (
        asyncio.get_running_loop().create_future()
    )
    editor.ask(answered.set_result)
    await asyncio.wait(
        (answered, reading), timeout=ANSWER_TIMEOUT_S, return_when="FIRST_COMPLETED"
    )
    if not answered.done():
        ended = "ended" if reading.done() else "has taken too long"
        raise ForetypeError(f"the server {ended} before it answered")
    return answered.result()


def _outcome(
    place: Place,
    editor: Editor,
    answer: Mapping[str, Any],
    said: str,
    recording: Recording,
) -> Outcome:
    items = (answer.get("result") or {}).get("items", ())
    item = editor.drawn(items[0]) if items else None
    return Outcome(
        place=place,
        shown=editor.ghost(item),
        n_covered_chars=item.n_after if item else 0,
        said=said.partition(": ")[2].partition("\n")[0],
        reason=next((r.name for r in Reason if r.says in said), ""),
        prompt=recording.prompt,
        written=_from_the_cursor(place, recording),
    )


def _from_the_cursor(place: Place, recording: Recording) -> str:
    """What the model wrote behind the cursor.

    A prompt may end before the spaces that stand before the cursor.
    """
    line = place.line_prefix
    content = line.rstrip(" ")
    if recording.asked.endswith(line) or not recording.asked.endswith(content):
        return recording.written
    return recording.written.removeprefix(line[len(content) :])
