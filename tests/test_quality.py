"""The measurement of quality: what it asks, how it is scored, what it is safe from."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import subprocess
import sys
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

TESTS = Path(__file__).parent
QUALITY = TESTS / "bench" / "quality"
sys.path += [str(QUALITY), str(QUALITY.parent)]

import asking  # noqa: E402
import humaneval  # noqa: E402
import judging  # noqa: E402
import page  # noqa: E402
import quality_report  # noqa: E402
import sandbox  # noqa: E402
import tap  # noqa: E402
import variants  # noqa: E402
import workspace  # noqa: E402
from diagnosing import diagnostics  # noqa: E402
from judging import difference, judge  # noqa: E402
from languages import language_of  # noqa: E402
from places import Outcome, Place  # noqa: E402
from punching import Kind, holes  # noqa: E402
from sandbox import Limits, Verdict  # noqa: E402
from variants import Part, Variant, as_shipped  # noqa: E402
from workspace import Scene, Typed, Workspace  # noqa: E402

from fake_endpoint import Answer, FakeEndpoint  # noqa: E402
from foretype.document import Document  # noqa: E402
from foretype.errors import ForetypeError  # noqa: E402
from foretype.layers import environment_layer, resolve  # noqa: E402
from foretype.prompt import Prompt  # noqa: E402
from foretype.session import Session  # noqa: E402
from scripted import Script, ScriptedModel, ScriptedSupplier  # noqa: E402

SHORT = Limits(cpu_s=1, wall_s=30, memory_bytes=128 * 1024 * 1024)


def place(drawn: str, **fields: str) -> Place:
    """A place from a drawing: `├…┤` is what is missing at the cursor."""
    before, _, rest = drawn.partition("├")
    truth, _, after = rest.partition("┤")
    given = {"name": "a.py:1", "group": "Python", "kind": "a line", "path": "a.py"}
    return Place(
        **{**given, "language_id": "python", **fields},
        before=before,
        truth=truth,
        after=after,
    )


def outcome(at: Place, shown: str, written: str = "", reason: str = "") -> Outcome:
    said = "a suggestion was given. More." if shown else "nothing is shown. More."
    return Outcome(at, shown, 0, said, reason, at.before, written or shown)


# Running what a model wrote


@pytest.mark.parametrize(
    ("program", "verdict"),
    [
        ("assert sum([1, 2]) == 3", Verdict.PASSED),
        ("import re, math, typing, collections, hashlib, heapq", Verdict.PASSED),
        ("print('x' * 1000)", Verdict.PASSED),
        ("assert sum([1, 2]) == 4", Verdict.FAILED),
        ("def (", Verdict.FAILED),
        ("def deeper(): return deeper()\ndeeper()", Verdict.FAILED),
        ("raise SystemExit(0)", Verdict.FAILED),
        ("import os\nos._exit(0)", Verdict.FAILED),
        ("while True: pass", Verdict.TIMED_OUT),
        ("while True: print('x' * 10_000)", Verdict.TIMED_OUT),
        ("import sys\nwhile True: sys.stderr.write('x' * 10_000)", Verdict.TIMED_OUT),
        ("kept = []\nwhile True: kept.append(bytearray(1 << 24))", Verdict.FAILED),
        ("import os\nwhile True: os.write(3, b'x' * 10_000)", Verdict.FAILED),
        ("open('big', 'wb').write(bytes(1 << 20))", Verdict.FAILED),
        ("import os\nassert os.listdir() == []", Verdict.PASSED),
        ("import os\nassert not {*os.environ} - {'LC_CTYPE'}", Verdict.PASSED),
        ("import sys\nassert not sys.stdin.read()", Verdict.PASSED),
        ("import numpy", Verdict.FAILED),
        ("import sandbox", Verdict.FAILED),
    ],
)
def test_a_program_runs_within_limits(program: str, verdict: Verdict) -> None:
    assert sandbox.run(program, SHORT) is verdict


def test_a_program_that_sleeps_is_ended() -> None:
    sleeping = "import time\nwhile True: time.sleep(60)"
    assert sandbox.run(sleeping, Limits(wall_s=0.5)) is Verdict.TIMED_OUT


def test_nothing_is_left_of_a_program(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    program = f"""\
import os, time
pid = os.fork()
if pid == 0:
    while True: time.sleep(60)
