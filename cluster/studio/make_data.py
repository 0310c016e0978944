"""`spiral data make`: draw a data set, with a progress bar."""

from __future__ import annotations

from functools import partial

from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from actors.scene_making import make_scenes
from cluster.run.cores import processors
from spiral.data import DatasetError, find
from spiral.data.pictures import Split
from spiral.data.scenes import Scenes, write


def make_data(name: str, seed: int, train: int, held_out: int, processes: int | None) -> str:
    """What was drawn, and where it is.

    Raises:
        DatasetError: no data set of this name is drawn.
    """
    dataset = find(name)
    if not isinstance(dataset, Scenes):
        raise DatasetError(f"{name} is not drawn here: give scenes or scenes-2; `spiral data` lists the others")
    counts: dict[Split, int] = {"test": held_out, "train": train}
    with Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        for split, count in counts.items():
            task = bar.add_task(f"{split} scenes", total=count)
            advance, objects = partial(bar.advance, task), (1, dataset.most_objects)
            write(dataset.folder, split, make_scenes(split, count, seed, processes or processors(), advance, objects))
    return f"{train:,} scenes to train on and {held_out:,} held out are in {dataset.folder} (seed {seed})"
