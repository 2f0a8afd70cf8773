"""Options and fixtures that all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# Endpoints are asked what a test asks of them, and nothing besides.
os.environ["FORETYPE_ENDPOINT_PROBE"] = "false"

# No example is timed, and none is kept in the working folder.
hypothesis.settings.register_profile("foretype", deadline=None, database=None)
hypothesis.settings.load_profile("foretype")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite the golden files to what the code does now",
    )
    parser.addoption(
        "--nvim",
        action="append",
        default=[],
        metavar="PATH",
        help="another Neovim to run the tests of its plugin with",
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are rewritten rather than compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(autouse=True, scope="session")
def no_lingering() -> Iterator[None]:
    """Has the built-in model's server end with the test that is its last client."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORETYPE_LOCAL_LINGER_S", "0")
        yield


@pytest.fixture(scope="session")
def built_in_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder for the built-in weights, which are assembled there once."""
    return tmp_path_factory.mktemp("cache")
