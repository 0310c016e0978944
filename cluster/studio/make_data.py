"""`spiral data make`: draw a data set, with a progress bar."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeGuard

import numpy as np
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from actors import room_making, scene_making, views_making
from cluster.run.cores import processors
from spiral.data import DatasetError, Pictures, drawn, find, scene_views, scenes, shapes_3d, views
from spiral.data.catalogue import SETS
from spiral.data.dataset import Dataset
from spiral.data.drawn import Drawn
from spiral.data.fonts import typefaces
from spiral.data.pictures import Split
from spiral.data.scene_views import SceneViews
from spiral.data.scenes import Scenes
from spiral.data.shapes_3d import FREE, Shapes3d
from spiral.data.syn_numbers import syn_numbers
from spiral.data.views import Views

Made = Scenes | SceneViews | Shapes3d | Views | Drawn
CHUNK = 500  # pictures that a process draws at once


def make_data(name: str, seed: int, train: int, held_out: int, processes: int | None, fonts: Path | None = None) -> str:
    """What was drawn, and where it is.

    Raises:
        DatasetError: no data set of this name is drawn, or none with fonts, or there are no fonts.
    """
    dataset = _to_be_drawn(name, fonts)
    counts: dict[Split, int] = {"test": held_out, "train": train}
    things = "scenes" if isinstance(dataset, Scenes) else "sights" if isinstance(dataset, Views) else "pictures"
    with Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        for split, count in counts.items():
            advance = partial(bar.advance, bar.add_task(f"{split} {things}", total=count))
            _draw(dataset, split, count, seed, processes or processors(), advance)
    return f"{train:,} {things} to train on and {held_out:,} held out are in {dataset.folder} (seed {seed})"


def _draw(dataset: Made, split: Split, count: int, seed: int, processes: int, progress: Callable[[int], None]) -> None:
    """Draws a split of the set and writes it into its folder."""
    folder = dataset.folder
    if isinstance(dataset, Scenes):
        kind = (1, dataset.most_objects), dataset.environment
        scenes.write(folder, split, scene_making.make_scenes(split, count, seed, processes, progress, *kind))
    elif isinstance(dataset, SceneViews):
        scene_views.write(folder, split, scene_making.make_views(split, count, seed, processes, progress))
    elif isinstance(dataset, Shapes3d):
        shapes_3d.write(folder, split, *room_making.make_rooms(split, count, seed, processes, progress))
    elif isinstance(dataset, Views):
        seen = views_making.make_views(folder.name, split, count, seed, processes, progress)
        views.write(folder, split, seen)
    else:
        drawn.write(folder, split, make_pictures(dataset, split, count, seed, processes, progress))


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


def _to_be_drawn(name: str, fonts: Path | None) -> Made:
    dataset = find(name)
    if not _is_drawn(dataset):
        known = [other for other in SETS if _is_drawn(find(other))]
        raise DatasetError(f"{name} is not drawn here: give {', '.join(known)}; `spiral data` lists the others")
    if fonts is None:
        return dataset
    if name != "syn-numbers":
        raise DatasetError(f"{name} is drawn without fonts of yours: give --fonts with syn-numbers alone")
    typefaces(fonts)
    return syn_numbers(dataset.folder, fonts)


def _is_drawn(dataset: Dataset) -> TypeGuard[Made]:
    """Whether it is drawn under its own name: the domains of the rooms come with the rooms."""
    return isinstance(dataset, Made) and not (isinstance(dataset, Shapes3d) and dataset.part != FREE)
