"""Scenes in any light, on any floor, from anywhere, with what each pixel shows: MuJoCo's, made on the user's machine.

The drawings of what is where are flat, and many pictures have the same one, as street scenes and their labels do.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from spiral.data.arrays import MadeSet, how_to_make, path, read_made, write_arrays
from spiral.data.pictures import DatasetCorrupt, Pictures, Split, fitted
from spiral.data.segmented import Color, Segmented, nearest


@dataclass(frozen=True)
class SceneViews(MadeSet):
    """The data set, in the folder of its name."""

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

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The pictures of a split, without labels."""
        return Pictures(fitted(self.whole(split).images, canvas_size, color))

    def read_segmented(self, split: Split, most: int, side: int) -> Segmented:
        """The first pictures of a split with what each pixel shows."""
        found = self.whole(split)
        return Segmented(fitted(found.images[:most], side, True), nearest(found.classes[:most], side))

    def whole(self, split: Split) -> Segmented:
        """All that the file of a split holds."""
        return read(self.folder, split)


def read(folder: Path, split: Split) -> Segmented:
    """One split, as large as it was drawn.

    Raises:
        DatasetMissing: its file is not there.
        DatasetCorrupt: its file is damaged or another.
    """
    file = path(folder, split)
    images, classes = read_made(file, ("images", "classes"), "views of scenes", how_to_make(folder))
    if not _fit(images, classes):
        raise DatasetCorrupt(
            f"{file} holds images {images.dtype} {images.shape} and classes {classes.dtype} {classes.shape}, not "
            f"pictures [N, H, W, 3] with one of {len(SceneViews.classes)} classes for each pixel: move it away and "
            f"{how_to_make(folder)}"
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
