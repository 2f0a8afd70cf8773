"""Which module may import which: the layers of the server, read from its source.

Imports inside functions count as well: they are only later.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import foretype

PACKAGE = Path(foretype.__file__).parent
MODULES = {path.stem: path for path in sorted(PACKAGE.glob("*.py"))}

# A module imports only from those above it, and from those before it in its own line.
LAYERS = """
errors  timeline  status  logs  addresses
setting  endpoint_settings  settings  presets  layers
stats  stats_store  stats_keeper
edits
snippet  document
exclusions  secrets
definitions  definition_store  symbols  index_cache  index_files
index_worker  indexer
comments  indentation  rounds  trim  reuse
templates  prompt
model
wire  completions  chat  responses  fim  mistral_fim  infill  ollama  wires
request  connections  events  faults  endpoint
gguf  machine  weights  slots  local_registry  local_link  local_door
local_server  local
probe  supplier
generation
suggestions  health
reason  answer  engine  explain
history  similar  counterpart  context
folder_limits
session
lsp
transport
throttle
protocol
server
clients  tcp  websocket  serving
client
screen  picture  typist
stats_report  stats_page  stats_command
config_file  hub  models  models_command
complete  demo
editor_snippets  init_command
diagnosis  route  measuring  doctor  doctor_command
cli
__main__
"""
ORDER = ["__init__", *LAYERS.split()]

# The modules that may import a package; all others do without.
ONLY_IN = {
    "pygls": {"protocol", "server"},
    "lsprotocol": {"lsp", "protocol", "server"},
    "openai": {"connections", "events", "faults", "endpoint"},
    "httpx2": {"connections", "endpoint", "hub"},
    "aiohttp": {"connections", "events", "endpoint"},
    "filelock": {"local", "models_command"},
    "pathspec": {"exclusions"},
    "tomlkit": {"config_file"},
    "websockets": {"websocket"},
    "psutil": {"machine"},
    "redact_secret": {"secrets"},
    "xllamacpp": {"local_server"},
    "tree_sitter": {"definitions"},
}


def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text("utf-8"), f"{module}.py")


def imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Each import statement, with the full name of what it imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            # A relative import has dots and perhaps no name.
            source = "." * node.level + (node.module or "")
            for alias in node.names:
                yield node, f"{source}.{alias.name}"


def imported_modules(module: str) -> Iterator[tuple[int, str]]:
    """The modules of this package that a module imports, with the line."""
    for node, name in imports(tree_of(module)):
        package, _, rest = name.partition(".")
        if package == "foretype":
            imported = rest.partition(".")[0]
            yield node.lineno, imported if imported in MODULES else "__init__"


def test_every_module_has_its_place() -> None:
    assert set(MODULES) == set(ORDER)
    assert len(ORDER) == len(set(ORDER))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_those_above_it(module: str) -> None:
    above = ORDER[: ORDER.index(module)]
    wrong = [
        f"line {line}: {module} imports {name}"
        for line, name in imported_modules(module)
        if name not in above
    ]
    assert not wrong


@pytest.mark.parametrize("package", ONLY_IN)
def test_a_package_is_imported_where_it_belongs(package: str) -> None:
    users = {
        module
        for module in MODULES
        for _, name in imports(tree_of(module))
        if name.partition(".")[0] == package
    }
    assert users <= ONLY_IN[package]


@pytest.mark.parametrize(
    "slow",
    [
        "filelock",
        "foretype.websocket",
        "foretype.endpoint",
        "foretype.index_worker",
        "pathspec",
        "redact_secret",
        "tree_sitter",
        "xllamacpp",
    ],
)
def test_what_is_slow_to_import_is_imported_only_when_it_is_needed(slow: str) -> None:
    at_once = {
        f"{module} imports {name}"
        for module in MODULES
        for name in imported_at_once(tree_of(module))
        if f"{name}.".startswith(f"{slow}.")
    }
    assert not at_once


def imported_at_once(tree: ast.Module) -> Iterator[str]:
    """What is imported with a module itself: not in a function, not for types only."""
    later: set[ast.AST] = set()
    for node in ast.walk(tree):
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        is_typing = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        if is_function or is_typing:
            later.update(ast.walk(node))
    return (name for node, name in imports(tree) if node not in later)


@pytest.mark.parametrize("module", MODULES)
def test_no_module_imports_relatively(module: str) -> None:
    assert [name for _, name in imports(tree_of(module)) if name[0] == "."] == []
