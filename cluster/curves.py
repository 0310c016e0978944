"""Learning curves: one of a run beside its files, or several in one picture, as in figure 6.9 of the thesis."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cluster.logbook import read_rows
from cluster.run_folder import RunError, RunFolder
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
    drawn = [rows for rows in runs.values() if any(_points(rows, name) for name in SHOWN)]
    shown = next((name for name in SHOWN if all(_points(rows, name) for rows in drawn)), LAST)
    for run, rows in runs.items():
        points = _points(rows, shown)
        if points:
            marker = "o" if len(points) < 40 else None
            axes.plot(*zip(*points, strict=True), marker=marker, markersize=3, label=run)
    axes.set_xlabel("frames")
    axes.set_ylabel(SHOWN[shown])
    axes.grid(alpha=0.3)
    if len(runs) > 1:
        axes.legend()
    with written_whole(path) as unfinished:
        figure.savefig(unfinished, format="png")


def compare(folders: Sequence[Path], out: Path) -> str:
    """Draw the curves of the runs in `folders` into `out`, each under the name of its folder; what to say of it.

    Raises:
        RunError: a folder holds no run, none has a row yet, two have the same name, or `out` is no .png file.
    """
    if out.suffix.lower() != ".png":
        raise RunError(f"--out {out} must end in .png")
    runs: dict[str, Rows] = {}
    for folder in folders:
        RunFolder(folder).read_settings()
        name = folder.resolve().name
        if name in runs:
            raise RunError(f"two of the runs are called {name!r}: give each of them once, and rename a folder")
        runs[name] = read_rows(RunFolder(folder))
    bare = [name for name, rows in runs.items() if not any(_points(rows, figure) for figure in SHOWN)]
    if len(bare) == len(runs):
        raise RunError(f"there is nothing to draw: no figures were written yet by {', '.join(bare)}; train for longer")
    save_curves(out, runs)
    drawn = f"{len(runs) - len(bare)} curves are in {out}"
    return f"{drawn}\nnote: no figures were written yet by {', '.join(bare)}" if bare else drawn


def _points(rows: Rows, name: str) -> list[tuple[int, float]]:
    return [(row["frames"], row[name]) for row in rows if _is_number(row.get(name)) and _is_number(row.get("frames"))]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < sys.float_info.max
