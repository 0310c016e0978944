"""Pictures as the parts of an experiment sample them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spiral.data import load_digits, load_pictures
from spiral.data.pictures import Split
from spiral.methods.dtn.model import SIDE, as_inputs

CHUNK = 500  # pictures at a time where nothing is learned


@dataclass(frozen=True)
class Pixels:
    """Pictures of a set: `images` uint8 [N, H, W, C], and `labels` int64 [N], of zeros where there are none."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def where(self, chosen: Tensor) -> Pixels:
        """Those of the pictures."""
        return Pixels(self.images[chosen], self.labels[chosen])

    def inputs(self, chosen: Tensor | slice = slice(None)) -> Tensor:
        """Those of the pictures as networks take them."""
        return as_inputs(self.images[chosen])

    def first(self, count: int) -> Pixels:
        """So many of the pictures, or all."""
        return Pixels(self.images[:count], self.labels[:count])


def read_pixels(name: str, split: Split, color: bool, most: int, device: torch.device, side: int = SIDE) -> Pixels:
    """At most so many pictures of a split of a data set, from all of it, since some are sorted by label.

    Raises:
        DatasetError: it is not there.
    """
    found = load_pictures(name, split, side, color)
    labels = np.zeros(len(found.images), np.int64) if found.labels is None else found.labels
    return _some(found.images, labels, most, device)


def read_digits(name: str, split: Split, color: bool, most: int, device: torch.device) -> Pixels:
    """At most so many labelled pictures of digits.

    Raises:
        DatasetError: the set is not there, or not of digits.
    """
    return _some(*load_digits(name, split, SIDE, color), most, device)


def _some(images: NDArray[np.uint8], labels: NDArray[np.int64], most: int, device: torch.device) -> Pixels:
    chosen = np.linspace(0, len(images) - 1, min(most, len(images))).astype(np.int64)
    return Pixels(torch.from_numpy(images[chosen]).to(device), torch.from_numpy(labels[chosen]).to(device))


@torch.no_grad()
def in_chunks(function: Callable[[Tensor], Tensor], inputs: Callable[[slice], Tensor], count: int) -> Tensor:
    """The function of so many inputs, some at a time."""
    return torch.cat([function(inputs(slice(i, i + CHUNK))) for i in range(0, count, CHUNK)])
