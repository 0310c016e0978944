"""Learning curves as a picture: of one run, or of several, as in figure 6.9 of the thesis."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spiral.files import written_whole

SHOWN = {
    "held_out/error_ratio": "error on held-out pictures (1 = empty canvas)",
    "held_out/accepted": "share of inventions that pass as digits",
    "policy/return": "return",
}
LAST = "policy/return"
Rows = Sequence[Mapping[str, Any]]


def save_curves(path: Path, runs: Mapping[str, Rows]) -> None:
    """Draw the first of `SHOWN` that all runs have, against frames, into a PNG.

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
    for run, rows in runs.items():
        drawn_points = points(rows, shown)
        if drawn_points:
            marker = "o" if len(drawn_points) < 40 else None
            axes.plot(*zip(*drawn_points, strict=True), marker=marker, markersize=3, label=run)
    axes.set_xlabel("frames")
    axes.set_ylabel(SHOWN[shown])
    axes.grid(alpha=0.3)
    if len(runs) > 1:
        axes.legend()
    with written_whole(path) as unfinished:
        figure.savefig(unfinished, format="png")


def points(rows: Rows, name: str) -> list[tuple[int, float]]:
    """Frames and value of the figure called `name` in each row that has both as numbers."""
    return [(row["frames"], row[name]) for row in rows if _is_number(row.get(name)) and _is_number(row.get("frames"))]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < sys.float_info.max
