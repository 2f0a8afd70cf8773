"""The process that sandbox.py runs a program in: `python -I -S sandboxed.py`.

Standard input is one JSON object with the program, the limits, and the token that is
written to the standard output once the program has run to its end.
"""

import json
import os
import resource
import sys


def main() -> None:
    order = json.load(sys.stdin)
    limits = order["limits"]
    # What the program prints goes nowhere; a copy that no child inherits is kept.
    said_fd = os.dup(1)
    nowhere_fd = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nowhere_fd, fd)
    for limit, most in (
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_CORE, 0),
        # No process and no thread besides this one, where it is not root's.
        (resource.RLIMIT_NPROC, 0),
    ):
        _limit(limit, most, most)
    # The first is a signal that says why, the second ends whoever ignores it.
    _limit(resource.RLIMIT_CPU, limits["cpu_s"], limits["cpu_s"] + 1)
    exec(compile(order["program"], "program", "exec"), {"__name__": "program"})
    os.write(said_fd, order["token"].encode())


def _limit(limit: int, soft: int, hard: int) -> None:
    """Lowers a limit for good; one that is lower already stays."""
    _, before = resource.getrlimit(limit)
    if before != resource.RLIM_INFINITY:
        soft, hard = min(soft, before), min(hard, before)
    resource.setrlimit(limit, (soft, hard))


if __name__ == "__main__":
    main()
