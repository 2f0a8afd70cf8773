"""`foretype models` as a person meets it, with a hub on loopback."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from fake_hub import FakeHub
from foretype import cli, config_file, hub, layers, models, weights
from foretype.errors import ForetypeError, HubError, UsageError
from test_gguf import QWEN, file_of

REPO = "ggml-org/Tiny-GGUF"
NAME = "tiny-q8_0.gguf"
CONTENT = file_of(QWEN) + random.Random(1).randbytes(200_000)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, built_in_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of a user who has set nothing, and a hub that is asked again at once."""
    for name in ("CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("XDG_CACHE_HOME", str(built_in_cache))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(hub, "BREAK_PAUSE_S", 0)
    monkeypatch.setattr(hub, "BLOCK_BYTES", 10_000)
    return tmp_path


@pytest.fixture
def the_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with FakeHub(REPO, {NAME: CONTENT}).running() as running:
        monkeypatch.setenv("FORETYPE_LOCAL_HUB_URL", running.url)
        yield running


def run(*arguments: str) -> None:
    """The command, in this process. Raises what it fails on."""
    parsed = cli._parser().parse_args(["models", *arguments])
    assert parsed.run(parsed) == 0


def put(name: str, content: bytes = CONTENT) -> Path:
    """A model that is there already."""
    path = models.folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def config() -> Path:
    path = layers.config_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def transfers(the_hub: FakeHub) -> list[str]:
    """Which bytes were asked for."""
    return [headers["range"] for _, headers in the_hub.requests if "range" in headers]


# Getting one.


def test_a_model_is_pulled_and_used(
    the_hub: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    run("pull", REPO)
    target = models.folder() / NAME
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.glob("*.part")] == []
    assert "foretype models use tiny-q8_0" in capsys.readouterr().out
    assert transfers(the_hub) == ["bytes=0-"]

    run("use", "tiny-q8_0")
    settings, problems = layers.resolve(cli.user_layers()[0])
    assert Path(settings.local.model_path) == target
    assert problems == []

    run("pull", f"{REPO}:{NAME}")
    assert "is there already" in capsys.readouterr().out
    assert len(transfers(the_hub)) == 1


def test_a_transfer_that_is_cut_goes_on(the_hub: FakeHub) -> None:
    the_hub.cuts = [30_000, 0, 0, 50_000]
    run("pull", REPO)
    assert (models.folder() / NAME).read_bytes() == CONTENT
    starts = [int(r[len("bytes=") : -1]) for r in transfers(the_hub)]
    assert starts == [0, 30_000, 30_000, 30_000, 80_000]


def test_a_command_that_gave_up_goes_on_when_it_is_run_again(the_hub: FakeHub) -> None:
    the_hub.cuts = [30_000, *[0] * 9]
    with pytest.raises(HubError, match="the same command goes on with it"):
        run("pull", REPO)
    assert not (models.folder() / NAME).exists()
    the_hub.cuts = []
    the_hub.requests.clear()
    run("pull", REPO)
    assert transfers(the_hub) == ["bytes=30000-"]
    assert (models.folder() / NAME).read_bytes() == CONTENT


def test_a_hub_that_sends_all_of_it_again(the_hub: FakeHub) -> None:
    the_hub.cuts = [30_000]
    the_hub.ignores_ranges = True
    run("pull", REPO)
    assert (models.folder() / NAME).read_bytes() == CONTENT


def test_a_hub_that_is_down_for_a_moment(the_hub: FakeHub) -> None:
    the_hub.statuses = [503, 502]
    run("pull", REPO)
    assert (models.folder() / NAME).read_bytes() == CONTENT


def test_what_is_not_what_the_hub_says_is_not_kept(the_hub: FakeHub) -> None:
    the_hub.damage = b"GGUF damaged"
    with pytest.raises(HubError, match="came damaged"):
        run("pull", REPO)
    assert list(models.folder().glob("*.part")) == []
    assert not (models.folder() / NAME).exists()
    the_hub.damage = b""
    run("pull", REPO)
    assert (models.folder() / NAME).read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_begun_again(the_hub: FakeHub) -> None:
    the_hub.cuts = [30_000, *[0] * 9]
    with pytest.raises(HubError):
        run("pull", REPO)
    the_hub.cuts = []
    (part,) = models.folder().glob("*.part")
    part.write_bytes(CONTENT + b"more")
    run("pull", REPO)
    assert (models.folder() / NAME).read_bytes() == CONTENT


def test_another_file_of_the_same_name_is_not_replaced(the_hub: FakeHub) -> None:
    path = put(NAME, b"GGUF another")
    with pytest.raises(UsageError, match="foretype models remove tiny-q8_0"):
        run("pull", REPO)
    assert path.read_bytes() == b"GGUF another"


def test_no_room(the_hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    free_bytes = hub.MIN_FREE_BYTES + len(CONTENT) - 1
    monkeypatch.setattr(
        shutil, "disk_usage", lambda _: usage(free_bytes, 0, free_bytes)
    )
    with pytest.raises(HubError, match=r"has 0\.3 GB free"):
        run("pull", REPO)
    assert transfers(the_hub) == []


def test_no_room_that_is_noticed_only_when_writing(
    the_hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(part: object, block: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(hub._Part, "write", write)
    with pytest.raises(UsageError, match="cannot be written: No space left on device"):
        run("pull", REPO)


def test_one_at_a_time(the_hub: FakeHub) -> None:
    models.folder().mkdir(parents=True)
    lock = FileLock(models.folder() / f"{NAME}.lock")
    with lock, pytest.raises(UsageError, match="another process is getting"):
        run("pull", REPO)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ggml-org/Nothing", r"the hub has no ggml-org/Nothing for you \(HTTP 404\)"),
        (f"{REPO}:other.gguf", f"has no file other.gguf; it has {NAME}"),
        (f"{REPO}:README.md", "has no file README.md"),
        ("tiny", "is not OWNER/REPO"),
        ("../../etc:x.gguf", "is not OWNER/REPO"),
    ],
)
def test_what_the_hub_does_not_have(the_hub: FakeHub, name: str, says: str) -> None:
    with pytest.raises(HubError, match=says):
        run("pull", name)


def test_which_file_of_several_is_meant(the_hub: FakeHub) -> None:
    part = "a-00001-of-00002.gguf"
    the_hub.files = {"a-q2_k.gguf": b"", "a-Q4_K_M.gguf": CONTENT, part: b"GGUF"}
    run("pull", REPO)
    assert [model.name for model in models.installed()] == ["a-Q4_K_M"]
    with pytest.raises(HubError, match="is not a model in one GGUF file"):
        run("pull", f"{REPO}:{part}")
    the_hub.files = {"a-q2_k.gguf": b"GGUF", "a-q3_k.gguf": b"GGUF"}
    with pytest.raises(HubError, match=r"name one of a-q2_k\.gguf, a-q3_k\.gguf"):
        run("pull", REPO)


@pytest.mark.parametrize(
    "name", ["../evil.gguf", "/etc/evil.gguf", "a/../../evil.gguf"]
)
def test_a_file_lands_in_the_folder_whatever_it_is_called(
    the_hub: FakeHub, name: str, home: Path
) -> None:
    the_hub.files = {name: CONTENT}
    # Some paths are made plain on their way, and then the hub knows of no such file.
    with contextlib.suppress(HubError):
        run("pull", REPO)
    assert {path.parent for path in home.rglob("*.gguf")} <= {models.folder()}


def test_a_hub_that_tells_no_digest(the_hub: FakeHub) -> None:
    the_hub.has_digests = False
    with pytest.raises(HubError, match="tells no SHA-256"):
        run("pull", REPO)


def test_what_is_no_model(the_hub: FakeHub) -> None:
    the_hub.files = {NAME: b"not a model at all"}
    with pytest.raises(UsageError, match="is not a model that can be run"):
        run("pull", REPO)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://hub.example", "must be an https:// URL"),
        ("file:///etc", "must be a URL that begins with https://"),
        ("https://[", "must be a URL that begins with https://"),
        ("http://127.0.0.1:9", "cannot be reached"),
    ],
)
def test_a_hub_that_is_none(url: str, says: str) -> None:
    with pytest.raises(HubError, match=says):
        run("pull", REPO, "--hub", url)


def test_a_token_is_for_the_hub_alone(
    the_hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THE_TOKEN", "hf_secret")
    with FakeHub(REPO, {NAME: CONTENT}).running() as storage:
        the_hub.storage_url = storage.url
        run("pull", REPO, "--token-env", "THE_TOKEN")
        assert all(
            headers["authorization"] == "Bearer hf_secret"
            for _, headers in the_hub.requests
        )
        assert transfers(storage) == ["bytes=0-"]
        assert "hf_secret" not in str(storage.requests)
    assert (models.folder() / NAME).read_bytes() == CONTENT


def test_the_token_of_one_hub_is_not_sent_to_another(
    the_hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    run("pull", REPO)
    assert "hf_secret" not in str(the_hub.requests)


# Choosing one.


def test_use_keeps_what_a_person_wrote(capsys: pytest.CaptureFixture[str]) -> None:
    path = put(NAME)
    written = (
        "# mine\n[completion]\nenabled = true  # of course\n\n[local]\nn_threads = 2\n"
    )
    config().write_text(written)
    run("use", "TINY-q8_0")
    assert config().read_text() == f"{written}model_path = '{path}'\n".replace("'", '"')
    assert str(path) in capsys.readouterr().out
    run("use", "built-in")
    assert config().read_text() == written


def test_use_makes_the_file_where_there_is_none(home: Path) -> None:
    path = home / "elsewhere.gguf"
    path.write_bytes(CONTENT)
    run("use", str(path))
    settings, _ = layers.resolve(cli.user_layers()[0])
    assert settings.local.model_path == str(path)
    if os.name == "posix":
        assert layers.config_file().stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing", "there is no model nothing; foretype models list"),
        ("nothing.gguf", "cannot be read"),
        ("qwen2.5-coder-7b", "foretype models pull qwen2.5-coder-7b"),
        (__file__, "is not a GGUF file"),
    ],
)
def test_what_cannot_be_used(name: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        run("use", name)
    assert not layers.config_file().exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[local", "is not TOML; correct it first"),
        ("local = 1", "local is not a section"),
        (b"\xff".decode("latin-1"), "is not TOML"),
    ],
)
def test_a_config_that_cannot_be_changed_is_left(text: str, says: str) -> None:
    put(NAME)
    config().write_text(text, "latin-1")
    with pytest.raises(UsageError, match=says):
        run("use", "tiny-q8_0")
    assert config().read_text("latin-1") == text


