"""The person of the demo, and the editor in front of them: types, waits, accepts.

The editor's side is what any editor does: it tells the server each change and asks for
a completion, draws it as ghost text, and drops it once something else is typed.
"""

from __future__ import annotations

import asyncio
import random
from asyncio import TaskGroup
from collections.abc import Callable
from math import log
from pathlib import PurePosixPath
from time import perf_counter_ns
from typing import Any

from rich.console import RenderableType
from rich.syntax import Syntax

from foretype import picture, screen
from foretype.client import Client
from foretype.errors import ForetypeError
from foretype.screen import Screen, Tally

# The median gap between two keys of people who write code, and how far the gaps spread
# around it where nobody stops to think (sigma of a lognormal distribution).
KEY_GAP_MS = 144
KEY_GAP_SPREAD = 0.35
# A person looks at a file before typing; the server evaluates it meanwhile.
LOOKING_S = 3.0
# The start of a line is where people do stop.
THINKING_MS = 1300
# Whoever has seen a good completion for so long, typing on meanwhile,
READING_MS = 450
# stops, and takes so long to press Tab.
DECIDING_MS = 800
# Nobody wants to watch for longer than this.
SESSION_S = 35.0
# One key in so many is a wrong one, which is taken back.
KEYS_PER_TYPO = 30
TYPO = "q"
# Drawing waits so long for the answer to a key: a display shows no more in between.
FRAME_MS = 16
# LSP's InlineCompletionTriggerKind of a request that comes with a key.
AUTOMATIC = 2


