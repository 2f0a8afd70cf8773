"""The pictures of docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scores import Score

# Told apart with every kind of colour blindness (Okabe and Ito).
COLORS = ("#0072b2", "#56b4e9", "#d55e00", "#e69f00", "#009e73", "#cc79a7")
MAX_WAIT_MS = 1_000
WIDTH, HEIGHT = 9.0, 3.6

Scores = Mapping[str, Mapping[str, Score]]
"""By profile and server."""


def coverage(path: Path, scores: Scores) -> None:
    """How often a right suggestion was there, beside what is possible."""
    figure, axes = _figure()
    _bars(axes, scores, lambda s: 100 * s.n_right / max(s.n_typed, 1))
    _line(axes, scores, "bound", lambda s: 100 * s.n_bound_right / max(s.n_typed, 1))
    axes.set_ylabel("keys with a right suggestion, %")
    axes.set_ylim(0, 100)
    _save(figure, axes, path)


def waiting(path: Path, scores: Scores) -> None:
    """How many keys had a right suggestion within a time."""
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    all_axes = figure.subplots(1, len(scores), sharey=True, squeeze=False)[0]
    for axes, (profile, by_server) in zip(all_axes, scores.items(), strict=True):
        for server_idx, (name, score) in enumerate(by_server.items()):
            waits = sorted(ns / 1e6 for ns in score.shown_ns)
            shares = [100 * (i + 1) / max(score.n_typed, 1) for i in range(len(waits))]
            style = {"color": COLORS[server_idx], "label": name}
            axes.step([0, *waits], [0, *shares], where="post", **style)
        axes.set_title(profile)
        axes.set_xlim(0, MAX_WAIT_MS)
        axes.set_ylim(0, 100)
        axes.set_xlabel("ms since the key")
        axes.grid(alpha=0.3)
    all_axes[0].set_ylabel("keys, %")
    all_axes[-1].legend(fontsize="small", loc="lower right")
    _write(figure, path)


def cost(path: Path, scores: Scores) -> None:
    """How many requests that took."""
    figure, axes = _figure()
    _bars(axes, scores, lambda s: 1000 * s.n_requests / max(s.n_recorded, 1))
    _line(
        axes,
        scores,
        "policy",
        lambda s: 1000 * s.n_policy_requests / max(s.n_recorded, 1),
    )
    axes.set_ylabel("requests per 1,000 keys")
    _save(figure, axes, path)


def accepting(path: Path, scores: Scores) -> None:
    """How many keys accepting saved."""
    figure, axes = _figure()
    _bars(axes, scores, lambda s: 100 * s.n_saved_keys / max(s.n_recorded, 1))
    axes.set_ylabel("keys saved by accepting, %")
    _save(figure, axes, path)


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    return figure, figure.subplots()


def _bars(axes: Axes, scores: Scores, value_of: Callable[[Score], float]) -> None:
    names: Sequence[str] = [*next(iter(scores.values()))]
    width = 0.84 / len(names)
    for server_idx, name in enumerate(names):
        values = [value_of(by_server[name]) for by_server in scores.values()]
        left = -0.42 + (server_idx + 0.5) * width
        places = [profile_idx + left for profile_idx in range(len(scores))]
        bars = axes.bar(places, values, width, label=name, color=COLORS[server_idx])
        axes.bar_label(bars, fmt="%.0f", fontsize="x-small")
    axes.set_xticks(range(len(scores)), [*scores])


def _line(
    axes: Axes, scores: Scores, label: str, height_of: Callable[[Score], float]
) -> None:
    """What the bars of each profile are measured by: the same for every server."""
    for profile_idx, by_server in enumerate(scores.values()):
        height = height_of(next(iter(by_server.values())))
        where = profile_idx - 0.42, profile_idx + 0.42
        # One of them is enough for the legend.
        named = label if profile_idx == 0 else "_"
        axes.hlines(height, *where, colors="black", linestyles="dashed", label=named)


def _save(figure: Figure, axes: Axes, path: Path) -> None:
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    figure.legend(loc="outside right upper", fontsize="small")
    _write(figure, path)


def _write(figure: Figure, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    # The same numbers make the same file.
    with mpl.rc_context({"svg.hashsalt": path.name, "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None}, facecolor="white")
