"""MNIST-M (Ganin and Lempitsky, 2015; thesis 5.4.4): digits blended with photographs, |digit − patch| in each channel.

Where the digit has ink, the patch of the photograph is inverted. Each digit has a patch of its own, drawn once and for
all by a fixed seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spiral.data.dataset import Dataset
from spiral.data.photos import Photos, patches
from spiral.data.pictures import Pictures, Split, fitted

SIZE = 32
SEEDS: dict[Split, int] = {"train": 2015, "test": 2016}


@dataclass(frozen=True)
class MnistM:
    """The data set: the digits of each split over photographs of the same split, in colour."""

    digits: Dataset
    photos: Photos

    @property
    def size(self) -> str:
        """As many as there are digits."""
        return self.digits.size

    @property
    def what(self) -> str:
        """What is blended with what."""
        return "digits blended with patches of colour photographs"

    @property
    def where(self) -> str:
        """Where both come from."""
        return f"{self.digits.where}, with the photographs of {self.photos.where}"

    def missing(self) -> str:
        """What to do where the digits or the photographs are not there."""
        return self.digits.missing() or self.photos.missing()

    def read(self, split: Split, canvas_size: int, color: bool) -> Pictures:
        """The blended digits of a split, labelled 0 to 9."""
        digits = self.digits.read(split, SIZE, color=False)
        ink = 255 - digits.images
        patch = patches(self.photos.read(split), len(ink), SIZE, np.random.default_rng(SEEDS[split]))
        blended = np.maximum(ink, patch) - np.minimum(ink, patch)
        return Pictures(fitted(blended, canvas_size, color), digits.labels)

    def prepare(self, source: Path | None) -> Path:
        """The place of the digits; there is nothing to copy."""
        for split in SEEDS:
            self.photos.read(split)
        return self.digits.prepare(None)
