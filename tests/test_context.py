"""Text from elsewhere: what is gathered, and when it reaches a prompt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from foretype import context, prompt, session
from foretype.context import Context, Problem
from foretype.document import Document, Snapshot
from foretype.exclusions import Exclusions
from foretype.layers import Layer
from foretype.session import Session
from foretype.settings import CompletionSettings, ContextSettings, Settings
from foretype.snippet import Snippet
from scripted import Script, ScriptedModel, ScriptedSupplier

AREAS = "def area(radius):\n    return radius * radius * 3\n"
VOLUMES = "def volume(radius):\n    return area(radius) * radius\n"


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Workspace:
    """Open documents in a folder, and what their prompts are told."""

    def __init__(self, folder: Path, **wanted: Any) -> None:
        self.folder = folder
        self.context = Context()
        self.settings = Settings(context=ContextSettings(**wanted))
        self.context.use_folders([folder], Exclusions([folder]))

    def open(self, name: str, text: str, language: str = "python") -> Document:
        path = self.folder / name
        document = Document(path.as_uri(), language, 1, text)
        self.context.open(document, path)
        return document

    def snapshot(self, document: Document, offset: int = -1) -> Snapshot:
        at = document.n_chars if offset < 0 else offset
        view = prompt.view(self.settings, 3.3)
        return document.snapshot(at, self.settings, view)

    def gather(
        self, document: Document, offset: int = -1, most_chars: int = 5_000
    ) -> list[Snippet]:
        snapshot = self.snapshot(document, offset)
        asyncio.run(self.context.gather(snapshot, most_chars))
        return list(self.context.snippets(document.uri))


def test_what_is_like_the_place_comes_from_other_open_files(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, similar=True)
    workspace.open("lib/areas.py", AREAS)
    workspace.open("other.py", "import os\n\nprint(os.name)\n")
    main = workspace.open("main.py", VOLUMES)
    assert workspace.gather(main) == [Snippet("lib/areas.py", AREAS.rstrip())]


def test_what_is_in_the_view_already_is_not_told_again(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, similar=True)
    workspace.open("areas.py", AREAS)
    main = workspace.open("main.py", AREAS + VOLUMES)
    assert workspace.gather(main) == []


def test_what_may_not_be_sent_is_not_told(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, similar=True)
    withheld = workspace.open("a.py", AREAS)
    withheld.withheld = "listed in .foretypeignore"
    workspace.open("b.py", AREAS, "plaintext")
    main = workspace.open("main.py", VOLUMES)
    completion = CompletionSettings(disabled_languages=("plaintext",))
    workspace.settings = Settings(
        completion=completion, context=workspace.settings.context
    )
    assert workspace.gather(main) == []
    withheld.withheld = ""
    assert len(workspace.gather(main)) == 1
    # Closed, or withheld from now on, it is told no more.
    workspace.context.close_document(withheld.uri)
    assert workspace.gather(main) == []


def test_a_counterpart_is_told_whether_or_not_it_is_open(tmp_path: Path) -> None:
    tests = "def test_volume():\n    assert volume(1) == 3\n"
    (tmp_path / "test_main.py").write_text(tests, "utf-8")
    (tmp_path / "main.py").write_text(VOLUMES, "utf-8")
    workspace = Workspace(tmp_path, counterpart=True)
    main = workspace.open("main.py", VOLUMES)
    told = [Snippet("test_main.py", tests.rstrip())]
    assert workspace.gather(main) == told
    edited = workspace.open("test_main.py", tests.replace("3", "4"))
    assert "== 4" in workspace.gather(main)[0].text
    assert [s.name for s in workspace.gather(edited)] == ["main.py"]
    (tmp_path / ".foretypeignore").write_text("test_main.py\n", "utf-8")
    hidden = Workspace(tmp_path, counterpart=True)
    assert hidden.gather(hidden.open("main.py", VOLUMES)) == []


def test_the_cells_of_a_notebook_know_each_other() -> None:
    workspace = Workspace(Path("/none"), cells=True)
    scheme = "vscode-notebook-cell:/w/a.ipynb"
    texts = ["import math", "r = 2", "x = r", "y = x"]
    cells = [
        Document(f"{scheme}#W{idx}", "python", 1, text)
        for idx, text in enumerate(texts)
    ]
    other = Document("vscode-notebook-cell:/w/b.ipynb#W0", "python", 1, "other = 1")
    for document in (*cells, other):
        workspace.context.open(document, None)
    assert [s.text for s in workspace.gather(cells[2])] == [
        "import math",
        "r = 2",
        "y = x",
    ]
    # Where there is no room for all, it is the last ones that are told.
    assert [s.text for s in workspace.gather(cells[3], most_chars=22)] == [
        "r = 2",
        "x = r",
    ]


def test_what_is_wrong_near_the_cursor_is_told(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, diagnostics=True)
    main = workspace.open("main.py", "import a\n" + "\n" * 9 + "x = volum(1)\n")
    workspace.context.diagnosed(
        main.uri,
        [Problem(0, "far away"), Problem(10, "no such name"), Problem(99, "gone")],
    )
    assert workspace.gather(main) == [
        Snippet("problems", "x = volum(1): no such name", is_code=False)
    ]
    workspace.context.diagnosed(main.uri, [])
    assert workspace.gather(main) == []


def test_each_source_leaves_room_for_others_and_the_last_is_the_nearest(
    tmp_path: Path,
) -> None:
    (tmp_path / "test_main.py").write_text("def test_volume():\n" + "    area = 1\n")
    workspace = Workspace(
        tmp_path, similar=True, counterpart=True, recent_edits=True, diagnostics=True
    )
    areas = workspace.open("areas.py", AREAS)
    workspace.context.edited(areas, [areas.replace(4, 8, "surface")])
    main = workspace.open("main.py", VOLUMES)
    workspace.context.diagnosed(main.uri, [Problem(1, "area is not defined")])
    names = ["test_main.py", "areas.py", "recent_changes.diff", "problems"]
    assert [s.name for s in workspace.gather(main)] == names
    for most_chars in range(0, 800, 40):
        told = workspace.gather(main, most_chars=most_chars)
        assert sum(len(snippet.text) for snippet in told) <= most_chars
        assert [s.name for s in told] == [
            name for name in names if name in {s.name for s in told}
        ]


def test_it_is_known_whether_there_is_anything_new(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, similar=True)
    areas = workspace.open("areas.py", AREAS)
    main = workspace.open("main.py", VOLUMES)
    gather = workspace.context.gather

    def is_new() -> bool:
        return asyncio.run(gather(workspace.snapshot(main), 5_000))

    assert is_new()
    assert not is_new()
    areas.replace(4, 8, "area_of_circle")
    assert is_new()


def test_a_prompt_is_told_what_was_gathered_in_a_pause_until_the_next_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(session, "PAUSE_S", 0.05)
    model = ScriptedModel([Script(["1"])])
    layer = Layer(
        "test",
        {
            "endpoint": {
                "base_url": "http://127.0.0.1/v1",
                "model": "m",
                "template": "qwen",
            },
            "completion": {"ask_ahead": False},
            "context": {"similar": True},
        },
    )

    async def play() -> None:
        it = Session([layer], (), ScriptedSupplier(model))
        it.use_settings()
        it.use_folders([tmp_path])
        areas, main = (
            Document((tmp_path / name).as_uri(), "python", 1, text)
            for name, text in (("areas.py", AREAS), ("main.py", VOLUMES))
        )
        it.open(areas, tmp_path / "areas.py")
        it.open(main, tmp_path / "main.py")

        async def told(key: str) -> bool:
            made = main.replace(main.n_chars, main.n_chars, key)
            it.edited(main, [made])
            await it.complete(it.snapshot(main, main.n_chars))
            return "<|file_sep|>areas.py" in model.streams[-1].prompt.text

        assert not await told("x = area(")
        await until(lambda: bool(it.context.snippets(main.uri)))
        # With a cache of one's own, it is read before the next key.
        await until(lambda: "<|file_sep|>areas.py" in model.evaluated[-1].text)
        areas.replace(0, areas.n_chars, "")
        # What is told stays the same while a person types.
        assert await told("2\ny = area(")
        await until(lambda: not it.context.snippets(main.uri))
        assert not await told("3\nz = area(")
        it.configure(Layer("test", {**layer.values, "context": {}}))
        it.use_settings()
        await it.close()

    asyncio.run(play())


def test_a_name_is_told_from_the_folder_of_the_workspace_on() -> None:
    folders = [Path("/w/one"), Path("/w/two")]
    assert context.named(Path("/w/two/lib/a.py"), folders) == "lib/a.py"
    assert context.named(Path("/elsewhere/a.py"), folders) == "a.py"
