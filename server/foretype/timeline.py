"""When each stage of a generation or of a request passed."""

from __future__ import annotations

from time import perf_counter_ns


class Timeline:
    """Stages in the order they passed, in nanoseconds of `perf_counter_ns`."""

    __slots__ = ("n_chunks", "stages")

    def __init__(self) -> None:
        self.stages: dict[str, int] = {}
        self.n_chunks = 0
        """Streamed pieces of text received."""

    def stamp(self, stage: str) -> None:
        """Notes that a stage has passed now."""
        self.stages[stage] = perf_counter_ns()

    def ms_between(self, earlier: str, later: str) -> float | None:
        """The time from one stage to another, or None where one has not passed."""
        stages = self.stages
        if earlier not in stages or later not in stages:
            return None
        return (stages[later] - stages[earlier]) / 1e6
