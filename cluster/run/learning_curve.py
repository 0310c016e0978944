"""Learning curves as a picture: of one run, or of several, as in figure 6.9 of the thesis."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spiral.files import written_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ERROR = "held_out/error_ratio"
SHOWN = {
    ERROR: "error on held-out pictures (1 = empty canvas)",
    "held_out/accepted": "share of inventions that pass as digits",
    "policy/return": "return",
}
LAST = "policy/return"
SEED = re.compile(r"-\d+$")  # at the end of a run's name
WIDE = 4  # times the least error; where the greatest is more, its logarithm is drawn
Rows = Sequence[Mapping[str, Any]]


def save_curves(path: Path, runs: Mapping[str, Rows]) -> None:
    """Draw the first of `SHOWN` that all runs have, against frames, into a PNG.

    Runs whose names differ in a number at their end, `l2-0` and `l2-1`, are seeds of one arm and have its colour.

    Args:
        path: of the picture, which is there whole or not at all.
        runs: the rows of `metrics.jsonl` by the name of the run; a single run needs no name.
    """
    # Without a folder of its own to write to, Matplotlib takes a temporary one, and need not speak of it.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
    axes = figure.subplots()
    drawn = [rows for rows in runs.values() if any(points(rows, name) for name in SHOWN)]
    shown = next((name for name in SHOWN if all(points(rows, name) for rows in drawn)), LAST)
    arms: list[str] = []
    for run, rows in runs.items():
        if drawn_points := points(rows, shown):
            arm = SEED.sub("", run)
            label = None if arm in arms else arm
            arms += [arm] if label is not None else []
            marker = "o" if len(drawn_points) < 40 else None
            color = f"C{arms.index(arm)}"
            axes.plot(*zip(*drawn_points, strict=True), color=color, marker=marker, markersize=3, label=label)
    axes.set_xlabel("frames")
    axes.set_ylabel(SHOWN[shown])
    if shown == ERROR and arms:
        _spread(axes)
    axes.grid(alpha=0.3)
    if len(runs) > 1:
        axes.legend()
    with written_whole(path) as unfinished:
        figure.savefig(unfinished, format="png")


def _spread(axes: Axes) -> None:
    """Draws the logarithm of errors where the first ones, of agents that know nothing, would flatten the rest."""
    from matplotlib.ticker import LogLocator

    errors = np.array([error for line in axes.get_lines() for error in np.asarray(line.get_ydata(), np.float64)])
    if 0 < WIDE * errors.min() < errors.max():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")


def points(rows: Rows, name: str) -> list[tuple[int, float]]:
    """Frames and value of the figure called `name` in each row that has both as numbers."""
    return [(row["frames"], row[name]) for row in rows if _is_number(row.get(name)) and _is_number(row.get("frames"))]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < sys.float_info.max