with open({str(told)!r}, "w") as file:
    file.write(str(pid))
"""
    verdict = sandbox.run(program, SHORT)
    # It may start a process only where that is root's.
    assert verdict is (Verdict.PASSED if told.exists() else Verdict.FAILED)
    while told.exists() and is_alive(int(told.read_text())):
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_nothing_runs_without_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "find_spec", lambda name: None)
    with pytest.raises(sandbox.NoLimitsError, match="Linux or macOS"):
        sandbox.run("pass")


# Scoring


@pytest.mark.parametrize(
    ("drawn", "text", "n_covered", "is_right", "is_exact"),
    [
        ("x = ├1┤\n", "1", 0, True, True),
        ("x = ├1┤\n", "1  ", 0, True, True),
        ("x = ├1┤\n", "2", 0, False, False),
        ("x = ├1┤\n", "1 + 1", 0, False, False),
        # More lines than are missing begin with the right one.
        ("x = ├1┤\n", "1\ny = 2", 0, True, False),
        ("x = ├1┤\n", "\n1", 0, False, False),
        # What follows the cursor counts, and whether it is replaced.
        ("f(├a, b┤)\n", "a, b", 0, True, True),
        ("f(├a, b┤)\n", "a, b)", 0, False, False),
        ("f(├a, b┤)\n", "a, b)", 1, True, True),
        ("f(├a, b┤)\n", "a)", 1, False, False),
        ("if x:\n    ├a = 1\n    b = 2┤\n", "a = 1", 0, True, False),
        ("if x:\n    ├a = 1\n    b = 2┤\n", "a = 1\n    b = 2\n", 0, True, True),
    ],
)
def test_a_text_is_judged_by_the_line_it_makes(
    drawn: str, text: str, n_covered: int, is_right: bool, is_exact: bool
) -> None:
    score = judge(place(drawn), text, n_covered)
    assert (score.is_shown, score.is_right) == (True, is_right)
    assert score.is_exact is is_exact
    assert (score.similarity == 1) is is_exact


def test_similarity_is_of_what_is_missing_only() -> None:
    assert judge(place("total = ├abcd┤\n"), "abce").similarity == 0.75
    assert judge(place("total = ├abcd┤\n"), "wxyz").similarity == 0
    assert judge(place("total = ├abcd┤\n"), "") == judging.NOTHING


def test_a_gain_is_told_from_noise() -> None:
    gain = difference([1, 1, 1, 1, 1, 0] * 5, [0, 0, 0, 0, 1, 0] * 5, seed=1)
    assert (gain.verdict, gain.n_gained, gain.n_lost) == ("gain", 20, 0)
    assert gain.low < gain.mean < gain.high
    assert difference([0] * 20, [1] * 20, seed=1).verdict == "loss"
    noise = difference([1, 0, 1, 0, 1], [0, 1, 1, 0, 0], seed=1)
    assert (noise.verdict, noise.n_gained, noise.n_lost) == ("", 2, 1)
    assert noise == difference([1, 0, 1, 0, 1], [0, 1, 1, 0, 0], seed=1)


# Holes


PYTHON = '''\
def area(side: int) -> int:
    """Of a square, not (a, word) to be guessed."""
    squared = power(side, 2)  # said
    return squared
'''
GO = """\
func area(side int) int {
	squared := power(side, 2)
	return squared
}
"""
C = """\
int area(int side)
{
    int squared = power(side, 2);
    return squared;
}
"""
TYPESCRIPT = """\
function area(side: number): number {
  const squared = power(side, 2);
  return squared;
}
"""


@pytest.mark.parametrize(
    ("name", "text", "lines", "arguments"),
    [
        ("a.py", PYTHON, ["return squared"], []),
        ("a.go", GO, ["squared := power(side, 2)", "return squared"], ["side, 2"]),
        ("a.c", C, ["int squared = power(side, 2);", "return squared;"], ["side, 2"]),
        (
            "a.ts",
            TYPESCRIPT,
            ["const squared = power(side, 2);", "return squared;"],
            ["side, 2"],
        ),
    ],
)
def test_holes_are_punched_at_nodes(
    name: str, text: str, lines: list[str], arguments: list[str]
) -> None:
    language = language_of(name)
    assert language is not None
    found: dict[Kind, list[str]] = {kind: [] for kind in Kind}
    for hole in holes(text, language, seed=1):
        found[hole.kind].append(text[hole.start : hole.end])
    # A comment behind a statement is nothing that a person has typed already.
    assert found[Kind.LINE] == lines
    assert found[Kind.ARGUMENTS] == arguments
    [body] = found[Kind.BODY]
    assert body.endswith(lines[-1])
    assert "guessed" not in body
    assert len(found[Kind.REST]) == len(lines)
    for rest, line in zip(found[Kind.REST], lines, strict=True):
        assert line.endswith(rest)
        assert rest != line


def test_offsets_are_characters() -> None:
    language = language_of("a.py")
    assert language is not None
    text = 'names = ["é", "日本"]\ncount = len(names)\n'
    found = {text[hole.start : hole.end] for hole in holes(text, language, seed=1)}
    assert "count = len(names)" in found
    assert "names" in found


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(TESTS.parent, tmp_path_factory.mktemp("workspace"))


def test_places_are_of_every_kind_and_language(copied: Workspace) -> None:
    found = copied.places(24, seed=3)
    assert copied.places(24, seed=3) == found
    assert copied.places(24, seed=4) != found
    assert len({each.name for each in found}) == 24
    groups = Counter(each.group for each in found)
    assert groups[workspace.OWN] == 12
    assert sum(groups.values()) == 24
    assert len(groups) >= 4
    assert Counter(each.kind for each in found).keys() == {k.value for k in Kind}
    for each in found:
        assert each.before + each.truth + each.after == copied.texts[each.path]
    assert found == sorted(found, key=lambda each: (each.path, len(each.before)))


def test_a_change_elsewhere_leaves_a_hole_drawn(copied: Workspace) -> None:
    before = [e for e in copied.places(60, seed=1) if e.group == workspace.OWN]
    path = before[0].path
    text = copied.texts[path]
    copied.texts[path] = "# nothing\n" + text
    after = [e for e in copied.places(60, seed=1) if e.group == workspace.OWN]
    copied.texts[path] = text
    assert [e.truth for e in after] == [e.truth for e in before]
    assert after[0].before == "# nothing\n" + before[0].before


def test_what_is_missing_is_not_on_disk_either(copied: Workspace) -> None:
    hole = copied.places(4, seed=1)[0]
    path = copied.root / hole.path
    with copied.with_hole(hole):
        assert path.read_text("utf-8") == hole.text
    assert path.read_text("utf-8") == copied.texts[hole.path]


def test_a_hole_is_come_to_through_other_files(copied: Workspace) -> None:
    n_elsewhere = 0
    for each in copied.places(60, seed=1):
        scene = copied.scene(each, seed=1)
        assert each.path not in scene.opened
        languages = {language_of(path) for path in scene.opened}
        assert languages == {language_of(each.path)}
        assert len(scene.keys) >= workspace.N_KEYS
        assert each.before.endswith("".join(scene.keys))
        if typed := scene.elsewhere:
            text = {**scene.opened, each.path: each.text}[typed.path]
            assert text[typed.start :].startswith(typed.text)
            assert typed.path != each.path or typed.start > len(each.before)
            n_elsewhere += 1
    assert 10 <= n_elsewhere <= 40


def test_a_cell_has_the_other_cells_open_and_no_file(copied: Workspace) -> None:
    cell = next(e for e in copied.places(60, 1) if e.group == workspace.CELLS)
    assert not (copied.root / workspace.NOTEBOOK).exists()
    with copied.with_hole(cell):
        assert not (copied.root / cell.path).exists()
    named = workspace.uri(copied.root, cell.path)
    assert re.fullmatch(r"vscode-notebook-cell:///.*rides\.ipynb#cell\d\.py", named)
    others = copied.scene(cell, 1).opened
    assert len(others) == 8
    assert all("# %%" not in text for text in (cell.text, *others.values()))


def test_a_linter_is_asked_about_the_document_with_the_hole() -> None:
    found = diagnostics(place("import os\n├x = 1┤\nprint(x)\n"))
    assert [said["message"] for said in found] == [
        "`os` imported but unused",
        "Undefined name `x`",
    ]
    assert found[1]["range"]["start"] == {"line": 2, "character": 6}
    assert diagnostics(place("int ├x┤;", language_id="c")) == []


def test_a_test_is_open_beside_its_module(copied: Workspace) -> None:
    hole = next(e for e in copied.places(200, 1) if e.path.endswith("/secrets.py"))
    assert "tests/test_secrets.py" in copied.scene(hole, seed=1).opened


def test_a_problem_is_a_line_that_is_indented_already(tmp_path: Path) -> None:
    problem = {
        "task_id": "SingleLineInfilling/HumanEval/7/L1",
        "prompt": "def two():\n    x = 1\n",
        "suffix": "    return x\n",
        "canonical_solution": "    x += 1\n",
        "test": "def check(f):\n    assert f() == 2",
        "entry_point": "two",
    }
    with gzip.open(tmp_path / humaneval.FILE_NAME, "wt") as file:
        file.write(json.dumps(problem) + "\n")
    [found] = humaneval.places(tmp_path, 5, seed=1)
    assert found.before == "def two():\n    x = 1\n    "
    assert (found.truth, found.after) == ("x += 1", "\n    return x\n")
    assert sandbox.run(found.completed("x += 1") + found.test) is Verdict.PASSED
    assert sandbox.run(found.completed("x += 2") + found.test) is Verdict.FAILED


@pytest.mark.parametrize("content", [None, b"not gzip"])
def test_problems_that_are_not_there_are_named(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / humaneval.FILE_NAME).write_bytes(content)
    with pytest.raises(humaneval.NoProblemsError) as told:
        humaneval.places(tmp_path, 5, seed=1)
    assert str(tmp_path) in str(told.value)
    assert "--fim" in str(told.value)


# What is compared


def test_every_variant_is_of_settings_that_there_are() -> None:
    for variant in variants.variants(variants.parts()):
        _, problems = resolve([environment_layer(dict(variant.settings))])
        assert problems == []


def test_each_source_of_context_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass
    class Sources:
        similar: bool = field(default=True)
        outline: bool = field(default=False)
        budget_chars: int = field(default=100)

    fields = Sources.__dataclass_fields__.items()
    monkeypatch.setattr(
        variants,
        "setting_fields",
        lambda: [("context", name, each) for name, each in fields],
    )
    assert variants.sources() == {"similar": True, "outline": False}
    compared = {part.name: part for part in variants.parts()}
    similar = compared["context: similar"]
    outline, every = compared["context: outline"], compared["context: every source"]
    assert similar.having == as_shipped()
    assert similar.lacking == outline.lacking == every.lacking
    assert dict(outline.having.settings) == {
        "FORETYPE_CONTEXT_SIMILAR": "false",
        "FORETYPE_CONTEXT_OUTLINE": "true",
    }
    assert outline.having.has_context
    assert not outline.lacking.has_context
    # Each is asked once, whatever it is compared with.
    asked = variants.variants([similar, outline, every])
    assert len(asked) == len({*asked}) == 4


async def prompt_of(variables: Mapping[str, str], text: str) -> Prompt:
    """What a model is sent for the end of a text."""
    model = ScriptedModel([Script(["2"])])
    layers = [environment_layer(variables)] if variables else []
    session = Session(layers, (), ScriptedSupplier(model))
    document = Document("file:///a.py", "python", 1, text)
    session.open(document)
    await session.complete(session.snapshot(document, len(text)))
    await session.close()
    return model.streams[0].prompt


@pytest.mark.asyncio
async def test_the_tap_is_sent_what_the_built_in_model_is() -> None:
    # More than either is sent of it.
    text = "".join(f"line_{idx} = {idx}\n" for idx in range(2_000)) + "return "
    variables = asking._settings(tap.Recording("http://localhost"))
    hosted, problems = resolve([environment_layer(variables)])
    assert problems == []
    assert not hosted.uses_local_model
    # The server's own length takes a CPU too long.
    length = "FORETYPE_COMPLETION_PREFIX_TOKENS"
    built_in = await prompt_of({length: str(variants.N_PREFIX_TOKENS)}, text)
    assert await prompt_of(variables, text) == built_in
    assert built_in.blank == " "


def test_a_plain_prompt_is_the_text_as_it_stands() -> None:
    layout = Variant(is_plain=True).layout(place("x = 1\nreturn ├x┤\n"))
    assert layout("x = 1\nreturn") == ("x = 1\nreturn ", " ")
    indented = Variant(is_plain=True).layout(place("if x:\n    ├y┤\n"))
    assert indented("if x:\n    ") == ("if x:\n    ", "")


# Asking


@dataclass
class FakeTap:
    """An endpoint of the tests in the place of the model's."""

    base_url: str

    def recording(self, layout: tap.Layout) -> tap.Recording:
        return tap.Recording(self.base_url, layout)

    def check(self) -> None:
        """It never fails."""


