"""What the machine has for a model: cores to compute with, memory for its caches.

A container may have less than the machine, and not all cores are equally fast.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil

# More threads than this wait for the memory rather than compute.
MAX_THREADS = 8
_SYSCTL_TIMEOUT_S = 2


def n_threads(root: Path = Path("/")) -> int:
    """How many threads evaluate when the user has not said.

    One for each fast core: threads of one core share its arithmetic, and llama.cpp
    waits for the slowest. The editor gets by with none to itself only where there are
    two.
    """
    n_cpus = _n_cpus()
    if sys.platform == "linux":
        n_cpus = min(n_cpus, _cpu_limit(root))
        n_fast = _n_fast_on_linux(root)
    elif sys.platform == "darwin":
        n_fast = _n_fast_on_macos()
    else:
        n_fast = None
    if n_cpus <= 2:
        return n_cpus
    n_cores = n_fast or psutil.cpu_count(logical=False) or n_cpus // 2
    return max(1, min(n_cores, n_cpus, MAX_THREADS))


def memory_bytes(root: Path = Path("/")) -> int:
    """How much memory this process may use at most."""
    total: int = psutil.virtual_memory().total
    limit = _read(root / "sys/fs/cgroup/memory.max")
    return min(total, int(limit)) if limit and limit.isdecimal() else total


def _n_cpus() -> int:
    """How many logical CPUs this process may run on."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_limit(root: Path) -> int:
    """How many CPUs' time a container may use."""
    quota, _, period = (_read(root / "sys/fs/cgroup/cpu.max") or "max").partition(" ")
    if not (quota.isdecimal() and period.isdecimal() and int(period)):
        return sys.maxsize
    return max(1, int(quota) // int(period))


def _n_fast_on_linux(root: Path) -> int | None:
    """How many physical cores are of the fastest kind, where there are several."""
    fast = _cpu_list(_read(root / "sys/devices/cpu_core/cpus") or "")
    cpus = root / "sys/devices/system/cpu"
    if not fast:
        # Arm says how fast each is, Intel which are.
        capacities = {
            int(path.parent.name[3:]): int(_read(path) or 0)
            for path in cpus.glob("cpu[0-9]*/cpu_capacity")
        }
        if len(set(capacities.values())) < 2:
            return None
        # Big ones and those a little bigger count as one kind.
        least = max(capacities.values()) * 0.75
        fast = {cpu for cpu, capacity in capacities.items() if capacity >= least}
    siblings = {
        _read(cpus / f"cpu{cpu}/topology/thread_siblings_list") or str(cpu)
        for cpu in fast
    }
    return len(siblings)


def _cpu_list(text: str) -> set[int]:
    """The CPUs in a list such as `0-3,8`."""
    cpus: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        if not (first.isdecimal() and (last or first).isdecimal()):
            return set()
        cpus.update(range(int(first), int(last or first) + 1))
    return cpus


def _n_fast_on_macos() -> int | None:
    try:
        printed = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "hw.perflevel0.physicalcpu"],
            capture_output=True,
            timeout=_SYSCTL_TIMEOUT_S,
            check=True,
        ).stdout
        return int(printed)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
