"""Suggestions in lists, for an editor that behaves as Helix does.

Helix asks for a list when a trigger character was typed and else after a word's second
letter, asks again at every key while the list is incomplete, leaves out what the typed
word does not match, puts the text back to where it asked, applies the entry's edit, and
runs no command of it (helix-term/src/handlers/completion and ui/completion.rs).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from endpoint_thread import after
from fake_endpoint import Answer, FakeEndpoint
from foretype.client import Client
from foretype.stats import Counted
from foretype.stats_store import Store

pytestmark = pytest.mark.asyncio

URI = "file:///home/me/area.py"
MIN_WORD_CHARS = 2
INVOKED, TRIGGER_CHARACTER, INCOMPLETE = 1, 2, 3
# What languages.toml has under `[language-server.foretype.config]`.
CONFIG = {"editor": {"popup": True}}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of a user who has set nothing, for the server's process."""
    for name in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest_asyncio.fixture
async def endpoint(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint() as endpoint:
        monkeypatch.setenv("FORETYPE_ENDPOINT_BASE_URL", endpoint.base_url)
        monkeypatch.setenv("FORETYPE_ENDPOINT_MODEL", "qwen2.5-coder")
        monkeypatch.setenv("FORETYPE_COMPLETION_ASK_AHEAD", "false")
        yield endpoint


class Helix:
    """One document, in insert mode at its end or where `█` is."""

    def __init__(self, client: Client, config: Any = CONFIG) -> None:
        self._client = client
        self._config = config
        self._triggers: list[str] = []
        self._version = 1
        self._is_incomplete = False
        self.entries: list[Any] = []
        """What the list shows for the word that is typed."""

    async def open(self, drawing: str) -> None:
        before, _, self._after = drawing.partition("█")
        self._before = before
        capabilities = {
            "general": {"positionEncodings": ["utf-8", "utf-32", "utf-16"]},
            "workspace": {"configuration": True},
            "textDocument": {"completion": {"completionItem": {}}},
        }
        result = await self._client.request(
            "initialize",
            {
                "processId": None,
                "clientInfo": {"name": "helix", "version": "25.07"},
                "rootUri": None,
                "initializationOptions": self._config,
                "capabilities": capabilities,
            },
        )
        self.capabilities = result["capabilities"]
        provider = self.capabilities.get("completionProvider") or {}
        self._triggers = provider.get("triggerCharacters", [])
        self._client.notify("initialized", {})
        document = {
            "uri": URI,
            "languageId": "python",
            "version": 1,
            "text": self.text,
        }
        self._client.notify("textDocument/didOpen", {"textDocument": document})

    @property
    def text(self) -> str:
        return self._before + self._after

    async def type(self, text: str) -> None:
        for char in text:
            self._replace(0, char)
            if self._is_incomplete and self.entries:
                await self._ask({"triggerKind": INCOMPLETE})
            elif char in self._triggers:
                trigger = {"triggerKind": TRIGGER_CHARACTER, "triggerCharacter": char}
                await self._ask(trigger)
            elif len(self._word()) >= MIN_WORD_CHARS:
                await self._ask({"triggerKind": INVOKED})

    async def choose(self) -> None:
        """Takes the first entry; its command is not run."""
        edit = self.entries[0]["textEdit"]
        start, end = edit["range"]["start"], edit["range"]["end"]
        line = self._before.rpartition("\n")[2].encode()
        assert start["line"] == end["line"] == self._before.count("\n")
        assert end["character"] == len(line)
        n_chars = len(line[start["character"] :].decode())
        self._replace(n_chars, edit["newText"])
        self.entries = []

    def _word(self) -> str:
        line = self._before.rpartition("\n")[2]
        n_chars = 0
        while n_chars < len(line) and (line[-n_chars - 1].isalnum()):
            n_chars += 1
        return line[len(line) - n_chars :]

    async def _ask(self, context: dict[str, Any]) -> None:
        result = await self._client.request(
            "textDocument/completion",
            {
                "textDocument": {"uri": URI},
                "position": self._position(self._before),
                "context": context,
            },
        )
        # A list that was overtaken leaves the one on the screen as it is.
        if result is None:
            return
        self._is_incomplete = result["isIncomplete"]
        matching = [i for i in result["items"] if _matches(self._word(), i)]
        self.entries = sorted(matching, key=lambda i: i.get("sortText", i["label"]))

    def _replace(self, n_chars: int, text: str) -> None:
        """Replaces what is before the cursor, and tells the server."""
        start = self._before[: len(self._before) - n_chars]
        where = {
            "start": self._position(start),
            "end": self._position(self._before),
        }
        self._before = start + text
        self._version += 1
        self._client.notify(
            "textDocument/didChange",
            {
                "textDocument": {"uri": URI, "version": self._version},
                "contentChanges": [{"range": where, "text": text}],
            },
        )

    def _position(self, before: str) -> dict[str, int]:
        line = before.rpartition("\n")[2]
        return {"line": before.count("\n"), "character": len(line.encode())}


def _matches(word: str, item: Any) -> bool:
    """Whether the letters of a word are in an entry, in order."""
    letters = iter(item.get("filterText", item["label"]).lower())
    return all(letter in letters for letter in word.lower())


async def test_a_word_is_completed(endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"return ma": "th.pi * r ** 2\n"})
    async with Client() as client:
        helix = Helix(client)
        await helix.open("def area(r):\n    return █\n")
        await helix.type("m")
        await helix.type("a")
        (entry,) = helix.entries
        assert entry["label"] == "math.pi * r ** 2"
        assert entry["detail"] == "Foretype"
        await helix.choose()
        assert helix.text == "def area(r):\n    return math.pi * r ** 2\n"


