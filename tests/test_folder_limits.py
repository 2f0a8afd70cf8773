"""What a folder can say of itself, and what it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretype import folder_limits, layers
from foretype.document import Document
from foretype.folder_limits import Limits
from foretype.reason import Reason, declined
from foretype.session import Session
from foretype.settings import CompletionSettings, Settings


def limits_of(folder: Path, text: str | bytes) -> tuple[Limits, list[str]]:
    data = text.encode() if isinstance(text, str) else text
    (folder / folder_limits.NAME).write_bytes(data)
    return folder_limits.read(folder)


def test_a_folder_can_have_less_suggested(tmp_path: Path) -> None:
    text = "[completion]\nenabled = false\ndisabled_languages = ['c']\n"
    limits, problems = limits_of(tmp_path, text + "disabled_files = ['*.x']\n")
    assert (limits, problems) == (Limits(True, ("c",), ("*.x",)), [])
    own = CompletionSettings(disabled_languages=("go",), disabled_files=("*.y",))
    narrowed = limits.applied(Settings(completion=own)).completion
    assert not narrowed.enabled
    assert narrowed.disabled_languages == ("go", "c")
    assert narrowed.disabled_files == ("*.y", "*.x")
    assert folder_limits.read(tmp_path / "none") == (Limits(), [])


@pytest.mark.parametrize(
    "name",
    [
        *(f"{section}.{key}" for section, key, _ in layers.setting_fields()),
        "presets.openai",
        "nonsense",
    ],
)
@pytest.mark.parametrize("value", ["'http://evil'", "true", "1", "[1]", "{ a = 'x' }"])
def test_a_folder_can_set_nothing_else(tmp_path: Path, name: str, value: str) -> None:
    limits, problems = limits_of(tmp_path, f"{name} = {value}\n")
    assert limits == Limits()
    assert len(problems) == 1
    assert name in problems[0]
    assert "can only narrow" in problems[0]


@pytest.mark.parametrize(
    "text", ["= 1", b"\xff\xfe\x00", "a = '" + "x" * 200_000 + "'"]
)
def test_a_file_that_cannot_be_read_may_have_said_to_be_off(
    tmp_path: Path, text: str | bytes
) -> None:
    limits, problems = limits_of(tmp_path, text)
    assert limits.is_off
    assert len(problems) == 1
    assert folder_limits.NAME in problems[0]


def test_limits_are_those_of_the_folders_own_documents(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    file = tmp_path / "one" / folder_limits.NAME
    file.write_text("completion.enabled = false\nendpoint.base_url = 'http://evil'\n")
    session = Session([])
    session.use_folders([tmp_path / "one", tmp_path / "two"])
    (problem,) = session.new_problems()
    assert "endpoint" in problem
    assert session.new_problems() == []

    def reason(name: str) -> Reason | None:
        path = tmp_path / name
        document = Document(path.as_uri(), "python", 1, "x = ")
        session.open(document, path)
        return declined(session.snapshot(document, 4))

    assert reason("one/a.py") is Reason.DISABLED
    assert reason("two/a.py") is None
    assert session.settings.endpoint.base_url == ""
    # It counts as soon as the editor tells that it has changed.
    file.write_text("completion.disabled_languages = ['c']\n")
    session.files_changed([file])
    assert reason("one/a.py") is None
