"""The command line, as a newcomer meets it."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import foretype
from fake_endpoint import Answer, FakeEndpoint

CODE = "NUMBER_0 = 0\nNUMBER_1 = 1\nNUMBER_2 = 2\nNUMBER_3 = 3\nNUMBER_4 = x\n"


@pytest.fixture
def folder(tmp_path: Path, built_in_cache: Path) -> Path:
    """The folder the command is run in, of a user who has set nothing."""
    (tmp_path / "numbers.py").write_text(CODE)
    return tmp_path


def run(
    folder: Path, cache: Path, *arguments: str, stdin: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    folders = {f"XDG_{name}_HOME": str(folder) for name in ("CONFIG", "STATE")}
    return subprocess.run(
        [sys.executable, "-P", "-m", "foretype", *arguments],
        cwd=folder,
        env={**os.environ, **folders, "XDG_CACHE_HOME": str(cache), **variables},
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )


def test_one_completion_by_the_built_in_model(
    folder: Path, built_in_cache: Path
) -> None:
    done = run(folder, built_in_cache, "complete", "numbers.py:5:12")
    assert (done.returncode, done.stderr) == (0, "")
    *code, summary = done.stdout.splitlines()
    assert code == CODE.replace("x", "4").splitlines()
    assert re.fullmatch(r"model · TTFT \d+ ms · total \d+ ms.*", summary)


def test_a_place_of_standard_input(folder: Path, built_in_cache: Path) -> None:
    done = run(folder, built_in_cache, "complete", "-:5:12", "--lines", stdin=CODE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "NUMBER_4 = 4" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("complete", "numbers.py"), "'numbers.py' is not FILE:LINE:COL, with both"),
        (("complete", "numbers.py:0:1"), "is not FILE:LINE:COL"),
        (("complete", "none.py:1:1"), "none.py cannot be read: No such file"),
        (("complete", "numbers.py:99:1"), "there are only 6 lines, no line 99"),
        (("complete", "numbers.py:1:99"), "the last column of line 1 is 13"),
        (("complete", "binary:1:1"), "binary is not UTF-8 text"),
    ],
)
def test_a_mistake_is_one_line_with_the_way_out(
    folder: Path, built_in_cache: Path, arguments: tuple[str, ...], says: str
) -> None:
    (folder / "binary").write_bytes(b"\xff\xfe\x00")
    done = run(folder, built_in_cache, *arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_an_endpoint_that_is_down_is_one_line(
    folder: Path, built_in_cache: Path
) -> None:
    done = run(
        folder,
        built_in_cache,
        "complete",
        "numbers.py:5:12",
        FORETYPE_ENDPOINT_BASE_URL="http://127.0.0.1:9/v1",
        FORETYPE_ENDPOINT_MODEL="m",
    )
    assert done.returncode == 1
    assert done.stderr.startswith("foretype: the endpoint at http://127.0.0.1:9/v1")
    assert done.stderr.count("\n") == 1


def test_help_and_version(folder: Path, built_in_cache: Path) -> None:
    helped = run(folder, built_in_cache, "--help")
    assert helped.returncode == 0
    for word in ("foretype demo", "foretype complete", "config.toml", "--log-file"):
        assert word in helped.stdout
    version = run(folder, built_in_cache, "--version").stdout
    assert version == f"foretype {foretype.__version__}\n"


def test_complete_sends_nothing_of_a_file_that_holds_keys(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("NAME=\n", "utf-8")
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path),
        "FORETYPE_ENDPOINT_BASE_URL": "http://127.0.0.1:9/v1",
        "FORETYPE_ENDPOINT_MODEL": "m",
    }
    done = subprocess.run(
        (sys.executable, "-P", "-m", "foretype", "complete", f"{path}:1:6"),
        capture_output=True,
        encoding="utf-8",
        env=environment,
    )
    assert (
        "nothing: the file holds keys, or is listed in .foretypeignore" in done.stdout
    )
    assert done.returncode == 0


def test_the_place_in_the_readme_is_in_the_file() -> None:
    root = Path(__file__).parents[1]
    found = re.search(
        r"foretype complete (\S+\.py):(\d+):(\d+)",
        (root / "README.md").read_text("utf-8"),
    )
    assert found
    line = (root / found[1]).read_text("utf-8").splitlines()[int(found[2]) - 1]
    # Behind a word or an operator, with more of the line to guess.
    assert line[: int(found[3]) - 1].strip()
    assert len(line) > int(found[3])


@pytest.mark.asyncio
async def test_what_a_slow_model_writes_is_printed_once(tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    path.write_text("x = \n", "utf-8")
    words = ("len(", "self.", "inserted", ")", " - ", "count")
    async with FakeEndpoint(Answer(words, between_ms=60)) as endpoint:
        environment = {
            **os.environ,
            "HOME": str(tmp_path),
            "XDG_STATE_HOME": str(tmp_path),
            "FORETYPE_ENDPOINT_BASE_URL": endpoint.base_url,
            "FORETYPE_ENDPOINT_MODEL": "m",
            "FORETYPE_ENDPOINT_TEMPLATE": "suffix",
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "foretype", "complete", f"{path}:1:5"),
            stdout=subprocess.PIPE,
            env=environment,
        )
        printed, _ = await process.communicate()
    first, *_ = printed.decode().splitlines()
    assert first == "x = len(self.inserted) - count"
