"""Pictures in which people have marked what is where: edges of things, or thin things such as vessels.

One picture may have several annotators, who do not quite agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from spiral.data.pictures import Split


@dataclass(frozen=True)
class Annotated:
    """A picture and its annotations.

    Attributes:
        image: uint8 [H, W, C]; the fourth channel, if there is one, is depth.
        segments: int32 [A, H, W], by annotator: pixels with the same number are of one thing.
        inside: bool [H, W], where the picture shows anything.
    """

    image: NDArray[np.uint8]
    segments: NDArray[np.int32]
    inside: NDArray[np.bool_]

    @property
    def boundaries(self) -> NDArray[np.bool_]:
        """Where things end, by annotator, bool [A, H, W]."""
        return boundaries_of(self.segments)


class AnnotatedSet(Protocol):
    """Annotated pictures in two splits."""

    @property
    def where(self) -> str:
        """The folder or the package that they live in."""

    @property
    def size(self) -> str:
        """How many pictures there are to train on, and how many are held out."""

    @property
    def what(self) -> str:
        """What the pictures show, in a few words."""

    @property
    def thin(self) -> bool:
        """Whether thin things are marked, with the number 1, and else it is edges that count."""

    def missing(self) -> str:
        """What to do before they can be read; empty when all files are there."""

    def read(self, split: Split, most: int) -> list[Annotated]:
        """The pictures of a split, so many at most.

        Raises:
            DatasetMissing: a file is not there.
            DatasetCorrupt: a file is damaged or another.
        """


def boundaries_of(segments: NDArray[np.integer]) -> NDArray[np.bool_]:
    """The pixels [..., H, W] whose right, lower or lower right neighbour is of another segment, as BSDS500 has them."""
    found = np.zeros(segments.shape, bool)
    here = segments[..., :-1, :-1]
    found[..., :, :-1] |= segments[..., :, :-1] != segments[..., :, 1:]
    found[..., :-1, :] |= segments[..., :-1, :] != segments[..., 1:, :]
    found[..., :-1, :-1] |= here != segments[..., 1:, 1:]
    return found


def retraced(segments: NDArray[np.int32], by: float, smoothness: float, rng: np.random.Generator) -> NDArray[np.int32]:
    """Segments [H, W] as a hand retraces them, off by so many pixels (a standard deviation) and never jagged."""
    noise = [gaussian_filter(rng.normal(size=segments.shape), smoothness, mode="wrap") for _ in range(2)]
    shifts = [by * each / max(each.std(), 1e-12) for each in noise]
    places = [grid + shift for grid, shift in zip(np.indices(segments.shape), shifts, strict=True)]
    moved: NDArray[np.int32] = map_coordinates(segments, places, order=0, mode="nearest")
    return moved
