"""The marks that fixtures are drawn with, the alphabet of Cody's and Tabby's tests.

█    the cursor
├ ┤  the completion, at the cursor
╣    the end of the text that the completion replaces, from ┤ on
┆    a boundary between two streamed chunks
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Marked:
    """What a drawing says."""

    prefix: str
    suffix: str
    """What follows the cursor, what is replaced included."""
    chunks: tuple[str, ...] = ()
    n_replaced_chars: int = 0

    @property
    def completion(self) -> str:
        return "".join(self.chunks)


def parse(drawing: str) -> Marked:
    """Reads a drawing with one cursor, or with one completion."""
    if "█" in drawing:
        prefix, suffix = drawing.split("█")
        return Marked(prefix, suffix)
    prefix, rest = drawing.split("├")
    completion, suffix = rest.split("┤")
    replaced, mark, after = suffix.partition("╣")
    if not mark:
        replaced, after = "", suffix
    return Marked(prefix, replaced + after, tuple(completion.split("┆")), len(replaced))


def draw(marked: Marked) -> str:
    """The drawing that `parse` reads back, without what it replaces where nothing."""
    n_chars = marked.n_replaced_chars
    end = f"┤{marked.suffix[:n_chars]}╣" if n_chars else "┤"
    completion = "┆".join(marked.chunks)
    return f"{marked.prefix}├{completion}{end}{marked.suffix[n_chars:]}"
