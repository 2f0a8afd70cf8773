"""The benchmark runs; what it measures is nobody's business but a reader's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LATENCY = Path(__file__).parent / "bench" / "latency.py"
TITLES = (
    "The machine",
    "Answers from memory",
    "From the key to the request",
    "From the last chunk to the answer",
    "From a key that diverges to the closed stream",
    "From the start of the process",
    "CPU of the server",
    "Memory",
    "The HTTP backends",
    "Decoding a `didChange`",
    "Stamping and counting",
    "Example sessions",
)


def test_a_quick_run_prints_every_table() -> None:
    run = subprocess.run(
        (sys.executable, str(LATENCY), "--quick"), capture_output=True, text=True
    )
    assert run.stderr == ""
    assert run.returncode == 0
    lines = run.stdout.split("\n")
    missing = [t for t in TITLES if not any(line.startswith(t) for line in lines)]
    assert not missing
