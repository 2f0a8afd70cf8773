"""Which files are never sent: by their place, by ignore files, by name, by contents."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path, PurePosixPath, PureWindowsPath

import hypothesis.strategies as st
import pytest
from hypothesis import given

from foretype import exclusions
from foretype.exclusions import (
    FORETYPE_IGNORED,
    GIT_IGNORED,
    KEY_FILE,
    MAX_FILE_BYTES,
    MAX_IGNORE_FILE_BYTES,
    OUTSIDE,
    UNKNOWN,
    Exclusions,
    is_key_file,
    unfit,
)


@pytest.fixture(autouse=True)
def global_excludes(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The person's own git settings, which name a file of patterns."""
    home = tmp_path_factory.mktemp("home")
    file = home / "global ignore"
    settings = home / "gitconfig"
    settings.write_text(f'[core]\n\texcludesFile = "{file.as_posix()}"\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    exclusions._global_excludes.cache_clear()
    return file


def written(folder: Path, files: dict[str, str]) -> Path:
    """A folder with these files in it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline="")
    return folder


def check(
    folder: Path, files: dict[str, str], wanted: dict[str, str | None]
) -> Exclusions:
    """Why each file must not be context, once the others say so."""
    found = Exclusions([written(folder, files)])
    assert {name: found.why(folder / name) for name in wanted} == wanted
    return found


def test_a_file_of_the_workspace_may_be_sent(tmp_path: Path) -> None:
    check(tmp_path, {}, {"main.py": None, "src/deep/in/it.rs": None})


def test_what_git_ignores_is_not_sent(tmp_path: Path) -> None:
    check(
        tmp_path,
        {".gitignore": "# comment\n\n*.log\nbuild/\n/top.txt\n!keep.log\n"},
        {
            "a.log": GIT_IGNORED,
            "src/a.log": GIT_IGNORED,
            "keep.log": None,
            "build/main.py": GIT_IGNORED,
            "src/build/x/y.py": GIT_IGNORED,
            "build": None,
            "top.txt": GIT_IGNORED,
            "src/top.txt": None,
        },
    )


def test_a_nested_ignore_file_wins_over_those_above_it(tmp_path: Path) -> None:
    check(
        tmp_path,
        {
            ".gitignore": "*.log\n",
            "src/.gitignore": "!*.log\n/gen\n",
            "src/old/.gitignore": "*.log\n",
        },
        {
            "a.log": GIT_IGNORED,
            "src/a.log": None,
            "src/gen/x.py": GIT_IGNORED,
            "src/x/gen": None,
            "src/old/a.log": GIT_IGNORED,
        },
    )


def test_what_is_in_an_ignored_folder_cannot_be_had_back(tmp_path: Path) -> None:
    check(
        tmp_path,
        {
            ".gitignore": "out/\nlib/*\n!out/keep.py\n!lib/keep/\n",
            "out/.gitignore": "!*\n",
        },
        {
            "out/keep.py": GIT_IGNORED,
            "lib/x.py": GIT_IGNORED,
            "lib/keep/x.py": None,
        },
    )


def test_patterns_begin_at_the_repository_above_the_workspace(tmp_path: Path) -> None:
    written(tmp_path, {".git/HEAD": "", ".gitignore": "/app/gen\n*.log\n"})
    check(
        tmp_path / "app",
        {"main.py": ""},
        {"gen/x.py": GIT_IGNORED, "a.log": GIT_IGNORED, "main.py": None},
    )


def test_what_only_this_clone_or_person_ignores_is_not_sent(
    tmp_path: Path, global_excludes: Path
) -> None:
    global_excludes.write_text("*.swp\n*.orig\n")
    check(
        tmp_path,
        {".git/info/exclude": "notes.md\n", ".gitignore": "!keep.orig\n"},
        {
            "notes.md": GIT_IGNORED,
            "a.swp": GIT_IGNORED,
            "keep.orig": None,
            ".git/config": GIT_IGNORED,
        },
    )


def test_a_worktree_has_the_patterns_of_its_clone(tmp_path: Path) -> None:
    written(
        tmp_path,
        {
            "clone/.git/info/exclude": "notes.md\n",
            "clone/.git/worktrees/tree/commondir": "../..\n",
            "tree/.git": f"gitdir: {tmp_path / 'clone/.git/worktrees/tree'}\n",
        },
    )
    check(tmp_path / "tree", {}, {"notes.md": GIT_IGNORED, "main.py": None})


def test_foretypes_own_list_has_the_same_syntax(tmp_path: Path) -> None:
    found = check(
        tmp_path,
        {
            ".foretypeignore": "legal/\n*.sql\n!schema.sql\n.env.example\n",
            "src/.foretypeignore": "/private.py\n",
            ".gitignore": "!legal/\n",
        },
        {
            "legal/a/b.md": FORETYPE_IGNORED,
            "dump.sql": FORETYPE_IGNORED,
            "schema.sql": None,
            "src/private.py": FORETYPE_IGNORED,
            "private.py": None,
            ".env.example": FORETYPE_IGNORED,
        },
    )
    assert found.why_not_completed(tmp_path / "dump.sql") == FORETYPE_IGNORED


def test_no_list_makes_a_key_file_one_that_is_sent(tmp_path: Path) -> None:
    files = {".gitignore": "!.env\n", ".foretypeignore": "!.env\n"}
    check(tmp_path, files, {".env": KEY_FILE, ".env.local": KEY_FILE})


def test_what_a_person_has_open_is_completed_where_only_others_are_spared(
    tmp_path: Path,
) -> None:
    written(tmp_path, {"in/.gitignore": "*.log\n", "out/.foretypeignore": "*.md\n"})
    found = Exclusions([tmp_path / "in"])
    assert found.why_not_completed(tmp_path / "in/a.log") is None
    assert found.why_not_completed(tmp_path / "in/.git/COMMIT_EDITMSG") is None
    assert found.why_not_completed(tmp_path / "out/main.py") is None
    assert found.why_not_completed(tmp_path / "in/.env") == KEY_FILE
    assert found.why_not_completed(tmp_path / "out/id_rsa") == KEY_FILE
    assert found.why_not_completed(tmp_path / "out/a.md") == FORETYPE_IGNORED


def test_what_is_outside_is_not_sent(tmp_path: Path) -> None:
    found = Exclusions([tmp_path / "a", tmp_path / "b"])
    assert found.why(tmp_path / "a/x.py") is None
    assert found.why(tmp_path / "b/x.py") is None
    assert found.why(tmp_path / "c/x.py") == OUTSIDE
    assert found.why(tmp_path / "ab/x.py") == OUTSIDE
    assert found.why(tmp_path / "a/../c/x.py") == OUTSIDE
    assert found.why(Path("x\0.py")) == OUTSIDE
    assert Exclusions([]).why(tmp_path / "a/x.py") == OUTSIDE


def test_a_link_is_as_good_as_what_it_points_to(tmp_path: Path) -> None:
    written(
        tmp_path,
        {
            "outside/x.py": "",
            "in/.env": "",
            "in/.gitignore": "gen/\nlinked.py\n",
            "in/gen/x.py": "",
            "in/src/x.py": "",
        },
    )
    folder = tmp_path / "in"
    links = {
        "out.py": tmp_path / "outside/x.py",
        "out": tmp_path / "outside",
        "settings.txt": folder / ".env",
        "shown.py": folder / "gen/x.py",
        "linked.py": folder / "src/x.py",
        "fine.py": folder / "src/x.py",
    }
    for name, target in links.items():
        (folder / name).symlink_to(target, target_is_directory=target.is_dir())
    (folder / "ring").symlink_to(folder / "ring")
    (tmp_path / "same").symlink_to(folder, target_is_directory=True)
    wanted = {
        "out.py": OUTSIDE,
        "out/x.py": OUTSIDE,
        "settings.txt": KEY_FILE,
        "shown.py": GIT_IGNORED,
        "linked.py": GIT_IGNORED,
        "fine.py": None,
    }
    for workspace in (folder, tmp_path / "same"):
        found = Exclusions([workspace])
        assert {name: found.why(workspace / name) for name in wanted} == wanted
        # Python 3.13 no longer says so of a ring, which nobody can read anyway.
        assert found.why(workspace / "ring") in (OUTSIDE, None)


def test_a_link_is_listed_where_it_stands(tmp_path: Path) -> None:
    folder = written(tmp_path / "in", {".foretypeignore": "linked.md\n"})
    written(tmp_path, {"outside/x.md": ""})
    (folder / "linked.md").symlink_to(tmp_path / "outside/x.md")
    found = Exclusions([folder])
    assert found.why_not_completed(folder / "linked.md") == FORETYPE_IGNORED
    assert found.why_not_completed(tmp_path / "outside/x.md") is None


def test_a_changed_ignore_file_is_read_when_it_is_told_of(tmp_path: Path) -> None:
    found = check(tmp_path, {".gitignore": "*.log\n"}, {"a.log": GIT_IGNORED})
    ignore = tmp_path / ".gitignore"
    ignore.write_text("*.txt\n")
    assert found.why(tmp_path / "a.log") == GIT_IGNORED
    found.refresh(ignore)
    assert found.why(tmp_path / "a.log") is None
    assert found.why(tmp_path / "a.txt") == GIT_IGNORED
    ignore.unlink()
    found.refresh(ignore)
    assert found.why(tmp_path / "a.txt") is None
    written(tmp_path, {"src/.foretypeignore": "*.log\n"})
    found.refresh(tmp_path / "src/.foretypeignore")
    assert found.why(tmp_path / "src/a.log") == FORETYPE_IGNORED
    written(tmp_path, {".git/info/exclude": "*.log\n"})
    found.refresh(tmp_path / ".git/info/exclude")
    assert found.why(tmp_path / "a.log") == GIT_IGNORED


def test_no_file_is_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = check(tmp_path, {"a/.gitignore": "*.log\n"}, {"a/x.log": GIT_IGNORED})

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Path, "read_bytes", refuse)
    monkeypatch.setattr(Path, "resolve", refuse)
    assert found.why(tmp_path / "a/x.log") == GIT_IGNORED


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfa.log\n",
        b"a.log\r\nb.log\r\n",
        b"\xff\xfe\x80\nnot-\xe9t\xe9\na.log",
        b"!\n/\n[\n\\\n[]-\na.log\n",
        b"\0\na.log\n",
    ],
)
def test_an_ignore_file_of_any_bytes_is_read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / ".gitignore").write_bytes(data)
    check(tmp_path, {}, {"a.log": GIT_IGNORED, "main.py": None})


def test_a_name_that_is_not_utf_8_is_matched(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"\xe9t\xe9.py\n")
    found = Exclusions([tmp_path])
    assert found.why(tmp_path / os.fsdecode(b"\xe9t\xe9.py")) == GIT_IGNORED


def test_a_long_ignore_file_is_read_and_a_huge_one_excludes_all(tmp_path: Path) -> None:
    long = "".join(f"/data/{idx:05}.bin\n" for idx in range(2_000))
    check(tmp_path / "a", {".gitignore": long}, {"data/01999.bin": GIT_IGNORED})
    huge = "#" * MAX_IGNORE_FILE_BYTES + "\n"
    check(tmp_path / "b", {"gen/.gitignore": huge}, {"gen/x.py": UNKNOWN, "x.py": None})


def test_what_an_unreadable_ignore_file_says_counts_as_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A superuser, as tests may run, can read what nobody may.
    read_bytes = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.parent.name == "locked":
            raise PermissionError
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    found = check(tmp_path, {}, {"locked/x.py": UNKNOWN, "x.py": None})
    assert found.why_not_completed(tmp_path / "locked/x.py") == UNKNOWN


def test_an_ignore_file_that_is_a_folder_says_nothing(tmp_path: Path) -> None:
    check(tmp_path, {".gitignore/x": ""}, {"main.py": None})


def test_without_git_its_default_place_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    exclusions._global_excludes.cache_clear()
    assert exclusions._global_excludes().parts[-2:] == ("git", "ignore")


# As git itself

NAMES = ("a", "b", "c", "x.log", "y.txt", "build", "keep")
PARTS = (*NAMES, "*", "**", "*.log", "?", "[ab]", "b*")


def some_pattern(choice: random.Random) -> str:
    parts = choice.choices(PARTS, k=choice.choice((1, 1, 1, 2, 2, 3)))
    first = choice.choice(("", "", "", "!")) + choice.choice(("", "", "/"))
    return first + "/".join(parts) + choice.choice(("", "", "/"))


@pytest.mark.parametrize("seed", range(12))
def test_any_patterns_exclude_what_git_excludes(seed: int, tmp_path: Path) -> None:
    choice = random.Random(seed)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    files = []
    for _ in range(30):
        path = tmp_path.joinpath(*choice.choices(NAMES, k=choice.randint(1, 4)))
        # A name may be that of a file already, or of a folder.
        if not path.exists() and not any(above.is_file() for above in path.parents):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            files.append(path)
    folders = {file.parent for file in files}
    places = [tmp_path / ".gitignore", tmp_path / ".git/info/exclude"]
    places += [f / ".gitignore" for f in choice.sample(sorted(folders), k=3)]
    for place in places:
        place.parent.mkdir(exist_ok=True)
        place.write_text("".join(f"{some_pattern(choice)}\n" for _ in range(3)))
    names = [file.relative_to(tmp_path).as_posix() for file in files]
    answer = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin"],
        cwd=tmp_path,
        input="\n".join(names),
        capture_output=True,
        text=True,
    )
    found = Exclusions([tmp_path])
    ignored = [name for name in names if found.why(tmp_path / name) == GIT_IGNORED]
    assert ignored == answer.stdout.splitlines()


# By name


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".env.production",
        "prod.env",
        ".envrc",
        "server.key",
        "cert.pem",
        "id_rsa",
        "id_ed25519",
        ".npmrc",
        ".netrc",
        ".pypirc",
        ".git-credentials",
        ".htpasswd",
        ".pgpass",
        "credentials",
        "credentials.json",
        "kubeconfig",
        "store.p12",
        "store.pfx",
        "passwords.kdbx",
        "terraform.tfstate",
        "terraform.tfstate.backup",
        "prod.tfvars",
        ".aws/credentials",
        ".kube/config",
        ".ssh/config",
        ".docker/config.json",
        "client_secret_1.json",
        "service-account.json",
        "secrets.yaml",
        ".bash_history",
        "SERVER.KEY",
        ".Env",
    ],
)
def test_an_environment_or_key_file_is_told_by_its_name(name: str) -> None:
    assert is_key_file(PurePosixPath("/home/me/app", name))
    assert is_key_file(PureWindowsPath(r"C:\Users\me\app", name.replace("/", "\\")))
    assert is_key_file(PurePosixPath(name))


@pytest.mark.parametrize(
    "name",
    [
        "main.py",
        ".env.example",
        ".env.template",
        "environment.py",
        "env.ts",
        "keys.py",
        "key.rs",
        "credentials.py",
        "credentials/api.py",
        "secrets.py",
        "secrets/store.go",
        "id_rsa.pub",
        "config.json",
        "kube/config.yaml",
        "keyboard.key.ts",
        "history.py",
        "prod.env/readme.md",
    ],
)
def test_code_about_keys_is_no_key_file(name: str) -> None:
    assert not is_key_file(PurePosixPath("/home/me/app", name))


# By contents


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.py", "import os\n\nprint(os.name)\n", None),
        ("a.txt", "", None),
        ("a.py", "x = 1\n" + "\n" * 20 + "# @generated\n", None),
        ("a.md", "A word and one more. " * 200, None),
        ("a.py", f'DATA = "{"ab" * 400}"\n' + "x = call(1)\n" * 200, None),
        ("a.txt", "\x1b[31mred\x1b[0m\tand\fform\n", None),
        ("a.bin", "MZ\0\x01", "binary"),
        ("a.png", "\ufffdPNG\r\n\x1a\n\ufffd\ufffd", "binary"),
        ("a.py", "# @generated by a tool\n", "generated"),
        ("a.go", "// Code generated by protoc-gen-go. DO NOT EDIT.\n", "generated"),
        ("A.cs", "// <auto-generated>\n", "generated"),
        ("a.sql", "-- This file is autogenerated\n", "generated"),
        ("package-lock.json", "{}\n", "generated"),
        ("Cargo.lock", "", "generated"),
        ("jquery.min.js", "", "generated"),
        ("app.js.map", "", "generated"),
        ("a_pb2.py", "", "generated"),
        ("app.js", "function(a){return a&&b(a)};" * 100, "minified"),
        ("a.css", "/* 1.0 */\n" + "a{b:c}" * 200 + "\n", "minified"),
        ("a.py", "x = 1\n" * (MAX_FILE_BYTES // 6 + 1), "larger than 512 kB"),
        ("a.py", "é\n" * (MAX_FILE_BYTES // 3 + 1), "larger than 512 kB"),
    ],
)
def test_a_text_that_is_no_use_as_context(
    name: str, text: str, reason: str | None
) -> None:
    assert unfit(text, PurePosixPath("/home/me", name)) == reason
    assert unfit(text, PureWindowsPath(r"C:\me", name)) == reason


def test_no_file_of_this_repository_counts_as_unfit() -> None:
    for file in Path(exclusions.__file__).parent.glob("*.py"):
        assert unfit(file.read_text("utf-8"), file) is None, file


@given(st.text(st.characters()), st.text())
def test_any_text_under_any_name_has_an_answer(text: str, name: str) -> None:
    unfit(text, PurePosixPath(name))
    is_key_file(PurePosixPath(name))
