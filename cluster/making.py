"""`spiral data make`: draw a data set, with a progress bar."""

from __future__ import annotations

from functools import partial

from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from actors.scene_making import make_scenes
from cluster.cores import processors
from spiral.data import DatasetError, data_root
from spiral.data.pictures import Split
from spiral.data.scenes import write


def make_data(name: str, seed: int, train: int, held_out: int, processes: int | None) -> str:
    """What was drawn, and where it is.

    Raises:
        DatasetError: no data set of this name is drawn.
    """
    if name != "scenes":
        raise DatasetError(f"no data set called {name!r} is drawn here: give scenes; `spiral data` lists the others")
    folder = data_root() / "scenes"
    counts: dict[Split, int] = {"test": held_out, "train": train}
    with Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        for split, count in counts.items():
            task = bar.add_task(f"{split} scenes", total=count)
            scenes = make_scenes(split, count, seed, processes or processors(), partial(bar.advance, task))
            write(folder, split, scenes)
    return f"{train:,} scenes to train on and {held_out:,} held out are in {folder} (seed {seed})"
