"""Every typing session in `sessions/` goes as it is written there."""

from __future__ import annotations

from pathlib import Path

import pytest

import typing_session
import virtual_time

SESSIONS = sorted((Path(__file__).parent / "sessions").glob("*.txt"))


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_session(path: Path, update_golden: bool) -> None:
    golden = path.read_text("utf-8")
    played = virtual_time.run(typing_session.play(golden))
    if update_golden:
        path.write_text(played, "utf-8")
    assert played == path.read_text("utf-8")
    assert "= streams running: 0" in played
