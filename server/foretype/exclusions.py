"""Which files are never sent: by where they are, by their names, by their contents.

Secrets inside a file that may be sent are the matter of `secrets`.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import platformdirs
from cachetools import LRUCache

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

OUTSIDE = "outside of the workspace"
KEY_FILE = "an environment or key file"
FORETYPE_IGNORED = "listed in .foretypeignore"
GIT_IGNORED = "ignored by git"
UNKNOWN = "an ignore file above it cannot be read"

# A text of a larger file brings a completion nothing that fits into a prompt.
MAX_FILE_BYTES = 512_000
# Longer than any that a person writes; its patterns would take a second to compile.
MAX_IGNORE_FILE_BYTES = 100_000

_GIT_IGNORE = ".gitignore"
_FORETYPE_IGNORE = ".foretypeignore"
# How many paths' answers are kept.
_N_ANSWERS = 10_000
# Git looks for a zero byte in as much.
_N_BINARY_CHARS = 8_000
# A line of this length is not one that a person reads.
_LONG_LINE_CHARS = 500
# Where tools say that a file is theirs.
_HEAD_CHARS, _N_HEAD_LINES = 4_000, 12

# In lower case, in git's syntax. What is made to be committed is exempt: a template of
# an environment has names and no values.
_KEY_FILES = """
.env
.env.*
*.env
!.env.dist
!.env.example
!.env.sample
!.env.template
.envrc
.dev.vars
*.jceks
*.jks
*.kdb
*.kdbx
*.key
*.keystore
*.ovpn
*.p12
*.p8
*.pem
*.pfx
*.pkcs12
*.ppk
id_dsa
id_ecdsa
id_ecdsa_sk
id_ed25519
id_ed25519_sk
id_rsa
**/.cargo/credentials*
**/.docker/config.json
.dockercfg
**/.gem/credentials
.git-credentials
.htpasswd
**/.kube/config
.my.cnf
.netrc
_netrc
.npmrc
.pgpass
.pypirc
.s3cfg
.boto
.terraformrc
.vault-token
*.kubeconfig
kubeconfig
client_secret*.json
credentials
credentials*.json
service-account*.json
service_account*.json
secrets.json
secrets.toml
secrets.yaml
secrets.yml
*.tfstate
*.tfstate.*
*.tfvars
*.tfvars.json
.*_history
local.settings.json
rclone.conf
terraform.rc
""".splitlines()
_KEY_FOLDERS = {".gnupg", ".ssh"}

# In lower case: files that tools write, by the names of GitHub's linguist and others.
_GENERATED_FILES = """
*.lock
*.lockb
*.lockfile
go.sum
go.work.sum
npm-shrinkwrap.json
package-lock.json
package.resolved
packages.lock.json
pnpm-lock.yaml
*.min.css
*.min.js
*.min.mjs
*.bundle.js
*.map
*.snap
*.designer.cs
*.freezed.dart
*.g.cs
*.g.dart
*.generated.*
*.pb.cc
*.pb.go
*.pb.h
*_pb2.py
*_pb2.pyi
*_pb2_grpc.py
""".splitlines()

_GENERATED = re.compile(
    r"@generated\b"
    r"|\bdo[ ]not[ ](?:edit|modify)\b"
    r"|\bauto(?:matically)?[- ]?generated\b"
    r"|\b(?:code|file)[ ](?:is[ ]|was[ ])?generated[ ]by\b",
    re.IGNORECASE,
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")


class Exclusions:
    """Which files of a workspace must not be sent.

    The first question about a path reads the ignore files above it, so it is asked when
    a document is opened or gathered for context, not when a key is waited for. Later
    ones are answered from memory until `refresh`.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = [
            _Folder(resolved) for folder in folders if (resolved := _resolved(folder))
        ]
        self._answers: LRUCache[tuple[Path, bool], str | None] = LRUCache(_N_ANSWERS)
        # By the ignore file; None stands for one that cannot be read.
        self._specs: dict[Path, GitIgnoreSpec | None] = {}

    def why(self, path: Path) -> str | None:
        """Why a file must not be sent as context for others, in a few words, if so."""
        return self._why(path, is_open=False)

    def why_not_completed(self, path: Path) -> str | None:
        """Why nothing is suggested in a file that a person has open, if so.

        Whoever types in a file that git ignores, or in one from elsewhere, wants help
        there; it is enough that no other file is told of it.
        """
        return self._why(path, is_open=True)

    def refresh(self, path: Path) -> None:
        """Takes note that an ignore file was made, changed or deleted."""
        resolved = _resolved(path)
        for known in (path, resolved):
            if known is not None:
                self._specs.pop(known, None)
        # Git's own files say what git ignores, and are read at another place.
        if path.name not in (_GIT_IGNORE, _FORETYPE_IGNORE):
            self._specs.clear()
        self._answers.clear()

    def _why(self, path: Path, *, is_open: bool) -> str | None:
        known = (path, is_open)
        if known not in self._answers:
            self._answers[known] = self._reason(path, is_open=is_open)
        return self._answers[known]

    def _reason(self, path: Path, *, is_open: bool) -> str | None:
        resolved = _resolved(path)
        if resolved is None:
            return OUTSIDE
        # A link may have the harmless name, or what it points to.
        if is_key_file(path) or is_key_file(resolved):
            return KEY_FILE
        if not is_open and self._folder_of(resolved) is None:
            return OUTSIDE
        # A link may be listed where it stands, or what it points to where that does.
        standing = (_resolved(path.parent) or resolved.parent) / path.name
        for place in dict.fromkeys((standing, resolved)):
            folder = self._folder_of(place) or _Folder(place.parent)
            if reason := self._ignored(place, folder.top, is_open=is_open):
                return reason
        return None

    def _folder_of(self, resolved: Path) -> _Folder | None:
        inside = [f for f in self._folders if resolved.is_relative_to(f.path)]
        return max(inside, key=lambda f: len(f.path.parts), default=None)

    def _ignored(self, path: Path, top: Path, *, is_open: bool) -> str | None:
        """Why the ignore files from a folder down to a path exclude it, if so."""
        if ".git" in path.relative_to(top).parts and not is_open:
            return GIT_IGNORED
        kinds = [(_FORETYPE_IGNORE, FORETYPE_IGNORED)]
        if not is_open:
            kinds.append((_GIT_IGNORE, GIT_IGNORED))
        for name, reason in kinds:
            try:
                if self._matches(path, top, name):
                    return reason
            except _Unreadable:
                # What must not be sent cannot be told from what may.
                return UNKNOWN
        return None

    def _matches(self, path: Path, top: Path, name: str) -> bool:
        """Whether ignore files of one name, from `top` down, exclude a path.

        As git does it: what is in an excluded folder is excluded, whatever else is
        said of it, and an ignore file in there is not read.
        """
        levels = []
        if name == _GIT_IGNORE:
            levels.append((top, self._spec(_global_excludes())))
        folder = top
        *folders, last = path.relative_to(top).parts or ("",)
        for part in folders:
            levels += self._level(folder, name)
            folder /= part
            if _is_excluded(folder, levels, is_folder=True):
                return True
        levels += self._level(folder, name)
        return _is_excluded(folder / last, levels, is_folder=False)

    def _level(self, folder: Path, name: str) -> Iterator[tuple[Path, GitIgnoreSpec]]:
        """The patterns in one folder, weakest first."""
        if name == _GIT_IGNORE and (exclude := _info_exclude(folder)):
            yield folder, self._spec(exclude)
        yield folder, self._spec(folder / name)

    def _spec(self, file: Path) -> GitIgnoreSpec:
        """The patterns in an ignore file, read at the first time."""
        if file not in self._specs:
            try:
                self._specs[file] = _spec_of(_read(file))
            except _Unreadable:
                self._specs[file] = None
        spec = self._specs[file]
        if spec is None:
            raise _Unreadable
        return spec


