"""Fetches model files from a hub that speaks Hugging Face's API.

A file is written beside its place, goes on where a broken transfer left it, and takes
its name only once its SHA-256 is what the hub says. `huggingface_hub` would do the
first two, but checks no digest, and tells the hub what is installed here.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Self
from urllib.parse import SplitResult, quote, urlsplit

import httpx2
import truststore

from foretype import __version__
from foretype.addresses import is_loopback
from foretype.errors import HubError

DEFAULT_URL = "https://huggingface.co"
# A transfer that is broken is gone on with so often without a byte between.
MAX_BREAKS = 4
BREAK_PAUSE_S = 2.0
TIMEOUT_S = 30.0
BLOCK_BYTES = 1 << 20
# What must be left on the disk besides.
MIN_FREE_BYTES = 256 << 20
_REPO = re.compile(r"[\w.-]+/[\w.-]+")
_FILE_NAME = re.compile(r"[\w.+-]+\.gguf", re.I)
_SHA256 = re.compile(r"[0-9a-f]{64}")
# One of several files that only make a model together.
_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.I)
# The best size for its quality, where a repository has several and none is named.
_PREFERRED = re.compile(r"q4_k_m", re.I)

OnProgress = Callable[[int, int], None]
"""Told how many bytes there are, and how many there will be."""


@dataclass(frozen=True)
class Remote:
    """A file on a hub."""

    repo: str
    path: str
    n_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """What the file is called here."""
        return PurePosixPath(self.path).name


class Hub:
    """One hub; `token` is sent to it alone, and to no host it redirects to."""

    def __init__(self, url: str = DEFAULT_URL, token: str = "") -> None:
        self._url = url.rstrip("/")
        parts = _parts(self._url)
        is_local = is_loopback(parts.hostname or "")
        self._is_https = parts.scheme == "https"
        if not self._is_https and not is_local:
            raise HubError(
                f"the hub {self._url} must be an https:// URL: whoever is in between "
                "could send another model"
            )
        headers = {"User-Agent": f"foretype/{__version__}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._client = httpx2.Client(
            headers=headers,
            timeout=TIMEOUT_S,
            # The system's authorities, a company's own among them.
            verify=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            # NB: It leaves the token out where a redirect goes to another host.
            follow_redirects=True,
            trust_env=not is_local,
        )

    def close(self) -> None:
        """Closes its connections."""
        self._client.close()

    def find(self, name: str) -> Remote:
        """The file that `OWNER/REPO[:FILE]` names. Raises: HubError."""
        repo, _, path = name.partition(":")
        if not _REPO.fullmatch(repo):
            raise HubError(f"{name!r} is not OWNER/REPO or OWNER/REPO:FILE.gguf")
        found = self._get(f"/api/models/{repo}", {"blobs": "true"}, repo)
        files = _gguf_files(found)
        if path:
            if path not in files:
                raise HubError(f"{repo} has no file {path}; it has {_listed(files)}")
        else:
            path = _only(repo, files)
        if _PART.search(path) or not _FILE_NAME.fullmatch(PurePosixPath(path).name):
            raise HubError(
                f"{path} is not a model in one GGUF file; {repo} has {_listed(files)}"
            )
        n_bytes, sha256 = files[path]
        if not _SHA256.fullmatch(sha256) or n_bytes <= 0:
            raise HubError(
                f"the hub tells no SHA-256 of {path}, so it cannot be checked; get it "
                "by hand, and name its path to foretype models use"
            )
        return Remote(repo, path, n_bytes, sha256)

    def pull(self, remote: Remote, target: Path, on_progress: OnProgress) -> None:
        """Fetches a file to its place, going on where it was left.

        Raises: HubError, OSError.
        """
        # Another version of the file is another one.
        name = f"{target.name}.{remote.sha256[:8]}.part"
        with _Part(target.with_name(name)) as part:
            _check_room(target.parent, remote.n_bytes - part.path.stat().st_size)
            part.read(lambda: on_progress(part.n_bytes, remote.n_bytes))
            n_breaks = 0
            while part.n_bytes != remote.n_bytes:
                n_before = part.n_bytes
                why = self._fill(remote, part, on_progress)
                n_breaks = 0 if part.n_bytes > n_before else n_breaks + 1
                if n_breaks > MAX_BREAKS:
                    raise HubError(
                        f"the transfer of {remote.path} broke off ({why}); the same "
                        "command goes on with it"
                    )
                time.sleep(BREAK_PAUSE_S * n_breaks)
        if part.sha256 != remote.sha256:
            part.path.unlink()
            raise HubError(
                f"{remote.path} came damaged: its SHA-256 is not the one that the hub "
                "tells; try again"
            )
        os.replace(part.path, target)

    def _fill(self, remote: Remote, part: _Part, on_progress: OnProgress) -> str:
        """Gets what is missing, as far as it comes; why it ended, in a word."""
        if part.n_bytes > remote.n_bytes:
            part.begin_again()
        url = f"{self._url}/{remote.repo}/resolve/main/{quote(remote.path)}"
        first = f"bytes {part.n_bytes}-"
        headers = {
            "Range": f"bytes={part.n_bytes}-",
            # The digest is that of the file, not of what it is packed in.
            "Accept-Encoding": "identity",
        }
        try:
            with self._client.stream("GET", url, headers=headers) as response:
                if response.status_code >= 500:
                    return f"HTTP {response.status_code}"
                self._check(response, remote.repo)
                if not response.headers.get("content-range", "").startswith(first):
                    # It sends all of it instead.
                    part.begin_again()
                for block in response.iter_bytes(BLOCK_BYTES):
                    part.write(block)
                    on_progress(part.n_bytes, remote.n_bytes)
                    if part.n_bytes > remote.n_bytes:
                        return "it is too long"
        except httpx2.RequestError as error:
            return type(error).__name__
        return "it ended too soon"

    def _get(self, path: str, params: Mapping[str, str], repo: str) -> Any:
        try:
            response = self._client.get(f"{self._url}{path}", params=params)
            self._check(response, repo)
            return response.json()
        except httpx2.RequestError as error:
            raise HubError(
                f"the hub {self._url} cannot be reached ({type(error).__name__})"
            ) from error
        except ValueError as error:
            raise HubError(f"the hub {self._url} does not answer in JSON") from error

    def _check(self, response: httpx2.Response, repo: str) -> None:
        if self._is_https and response.url.scheme != "https":
            raise HubError(f"the hub {self._url} redirects to a place without TLS")
        status = response.status_code
        if status in (401, 403, 404):
            # It answers 401 for what does not exist, too.
            raise HubError(
                f"the hub has no {repo} for you (HTTP {status}): correct the name, or "
                "name a variable with your token by --token-env"
            )
        if not response.is_success:
            raise HubError(f"the hub {self._url} answered HTTP {status}")


class _Part:
    """As much of a file as has come, with its digest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n_bytes = 0
        # Mode 600, until it is known to be what it should be.
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        self._file = os.fdopen(os.open(path, flags, 0o600), "r+b")
        self._digest = hashlib.sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def read(self, on_progress: Callable[[], None]) -> None:
        """Takes in what is there already."""
        while block := self._file.read(BLOCK_BYTES):
            self._digest.update(block)
            self.n_bytes += len(block)
            on_progress()

    def write(self, block: bytes) -> None:
        self._file.write(block)
        self._digest.update(block)
        self.n_bytes += len(block)

    def begin_again(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self.n_bytes = 0


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        # A port that is none raises only when it is read.
        _ = parts.port
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HubError("the hub must be a URL that begins with https://")
    return parts


def _gguf_files(found: object) -> dict[str, tuple[int, str]]:
    """The size and the digest of each GGUF file in what a hub says of a repository."""
    files = {}
    siblings = found.get("siblings") if isinstance(found, dict) else None
    for sibling in siblings if isinstance(siblings, list) else ():
        path = sibling.get("rfilename") if isinstance(sibling, dict) else None
        if isinstance(path, str) and path.lower().endswith(".gguf"):
            lfs = sibling.get("lfs")
            lfs = lfs if isinstance(lfs, dict) else {}
            n_bytes = lfs.get("size", sibling.get("size"))
            files[path] = (
                n_bytes if isinstance(n_bytes, int) else 0,
                str(lfs.get("sha256", "")).lower(),
            )
    return files


def _only(repo: str, files: Mapping[str, tuple[int, str]]) -> str:
    """The file that is meant where none is named."""
    whole = [path for path in files if not _PART.search(path)]
    preferred = [path for path in whole if _PREFERRED.search(path)]
    for candidates in (whole, preferred):
        if len(candidates) == 1:
            return candidates[0]
    if not files:
        raise HubError(f"{repo} has no GGUF file")
    raise HubError(f"{repo} has several files; name one of {_listed(files)}")


def _listed(files: Mapping[str, tuple[int, str]]) -> str:
    return ", ".join(sorted(files)) or "no GGUF file"


def _check_room(folder: Path, n_missing: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if n_missing > free_bytes - MIN_FREE_BYTES:
        raise HubError(
            f"{folder} has {free_bytes / 1e9:.1f} GB free, and {n_missing / 1e9:.1f} "
            "GB are to come; make room there"
        )
