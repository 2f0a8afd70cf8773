"""What the tests of editors share that come with the system (docs/editors)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from endpoint_thread import EndpointThread
from fake_endpoint import FakeEndpoint


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    """What the server asks."""
    with EndpointThread() as thread:
        yield thread.endpoint


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def environment(home: Path, endpoint: FakeEndpoint) -> dict[str, str]:
    """The variables of a person whose server asks the endpoint."""
    return {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "FORETYPE_ENDPOINT_BASE_URL": endpoint.base_url,
        "FORETYPE_ENDPOINT_MODEL": "qwen2.5-coder",
        "FORETYPE_COMPLETION_ASK_AHEAD": "false",
    }