@dataclass
class FakeWorkspace:
    root: Path
    home: Path


@pytest.fixture
def empty(tmp_path: Path) -> FakeWorkspace:
    """A workspace without any file."""
    (tmp_path / "root").mkdir()
    (tmp_path / "home").mkdir()
    return FakeWorkspace(tmp_path / "root", tmp_path / "home")


MARKED = Variant((("FORETYPE_ENDPOINT_TEMPLATE", "codegemma"),))


@pytest.mark.parametrize(
    ("pieces", "reason", "max_tokens", "known"),
    [
        (["a", "b", "c"], "length", 3, ("abc", "length")),
        (["a", "b", "c"], "length", 2, ("ab", "length")),
        (["a", "b", "c"], "length", 4, None),
        (["a", "b", "c"], "stop", 4, ("abc", "stop")),
        (["a", "b", "c"], "stop", 2, ("ab", "length")),
    ],
)
def test_what_was_written_tells_what_would_be_with_less_room(
    pieces: list[str], reason: str, max_tokens: int, known: tuple[str, str] | None
) -> None:
    written = tap._Written(pieces, reason).within(max_tokens)
    assert (written and ("".join(written.pieces), written.reason)) == known


def test_what_was_written_is_known_again(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    answers = tap._Answers(path)
    answers.add("a key", tap._Written(["a", "é\n"], "length"))
    answers.add("another", tap._Written([], "stop"))
    assert tap._Answers(path).known == answers.known
    path.write_text('{"a key": ["a"]}\n')
    with pytest.raises(ForetypeError, match="no file of answers"):
        tap._Answers(path)


@asynccontextmanager
async def endpoint_saying(text: str) -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint(Answer((text,))) as endpoint:
        yield endpoint


def come_to(at: Place, typed: Typed | None = None, n_keys: int = 3) -> Scene:
    opened = {"b.py": "other = 4\nmore = 5\n"}
    return Scene(opened, typed, at.before[len(at.before) - n_keys :])


async def asked(
    at: Place,
    endpoint: FakeEndpoint,
    empty: FakeWorkspace,
    scene: Scene | None = None,
    variant: Variant = MARKED,
) -> Outcome:
    made: Any = FakeTap(endpoint.base_url)
    there: Any = empty
    return await asking.ask(at, scene or come_to(at), variant, made, there)


@pytest.mark.asyncio
@pytest.mark.parametrize("n_keys", [1, 3, 19])
@pytest.mark.parametrize(
    "typed", [None, Typed("a.py", 22, "last = 3\n"), Typed("b.py", 0, "other = 4\n")]
)
async def test_the_document_is_the_one_with_the_hole(
    empty: FakeWorkspace, typed: Typed | None, n_keys: int
) -> None:
    at = place("first = 1\nsecond = ├2┤\n\n\nlast = 3\nend()\n")
    if typed and typed.path == at.path:
        assert at.text[typed.start :].startswith(typed.text)
    async with endpoint_saying("2\n") as endpoint:
        found = await asked(at, endpoint, empty, come_to(at, typed, n_keys))
        [request] = endpoint.requests
    assert f"<|fim_prefix|>{at.before}<|fim_suffix|>" in request.body["prompt"]
    assert request.body["prompt"].endswith("\n\nlast = 3\nend()\n<|fim_middle|>")
    assert (found.shown, found.reason) == ("2", "")
    assert judging.as_shown(found).is_exact


@pytest.mark.asyncio
async def test_what_is_gathered_is_waited_for(
    empty: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = place("first = 1\nsecond = ├2┤\n")
    rests: list[int] = []

    async def rest(process: Process) -> None:
        rests.append(process.pid)

    monkeypatch.setattr(asking, "_rest", rest)
    gathering = Variant((*MARKED.settings, ("FORETYPE_CONTEXT_X", "true")))
    async with endpoint_saying("2\n") as endpoint:
        found = await asked(at, endpoint, empty, variant=gathering)
    assert len(rests) == asking.N_PAUSES
    assert found.shown == "2"


@pytest.mark.asyncio
async def test_a_process_is_at_rest_once_it_uses_nothing_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used_s = iter([0.0, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2, 0.3])
    monkeypatch.setattr(asking, "_used_s", lambda pid: next(used_s))
    monkeypatch.setattr(asking, "_POLL_S", 0.001)
    monkeypatch.setattr(asking, "REST_S", 0.003)
    process: Any = SimpleNamespace(pid=1)
    await asking._rest(process)
    assert [*used_s] == [0.3]


def test_time_is_used_by_what_a_process_has_started() -> None:
    # The system counts in hundredths.
    uses = "import sys, time\nwhile time.process_time() < 0.1: pass\n"
    waits = f"{uses}print(flush=True)\nsys.stdin.read()"
    before_s = asking._used_s(os.getpid())
    with subprocess.Popen(
        (sys.executable, "-c", waits), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.read(1)
        used_s = sum(psutil.Process(child.pid).cpu_times()[:2])
        assert asking._used_s(os.getpid()) >= before_s + used_s > before_s
        child.communicate()


@pytest.mark.asyncio
async def test_a_server_that_ends_is_an_error(
    empty: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It answers what opens the conversation, then reads no more of it.
    answer = {"jsonrpc": "2.0", "id": 0, "result": {"capabilities": {}}}
    code = f"""
import json, sys
for line in iter(sys.stdin.buffer.readline, b"\\r\\n"): n = int(line.split()[1])
answer = {{**{answer!r}, "id": json.loads(sys.stdin.buffer.read(n))["id"]}}
body = json.dumps(answer).encode()
sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
"""
    monkeypatch.setattr(asking, "SERVER_COMMAND", (sys.executable, "-c", code))
    at = place("x = ├1┤\n")
    async with endpoint_saying("1") as endpoint:
        with pytest.raises(ForetypeError, match="ended before it answered"):
            await asked(at, endpoint, empty)


@pytest.mark.asyncio
async def test_what_takes_the_place_of_a_bracket_is_right(empty: FakeWorkspace) -> None:
    at = place("print(├1, 2┤)\n")
    async with endpoint_saying("1, 2)\n") as endpoint:
        found = await asked(at, endpoint, empty)
    score = judging.as_shown(found)
    assert (score.is_right, score.is_exact) == (True, True)


@pytest.mark.asyncio
async def test_nothing_has_a_reason(empty: FakeWorkspace) -> None:
    at = place("if x:\n    ├y = 1┤\n")
    async with endpoint_saying("  ") as endpoint:
        found = await asked(at, endpoint, empty)
    assert (found.shown, found.reason) == ("", "WROTE_BLANKS")
    assert found.said.startswith("nothing is shown, because")


@pytest.mark.asyncio
async def test_the_tap_changes_nothing_that_is_shown(
    tmp_path: Path,
    empty: FakeWorkspace,
    built_in_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The built-in model itself, and behind the tap, which remembers it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(built_in_cache))
    at = place("NUMBER_1 = 1\nNUMBER_2 = 2\nNUMBER_3 = 3\nNUMBER_4 = ├4┤\n")
    answers = tmp_path / "answers.jsonl"
    there: Any = empty
    async with tap.Tap(answers, n_threads=1) as made:
        first = await asking.ask(at, come_to(at), as_shipped(), made, there)
        written = answers.read_text("utf-8")
        again = await asking.ask(at, come_to(at), as_shipped(), made, there)
        assert again == first
        # It was asked once.
        assert answers.read_text("utf-8") == written
    assert first.prompt + " " == at.before
    assert first.written.startswith(first.shown)
    assert len(first.written) > len(first.shown)
    assert judging.as_shown(first).is_exact

    (empty.root / "a.py").write_text(at.text)
    folders = {f"XDG_{name}_HOME": str(empty.home) for name in ("CONFIG", "STATE")}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-P", "-m", "foretype", "complete", "a.py:4:12"],
        cwd=empty.root,
        env={**os.environ, **folders},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert at.completed(first.shown) in done.stdout


# Telling


def results() -> dict[Variant, list[Outcome]]:
    """Of one problem and two holes, without any part and with all."""
    problem = place(
        "def two():\n    ├return 2┤\n",
        group=humaneval.GROUP,
        name="HumanEval/7/L1",
        test="\ndef check(f):\n    assert f() == 2\ncheck(two)\n",
    )
    body = place("if x:\n    ├y = 1┤\n", kind="a body", group="Go", name="b.go:2")
    call = place("f(├a, b┤)\n", kind="a call", name="c.py:1")
    shipped = [
        outcome(problem, "return 2", "return 2\n\nprint(two())"),
        outcome(body, "y = 1", "y = 1\nz = 2"),
        outcome(call, "", "\n", reason="WROTE_BLANKS"),
    ]
    lacking = [replace(shipped[1], shown="z = 2"), shipped[2]]
    return {as_shipped(): shipped, MARKED: lacking}


def test_every_table_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text("<!-- replay -->\n\n# Benchmarks\n\n<!-- end of replay -->\n")
    monkeypatch.setattr(page, "DOCUMENT", document)
    told = quality_report.Report(
        results(), [Part("the template", as_shipped(), MARKED)], seed=1
    )
    told.write()
    written = document.read_text("utf-8")
    assert written.startswith("<!-- replay -->\n\n# Benchmarks\n")
    assert "\n## Quality\n" in written
    rows = {
        cells[1].strip(): [cell.strip() for cell in cells[2:-1]]
        for cells in (row.split("|") for row in written.splitlines())
        if len(cells) > 3
    }
    assert rows["what is shown"][:2] == ["1", "100.0%"]
    assert rows["what is shown"][-1] == "100.0%"
    assert rows["all that is written"][4:] == ["0.0%", "0.533", "100.0%"]
    assert rows["all of them"] == ["2", "50.0%", "0.0%", "50.0%", "50.0%", "1.000"]
    assert rows["a call"] == ["1", "0.0%", "0.0%", "100.0%", "0.0%", ""]
    assert rows["the template"][:5] == ["2", "50.0%", "0.0%", "1", "0"]
    assert "Nothing is shown at 1 for the reason `WROTE_BLANKS`." in written

    [worst] = told.worst(1)
    assert "similarity 1.00" in worst
    assert "shown:   'return 2'" in worst


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, str(QUALITY), *arguments)
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120)


def test_an_earlier_run_is_told_again(tmp_path: Path) -> None:
    saved, again = tmp_path / "saved.json", tmp_path / "again.json"
    records = [
        {"variant": asdict(variant), "outcomes": [asdict(o) for o in outcomes]}
        for variant, outcomes in results().items()
    ]
    saved.write_text(json.dumps(records))
    done = run("--from", str(saved), "--json", str(again), "--worst", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(again.read_text("utf-8")) == json.loads(saved.read_text("utf-8"))
    titles = ("HumanEval-Infilling, single line", "Holes", "What each part adds")
    assert all(f"\n{title}" in f"\n{done.stdout}" for title in titles)
    assert "right:   'return 2'" in done.stdout
    refused = run("--from", str(saved), "--write")
    assert refused.returncode != 0
    assert "lacks: " in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--n", "0"], "0 is not more than 0"),
        (["--write", "--only", "holes"], "--write needs everything"),
        (["--only", "humaneval", "--fim", "nowhere"], "name the folder it is in"),
        (["--from", "nowhere"], "nowhere cannot be told again"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], says: str) -> None:
    done = run(*arguments)
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr
