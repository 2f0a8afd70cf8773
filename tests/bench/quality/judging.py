"""How good a completion is, and whether one way is better than another or lucky."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from places import Outcome, Place
from rapidfuzz import fuzz

N_RESAMPLES = 10_000
# What lies outside of this is told from noise.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Score:
    """How a text at a place compares with what belongs there."""

    is_shown: bool
    is_right: bool
    """Whether the line at the cursor is the right one, up to spaces at its end."""
    is_exact: bool
    """Whether all of it is, and no more."""
    similarity: float
    """From 0, where nothing is shown, to 1 for the same text."""


NOTHING = Score(is_shown=False, is_right=False, is_exact=False, similarity=0.0)


def judge(place: Place, text: str, n_covered_chars: int = 0) -> Score:
    """How a text is that takes the place of some of what stands behind the cursor."""
    if not text:
        return NOTHING
    covered = place.after[:n_covered_chars]
    left = place.after[n_covered_chars:]
    truth = place.truth + covered
    return Score(
        is_shown=True,
        is_right=_line(text + left) == _line(truth + left),
        is_exact=_trimmed(text) == _trimmed(truth),
        # As CrossCodeEval and others have it.
        similarity=fuzz.ratio(_trimmed(text), _trimmed(truth)) / 100,
    )


def as_shown(outcome: Outcome) -> Score:
    """How good what was shown is."""
    return judge(outcome.place, outcome.shown, outcome.n_covered_chars)


def as_written(outcome: Outcome) -> Score:
    """How good all that the model wrote would be."""
    return judge(outcome.place, outcome.written)


def as_first_line(outcome: Outcome) -> Score:
    """How good the first line of it would be."""
    return judge(outcome.place, first_line(outcome.written))


def first_line(text: str) -> str:
    """What there is before the first line end."""
    return text.partition("\n")[0]


@dataclass(frozen=True)
class Difference:
    """By how much one way is better than another, on the same places."""

    n: int
    n_gained: int
    n_lost: int
    mean: float
    low: float
    high: float
    """The interval that holds the true mean, most likely."""

    @property
    def verdict(self) -> str:
        """Which way it is; empty where that cannot be told from noise."""
        if self.low > 0:
            return "gain"
        return "loss" if self.high < 0 else ""


def difference(
    having: Sequence[float], lacking: Sequence[float], seed: int
) -> Difference:
    """The mean of what each place gains, with an interval from resampled places."""
    gains = np.asarray(having, dtype=float) - np.asarray(lacking, dtype=float)
    chance = np.random.default_rng(seed)
    drawn = chance.choice(gains, (N_RESAMPLES, len(gains)))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn.mean(axis=1), [tail, 1 - tail])
    return Difference(
        n=len(gains),
        n_gained=int((gains > 0).sum()),
        n_lost=int((gains < 0).sum()),
        mean=float(gains.mean()),
        low=float(low),
        high=float(high),
    )


def _line(text: str) -> str:
    return first_line(text).rstrip()


def _trimmed(text: str) -> str:
    """A text without the spaces at the ends of its lines."""
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))
