"""Two domains: labelled pictures, and pictures of the same things that look otherwise.

A domain is a data set by its name, as it is or with another look: `NAME+negative` has light for dark, so that digits
are white on black as in the thesis; `NAME+weather` is seen through bad weather and a poor camera, for use where the
real pictures of the paper are not at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spiral.data import DatasetError, Split, catalogue, load_pictures, resolve


@dataclass(frozen=True)
class Domain:
    """Pictures of a domain.

    Attributes:
        images: uint8 [N, 3, size, size], or points of numbers [N, D].
        labels: int64 [N].
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def mean(self) -> Tensor:
        """The mean colour of the pictures, in [0, 1], [3, 1, 1]."""
        return torch.from_numpy(self.images.numpy().mean((0, 2, 3)) / 255).float().view(3, 1, 1)

    def chosen(self, places: Tensor) -> Domain:
        """The pictures at these places."""
        return Domain(self.images[places], self.labels[places])

    def some(self, count: int, generator: torch.Generator) -> Domain:
        """So many, drawn with replacement."""
        return self.chosen(torch.randint(len(self), (count,), generator=generator))

    def first(self, count: int) -> Domain:
        """So many at most."""
        return Domain(self.images[:count], self.labels[:count])


@dataclass(frozen=True)
class Pair:
    """Source and target, to train on and held out, and how many kinds of thing they show."""

    source: Domain
    target: Domain
    source_test: Domain
    target_test: Domain
    classes: int


def ready(name: str) -> bool:
    """Whether the files of this data set are there."""
    return any(info.name == name and info.ready for info in catalogue())


def read_pair(source: str, target: str, size: int, most: int) -> Pair:
    """Both domains, `most` pictures of each at most; of one set seen in two ways, each domain has its own half.

    Raises:
        DatasetError: a set is not there or has no labels, or the target shows what the source does not.
    """
    shared = _parted(source)[0] == _parted(target)[0]
    splits: tuple[Split, Split] = ("train", "test")
    read = [
        _read(name, split, size, most, half if shared and split == "train" else None)
        for split in splits
        for half, name in enumerate((source, target))
    ]
    first, second = (kinds for _, kinds in read[:2])
    if second > first:
        raise DatasetError(
            f"{target} shows {second} kinds of thing and {source} {first}: give a source that shows all of the target's"
        )
    known, unknown, known_test, unknown_test = (domain for domain, _ in read)
    return Pair(known, unknown, known_test, unknown_test, first)


def few_of_each(domain: Domain, count: int, generator: torch.Generator) -> Domain:
    """So many pictures of every label, as far as there are."""
    order = torch.randperm(len(domain), generator=generator)
    labels = domain.labels[order]
    return domain.chosen(torch.cat([order[labels == label][:count] for label in labels.unique()]))


def _parted(name: str) -> tuple[str, str]:
    """The name of a data set, and that of a look or nothing."""
    base, _, look = name.rpartition("+")
    base, look = (base, look) if look in LOOKS else (name, "")
    return resolve(base)[0], look


def _read(name: str, split: Split, size: int, most: int, half: int | None) -> tuple[Domain, int]:
    """Some pictures of a set, and how many kinds there are in all of it."""
    base, look = _parted(name)
    pictures = load_pictures(base, split, size, color=True)
    if pictures.labels is None:
        raise DatasetError(f"the data set {name} has no labels, which say what a picture shows: give one that has")
    places = np.random.default_rng(0).permutation(len(pictures.images))
    if half is not None:
        places = places[half::2]
    images, labels = pictures.images[places[:most]], pictures.labels[places[:most]]
    if look:
        images = LOOKS[look](images)
    domain = Domain(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()), torch.from_numpy(labels))
    return domain, int(pictures.labels.max()) + 1


def negative(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The pictures with light for dark."""
    return 255 - images


def weathered(images: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
    """The pictures [N, H, W, 3] in coloured light, dim or glaring, through fog, blurred, and with noise."""
    rng = np.random.default_rng(seed)
    seen = np.empty_like(images)
    for place, image in enumerate(images):
        light = rng.uniform(0.35, 1.1) * rng.uniform(0.6, 1.1, 3)
        fog, air = rng.uniform(0, 0.6), rng.uniform(60, 220)
        foggy = (1 - fog) * light * image.astype(np.float32) + fog * air
        noisy = _blurred(foggy) + rng.normal(0, rng.uniform(2, 14), image.shape)
        seen[place] = noisy.clip(0, 255)
    return seen


def _blurred(image: NDArray[np.floating]) -> NDArray[np.floating]:
    """The picture through a 1-2-1 filter in both directions."""
    for axis in (0, 1):
        padding = [(1, 1) if axis == other else (0, 0) for other in range(3)]
        padded = np.pad(image, padding, mode="edge")
        size = image.shape[axis]
        before, here, after = (np.take(padded, range(start, start + size), axis) for start in range(3))
        image = (before + 2 * here + after) / 4
    return image


LOOKS: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {"negative": negative, "weather": weathered}
