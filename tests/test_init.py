"""What `foretype init` asks, writes and refuses to write."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from terminal import Terminal

KEYS = (
    "sk-proj-abcdefghijklmnop",
    "gsk_abcdefghijklmnopqrstuvwx",
    "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6",
)


def init(
    home: Path, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs the command where there is no terminal."""
    folders = {f"XDG_{name}_HOME": str(home) for name in ("CONFIG", "STATE", "DATA")}
    return subprocess.run(
        [sys.executable, "-P", "-m", "foretype", "init", *arguments],
        env={**os.environ, **folders, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )


def config(home: Path) -> Path:
    return home / "foretype" / "config.toml"


def written(home: Path) -> dict[str, Any]:
    return tomllib.loads(config(home).read_text("utf-8"))


def test_a_preset_is_one_line(tmp_path: Path) -> None:
    done = init(tmp_path, "--provider", "mistral", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert written(tmp_path) == {"endpoint": {"provider": "mistral"}}
    assert "MISTRAL_API_KEY=YOUR-KEY" in done.stdout or "setx" in done.stdout
    for word in ("vim.lsp.enable", "foretype.server.command", "foretype doctor"):
        assert word in done.stdout
    # There is nothing to set if it is set.
    done = init(tmp_path, "--provider", "mistral", "--yes", MISTRAL_API_KEY="planted")
    assert "YOUR-KEY" not in done.stdout
    assert "planted" not in done.stdout


def test_all_that_is_said_is_written(tmp_path: Path) -> None:
    done = init(
        tmp_path,
        *("--provider", "openai", "--model", "gpt-6-sol", "--api-key-env", "MY_KEY"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert written(tmp_path)["endpoint"] == {
        "provider": "openai",
        "model": "gpt-6-sol",
        "api_key_env": "MY_KEY",
    }


def test_a_url_of_ones_own(tmp_path: Path) -> None:
    done = init(
        tmp_path, "--base-url", "http://127.0.0.1:8000/v1", "--model", "m", "--yes"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert written(tmp_path)["endpoint"] == {
        "provider": "openai-compatible",
        "base_url": "http://127.0.0.1:8000/v1",
        "model": "m",
        "api_key_env": "FORETYPE_API_KEY",
    }


def test_the_built_in_model(tmp_path: Path) -> None:
    done = init(tmp_path, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert written(tmp_path) == {"endpoint": {"provider": "local"}}


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_never_written(tmp_path: Path, key: str) -> None:
    done = init(tmp_path, "--provider", "mistral", "--api-key-env", key, "--yes")
    assert done.returncode == 1
    assert "looks like a key itself" in done.stderr
    assert "such as MISTRAL_API_KEY" in done.stderr
    assert key not in done.stdout + done.stderr
    assert not config(tmp_path).exists()
    assert all(key not in p.read_text("utf-8") for p in tmp_path.rglob("*.log"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "there is no terminal to ask at; say it by --provider"),
        (("--provider", "vllm"), "say it by --model"),
        (("--provider", "vllm", "--yes"), "say it by --model"),
        (("--provider", "mistrall", "--yes"), "'mistrall' is none of local, openai"),
        (("--base-url", "ftp://h", "--yes"), "endpoint.base_url must be a URL"),
        (("--provider", "local", "--model", "none"), "there is no model none"),
        (("--provider", "openai", "--api-key-env", "a b", "--yes"), "not the name of"),
        (("--provider", "local", "--base-url", "http://h"), "has no URL"),
    ],
)
def test_what_is_missing_is_one_line(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = init(tmp_path, *arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert not config(tmp_path).exists()


FILE = """\
# mine
[endpoint]
provider = "groq" # fast
base_url = "http://old/v1"
timeout_ms = 9000

[completion]
debounce_ms = 5 # metered
"""


def test_what_is_there_is_changed_only_if_it_may_be(tmp_path: Path) -> None:
    path = config(tmp_path)
    path.parent.mkdir()
    path.write_text(FILE, "utf-8")
    arguments = ["--provider", "mistral", "--model", "codestral-2508"]
    arguments += ["--api-key-env", "MISTRAL_API_KEY"]
    done = init(tmp_path, *arguments)
    assert done.returncode == 1
    assert "endpoint.provider = 'groq' becomes 'mistral'" in done.stdout
    assert "endpoint.base_url = 'http://old/v1' is taken out" in done.stdout
    assert "Say so by --yes" in done.stderr
    assert path.read_text("utf-8") == FILE

    done = init(tmp_path, *arguments, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    text = path.read_text("utf-8")
    assert text == FILE.replace('"groq"', '"mistral"').replace(
        'base_url = "http://old/v1"\n', ""
    )
    assert "It also says endpoint.timeout_ms" in done.stdout


def test_a_variable_that_wins_is_named(tmp_path: Path) -> None:
    done = init(
        tmp_path, "--provider", "mistral", "--yes", FORETYPE_ENDPOINT_MODEL="other"
    )
    assert "FORETYPE_ENDPOINT_MODEL is set in the environment" in done.stdout


def test_a_file_that_is_broken_is_left_as_it_is(tmp_path: Path) -> None:
    path = config(tmp_path)
    path.parent.mkdir()
    path.write_text("[endpoint", "utf-8")
    done = init(tmp_path, "--yes")
    assert done.returncode == 1
    assert "is not TOML; correct it first" in done.stderr
    assert path.read_text("utf-8") == "[endpoint"


def test_at_a_terminal_it_asks_three_questions(tmp_path: Path) -> None:
    folders = {f"XDG_{name}_HOME": str(tmp_path) for name in ("CONFIG", "STATE")}
    command = (sys.executable, "-P", "-m", "foretype", "init")
    nvim_home = tmp_path / "nvim"
    nvim_home.mkdir()
    with Terminal(command, {**os.environ, **folders}, tmp_path, nvim_home) as terminal:
        terminal.shows("Where do completions come from")
        terminal.keys("mistrall\r")
        terminal.shows("'mistrall' is none of")
        terminal.keys("mistral\r")
        terminal.shows("Which model (codestral-2508):")
        terminal.keys("\r")
        # A narrow terminal breaks the line within the name.
        terminal.shows("_API_KEY):")
        terminal.keys(f"{KEYS[0]}\r")
        terminal.shows("looks like a key itself")
        assert not config(tmp_path).exists()
        terminal.keys("MY_KEY\r")
        terminal.shows("Next: foretype doctor")
    assert written(tmp_path)["endpoint"] == {
        "provider": "mistral",
        "api_key_env": "MY_KEY",
    }