def is_ignore_file(path: PurePath) -> bool:
    """Whether a file may say what is never sent."""
    is_gits = path.parent.name == "info" or path.parent.name == ".git"
    return is_gits or path.name in (_GIT_IGNORE, _FORETYPE_IGNORE)


def is_key_file(path: PurePath) -> bool:
    """Whether a file holds keys or an environment, by its name and folder."""
    name = path.as_posix().lower().lstrip("/")
    is_in_key_folder = not _KEY_FOLDERS.isdisjoint(name.split("/"))
    return is_in_key_folder or _verdict(_key_files(), name) is True


def unfit(text: str, path: PurePath) -> str | None:
    """Why a text is no use as context for others, in a few words, if so."""
    if _size_bytes(text) > MAX_FILE_BYTES:
        return f"larger than {MAX_FILE_BYTES // 1_000} kB"
    start = text[:_N_BINARY_CHARS]
    # Text in an encoding that was not guessed has some of the others, too.
    if "\0" in start or len(_CONTROL.findall(start)) * 20 > len(start):
        return "binary"
    if _verdict(_generated_files(), path.name.lower()):
        return "generated"
    head = "\n".join(text[:_HEAD_CHARS].splitlines()[:_N_HEAD_LINES])
    if _GENERATED.search(head):
        return "generated"
    return "minified" if _is_minified(text) else None


