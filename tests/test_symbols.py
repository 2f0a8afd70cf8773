"""Which definitions are found for a cursor, and which names are looked up there."""

from __future__ import annotations

from pathlib import Path, PurePath

from foretype.definitions import Definition, Kind
from foretype.symbols import MAX_NAMES, SymbolIndex, names_near

NEAR = Path("/w/app/near.py")


def defined(name: str, text: str = "") -> Definition:
    return Definition(name, Kind.FUNCTION, text or f"def {name}():", 0)


def index_of(files: dict[str, list[str]]) -> SymbolIndex:
    """An index of files, by path, and the names each defines."""
    index = SymbolIndex()
    for path, names in files.items():
        index.add(PurePath(path), [defined(name) for name in names])
    return index


def found(index: SymbolIndex, *names: str, near: Path = NEAR, most: int = 9) -> str:
    """What is looked up, as `file:name`, the best first."""
    return " ".join(
        f"{f.path.name}:{f.definition.name}"
        for f in index.lookup(names, near, most=most)
    )


def test_a_definition_is_found_with_its_file() -> None:
    index = SymbolIndex()
    definition = Definition("area", Kind.METHOD, "class A:\n    def area(self):", 7)
    index.add(Path("/w/a.py"), [defined("other"), definition])
    (hit,) = index.lookup(["area"], NEAR, most=9)
    assert hit.path == Path("/w/a.py")
    assert hit.definition == definition


def test_the_same_folder_comes_first() -> None:
    index = index_of({"/w/lib/a.py": ["area"], "/w/app/b.py": ["area"]})
    assert found(index, "area") == "b.py:area a.py:area"


def test_a_file_that_is_named_comes_first() -> None:
    index = index_of({"/w/x/a.py": ["area"], "/w/y/shapes.py": ["area"]})
    assert found(index, "area", "shapes") == "shapes.py:area a.py:area"


def test_a_package_is_known_by_its_folder() -> None:
    index = index_of({"/x/a.py": ["area"], "/y/shapes/b.py": ["area"]})
    assert found(index, "area", "shapes") == "b.py:area a.py:area"


def test_rare_names_come_before_common_ones() -> None:
    common = {f"/w/x/{n}.py": ["run"] for n in range(5)}
    index = index_of({**common, "/w/x/rare.py": ["area"]})
    assert found(index, "run", "area", most=1) == "rare.py:area"


def test_names_used_nearer_come_first() -> None:
    index = index_of({"/x/a.py": ["first"], "/x/b.py": ["second"]})
    assert found(index, "second", "first") == "b.py:second a.py:first"


def test_one_name_leaves_room_for_others() -> None:
    index = index_of({f"/w/app/{n}.py": ["run"] for n in range(9)})
    assert len(index.lookup(["run"], NEAR, most=9)) == 2


def test_a_very_common_name_is_found_in_the_same_folder() -> None:
    files = {f"/w/x/{n}.py": ["run"] for n in range(100)}
    index = index_of({**files, "/w/app/mine.py": ["run"]})
    assert found(index, "run", most=1) == "mine.py:run"


def test_the_file_at_hand_and_other_languages_are_left_out() -> None:
    index = index_of({str(NEAR): ["area"], "/w/app/area.rb": ["area"]})
    assert found(index, "area") == ""
    assert found(index, "area", near=Path("/w/app/notes.txt")) == ""


def test_files_are_taken_in_anew_and_dropped() -> None:
    index = index_of({"/w/a.py": ["old", "kept"], "/w/b.py": ["old"]})
    index.add(Path("/w/a.py"), [defined("kept"), defined("new")])
    assert found(index, "old", "kept", "new") == "b.py:old a.py:kept a.py:new"
    index.add(Path("/w/a.py"), [])
    index.remove(Path("/w/b.py"))
    index.remove(Path("/w/never.py"))
    assert found(index, "old", "kept", "new") == ""


def full_index() -> SymbolIndex:
    """An index that has files 0.py, 1.py, ... and no room for the last of them."""
    index = SymbolIndex(max_bytes=200_000)
    n = 0
    while not index.is_full:
        text = [defined(f"name_{n}", "x" * 500)]
        index.add(Path(f"/w/{n}.py"), text, may_displace=False)
        n += 1
    assert n > 100
    return index


def test_what_comes_when_the_index_is_full_is_left_out() -> None:
    index = full_index()
    index.add(Path("/w/late.py"), [defined("late")], may_displace=False)
    assert found(index, "name_0", "late") == "0.py:name_0"


def test_what_is_asked_for_displaces_what_came_first() -> None:
    index = full_index()
    for n in range(1000):
        index.add(Path(f"/w/asked{n}.py"), [defined(f"asked_{n}", "x" * 500)])
        assert index.n_bytes <= 200_000
    assert found(index, "name_0", "asked_0", "asked_999") == "asked999.py:asked_999"


def test_a_file_that_is_too_big_for_the_index_is_left_out() -> None:
    index = SymbolIndex(max_bytes=50_000)
    index.add(Path("/w/big.py"), [defined("big", "x" * 100_000)])
    assert found(index, "big") == ""
    index.add(Path("/w/a.py"), [defined("small")])
    assert found(index, "small") == "a.py:small"


def test_names_above_the_cursor_nearest_first() -> None:
    text = "shape = load(path)\nif shape.area > limit:\n    draw"
    expected = ["draw", "limit", "area", "shape", "path", "load"]
    assert names_near(text, "python") == expected


def test_keywords_short_names_strings_and_comments_are_no_names() -> None:
    text = 'for i in range(count):  # often enough\n    x = "some text" + other'
    assert names_near(text, "python") == ["other", "count"]
    assert names_near("total += 1 // of everything\n", "go") == ["total"]
    assert names_near("total = 1 -- of everything\n", "lua") == ["total"]


def test_text_of_several_lines_is_no_code() -> None:
    text = 'def area(radius):\n    """The area\n    of a circle.\n    """\n    maths'
    assert names_near(text, "python") == ["maths", "radius", "area"]
    text = "f(one);\n/* Of several\n * lines. */\nf(two); /* not\n * closed"
    assert names_near(text, "c") == ["two", "one"]


def test_imported_names_come_last() -> None:
    text = "from shapes.flat import Circle\n\nimport maths\n\narea = "
    expected = ["area", "maths", "Circle", "flat", "shapes"]
    assert names_near(text, "python") == expected


def test_imports_are_looked_for_at_the_head_of_the_file() -> None:
    head = 'import { Circle } from "./shapes";\nconst unrelated = 1;\n'
    names = names_near("area(", "javascript", head)
    assert names == ["area", "shapes", "Circle"]


def test_each_language_has_its_way_to_import() -> None:
    for line in (
        'const shapes = require("./shapes");',
        "use crate::shapes;",
        "import java.shapes;",
        '#include "shapes.h"',
        "using Shapes.shapes;",
        'require "shapes"',
        "source ./shapes.sh",
        'import (\n\t"fmt"\n\t"example.org/shapes"\n)',
        "from a import (\n    b,\n    shapes,\n)",
        'import {\n  shapes,\n} from "./a";',
        "use a::{\n    b::{c, d},\n    shapes,\n};",
    ):
        assert "shapes" in names_near("", "java", f"{line}\nlast"), line
        assert "last" not in names_near("", "java", f"{line}\nlast"), line


def test_names_are_bounded() -> None:
    text = " ".join(f"name_{n}" for n in range(1000))
    head = "\n".join(f"import module_{n}" for n in range(1000))
    names = names_near(text, "python", head)
    assert len(names) == MAX_NAMES
    assert names[0] == "name_999"
    assert "module_999" in names
