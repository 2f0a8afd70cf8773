"""What never leaves the machine, seen from the endpoint that the real server asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from fake_endpoint import Answer, FakeEndpoint
from foretype.client import Client
from foretype.session import PAUSE_S
from test_secrets import KEYS, key_block


@pytest_asyncio.fixture
async def endpoint() -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint(Answer(("total",))) as endpoint:
        yield endpoint


class Editor:
    """Opens documents of a workspace, and asks at the end of a line."""

    def __init__(self, client: Client, folder: Path) -> None:
        self._client = client
        self._folder = folder

    async def initialize(self) -> None:
        watched = {"dynamicRegistration": True}
        capabilities = {
            "general": {"positionEncodings": ["utf-8"]},
            "workspace": {"configuration": True, "didChangeWatchedFiles": watched},
        }
        folder = {"uri": self._folder.as_uri(), "name": "w"}
        await self._client.request(
            "initialize",
            {
                "processId": None,
                "rootUri": None,
                "workspaceFolders": [folder],
                "capabilities": capabilities,
            },
        )
        self._client.notify("initialized", {})
        while (await self._client.notification())[0] != "didChangeStatus":
            pass

    def open(self, name: str, text: str) -> None:
        document = {
            "uri": self.uri(name),
            "languageId": "python",
            "version": 1,
            "text": text,
        }
        self._client.notify("textDocument/didOpen", {"textDocument": document})

    def type(self, name: str, line: int, text: str) -> None:
        """Puts a text before a line."""
        place = {"line": line, "character": 0}
        change = {"range": {"start": place, "end": place}, "text": text}
        self._client.notify(
            "textDocument/didChange",
            {
                "textDocument": {"uri": self.uri(name), "version": 2},
                "contentChanges": [change],
            },
        )

    def changed(self, name: str) -> None:
        """Tells that a file on the disk is another one."""
        change = {"uri": self.uri(name), "type": 2}
        self._client.notify("workspace/didChangeWatchedFiles", {"changes": [change]})

    async def ask(self, name: str, line: int, character: int) -> Any:
        answer = await self._client.request(
            "textDocument/inlineCompletion",
            {
                "textDocument": {"uri": self.uri(name)},
                "position": {"line": line, "character": character},
                "context": {"triggerKind": 2},
            },
        )
        return answer["items"]

    async def explanation(self, name: str) -> str:
        answer = await self._client.request(
            "foretype/explain", {"textDocument": {"uri": self.uri(name)}}
        )
        message: str = answer["message"]
        return message

    def uri(self, name: str) -> str:
        return (self._folder / name).as_uri()


def settings_for(endpoint: FakeEndpoint) -> dict[str, Any]:
    return {
        "endpoint": {
            "baseUrl": endpoint.base_url,
            "model": "m",
            "template": "suffix",
        },
        "completion": {"askAhead": False},
    }


@pytest.mark.asyncio
async def test_no_secret_is_in_a_prompt(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    async with Client(settings=settings_for(endpoint)) as client:
        editor = Editor(client, tmp_path)
        await editor.initialize()
        for idx, key in enumerate(KEYS.values()):
            text = f'before = "{key}"\nx = \nafter = ["{key}"]\n'
            editor.open(f"{idx}.py", text)
            assert len(await editor.ask(f"{idx}.py", 1, 4)) == 1
        block = key_block()
        editor.open("block.py", "\n".join([*block, "x = ", *block, ""]))
        assert len(await editor.ask("block.py", len(block), 4)) == 1
    sent = [r.body["prompt"] + r.body["suffix"] for r in endpoint.requests]
    assert len(sent) == len(KEYS) + 1
    for body, key in zip(sent, KEYS.values(), strict=False):
        assert key not in body
        assert body.count("*" * 8) >= 2
        assert "before = " in body
        assert "after = " in body
    assert not [line for line in block[1:-1] if line in sent[-1]]


@pytest.mark.asyncio
async def test_no_secret_is_in_text_from_elsewhere(
    endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    """What open files and files of the workspace say of the names at the cursor."""
    body = "def volume_of_spheres(radius):\n    return radius * 3\n\n\n"
    keys = "".join(f'sphere_{idx} = "{key}"\n' for idx, key in enumerate(KEYS.values()))
    block = "\n".join(key_block())
    for name in ("shapes.py", "ignored.py", "hidden.py", "sub/.env"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        marked = body.replace("radius", f"radius_in_{Path(name).stem.strip('.')}")
        (tmp_path / name).write_text(marked + keys + block, "utf-8")
    (tmp_path / ".gitignore").write_text("ignored.py\n", "utf-8")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".foretypeignore").write_text("hidden.py\n", "utf-8")
    tests = "def test_volume_of_spheres():\n    assert volume_of_spheres(2) == 6\n"
    (tmp_path / "test_main.py").write_text(
        tests + keys.replace("sphere_", "tested_"), "utf-8"
    )

    settings = settings_for(endpoint)
    settings["context"] = dict.fromkeys(
        ("similar", "definitions", "counterpart", "recentEdits", "cells"), True
    )
    settings["context"]["maxTokens"] = 50_000
    async with Client(settings=settings) as client:
        editor = Editor(client, tmp_path)
        await editor.initialize()
        for name in ("shapes.py", "ignored.py", "hidden.py", "sub/.env"):
            editor.open(name, (tmp_path / name).read_text("utf-8"))
        text = "from shapes import volume_of_spheres\n\n"
        text += "x = volume_of_spheres()\n" * 2
        editor.open("main.py", text)
        prompt = ""
        # It is gathered in the first pause, and again whenever the index has grown.
        while "def test_volume_of_spheres" not in prompt or (
            "def volume_of_spheres(radius_in_shapes)" not in prompt
        ):
            await asyncio.sleep(PAUSE_S + 0.5)
            # Another line each time, which nothing that is known fits.
            line = f"y_{len(endpoint.requests)} = volume_of_spheres("
            editor.type("main.py", 2, f"{line})\n")
            assert len(await editor.ask("main.py", 2, len(line))) == 1
            prompt = endpoint.requests[-1].body["prompt"]
        assert "characters (" in await editor.explanation("main.py")
    sent = "".join(r.body["prompt"] for r in endpoint.requests)
    for key in KEYS.values():
        assert key not in sent
    assert not [line for line in key_block()[1:-1] if line in sent]
    for name in ("ignored", "hidden", "env"):
        assert f"radius_in_{name}" not in sent
    assert "radius_in_shapes" in sent


@pytest.mark.asyncio
async def test_nothing_of_a_file_that_holds_keys_is_sent(
    endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    async with Client(settings=settings_for(endpoint)) as client:
        editor = Editor(client, tmp_path)
        await editor.initialize()
        for name in (".env", "id_rsa", "server.pem", "prod.tfstate"):
            editor.open(name, "NAME=")
            assert await editor.ask(name, 0, 5) == []
            assert "the file holds keys" in await editor.explanation(name)
        editor.open("main.py", "NAME=")
        assert len(await editor.ask("main.py", 0, 5)) == 1
    assert len(endpoint.requests) == 1


@pytest.mark.asyncio
async def test_what_a_person_lists_is_not_sent_until_it_is_listed_no_more(
    endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    listed = tmp_path / ".foretypeignore"
    listed.write_text("private/\n", "utf-8")
    (tmp_path / "private").mkdir()
    async with Client(settings=settings_for(endpoint)) as client:
        editor = Editor(client, tmp_path)
        await editor.initialize()
        editor.open("private/a.py", "x = ")
        assert await editor.ask("private/a.py", 0, 4) == []
        assert ".foretypeignore" in await editor.explanation("private/a.py")
        assert endpoint.requests == []

        listed.write_text("", "utf-8")
        editor.changed(".foretypeignore")
        assert len(await editor.ask("private/a.py", 0, 4)) == 1


@pytest.mark.asyncio
async def test_the_cells_of_a_notebook_are_sent_as_little_as_it(
    endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    (tmp_path / ".foretypeignore").write_text("*.ipynb\n", "utf-8")
    async with Client(settings=settings_for(endpoint)) as client:
        editor = Cells(client, tmp_path)
        await editor.initialize()
        editor.open("private.ipynb", "x = ")
        assert await editor.ask("private.ipynb", 0, 4) == []
        assert endpoint.requests == []
        editor.open("other.py", "x = ")
        assert len(await editor.ask("other.py", 0, 4)) == 1


class Cells(Editor):
    """Names documents as VS Code names the first cell of a notebook."""

    def uri(self, name: str) -> str:
        path = super().uri(name).removeprefix("file://")
        return f"vscode-notebook-cell:{path}#W0sZmlsZQ%3D%3D"