class _Folder:
    """A folder of the workspace, and where the ignore files begin that apply to it."""

    def __init__(self, resolved: Path) -> None:
        self.path = resolved
        above = (resolved, *resolved.parents)
        self.top = next((f for f in above if _exists(f / ".git")), resolved)


class _Unreadable(Exception):
    """An ignore file is there and cannot be read."""


def _is_excluded(
    path: Path, levels: Sequence[tuple[Path, GitIgnoreSpec]], *, is_folder: bool
) -> bool:
    """What the last pattern says that has anything to say of a path."""
    for folder, spec in reversed(levels):
        name = path.relative_to(folder).as_posix() + ("/" if is_folder else "")
        verdict = _verdict(spec, name)
        if verdict is not None:
            return verdict
    return False


def _verdict(spec: GitIgnoreSpec, name: str) -> bool | None:
    """What the last pattern says that means a name; None where there is no such."""
    for pattern in reversed(spec.patterns):
        if pattern.include is not None and _is_meant(pattern, name):
            return pattern.include
    return None


def _is_meant(pattern: GitIgnoreSpecPattern, name: str) -> bool:
    """Whether a pattern means a file or folder itself, not only one that it is in.

    The library answers for both at once, and differs from git where patterns with and
    without a slash at their end take turns; here, what is above was asked before.
    """
    found = pattern.match_file(name)
    if found is None:
        return False
    matched: str = found.match.group()
    if not matched.endswith("/"):
        return True
    if matched == "/":
        # All folders, and no file.
        return name.endswith("/")
    # `a/` means that folder, which a named group marks; `a/**` means what is in it.
    means_folder = found.match.lastgroup is not None
    return means_folder == (len(matched) == len(name))


def _read(file: Path) -> list[str]:
    """The lines of an ignore file; of one that is not there, none."""
    try:
        data = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return []
    except OSError as error:
        # Windows says so of a folder, too.
        if file.is_dir():
            return []
        raise _Unreadable from error
    if len(data) > MAX_IGNORE_FILE_BYTES:
        raise _Unreadable
    # Names of files that are not UTF-8 come from the system in the same disguise.
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    return [line.removesuffix("\r") for line in text.split("\n")]


def _spec_of(lines: Iterable[str]) -> GitIgnoreSpec:
    # Imported here, as it takes 25 ms of the server's start.
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore import GitIgnorePatternError
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    patterns = []
    for line in lines:
        # The library has `a/**/` for `a/`, where git has all folders inside.
        if line.rstrip().endswith("/**/"):
            line = f"{line.rstrip()}*/"
        try:
            patterns.append(GitIgnoreSpecPattern(line))
        except GitIgnorePatternError:
            # Git passes over what is not a pattern.
            continue
    return GitIgnoreSpec(patterns, backend="simple")


@cache
def _key_files() -> GitIgnoreSpec:
    return _spec_of(_KEY_FILES)


@cache
def _generated_files() -> GitIgnoreSpec:
    return _spec_of(_GENERATED_FILES)


@cache
def _global_excludes() -> Path:
    """The file of patterns for all of a person's repositories, there or not."""
    command = ("git", "config", "--global", "--type=path", "core.excludesFile")
    try:
        found = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=2
        )
        if found.returncode == 0 and (name := found.stdout.decode().strip()):
            return Path(name)
    except (OSError, ValueError, subprocess.SubprocessError):
        # Without git, what git would ignore is where it looks by default.
        pass
    return Path(platformdirs.user_config_path("git")) / "ignore"


def _info_exclude(folder: Path) -> Path | None:
    """The file of patterns inside of git's own folder, where a folder has one."""
    git = folder / ".git"
    if not _exists(git):
        return None
    if git.is_file():
        # A worktree or a submodule: the file says where git's own folder is.
        pointer = "\n".join(_read(git)).strip().removeprefix("gitdir:").strip()
        git = folder / pointer
        common = "\n".join(_read(git / "commondir")).strip()
        git /= common
    return git / "info" / "exclude"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _resolved(path: Path) -> Path | None:
    """A path without links; None where there is a ring of them, or no such name."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return None


def _size_bytes(text: str) -> int:
    if text.isascii() or len(text) > MAX_FILE_BYTES:
        return len(text)
    return len(text.encode("utf-8", "surrogatepass"))


def _is_minified(text: str) -> bool:
    """Whether most of a text stands in long lines that have hardly a space.

    A paragraph of prose on one line has one in six characters.
    """
    long_lines = [line for line in text.splitlines() if len(line) > _LONG_LINE_CHARS]
    n_chars = sum(map(len, long_lines))
    n_blanks = sum(line.count(" ") + line.count("\t") for line in long_lines)
    return n_chars * 2 > len(text) and n_blanks * 10 < n_chars
