"""docs/benchmarks.md, of which each benchmark writes a part of its own."""

from __future__ import annotations

from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def write_part(name: str, text: str) -> None:
    """Puts a part of the page in the place of the one of that name, or at its end."""
    begins, ends = f"<!-- {name} -->", f"<!-- end of {name} -->"
    page = DOCUMENT.read_text("utf-8") if DOCUMENT.exists() else ""
    part = f"{begins}\n\n{text.strip()}\n\n{ends}"
    if begins in page:
        before, _, rest = page.partition(begins)
        page = before + part + rest.partition(ends)[2]
    else:
        page = f"{page.rstrip()}\n\n{part}\n"
    DOCUMENT.write_text(page.lstrip(), "utf-8")
