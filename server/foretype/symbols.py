"""What is defined elsewhere and matters at a cursor: from memory, at once.

`indexer` fills the index while nobody waits; here nothing is read or parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from foretype.definitions import Definition

if TYPE_CHECKING:
    from foretype.definition_store import Found

# 90,000 definitions of two short lines, or some 20,000 small files. The server takes
# 85 MB without it, and is not to take more than 100.
MAX_BYTES = 12 * 2**20
# So many make room at once, so that it is done seldom.
N_DROPPED_FILES = 64

# So far above the cursor names are still about what is being written.
N_LINES = 40
MIN_NAME_CHARS = 3
MAX_NAMES = 32
# The rest is for names that are imported, which tell of files.
MAX_NEAR_NAMES = 20

_NAME = re.compile(r"[^\W\d]\w*")
# What is no code is left out, of several lines, too.
_STRINGS = r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'"""
_NO_CODE = {
    "python": re.compile(rf'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|{_STRINGS}|#.*'),
    "ruby": re.compile(rf"{_STRINGS}|#.*"),
    "shellscript": re.compile(rf"{_STRINGS}|(?<!\S)#.*"),
    "lua": re.compile(rf"{_STRINGS}|--.*"),
}
_NO_C_CODE = re.compile(rf"{_STRINGS}|//.*|/\*[\s\S]*?(?:\*/|\Z)")
_IMPORT = re.compile(
    r"\s*(?:import|from|use|using|require\w*|include\w*|#\s*include|source|\.)\b"
    r"|.*\brequire\s*[(\"']|\s*}\s*from\b|\s*export\b.*\bfrom\b"
)
# Most lines have none of these, which is seen in a tenth of the time.
_IMPORT_WORDS = ("import", "from", "use", "using", "require", "include", "source", ". ")
# Of all languages: what is a word of one is seldom a definition of another.
_KEYWORD_NAMES = """
    abstract alias and any array as assert async await bool boolean break byte case
    catch chan char class clone const constexpr continue crate debugger declare def
    default defer delegate delete dict do done double dyn echo elif else elseif elsif
    end ensure enum esac except explicit export extends extern false final finally
    float fn for foreach from func function global go goto if impl implements import
    include inline instanceof int interface internal is lambda len let list local long
    loop map match mod module move mut mutable namespace native new next nil none None
    nonlocal not null nullptr object operator or out override package pass print
    private protected pub public raise range readonly record ref register require
    rescue return sealed self Self set short signed sizeof static str string String
    struct super switch synchronized template then this throw throws trait true True
    False try tuple type typedef typename typeof undefined union unless unsafe unsigned
    until use using var virtual void volatile when where while with yield
"""
_KEYWORDS = frozenset(_KEYWORD_NAMES.split())


class SymbolIndex:
    """The definitions of a workspace, as many as there is room for.

    Where there is no room, what is asked for displaces what came the longest ago.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        # Imported here, as the start of the server must not wait for SQLite.
        from foretype.definition_store import DefinitionStore

        self._store = DefinitionStore()
        self._max_bytes = max_bytes
        self.is_full = False
        """Whether there was something that there was no room for."""

    def add(
        self, path: PurePath, found: Sequence[Definition], *, may_displace: bool = True
    ) -> None:
        """Takes in what a file defines, in the place of what it did.

        Without `may_displace` it is left out where there is no room.
        """
        self._store.remove(path)
        if not found or (self.is_full and not may_displace):
            return
        self._store.put(path, found)
        while self._store.n_bytes > self._max_bytes:
            self.is_full = True
            if not may_displace:
                self._store.remove(path)
                break
            if not self._store.remove_oldest(N_DROPPED_FILES):
                break

    def remove(self, path: PurePath) -> None:
        """Drops what a file defines."""
        self._store.remove(path)

    def lookup(self, names: Sequence[str], near: PurePath, *, most: int) -> list[Found]:
        """Definitions of names, of use in a file and not in it, the best first.

        Best is what is in the same folder, or in a file or folder that is named,
        then what has few others of its name, then what is named first.
        """
        return self._store.lookup(names[:MAX_NAMES], near, most)

    @property
    def n_bytes(self) -> int:
        """What the index takes of the memory."""
        return self._store.n_bytes


def names_near(prefix_tail: str, language_id: str, head: str = "") -> list[str]:
    """Names used above a cursor, the nearest first, then imported ones.

    `prefix_tail` ends at the cursor; imports are also looked for in `head`, which is
    the beginning of the file where that is further up.
    """
    imports, _ = _parted(head.split("\n"))
    tail_imports, lines = _parted(prefix_tail.split("\n"))
    no_code = _NO_CODE.get(language_id, _NO_C_CODE)
    near = no_code.sub(" ", "\n".join(lines[-N_LINES:])).split("\n")
    # NB: A module may be named by a string: `require("./shapes")`.
    names = _names(reversed(near))[:MAX_NEAR_NAMES]
    names += _names(reversed((*imports, *tail_imports)))
    return list(dict.fromkeys(names))[:MAX_NAMES]


def _parted(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lines that import, up to the bracket that closes them, and the others."""
    imports: list[str] = []
    others: list[str] = []
    n_open = 0
    for line in lines:
        is_import = n_open > 0 or _imports(line)
        (imports if is_import else others).append(line)
        if is_import:
            opened = sum(map(line.count, "({[")) - sum(map(line.count, ")}]"))
            n_open = max(n_open + opened, 0)
    return imports, others


def _imports(line: str) -> bool:
    return any(map(line.__contains__, _IMPORT_WORDS)) and bool(_IMPORT.match(line))


def _names(lines: Iterable[str]) -> list[str]:
    """The names in lines, each once, from the end of each line."""
    names = (
        name
        for line in lines
        for name in reversed(_NAME.findall(line))
        if len(name) >= MIN_NAME_CHARS and name not in _KEYWORDS
    )
    return list(dict.fromkeys(names))
