"""MUJOCO SCENES (thesis 6.4.1): pictures of a few objects on a platform, with the programs that build them.

No one published the set, so that it is made on the user's machine (`spiral data make scenes`). Its two files are numpy
archives of plain arrays, written under another name and renamed when they are whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spiral.data.arrays import MadeSet, how_to_make, path, read_made, write_arrays
from spiral.data.pictures import DatasetCorrupt, Pictures, Split, fitted


@dataclass(frozen=True)
class SceneSet:
    """One split of the scenes.

    Attributes:
        images: uint8 [N, 64, 64, 3].
        actions: the programs that build them, int64 [N, T, heads]; what follows the last object skips the move.
    """

    images: NDArray[np.uint8]
    actions: NDArray[np.int64]


@dataclass(frozen=True)
class Scenes(MadeSet):
    """The data set: scenes with one object to `most_objects` as `environment` draws them, in the folder of its name."""

    most_objects: int
    environment: str
    size = "50,000 + 1,000"

    @property
    def what(self) -> str:
        """What the scenes hold."""
        return f"up to {self.most_objects} objects on a platform, as MuJoCo draws them in {self.environment}"

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The pictures of a split, without labels."""
        return Pictures(fitted(self.whole(split).images, canvas_size, color))

    def whole(self, split: Split) -> SceneSet:
        """All that the file of a split holds."""
        return read(self.folder, split)


def read(folder: Path, split: Split) -> SceneSet:
    """One split.

    Raises:
        DatasetMissing: its file is not there.
        DatasetCorrupt: its file is damaged or another.
    """
    file = path(folder, split)
    images, actions = read_made(file, ("images", "actions"), "scenes", how_to_make(folder))
    pictures = images.dtype == np.uint8 and images.ndim == 4 and images.shape[3] == 3 and images.size > 0
    if not pictures or actions.ndim != 3 or len(images) != len(actions):
        raise DatasetCorrupt(
            f"{file} holds images {images.dtype} {images.shape} and actions {actions.shape}, not pictures [N, H, W, 3] "
            f"with their programs [N, T, heads]: move it away and {how_to_make(folder)}"
        )
    return SceneSet(images, actions.astype(np.int64))


def write(folder: Path, split: Split, scenes: SceneSet) -> Path:
    """The file of a split, once it is whole.

    Raises:
        DatasetCorrupt: there is a file in its place that is no set of scenes; it stays as it is.
    """
    file = path(folder, split)
    if file.exists():
        read(folder, split)
    return write_arrays(file, images=scenes.images, actions=scenes.actions.astype(np.int16))
