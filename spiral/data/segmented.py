"""Pictures of which it is known what each pixel shows: with a drawing of that in flat colours, pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spiral.data.dataset import Dataset
from spiral.data.pictures import Split

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Segmented:
    """One split, or a part of it.

    Attributes:
        images: uint8 [N, side, side, 3].
        classes: uint8 [N, side, side], which of the set's classes each pixel shows, by its place.
    """

    images: NDArray[np.uint8]
    classes: NDArray[np.uint8]


class SegmentedSet(Dataset, Protocol):
    """A data set of such pictures."""

    @property
    def classes(self) -> Mapping[str, Color]:
        """What a pixel may show, in order, and the colours that drawings have for it."""

    def read_segmented(self, split: Split, most: int, side: int) -> Segmented:
        """The first pictures of a split, so many at most.

        Raises:
            DatasetMissing: a file is not there.
            DatasetCorrupt: a file is damaged or another.
        """


def nearest(classes: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Classes [N, H, W] at side × side, of the pixels at the middles, since classes have no means."""
    rows, columns = (((np.arange(side) + 0.5) * size / side).astype(np.int64) for size in classes.shape[1:])
    return np.ascontiguousarray(classes[:, rows[:, None], columns])