async def test_the_list_is_asked_for_again_at_every_key(endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"return ": "math.pi * r\n"})
    async with Client() as client:
        helix = Helix(client)
        await helix.open("def area(r):\n    return█\n")
        await helix.type(" ")
        assert [e["label"] for e in helix.entries] == ["math.pi * r"]
        await helix.type("mat")
        # The word that is typed is a part of the entry, and is replaced by it.
        assert [e["label"] for e in helix.entries] == ["math.pi * r"]
        await helix.type("h.p")
        assert [e["label"] for e in helix.entries] == ["pi * r"]
        await helix.choose()
        assert helix.text == "def area(r):\n    return math.pi * r\n"
        assert len(endpoint.requests) == 1


async def test_inside_of_brackets(endpoint: FakeEndpoint) -> None:
    endpoint.default = after({"print(": "値 + 1)\n"})
    async with Client() as client:
        helix = Helix(client)
        await helix.open("値 = 2; print█)\n")
        await helix.type("(")
        await helix.choose()
        assert helix.text == "値 = 2; print(値 + 1)\n"


async def test_a_block_is_one_entry(endpoint: FakeEndpoint) -> None:
    endpoint.default = Answer(("    if a:\n", "        return a\n"))
    async with Client() as client:
        helix = Helix(client)
        await helix.open("def f(a)█\n")
        await helix.type(":\n")
        (entry,) = helix.entries
        assert entry["label"] == "if a:"
        await helix.choose()
        assert helix.text == "def f(a):\n    if a:\n        return a\n"


async def test_what_was_chosen_counts_as_accepted(
    endpoint: FakeEndpoint, home: Path
) -> None:
    endpoint.default = after({"return ": "math.pi * r\n"})
    async with Client() as client:
        helix = Helix(client)
        await helix.open("def area(r):\n    return█\n")
        await helix.type(" ")
        await helix.choose()
    rows = Store(home / "state" / "foretype" / "stats.sqlite3").read()
    assert [row.n for row in rows.counts if row.name == Counted.ACCEPTED.value] == [1]


async def test_without_the_setting_there_is_no_list() -> None:
    async with Client() as client:
        helix = Helix(client, {})
        await helix.open("a = █")
        assert "completionProvider" not in helix.capabilities


async def test_an_endpoint_that_refuses_is_an_empty_list(
    endpoint: FakeEndpoint,
) -> None:
    endpoint.default = Answer(status=500)
    async with Client() as client:
        helix = Helix(client)
        await helix.open("a =█")
        await helix.type(" 1 + 2")
        assert helix.entries == []
