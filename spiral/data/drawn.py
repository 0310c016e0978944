"""Pictures with labels that a program draws, each from a seed of its own: any number, with nothing to prepare.

`read` draws some thousands on the spot. `spiral data make` keeps more of them, or others, in a file for each split;
such a file is read instead. A picture is decided by the seed, the split and its number alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spiral.data import fonts
from spiral.data.arrays import SPLITS, path, read_arrays, write_arrays
from spiral.data.pictures import DatasetCorrupt, DatasetMissing, Pictures, Split, fitted

SIZE = 32
COUNTS: dict[Split, int] = {"train": 20_000, "test": 2_000}
SEED = 0


@dataclass(frozen=True)
class Drawn:
    """The data set.

    Attributes:
        folder: of the files that were made.
        what: the pictures show.
        draw: a picture, uint8 [32, 32, 3], and its label, from a random generator.
    """

    folder: Path
    what: str
    draw: Callable[[np.random.Generator], tuple[NDArray[np.uint8], int]]
    size = "20,000 + 2,000"

    @property
    def where(self) -> str:
        """The folder, if a file was made."""
        return str(self.folder) if any(path(self.folder, split).is_file() for split in SPLITS) else "drawn when read"

    def missing(self) -> str:
        """What to do where a package with fonts is not there."""
        return fonts.missing()

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The pictures of a split, from its file where it was made, and else drawn."""
        file = path(self.folder, split)
        made = read(file) if file.is_file() else self.pictures(split, SEED, range(COUNTS[split]))
        return Pictures(fitted(made.images, canvas_size, color), made.labels)

    def pictures(self, split: Split, seed: int, numbers: range) -> Pictures:
        """The pictures of these numbers, uint8 [N, 32, 32, 3]."""
        images, labels = np.empty((len(numbers), SIZE, SIZE, 3), np.uint8), np.empty(len(numbers), np.int64)
        for place, number in enumerate(numbers):
            rng = np.random.default_rng((seed, SPLITS.index(split), number))
            images[place], labels[place] = self.draw(rng)
        return Pictures(images, labels)

    def prepare(self, source: Path | None) -> Path:
        """The folder, when what was made there is whole; there is nothing to copy."""
        if missing := self.missing():
            raise DatasetMissing(missing)
        for split in SPLITS:
            if path(self.folder, split).is_file():
                read(path(self.folder, split))
        return self.folder


def read(file: Path) -> Pictures:
    """The pictures that were made, uint8 [N, 32, 32, 3].

    Raises:
        DatasetCorrupt: the file is damaged or another.
    """
    how = f"move it away, or run `spiral data make {file.parent.name}` after that"
    images, labels = read_arrays(file, ("images", "labels"), "drawn pictures", how)
    pictures = images.dtype == np.uint8 and images.ndim == 4 and images.shape[1:] == (SIZE, SIZE, 3)
    if not pictures or labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        raise DatasetCorrupt(
            f"{file} holds images {images.dtype} {images.shape} and labels {labels.dtype} {labels.shape}, not pictures "
            f"uint8 [N, {SIZE}, {SIZE}, 3] with their labels [N]: {how}"
        )
    return Pictures(images, labels.astype(np.int64))


def write(folder: Path, split: Split, pictures: Pictures) -> Path:
    """The file of a split, once it is whole.

    Raises:
        DatasetCorrupt: there is a file in its place that is no set of drawn pictures; it stays as it is.
    """
    assert pictures.labels is not None, "drawn pictures have labels"
    file = path(folder, split)
    if file.exists():
        read(file)
    return write_arrays(file, images=pictures.images, labels=pictures.labels.astype(np.uint8))
