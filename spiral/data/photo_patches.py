"""Squares of photographs that packages carry, from whole pictures to small parts of them: what a painter meets.

A painting goes from the whole to ever smaller parts, so that the sides of the squares are spread evenly in their
logarithm, from the shorter side of the photograph to `FINEST` of its pixels. Whole photographs are held out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spiral.data.held_out_photos import HELD_OUT, TO_LEARN_FROM, Photo
from spiral.data.pictures import Pictures, Split, fitted

PHOTOS: dict[Split, tuple[Photo, ...]] = {"train": TO_LEARN_FROM, "test": HELD_OUT}
COUNTS: dict[Split, int] = {"train": 4_000, "test": 256}
SEEDS: dict[Split, int] = {"train": 64, "test": 65}
FINEST = 64  # pixels


@dataclass(frozen=True)
class PhotoPatches:
    """The data set, cut by a fixed seed."""

    size = "4,000 + 256"
    what = "squares of photographs, in all sizes and turned over"
    where = "the packages scikit-image, scikit-learn and matplotlib"

    def missing(self) -> str:
        """What to do where a package is not there."""
        return next(filter(None, (photo.package.missing() for photos in PHOTOS.values() for photo in photos)), "")

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The squares of a split, without labels.

        Raises:
            DatasetMissing: a package is not there.
            DatasetCorrupt: a photograph is damaged.
        """
        photos = [Image.fromarray(photo.read()) for photo in PHOTOS[split]]
        rng = np.random.default_rng(SEEDS[split])
        squares = [square(photos[i % len(photos)], canvas_size, rng) for i in range(COUNTS[split])]
        return Pictures(fitted(np.stack(squares), canvas_size, color))

    def prepare(self, source: Path | None) -> Path:
        """The place of a photograph; there is nothing to copy."""
        return TO_LEARN_FROM[0].package.path()


def square(photo: Image.Image, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random square of a photograph at size x size, half of them mirrored, uint8 [size, size, 3]."""
    shorter = min(photo.size)
    side = round(shorter * (min(FINEST, shorter) / shorter) ** rng.random())
    left, upper = rng.integers(photo.width - side + 1), rng.integers(photo.height - side + 1)
    resample = Image.Resampling.LANCZOS if side > size else Image.Resampling.BICUBIC
    cut = photo.resize((size, size), resample, (left, upper, left + side, upper + side))
    return np.asarray(cut if rng.random() < 0.5 else cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
