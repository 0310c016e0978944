"""`spiral curves`: the learning curves of several runs in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cluster.run.folder import RunError, RunFolder
from cluster.run.learning_curve import SHOWN, Rows, points, save_curves
from cluster.run.logbook import read_rows


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
    bare = [name for name, rows in runs.items() if not any(points(rows, figure) for figure in SHOWN)]
    if len(bare) == len(runs):
        raise RunError(f"there is nothing to draw: no figures were written yet by {', '.join(bare)}; train for longer")
    save_curves(out, runs)
    drawn = f"{len(runs) - len(bare)} curves are in {out}"
    return f"{drawn}\nnote: no figures were written yet by {', '.join(bare)}" if bare else drawn
