"""The endpoints that are played, by how quick they are and how often they fail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """One endpoint and the way to it."""

    ttft_ms: float
    tpot_ms: float
    limited_share: float = 0
    """So many requests are answered 429."""
    stalled_share: float = 0
    """So many are never answered."""
    round_trip_ms: float = 0
    """Of the link to it; TLS is spoken over one that is not instant."""


PROFILES = {
    "spark": Profile(ttft_ms=150, tpot_ms=1),
    "cloud": Profile(ttft_ms=400, tpot_ms=12.5),
    "local": Profile(ttft_ms=100, tpot_ms=50),
    "flaky": Profile(400, 12.5, limited_share=0.02, stalled_share=0.01),
    "link": Profile(ttft_ms=150, tpot_ms=1, round_trip_ms=40),
}
