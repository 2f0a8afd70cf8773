"""The file that goes with another."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretype import counterpart


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("shapes.py", "test_shapes.py"),
        ("lib/shapes.py", "tests/test_shapes.py"),
        ("server/lib/shapes.py", "tests/test_shapes.py"),
        ("pkg/shapes.go", "pkg/shapes_test.go"),
        ("src/shapes.ts", "src/shapes.spec.ts"),
        ("src/shapes.tsx", "src/__tests__/shapes.test.tsx"),
        ("src/main/java/a/Shapes.java", "src/test/java/a/ShapesTest.java"),
        ("lib/shapes.rb", "spec/shapes_spec.rb"),
        ("src/Shapes.cs", "Tests/ShapesTests.cs"),
        ("shapes.c", "shapes.h"),
        ("src/shapes.cpp", "include/shapes.hpp"),
    ],
)
def test_each_of_two_is_the_others(tmp_path: Path, one: str, other: str) -> None:
    for name in (one, other, "lib/other.py", "node_modules/x/shapes.py", "README"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert counterpart.find(tmp_path / one, tmp_path) == tmp_path / other
    assert counterpart.find(tmp_path / other, tmp_path) == tmp_path / one


def test_a_file_may_have_none(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    # A folder of that name is none.
    (tmp_path / "test_a.py").mkdir()
    for root in (tmp_path, None):
        assert counterpart.find(tmp_path / "a.py", root) is None
        assert counterpart.find(tmp_path / "gone" / "a.py", root) is None


def test_only_so_many_folders_are_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counterpart, "MAX_FOLDERS", 3)
    for idx in range(9):
        (tmp_path / f"folder_{idx}").mkdir()
    deep = tmp_path / "folder_0" / "deep" / "deeper"
    deep.mkdir(parents=True)
    (deep / "test_a.py").touch()
    (tmp_path / "a.py").touch()
    assert counterpart.find(tmp_path / "a.py", tmp_path) is None
