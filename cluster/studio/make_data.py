"""`spiral data make`: draw a data set, with a progress bar."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from actors.scene_making import make_scenes
from actors.views_making import make_views
from cluster.run.cores import processors
from spiral.data import DatasetError, Pictures, drawn, find, scenes, views
from spiral.data.catalogue import SETS
from spiral.data.drawn import Drawn
from spiral.data.fonts import font_files
from spiral.data.pictures import Split
from spiral.data.scenes import Scenes
from spiral.data.syn_numbers import syn_numbers
from spiral.data.views import Views

CHUNK = 500  # pictures that a process draws at once


def make_data(name: str, seed: int, train: int, held_out: int, processes: int | None, fonts: Path | None = None) -> str:
    """What was drawn, and where it is.

    Raises:
        DatasetError: no data set of this name is drawn, or none with fonts, or there are no fonts.
    """
    dataset = _to_be_drawn(name, fonts)
    counts: dict[Split, int] = {"test": held_out, "train": train}
    things = {Scenes: "scenes", Drawn: "pictures", Views: "sights"}[type(dataset)]
    with Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        for split, count in counts.items():
            advance = partial(bar.advance, bar.add_task(f"{split} {things}", total=count))
            if isinstance(dataset, Scenes):
                objects = (1, dataset.most_objects)
                made = make_scenes(split, count, seed, processes or processors(), advance, objects)
                scenes.write(dataset.folder, split, made)
            elif isinstance(dataset, Views):
                views.write(
                    dataset.folder, split, make_views(name, split, count, seed, processes or processors(), advance)
                )
            else:
                pictures = make_pictures(dataset, split, count, seed, processes or processors(), advance)
                drawn.write(dataset.folder, split, pictures)
    return f"{train:,} {things} to train on and {held_out:,} held out are in {dataset.folder} (seed {seed})"


def make_pictures(
    dataset: Drawn, split: Split, count: int, seed: int, processes: int, progress: Callable[[int], None]
) -> Pictures:
    """The first `count` pictures of a split, drawn by several processes; `progress` is told how many more are there."""
    chunks = [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    made: list[Pictures] = []
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for chunk in pool.map(partial(dataset.pictures, split, seed), chunks):
            made.append(chunk)
            progress(len(chunk.images))
    labels = [part.labels for part in made if part.labels is not None]
    return Pictures(np.concatenate([part.images for part in made]), np.concatenate(labels))


def _to_be_drawn(name: str, fonts: Path | None) -> Scenes | Drawn | Views:
    dataset = find(name)
    if not isinstance(dataset, Scenes | Drawn | Views):
        known = [other for other in SETS if isinstance(find(other), Scenes | Drawn | Views)]
        raise DatasetError(f"{name} is not drawn here: give {', '.join(known)}; `spiral data` lists the others")
    if fonts is None:
        return dataset
    if name != "syn-numbers":
        raise DatasetError(f"{name} is drawn without fonts of yours: give --fonts with syn-numbers alone")
    font_files(fonts)
    return syn_numbers(dataset.folder, fonts)
