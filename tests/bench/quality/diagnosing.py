"""What a linter says about a document, as an editor shares it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from places import Place

# Names that are used and not defined, or the other way round, and what cannot be read.
_RULES = "F,E9"


def diagnostics(place: Place) -> list[dict[str, Any]]:
    """The diagnostics of a document with a hole, by ruff; none but of Python."""
    if place.language_id != "python":
        return []
    command = (sys.executable, "-m", "ruff", "check", "--isolated", "--select", _RULES)
    output = ("--output-format", "json", "--stdin-filename", "document.py", "-")
    done = subprocess.run(
        (*command, *output), input=place.text, capture_output=True, encoding="utf-8"
    )
    return [
        {"range": _range(said), "message": said["message"], "source": "ruff"}
        for said in json.loads(done.stdout)
    ]


def _range(said: dict[str, Any]) -> dict[str, Any]:
    """Where it is, as the protocol counts: from 0."""
    return {
        name: {"line": where["row"] - 1, "character": where["column"] - 1}
        for name, where in (("start", said["location"]), ("end", said["end_location"]))
    }
