"""Holes at the nodes of a syntax tree: a part of a file that a person may type next."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from languages import Language
from tree_sitter import Node, Parser

from foretype.trim import is_closing_punctuation

# What a person does not wait for a model for.
MIN_TRUTH_CHARS = 4
# A longer body is one that nobody expects to have guessed.
MAX_BODY_LINES = 8
_STRINGS = (
    "string",
    "string_literal",
    "interpreted_string_literal",
    "raw_string_literal",
    "template_string",
)


class Kind(enum.Enum):
    """What is missing."""

    REST = "the rest of a statement"
    ARGUMENTS = "the arguments of a call"
    BODY = "the body of a block"
    LINE = "a whole line"


@dataclass(frozen=True)
class Hole:
    """A part of a text that is taken out."""

    kind: Kind
    start: int
    end: int


def holes(text: str, language: Language, seed: int) -> list[Hole]:
    """Every hole that may be punched in a text, in the order of their places.

    Where a statement is parted is left to chance, but always the same.
    """
    encoded = text.encode()
    tree = Parser(language.parsed_with()).parse(encoded)
    found: list[Hole] = []
    for node in _nodes(tree.root_node):
        for kind, start, end in _spans(node, language, seed):
            # The tree counts bytes.
            hole = Hole(kind, _n_chars(encoded, start), _n_chars(encoded, end))
            if _is_worth(hole, text):
                found.append(hole)
    return sorted(found, key=lambda hole: (hole.start, hole.end, hole.kind.value))


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _nodes(child)


def _spans(
    node: Node, language: Language, seed: int
) -> Iterator[tuple[Kind, int, int]]:
    """The holes that begin with a node, in bytes."""
    parent = node.parent.type if node.parent else ""
    if parent in language.bodies + language.lists and _is_statement(node):
        yield Kind.LINE, node.start_byte, node.end_byte
        last = node.end_byte - MIN_TRUTH_CHARS
        starts = [n.start_byte for n in _leaves(node)]
        pauses = [start for start in starts if node.start_byte < start <= last]
        if pauses:
            # Wherever in a file the statement stands.
            chance = Random(f"{seed} {node.text!r}")
            yield Kind.REST, chance.choice(pauses), node.end_byte
    if node.type in language.arguments and node.named_children:
        yield Kind.ARGUMENTS, node.start_byte + 1, node.end_byte - 1
    if node.type in language.bodies:
        inner = _statements(node)
        if inner and _is_text(inner[0]):
            # Nobody expects a model to know what a docstring says.
            inner = inner[1:]
        if inner:
            yield Kind.BODY, inner[0].start_byte, inner[-1].end_byte


def _statements(body: Node) -> list[Node]:
    """The statements of a block; some grammars have a list of them in between."""
    inner = body.named_children
    while len(inner) == 1 and inner[0].type.endswith("statement_list"):
        inner = inner[0].named_children
    return inner


def _is_statement(node: Node) -> bool:
    """Whether a node is a statement of one line that is code."""
    return (
        node.is_named
        and not node.has_error
        and node.type != "comment"
        and node.start_point.row == node.end_point.row
        and not _is_text(node)
    )


def _is_text(node: Node) -> bool:
    """Whether a statement is nothing but a string, as a docstring is."""
    return node.type == "expression_statement" and [
        child.type for child in node.named_children
    ] == ["string"]


def _leaves(node: Node) -> Iterator[Node]:
    """Where a person may pause: at words and signs, not within a string."""
    if node.type in _STRINGS or not node.children:
        yield node
        return
    for child in node.children:
        yield from _leaves(child)


def _n_chars(encoded: bytes, n_bytes: int) -> int:
    return len(encoded[:n_bytes].decode())


def _is_worth(hole: Hole, text: str) -> bool:
    """Whether a person would pause there, and has typed nothing behind it yet."""
    truth = text[hole.start : hole.end]
    if len(truth.strip()) < MIN_TRUTH_CHARS:
        return False
    line_end = text.find("\n", hole.end)
    behind = text[hole.end : line_end if line_end >= 0 else len(text)]
    line_start = text.rfind("\n", 0, hole.start) + 1
    is_alone = not text[line_start : hole.start].strip()
    match hole.kind:
        case Kind.REST:
            return not is_alone and is_closing_punctuation(behind)
        case Kind.ARGUMENTS:
            return "\n" not in truth and is_closing_punctuation(behind)
        case Kind.BODY:
            n_lines = truth.count("\n") + 1
            return is_alone and n_lines <= MAX_BODY_LINES and not behind.strip()
        case Kind.LINE:
            return is_alone and is_closing_punctuation(behind)
