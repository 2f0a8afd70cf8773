"""What a file defines: names with their signatures, read with tree-sitter.

Pure, and slow: up to 100 ms a file. It runs in the process of `index_worker`, which is
also the only one that loads tree-sitter, and each grammar when it is first needed.
What is looked for in a language is in `tags`, in the grammars' own query language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Query

# What a prompt can afford to be told about one name.
MAX_LINES = 12
MAX_CHARS = 800
# A line of a class that stands for one of its members.
MAX_MEMBER_CHARS = 160
# A file with more is generated, or a list of constants.
MAX_DEFINITIONS = 250
MAX_FILE_CHARS = 48_000
MAX_NAME_CHARS = 100


class Kind(StrEnum):
    """What a name stands for."""

    FUNCTION = "function"
    METHOD = "method"
    CLASS = "class"
    TYPE = "type"
    CONSTANT = "constant"


@dataclass(frozen=True, slots=True)
class Definition:
    """One name that a file defines."""

    name: str
    kind: Kind
    text: str
    """What to tell of it: a line of its documentation, its signature, not its body.

    Of a class its head and its members' signatures; of a member also its class's head.
    """
    line_idx: int


@dataclass(frozen=True, slots=True)
class _Grammar:
    package: str
    tags: tuple[str, ...]
    function: str = "language"


# By the language ids of LSP.
_GRAMMARS = {
    "python": _Grammar("tree_sitter_python", ("python",)),
    "javascript": _Grammar("tree_sitter_javascript", ("ecmascript", "javascript")),
    "typescript": _Grammar(
        "tree_sitter_typescript", ("ecmascript", "typescript"), "language_typescript"
    ),
    "typescriptreact": _Grammar(
        "tree_sitter_typescript", ("ecmascript", "typescript"), "language_tsx"
    ),
    "go": _Grammar("tree_sitter_go", ("go",)),
    "rust": _Grammar("tree_sitter_rust", ("rust",)),
    "java": _Grammar("tree_sitter_java", ("java",)),
    "c": _Grammar("tree_sitter_c", ("c", "c_only")),
    "cpp": _Grammar("tree_sitter_cpp", ("c", "cpp")),
    "csharp": _Grammar("tree_sitter_c_sharp", ("csharp",)),
    "ruby": _Grammar("tree_sitter_ruby", ("ruby",)),
    "php": _Grammar("tree_sitter_php", ("php",), "language_php"),
    "lua": _Grammar("tree_sitter_lua", ("lua",)),
    "shellscript": _Grammar("tree_sitter_bash", ("shell",)),
}
# JavaScript's grammar knows JSX.
_GRAMMARS["javascriptreact"] = _GRAMMARS["javascript"]

_LANGUAGES = {
    "py pyi": "python",
    "js mjs cjs": "javascript",
    "jsx": "javascriptreact",
    "ts mts cts": "typescript",
    "tsx": "typescriptreact",
    "go": "go",
    "rs": "rust",
    "java": "java",
    "c": "c",
    # NB: A header may be of either; the grammar of C++ reads C as well.
    "h cc cpp cxx hh hpp hxx inl ipp": "cpp",
    "cs": "csharp",
    "rb rake gemspec": "ruby",
    "php": "php",
    "lua": "lua",
    "sh bash zsh": "shellscript",
}
_BY_SUFFIX = {
    f".{suffix}": language
    for suffixes, language in _LANGUAGES.items()
    for suffix in suffixes.split()
}
EXTENSIONS = tuple(suffix for suffixes in _LANGUAGES for suffix in suffixes.split())
"""Of the files that can be read, without the dot."""
_BY_NAME = {"Rakefile": "ruby", "Gemfile": "ruby", ".bashrc": "shellscript"}

# Languages that can use each other's definitions.
_FAMILIES = {
    "javascriptreact": "javascript",
    "typescript": "javascript",
    "typescriptreact": "javascript",
    "cpp": "c",
}

# Nodes around a definition that are written in front of it.
_WRAPPERS = {
    "decorated_definition",
    "export_statement",
    "ambient_declaration",
    "template_declaration",
    "type_declaration",
    "const_declaration",
    "var_declaration",
    "expression_statement",
    "variable_declaration",
}
# Nodes between a definition and its comment.
_ATTRIBUTES = {"attribute_item", "decorator"}
# Names that others do not call a thing by. Constructors are shown as members.
_UNSPOKEN = re.compile(r"_.*|constructor|initialize")
_PRIVATE = re.compile(r"_[^_].*|#.*")
# What is on several lines has white space in its brackets.
_SPACED_BRACKETS = re.compile(r"(?<=\() | (?=\))|,(?= ?\))")
_WORDS = re.compile(r"\w.*")
# C# documents in XML.
_XML = re.compile(r"</?\w[^>]*>")


def language_of(path: PurePath) -> str | None:
    """The language id of a file by its name, if its definitions can be read."""
    return _BY_SUFFIX.get(path.suffix.lower()) or _BY_NAME.get(path.name)


def family_of(path: PurePath) -> str | None:
    """A name for the languages whose definitions are of use in a file."""
    language = language_of(path)
    return _FAMILIES.get(language, language) if language else None


def definitions(text: str, language_id: str) -> list[Definition]:
    """What a text defines for others to use, in its order.

    What is defined inside functions is left out.
    Raises: KeyError, for a language that no `language_of` returns.
    """
    parser, query = _reader(language_id)
    source = text.encode("utf-8", "replace")
    found: list[Definition] = []
    n_chars = 0
    # What the place at hand is inside of, outermost first.
    around: list[_Tag] = []
    members: dict[int, list[str]] = {}
    classes: list[tuple[int, _Tag]] = []
    for tag in _tags(parser.parse(source).root_node, query):
        while around and around[-1].node.end_byte <= tag.node.start_byte:
            around.pop()
        outer = around[-1] if around else None
        around.append(tag)
        if outer is not None and outer.kind not in ("class", "scope"):
            # NB: A type may hold another: `typedef struct point {...} point_t`.
            if not (outer.kind == "type" and tag.kind == "class"):
                continue
            outer = None
        is_private = _PRIVATE.fullmatch(tag.name)
        if outer is not None and tag.kind != "scope" and not is_private:
            members.setdefault(outer.node.id, []).append(_member(tag, source))
        name = tag.name
        is_spoken = (
            name
            and len(name) <= MAX_NAME_CHARS
            and not _UNSPOKEN.fullmatch(name)
            and not (outer and outer.name == name)
        )
        if tag.kind in ("member", "scope") or not is_spoken:
            continue
        if len(found) == MAX_DEFINITIONS or n_chars > MAX_FILE_CHARS:
            break
        kind = Kind(tag.kind)
        if kind is Kind.FUNCTION and outer is not None:
            kind = Kind.METHOD
        if kind is Kind.CLASS:
            classes.append((len(found), tag))
        is_inner = outer is not None and kind is not Kind.CLASS
        head = _head(outer, source) if is_inner and outer else ""
        text = _bounded(head + _described(tag, source, "    " if head else ""))
        n_chars += len(text)
        found.append(Definition(name, kind, text, tag.name_line_idx))
    # A class has been seen before its members.
    for idx, tag in classes:
        of_class = found[idx]
        lines = [of_class.text, *members.get(tag.node.id, [])]
        text = _bounded("\n".join(lines))
        found[idx] = Definition(of_class.name, of_class.kind, text, of_class.line_idx)
    return found


@dataclass(frozen=True, slots=True)
class _Tag:
    """One node that a query has found."""

    kind: str
    """A `Kind`, "member" or "scope"."""
    node: Node
    name: str
    name_line_idx: int
    body: Node | None


@cache
def _reader(language_id: str) -> tuple[Parser, Query]:
    # Imported here, as only the worker is to load it.
    from tree_sitter import Language, Parser, Query

    grammar = _GRAMMARS[language_id]
    language = Language(getattr(import_module(grammar.package), grammar.function)())
    folder = files("foretype") / "tags"
    tags = [(folder / f"{tag}.scm").read_text("utf-8") for tag in grammar.tags]
    return Parser(language), Query(language, "\n".join(tags))


def _tags(root: Node, query: Query) -> list[_Tag]:
    """What a query finds, outer before inner, one for each node."""
    from tree_sitter import QueryCursor

    by_node: dict[int, tuple[int, _Tag]] = {}
    for pattern_idx, captures in QueryCursor(query).matches(root):
        name = captures["name"][0] if "name" in captures else None
        for label, (node, *_) in captures.items():
            kind = label.removeprefix("definition.")
            if kind in ("name", "body", "value", "called"):
                continue
            # The first patterns of a file say more.
            if node.id in by_node and by_node[node.id][0] <= pattern_idx:
                continue
            body = captures["body"][0] if "body" in captures else None
            tag = _Tag(
                kind,
                node,
                _str(name.text) if name else "",
                (name or node).start_point.row,
                body or node.child_by_field_name("body"),
            )
            by_node[node.id] = pattern_idx, tag
    tags = [tag for _, tag in by_node.values()]
    return sorted(tags, key=lambda tag: (tag.node.start_byte, -tag.node.end_byte))


def _described(tag: _Tag, source: bytes, indent: str) -> str:
    """A line of documentation and the signature."""
    node = _outermost(tag.node)
    signature = _signature(tag, node, source)
    group = node.parent
    if group is not None and group.type == "var_spec_list":
        group = group.parent
    if group is not None and group.type in _WRAPPERS:
        signature = f"{_str(group.children[0].text)} {signature}"
    if tag.kind == "constant":
        signature = signature.partition("\n")[0][:MAX_MEMBER_CHARS]
    lines = [*_comment(node), *_dedented(signature, node.start_point.column)]
    if docstring := _docstring(tag):
        lines.append(f"    {docstring}")
    return "\n".join(indent + line for line in lines)


def _outermost(node: Node) -> Node:
    """The node with what is written in front of it, such as decorators."""
    while (
        (parent := node.parent) is not None
        and parent.type in _WRAPPERS
        # A group: `const ( A = 1; B = 2 )`.
        and not _is_group(parent)
    ):
        node = parent
    return node


def _is_group(node: Node) -> bool:
    return any(child.type == "(" for child in node.children)


def _signature(tag: _Tag, start: Node, source: bytes) -> str:
    is_cut = tag.body is not None and tag.kind != "type"
    end_byte = tag.body.start_byte if tag.body and is_cut else start.end_byte
    return _str(source[start.start_byte : end_byte]).rstrip().rstrip(";")


def _member(tag: _Tag, source: bytes) -> str:
    signature = _signature(tag, _outermost(tag.node), source)
    line = _SPACED_BRACKETS.sub("", " ".join(signature.split()))
    return f"    {line[:MAX_MEMBER_CHARS]}"


def _head(outer: _Tag, source: bytes) -> str:
    """The line of a class that has its name."""
    start = outer.node.start_byte
    end = outer.body.start_byte if outer.body else outer.node.end_byte
    lines = _str(source[start:end]).splitlines()
    named = [line.strip() for line in lines if outer.name in line]
    return f"{named[0] if named else lines[0].strip()}\n"


def _dedented(text: str, n_columns: int) -> Iterator[str]:
    first, *rest = text.splitlines() or [""]
    yield first
    for line in rest:
        margin = min(n_columns, len(line) - len(line.lstrip()))
        yield line[margin:].rstrip()


def _comment(node: Node) -> list[str]:
    """The first line with words of the comment right above a node."""
    first = None
    above = node
    while (before := above.prev_sibling) is not None:
        # NB: A comment that holds its line break ends at the start of the next line.
        end = before.end_point
        last_row = end.row if end.column else end.row - 1
        is_near = last_row >= above.start_point.row - 1
        is_comment = "comment" in before.type
        if not is_near or not (is_comment or before.type in _ATTRIBUTES):
            break
        # A comment behind other code is about that.
        prev = before.prev_sibling
        if (
            prev is not None
            and prev.end_point.column
            and prev.end_point.row == before.start_point.row
        ):
            break
        if is_comment:
            first = before
        above = before
    if first is None:
        return []
    # A comment of several lines is one node or several.
    while first.id != node.id:
        for line in _XML.sub("", _str(first.text)).splitlines():
            if words := _WORDS.search(line):
                words_of_it = words[0].removesuffix("*/").rstrip()
                mark = line[: words.start()].strip() or "*"
                mark = "//" if "*" in mark else mark
                return [f"{mark} {words_of_it}"[:MAX_MEMBER_CHARS]]
        following = first.next_sibling
        if following is None:
            break
        first = following
    return []


def _docstring(tag: _Tag) -> str:
    """The first line of a docstring, as Python has it."""
    if tag.body is None or not tag.body.named_children:
        return ""
    first = tag.body.named_children[0]
    if first.type == "expression_statement" and first.named_children:
        first = first.named_children[0]
    if first.type != "string":
        return ""
    words = _str(first.text).strip("rRuU\"'").strip().partition("\n")[0].strip()
    return f'"""{words[:MAX_MEMBER_CHARS]}"""' if words else ""


def _bounded(text: str) -> str:
    return "\n".join(text.split("\n")[:MAX_LINES])[:MAX_CHARS].rstrip()


def _str(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")
