"""The languages that holes are punched in: what their syntax trees call things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tree_sitter_c
import tree_sitter_go
import tree_sitter_python
import tree_sitter_typescript
from tree_sitter import Language as Grammar


@dataclass(frozen=True)
class Language:
    """One language, as it is parsed and named."""

    name: str
    language_id: str
    suffixes: tuple[str, ...]
    grammar: Callable[[], object]
    """As its package hands it out."""
    bodies: tuple[str, ...]
    """Nodes whose children are statements and that are a block."""
    arguments: tuple[str, ...]
    """Nodes of what is between the parentheses of a call, with these."""
    lists: tuple[str, ...] = ()
    """Nodes whose children are statements and that are no block by themselves."""

    def parsed_with(self) -> Grammar:
        """What `tree_sitter.Parser` takes."""
        return Grammar(self.grammar())


PYTHON = Language(
    "Python",
    "python",
    (".py",),
    tree_sitter_python.language,
    bodies=("block",),
    arguments=("argument_list",),
    lists=("module",),
)
LANGUAGES = (
    PYTHON,
    Language(
        "TypeScript",
        "typescript",
        (".ts",),
        tree_sitter_typescript.language_typescript,
        bodies=("statement_block",),
        arguments=("arguments",),
        lists=("program", "interface_body", "class_body"),
    ),
    Language(
        "Go",
        "go",
        (".go",),
        tree_sitter_go.language,
        bodies=("block",),
        arguments=("argument_list",),
        lists=("statement_list", "field_declaration_list"),
    ),
    Language(
        "C",
        "c",
        (".c", ".h"),
        tree_sitter_c.language,
        bodies=("compound_statement",),
        arguments=("argument_list",),
        lists=("translation_unit", "field_declaration_list"),
    ),
)


def language_of(name: str) -> Language | None:
    """The language of a file, by its name."""
    return next((each for each in LANGUAGES if name.endswith(each.suffixes)), None)
