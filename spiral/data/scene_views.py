"""Scenes in any light, on any floor, from anywhere, with what each pixel shows: MuJoCo's, made on the user's machine.

The drawings of what is where are flat, and many pictures have the same one, as street scenes and their labels do.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from spiral.data.arrays import SPLITS, path, read_arrays, write_arrays
from spiral.data.pictures import DatasetCorrupt, DatasetMissing, Pictures, Split, fitted
from spiral.data.segmented import Color, Segmented, nearest


@dataclass(frozen=True)
class SceneViews:
    """The data set, in the folder of its name."""

    folder: Path
    size = "50,000 + 1,000"
    what = "objects on a platform in any light, from anywhere, with what each pixel shows, drawn by MuJoCo"
    classes: ClassVar[dict[str, Color]] = {
        "ground": (40, 40, 40),
        "platform": (200, 200, 190),
        "box": (220, 20, 60),
        "sphere": (0, 130, 200),
        "cylinder": (250, 170, 30),
        "capsule": (60, 180, 75),
    }

    @property
    def where(self) -> str:
        """The folder of the two files."""
        return str(self.folder)

    def missing(self) -> str:
        """How to draw them where they are not drawn."""
        drawn = all(path(self.folder, split).is_file() for split in SPLITS)
        return "" if drawn else _how(self.folder)

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The pictures of a split, without labels."""
        return Pictures(fitted(read(self.folder, split).images, canvas_size, color))

    def read_segmented(self, split: Split, most: int, side: int) -> Segmented:
        """The first pictures of a split with what each pixel shows."""
        found = read(self.folder, split)
        return Segmented(fitted(found.images[:most], side, True), nearest(found.classes[:most], side))

    def prepare(self, source: Path | None) -> Path:
        """The folder, when both files are there and whole; there is nothing to copy."""
        for split in SPLITS:
            read(self.folder, split)
        return self.folder


def read(folder: Path, split: Split) -> Segmented:
    """One split, as large as it was drawn.

    Raises:
        DatasetMissing: its file is not there.
        DatasetCorrupt: its file is damaged or another.
    """
    file = path(folder, split)
    way_out = f"move it away and {_how(folder)}"
    try:
        images, classes = read_arrays(file, ("images", "classes"), "views of scenes", way_out)
    except FileNotFoundError:
        raise DatasetMissing(f"{file} is not there: {_how(folder)}") from None
    if not _fit(images, classes):
        raise DatasetCorrupt(
            f"{file} holds images {images.dtype} {images.shape} and classes {classes.dtype} {classes.shape}, not "
            f"pictures [N, H, W, 3] with one of {len(SceneViews.classes)} classes for each pixel: {way_out}"
        )
    return Segmented(images, classes)


def write(folder: Path, split: Split, views: Segmented) -> Path:
    """The file of a split, once it is whole.

    Raises:
        DatasetCorrupt: there is a file in its place that is no set of views; it stays as it is.
    """
    file = path(folder, split)
    if file.exists():
        read(folder, split)
    return write_arrays(file, images=views.images, classes=views.classes)


def _fit(images: NDArray[np.generic], classes: NDArray[np.generic]) -> bool:
    """Whether these are pictures with the classes of their pixels."""
    pictures = images.dtype == np.uint8 and images.ndim == 4 and images.shape[3] == 3 and images.size > 0
    marked = classes.dtype == np.uint8 and classes.shape == images.shape[:3]
    return pictures and marked and int(classes.max()) < len(SceneViews.classes)


def _how(folder: Path) -> str:
    return f"run `spiral data make {folder.name}`"
