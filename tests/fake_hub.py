"""A hub on loopback that speaks Hugging Face's API, and can be told to misbehave."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import dumps
from typing import Self
from urllib.parse import unquote, urlsplit


@dataclass
class FakeHub:
    """One repository, and what became of the requests for it."""

    repo: str
    files: dict[str, bytes]
    has_digests: bool = True
    cuts: list[int] = field(default_factory=list)
    """After how many bytes each of the next transfers breaks off."""
    ignores_ranges: bool = False
    damage: bytes = b""
    """What the files begin with instead."""
    statuses: list[int] = field(default_factory=list)
    """What the next transfers are answered with instead."""
    storage_url: str = ""
    """Where transfers are redirected to."""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Serves until the context ends."""
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(request.path).path)
        self.requests.append((path, {k.lower(): v for k, v in request.headers.items()}))
        resolve = f"/{self.repo}/resolve/main/"
        if path == f"/api/models/{self.repo}":
            body = dumps({"siblings": [*self._siblings()]}).encode()
            self._send(request, 200, body)
        elif path.startswith(resolve) and path.removeprefix(resolve) in self.files:
            self._transfer(request, path, path.removeprefix(resolve))
        else:
            self._send(request, 404, b"Not Found")

    def _siblings(self) -> Iterator[dict[str, object]]:
        yield {"rfilename": "README.md", "size": 5}
        for name, content in self.files.items():
            sibling: dict[str, object] = {"rfilename": name, "size": len(content)}
            if self.has_digests:
                sha256 = hashlib.sha256(content).hexdigest()
                sibling["lfs"] = {"sha256": sha256, "size": len(content)}
            yield sibling

    def _transfer(self, request: BaseHTTPRequestHandler, path: str, name: str) -> None:
        if self.storage_url:
            request.send_response(302)
            request.send_header("Location", self.storage_url + path)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        if self.statuses:
            self._send(request, self.statuses.pop(0), b"")
            return
        content = self.damage + self.files[name][len(self.damage) :]
        start = 0
        if not self.ignores_ranges:
            start = int(request.headers["Range"][len("bytes=") : -1])
        request.send_response(200 if self.ignores_ranges else 206)
        if not self.ignores_ranges:
            last = len(content) - 1
            request.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
        rest = content[start:]
        request.send_header("Content-Length", str(len(rest)))
        request.end_headers()
        cut = self.cuts.pop(0) if self.cuts else len(rest)
        request.wfile.write(rest[:cut])
        request.close_connection = True

    def _send(self, request: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
