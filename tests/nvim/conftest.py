"""Neovims that run for all tests, each test with a document of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from endpoint_thread import EndpointThread
from fake_endpoint import OK, FakeEndpoint
from nvim_driver import SERVER_COMMAND, WHEELS, Neovim, binary_of

# The keys of these tests, and what happens between two of them.
KEYS = """
local foretype = require('foretype')
for key, action in pairs({
  ['<Tab>'] = foretype.accept,
  ['<M-w>'] = foretype.accept_word,
  ['<M-l>'] = foretype.accept_line,
  ['<M-n>'] = foretype.next,
  ['<M-p>'] = foretype.previous,
  ['<M-d>'] = foretype.dismiss,
  ['<M-t>'] = foretype.trigger,
}) do
  vim.keymap.set('i', key, foretype.or_key(action, key), { desc = 'Foretype' })
end
"""
_START = "require('foretype').setup{ cmd = {...} }"
_CLEAN = """
vim.cmd('silent! only! | silent! %bwipeout!')
vim.cmd('messages clear | mapclear | mapclear! | set all&')
vim.cmd(...)
vim.g.foretype_enabled = nil
require('foretype.config').current.disabled_filetypes = {}
-- Once this is answered, the server has closed what was open.
local client = vim.lsp.get_clients({ name = 'foretype' })[1]
local answered = false
if client then
  local params = { textDocument = { uri = 'file:///none' } }
  require('foretype.rpc').request(client, 'foretype/explain', params, function()
    answered = true
  end, 0)
  vim.wait(9000, function() return answered end, 2)
end
"""

_numbers = itertools.count(1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "binary" in metafunc.fixturenames:
        added = metafunc.config.getoption("--nvim")
        names = [*WHEELS, *added]
        metafunc.parametrize("binary", names, ids=names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def binary(request: pytest.FixtureRequest) -> Path:
    """The program of each Neovim, one after the other."""
    name: str = request.param
    return binary_of(WHEELS[name]) if name in WHEELS else Path(name)


@pytest.fixture(scope="session")
def newest() -> Path:
    """The one that has `vim.lsp.inline_completion`."""
    return binary_of(WHEELS["0.12"])


@pytest.fixture(scope="session")
def _endpoint_thread() -> Iterator[EndpointThread]:
    with EndpointThread() as thread:
        yield thread


@pytest.fixture
def thread(_endpoint_thread: EndpointThread) -> EndpointThread:
    """The thread of the endpoint, which answers as if nobody had asked yet."""
    endpoint = _endpoint_thread.endpoint
    endpoint.default = OK
    endpoint.script.clear()
    endpoint.requests.clear()
    return _endpoint_thread


@pytest.fixture
def endpoint(thread: EndpointThread) -> FakeEndpoint:
    """What the server asks."""
    return thread.endpoint


Start = Callable[..., Neovim]


@pytest.fixture(scope="session")
def start(
    tmp_path_factory: pytest.TempPathFactory, _endpoint_thread: EndpointThread
) -> Iterator[Start]:
    """Starts a Neovim with nothing but the plugin on its path."""
    started: list[Neovim] = []

    def start(binary: Path, *, has_plugin: bool = True, **environment: str) -> Neovim:
        home = tmp_path_factory.mktemp("home")
        settings = {
            "FORETYPE_ENDPOINT_BASE_URL": _endpoint_thread.endpoint.base_url,
            "FORETYPE_ENDPOINT_MODEL": "qwen2.5-coder",
            # Else the order of requests would not be that of keys.
            "FORETYPE_COMPLETION_ASK_AHEAD": "false",
            **environment,
        }
        nvim = Neovim(binary, home, settings, has_plugin=has_plugin)
        started.append(nvim)
        return nvim

    yield start
    for nvim in started:
        nvim.close()


@pytest.fixture(scope="session")
def _running(start: Start, binary: Path) -> Neovim:
    nvim = start(binary)
    nvim.lua(_START, *SERVER_COMMAND)
    return nvim


@pytest.fixture
def nvim(_running: Neovim, endpoint: FakeEndpoint) -> Iterator[Neovim]:
    """A Neovim whose server runs, without any document."""
    _running.lua(KEYS)
    yield _running
    _running.keys("<C-\\><C-n>")
    _running.reset(_CLEAN)


@pytest.fixture
def opened(nvim: Neovim) -> Callable[[str], Neovim]:
    """Opens a document; `█` is where the cursor is then, in insert mode."""

    def open_(drawing: str, suffix: str = ".py") -> Neovim:
        nvim.open(f"document_{next(_numbers)}{suffix}", drawing)
        return nvim

    return open_
