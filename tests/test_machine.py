"""How much of a machine the built-in model takes, and what fits into it."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from foretype import machine
from foretype.gguf import Header
from foretype.local_server import Shape, shape_for
from foretype.slots import Slots

GIB = 1 << 30
GEMMA_270M = Header(n_ctx_tokens=32_768, kv_bytes=18_432)
QWEN_7B = Header(n_ctx_tokens=32_768, kv_bytes=57_344)


@pytest.fixture
def n_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Linux machine of sixteen logical CPUs and eight cores."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(machine, "_n_cpus", lambda: 16)
    monkeypatch.setattr(psutil, "cpu_count", lambda logical: 16 if logical else 8)


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


def intel(cpu: int, siblings: str) -> dict[str, str]:
    topology = "sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    return {topology.format(cpu): siblings}


def arm(capacities: list[int]) -> dict[str, str]:
    return {
        f"sys/devices/system/cpu/cpu{cpu}/cpu_capacity": str(capacity)
        for cpu, capacity in enumerate(capacities)
    }


@pytest.mark.parametrize(
    ("files", "n_threads"),
    [
        pytest.param({}, 8, id="physical cores"),
        pytest.param(
            {
                "sys/devices/cpu_core/cpus": "0-3,8",
                "sys/devices/cpu_atom/cpus": "4-7",
                **intel(0, "0-1"),
                **intel(1, "0-1"),
                **intel(2, "2-3"),
                **intel(3, "2-3"),
            },
            3,
            id="fast cores of Intel, two of them with two threads",
        ),
        pytest.param({"sys/devices/cpu_core/cpus": "?"}, 8, id="not a list of CPUs"),
        pytest.param(arm([400] * 4 + [980] * 3 + [1024]), 4, id="big cores of Arm"),
        pytest.param(arm([1024] * 8), 8, id="equal cores of Arm"),
        pytest.param({"sys/fs/cgroup/cpu.max": "400000 100000"}, 4, id="a container"),
        pytest.param({"sys/fs/cgroup/cpu.max": "50000 100000"}, 1, id="half a CPU"),
        pytest.param({"sys/fs/cgroup/cpu.max": "max 100000"}, 8, id="no limit"),
    ],
)
@pytest.mark.usefixtures("n_cpus")
def test_threads(tmp_path: Path, files: dict[str, str], n_threads: int) -> None:
    assert machine.n_threads(write(tmp_path, files)) == n_threads


@pytest.mark.parametrize(("n_cpus", "n_threads"), [(1, 1), (2, 2), (3, 2), (64, 8)])
def test_threads_of_machines_of_all_sizes(
    n_cpus: int, n_threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_n_cpus", lambda: n_cpus)
    monkeypatch.setattr(psutil, "cpu_count", lambda logical: 2 if n_cpus < 9 else 32)
    assert machine.n_threads(tmp_path) == n_threads


def test_memory_is_at_most_what_a_container_has(tmp_path: Path) -> None:
    total = psutil.virtual_memory().total
    assert machine.memory_bytes(tmp_path) == total
    limit = tmp_path / "sys/fs/cgroup/memory.max"
    for text, expected in (("max", total), ("1073741824", GIB), ("9" * 18, total)):
        write(tmp_path, {str(limit.relative_to(tmp_path)): text})
        assert machine.memory_bytes(tmp_path) == expected


@pytest.mark.parametrize(
    ("header", "memory_bytes", "shape"),
    [
        (GEMMA_270M, 24 * GIB, Shape(4, 4096, 384)),
        (GEMMA_270M, 6 * GIB, Shape(2, 4096, 256)),
        (GEMMA_270M, 1 * GIB, Shape(1, 4096, 256)),
        (QWEN_7B, 16 * GIB, Shape(2, 4096, 256)),
        (QWEN_7B, 32 * GIB, Shape(4, 4096, 512)),
        (Header(n_ctx_tokens=2048), 24 * GIB, Shape(4, 2048, 384)),
    ],
)
def test_shape(header: Header, memory_bytes: int, shape: Shape) -> None:
    assert shape_for(header, 4096, memory_bytes) == shape


def test_a_slot_goes_from_the_document_that_was_left_longest_ago() -> None:
    slots = Slots(2)
    assert [slots.of("me", name) for name in "abac"] == [0, 1, 0, 1]
    # `b` has lost its slot to `c`, and gets that of `a`, which was not used since.
    assert [slots.of("me", name) for name in "bc"] == [0, 1]


def test_the_slots_of_who_has_left_are_free() -> None:
    slots = Slots(3)
    assert [slots.of("me", "a"), slots.of("you", "a"), slots.of("me", "b")] == [0, 1, 2]
    slots.give_back("me")
    assert {slots.of("you", "b"), slots.of("you", "c")} == {0, 2}
    assert slots.of("you", "a") == 1