def test_a_config_that_is_a_link_stays_one(home: Path) -> None:
    dotfile = home / "dotfiles.toml"
    dotfile.write_text("")
    config().symlink_to(dotfile)
    config_file.change(layers.config_file(), "local", "model_path", "x")
    assert layers.config_file().is_symlink()
    assert dotfile.read_text() == '[local]\nmodel_path = "x"\n'


def test_what_makes_the_choice_void_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(NAME)
    with monkeypatch.context() as patch:
        patch.setenv("FORETYPE_ENDPOINT_BASE_URL", "http://localhost:1/v1")
        run("use", "tiny-q8_0")
    assert 'set endpoint.provider to "local"' in capsys.readouterr().out
    monkeypatch.setenv("FORETYPE_LOCAL_MODEL_PATH", "/other.gguf")
    run("use", "tiny-q8_0")
    assert "/other.gguf, which wins" in capsys.readouterr().out


# Showing and deleting.


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    put(NAME)
    put("broken.gguf", b"nothing")
    put("qwen2.5-coder-0.5b-q8_0.gguf")
    run()
    lines = capsys.readouterr().out.splitlines()
    rows = {line.strip("* ").partition(" ")[0]: line for line in lines}
    assert rows["built-in"].startswith("*")
    assert "0.25 GB" in rows["built-in"]
    assert "Qwen2.5 Coder 7B 7B" in rows["tiny-q8_0"]
    assert "cannot be used" in rows["broken"]
    assert "qwen2.5-coder-1.5b" in rows
    assert "qwen2.5-coder-0.5b" not in rows

    run("use", "tiny-q8_0")
    capsys.readouterr()
    run("list")
    assert "*  tiny-q8_0" in capsys.readouterr().out


def test_a_model_that_is_gone_is_listed_as_such(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORETYPE_LOCAL_MODEL_PATH", "/gone.gguf")
    run("list")
    assert "is gone" in capsys.readouterr().out


def test_remove(capsys: pytest.CaptureFixture[str]) -> None:
    path = put(NAME)
    run("use", "tiny-q8_0")
    with pytest.raises(UsageError, match="is in use"):
        run("remove", "tiny-q8_0")
    run("use", "built-in")
    run("remove", NAME)
    assert not path.exists()
    with pytest.raises(UsageError, match="has no model tiny"):
        run("remove", "tiny-q8_0")


def test_the_short_names_are_those_of_the_family() -> None:
    for suggested in models.SUGGESTED:
        repo, _, name = suggested.source.partition(":")
        assert hub._REPO.fullmatch(repo)
        assert name.startswith(suggested.name)
        assert models.suggestion(suggested.name.upper()) is suggested


# All of it.


def test_a_pulled_model_completes(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """The real weights from a hub, through the command line, into the real server."""
    content = weights.find(None).read_bytes()
    (home / "numbers.py").write_text("NUMBER_0 = 0\nNUMBER_1 = 1\nNUMBER_2 = x\n")
    with FakeHub(REPO, {"gemma.gguf": content}, cuts=[90_000_000]).running() as running:
        done = [
            subprocess.run(
                [sys.executable, "-P", "-m", "foretype", *command],
                cwd=home,
                env={**os.environ, "FORETYPE_LOCAL_HUB_URL": running.url},
                capture_output=True,
                encoding="utf-8",
            )
            for command in (
                ("models", "pull", REPO),
                ("models", "use", "gemma"),
                ("complete", "numbers.py:3:12"),
            )
        ]
        assert len(transfers(running)) == 2
    assert [(d.returncode, d.stderr) for d in done] == [(0, "")] * 3
    assert "NUMBER_2 = 2" in done[2].stdout


def test_errors_are_one_line(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "foretype", "models", "use", "nothing"],
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 1
    assert done.stderr.startswith("foretype: there is no model nothing")
    assert len(done.stderr.splitlines()) == 1
    assert issubclass(HubError, ForetypeError)
