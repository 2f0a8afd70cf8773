"""The language servers that are compared, each by an adapter.

An adapter says how a server is started and told where the endpoint is, which request
asks for a suggestion, and what of the answer is one. Everything else is the same for
all of them.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from editor import INLINE_COMPLETION, Server
from traces import ROOT

from foretype.client import SERVER_COMMAND

# Ignored by git, and removed with the checkout.
BUILD = ROOT / "build"
TABBY_VERSION = "1.5.0"


@dataclass(frozen=True)
class Reached:
    """Where the endpoint is."""

    base_url: str
    """Up to and with its `/v1`."""
    ca_file: Path | None
    """The certificate to trust, if it speaks TLS."""


class Peer(Protocol):
    """One server with its settings."""

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> str:
        """Its settings, in words."""
        ...

    @property
    def method(self) -> str:
        """What asks for a suggestion."""
        ...

    def command(self) -> Sequence[str]:
        """What starts it."""
        ...

    def prepare(self, home: Path, reached: Reached) -> Mapping[str, str]:
        """Writes its settings; returns the variables it is to be started with."""
        ...

    async def initialize(self, server: Server) -> None:
        """Opens the conversation; returns once it is ready for the first key."""
        ...

    def items(self, result: Any) -> Sequence[Mapping[str, Any]]:
        """The items of an answer, with `insertText`, `range` and perhaps `command`."""
        ...


@dataclass(frozen=True)
class Foretype:
    """This project's server."""

    name: str = "foretype"
    settings: str = "defaults"
    variables: Mapping[str, str] = field(default_factory=dict)
    extends: bool = False
    """Whether the editor asks again when it is told that there is more."""
    python_path: str = ""
    """Where the package is, if not in this checkout."""
    wire: str = "suffix"
    method: str = INLINE_COMPLETION

    def command(self) -> Sequence[str]:
        return SERVER_COMMAND

    def prepare(self, home: Path, reached: Reached) -> Mapping[str, str]:
        wires = {
            "suffix": {"FORETYPE_ENDPOINT_TEMPLATE": "suffix"},
            "markers": {"FORETYPE_ENDPOINT_TEMPLATE": "qwen"},
            "chat": {"FORETYPE_ENDPOINT_WIRE": "chat"},
        }
        trusted = {"SSL_CERT_FILE": str(reached.ca_file)} if reached.ca_file else {}
        path = {"PYTHONPATH": self.python_path} if self.python_path else {}
        return {
            "FORETYPE_ENDPOINT_BASE_URL": reached.base_url,
            "FORETYPE_ENDPOINT_MODEL": "true",
            **wires[self.wire],
            **trusted,
            **path,
            **self.variables,
        }

    async def initialize(self, server: Server) -> None:
        extends = {"foretype": {"didExtend": self.extends}}
        general = {"positionEncodings": ["utf-16"]}
        capabilities = {"general": general, "experimental": extends}
        await server.initialize({"capabilities": capabilities})
        await server.heard("didChangeStatus")

    def items(self, result: Any) -> Sequence[Mapping[str, Any]]:
        items: Sequence[Mapping[str, Any]] = (result or {}).get("items", ())
        return items


@dataclass(frozen=True)
class TabbyAgent:
    """The agent of Tabby, from npm, which asks a Tabby server.

    1.5.0 is the newest that npm serves here. It offers suggestions as completion items,
    does not mind `$/cancelRequest`, and answers what is superseded with an empty list.
    """

    name: str = "tabby-agent"
    settings: str = "defaults"
    toml: str = ""
    method: str = "textDocument/completion"

    def command(self) -> Sequence[str]:
        cli = BUILD / "tabby" / "node_modules" / "tabby-agent" / "dist" / "cli.js"
        if not cli.is_file():
            _install_tabby(cli.parents[3])
        node = shutil.which("node")
        if node is None:
            raise SystemExit("tabby-agent needs Node.js 18 or newer on PATH")
        return (node, str(cli), "--lsp", "--stdio")

    def prepare(self, home: Path, reached: Reached) -> Mapping[str, str]:
        folder = home / ".tabby-client" / "agent"
        folder.mkdir(parents=True)
        trusted = f'[tls]\ncaCerts = "{reached.ca_file}"\n' if reached.ca_file else ""
        # Its telemetry would be waited for at the start.
        (folder / "config.toml").write_text(
            f'[server]\nendpoint = "{reached.base_url.removesuffix("/v1")}"\n'
            f"[anonymousUsageTracking]\ndisable = true\n{trusted}{self.toml}",
            "utf-8",
        )
        return {}

    async def initialize(self, server: Server) -> None:
        # It answers once it has seen the endpoint's health.
        await server.initialize({})

    def items(self, result: Any) -> Sequence[Mapping[str, Any]]:
        return [
            {
                "insertText": item["textEdit"]["newText"],
                "range": item["textEdit"]["range"],
            }
            for item in result["items"]
        ]


def _install_tabby(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("tabby-agent is installed by npm, which is not on PATH")
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        (
            *(npm, "install", "--silent", "--ignore-scripts", "--no-audit"),
            *("--no-fund", "--prefix", str(folder), f"tabby-agent@{TABBY_VERSION}"),
        ),
        check=True,
    )


FORETYPE = Foretype()
EXTENDING = Foretype(settings="the editor asks again on `didExtend`", extends=True)
TABBY = TabbyAgent()
QUICK_TABBY = TabbyAgent(
    settings="`completion.debounce` fixed, 0 ms",
    toml='[completion.debounce]\nmode = "fixed"\ninterval = 0\n',
)