class Typist:
    """Types the middle of a text; `show` is given each picture."""

    def __init__(
        self, name: str, text: str, show: Callable[[RenderableType], None]
    ) -> None:
        before, self._future, after = screen.cut(text)
        self._screen = Screen(before, after)
        self._name = name
        self._language = Syntax.guess_lexer(name, text)
        # Only a name: the server reads no file.
        self._uri = PurePosixPath("/demo", name).as_uri()
        self._version = 0
        # What the editor runs once the ghost text is accepted.
        self._command: dict[str, Any] = {}
        self._status = "starting the server"
        self._show = show
        # Seeded, so that every session is typed the same way.
        self._random = random.Random(0)
        self.tally = Tally()
        self._best_screen = self._screen
        self._best_score = (0, 0)

    async def play(self, client: Client) -> None:
        """Types, through a server that has just been started, until nothing is left.

        Raises: ForetypeError, alone or in an ExceptionGroup.
        """
        self._client = client
        await self._open()
        await asyncio.sleep(LOOKING_S)
        # However slow the machine, nobody types before there has been one answer.
        await self._ask()
        loop = asyncio.get_running_loop()
        end_s = loop.time() + SESSION_S
        read_ms = 0.0
        async with TaskGroup() as tasks:
            while self._future and loop.time() < end_s:
                await self._read_notifications()
                gap_ms = self._gap_ms()
                await self._ask_and_wait(tasks, gap_ms)
                is_right = bool(self._screen.acceptable(self._future))
                read_ms = read_ms + gap_ms if is_right else 0.0
                if read_ms >= READING_MS:
                    await self._accept(tasks)
                    read_ms = 0.0
                elif self.tally.n_keys % KEYS_PER_TYPO == KEYS_PER_TYPO - 1:
                    self._edit(0, TYPO)
                    await self._ask_and_wait(tasks, self._gap_ms())
                    self._edit(1, "")
                else:
                    self._type(screen.next_key(self._future))
            self._draw()

    def best_picture(self) -> RenderableType:
        """The screen with the most to accept, with the numbers of the whole session."""
        return self._picture(self._best_screen)

    async def _open(self) -> None:
        """Opens the document, and waits for the model."""
        self._draw()
        await self._client.initialize()
        document = {
            "uri": self._uri,
            "languageId": self._language,
            "version": self._version,
            "text": self._screen.before + self._screen.after,
        }
        self._client.notify("textDocument/didOpen", {"textDocument": document})
        is_ready = False
        while not is_ready:
            is_ready = self._receive(*await self._client.notification())
            self._draw()

    async def _read_notifications(self) -> None:
        while self._client.has_notifications:
            self._receive(*await self._client.notification())

    def _receive(self, method: str, params: Any) -> bool:
        """Takes in a notification; whether it says that the model is ready."""
        if method != "didChangeStatus":
            return False
        if params["kind"] == "Error":
            raise ForetypeError(params["message"])
        self._status = params["message"]
        return params["kind"] == "Normal" and not params["busy"]

    def _type(self, key: str) -> None:
        self._edit(0, key)
        self._future = self._future[len(key) :]
        self.tally.n_chars += len(key)

    async def _accept(self, tasks: TaskGroup) -> None:
        """Reads what is there to its end, and presses Tab."""
        await asyncio.sleep(DECIDING_MS / 1000)
        accepted = self._screen.acceptable(self._future)
        if not accepted:
            # A late answer has replaced what was read.
            return
        is_all = accepted == self._screen.ghost
        self._type(accepted)
        self.tally.n_accepted_chars += len(accepted)
        if is_all:
            # Like VS Code, which says nothing of a line accepted out of several.
            params = {k: v for k, v in self._command.items() if k != "title"}
            tasks.create_task(self._client.request("workspace/executeCommand", params))

    def _edit(self, n_erased: int, text: str) -> None:
        """One key: changes the text before the cursor, and tells the server."""
        end = self._screen.position
        if n_erased:
            self._screen = self._screen.erased(n_erased)
        start = self._screen.position
        self._screen = self._screen.typed(text)
        self._version += 1
        self.tally.n_keys += 1
        change = {"range": {"start": start, "end": end}, "text": text}
        document = {"uri": self._uri, "version": self._version}
        params = {"textDocument": document, "contentChanges": [change]}
        self._client.notify("textDocument/didChange", params)

    def _gap_ms(self) -> float:
        """How long the next key is waited for."""
        line_prefix = self._screen.before.rpartition("\n")[2]
        if not line_prefix.strip() and not self._future.startswith("\n"):
            return THINKING_MS
        return self._random.lognormvariate(log(KEY_GAP_MS), KEY_GAP_SPREAD)

    async def _ask_and_wait(self, tasks: TaskGroup, gap_ms: float) -> None:
        """Asks for a completion and draws what comes, until the next key is due."""
        loop = asyncio.get_running_loop()
        due_s = loop.time() + gap_ms / 1000
        asking = tasks.create_task(self._ask())
        await asyncio.wait((asking,), timeout=FRAME_MS / 1000)
        self._draw()
        if not asking.done():
            await asyncio.wait((asking,), timeout=due_s - loop.time())
            self._draw()
        await asyncio.sleep(due_s - loop.time())

    async def _ask(self) -> None:
        """Shows the completion at the cursor, if there is one before the next key."""
        asked = self._screen
        params = {
            "textDocument": {"uri": self._uri},
            "position": asked.position,
            "context": {"triggerKind": AUTOMATIC},
        }
        self.tally.n_requests += 1
        asked_ns = perf_counter_ns()
        result = await self._client.request("textDocument/inlineCompletion", params)
        ms = (perf_counter_ns() - asked_ns) / 1e6
        if self._screen is not asked:
            self.tally.n_overtaken += 1
            return
        items = result["items"] if result else []
        ghost = items[0]["insertText"] if items else ""
        self._command = items[0]["command"] if items else {}
        self._screen = asked.suggested(ghost)
        if ghost:
            self.tally.times_ms[screen.origin(asked.ghost, ghost, ms)].append(ms)

    def _draw(self) -> None:
        self._show(self._picture(self._screen))
        # The longest that is right; what is wrong behind it was on the screen as well.
        right = self._screen.acceptable(self._future)
        score = (len(right), len(self._screen.ghost))
        if score > self._best_score:
            self._best_score, self._best_screen = score, self._screen

    def _picture(self, shown: Screen) -> RenderableType:
        return picture.draw(
            shown,
            self.tally,
            name=self._name,
            language=self._language,
            hint="Tab to accept" if shown.ghost else "",
            status=self._status,
        )
