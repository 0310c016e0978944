"""Pictures of a domain A and drawings of what is where in them, domain B: unpaired to learn from, paired to measure."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from spiral.agent import as_pictures
from spiral.data.pictures import Split
from spiral.data.segmented_sets import find_segmented
from spiral.section import ConfigError


@dataclass(frozen=True)
class Pairs:
    """Pictures and what each pixel shows.

    Attributes:
        images: uint8 [N, side, side, 3].
        classes: int64 [N, side, side].
        palette: the colours of drawings, in [−1, 1], [classes, 3].
    """

    images: Tensor
    classes: Tensor
    palette: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def part(self, chosen: slice) -> Pairs:
        """Some of them."""
        return Pairs(self.images[chosen], self.classes[chosen], self.palette)

    def pictures(self, chosen: Tensor | slice = slice(None)) -> Tensor:
        """Those of A, float [N, 3, side, side] in [−1, 1]."""
        return 2 * as_pictures(self.images[chosen]) - 1

    def drawings(self, chosen: Tensor | slice = slice(None)) -> Tensor:
        """Those of B, likewise."""
        return drawn(self.classes[chosen], self.palette)


def drawn(classes: Tensor, palette: Tensor) -> Tensor:
    """Drawings [N, 3, side, side] of classes [N, side, side]."""
    return palette[classes].permute(0, 3, 1, 2)


def read_classes(drawings: Tensor, palette: Tensor) -> Tensor:
    """The classes [N, side, side] whose colours are nearest to those of drawings [N, 3, side, side]."""
    apart = torch.stack([(drawings - color[:, None, None]).square().sum(1) for color in palette])
    return apart.argmin(0)


def quantized(drawings: Tensor, palette: Tensor) -> Tensor:
    """Drawings of nothing but the colours that there are: what a person reads in them."""
    return drawn(read_classes(drawings, palette), palette)


def read_pairs(name: str, split: Split, most: int, side: int, device: torch.device) -> Pairs:
    """At most so many pairs of a split of a data set.

    Raises:
        DatasetError: it is not there, or nobody knows what its pixels show.
        ConfigError: it has too few pictures.
    """
    dataset = find_segmented(name)
    found = dataset.read_segmented(split, most, side)
    if len(found.images) < 2:
        raise ConfigError(f"the data set {name!r} has {len(found.images)} pictures to {split} with: make more of them")
    palette = torch.tensor(list(dataset.classes.values())) / 127.5 - 1
    images, classes = torch.from_numpy(found.images), torch.from_numpy(found.classes).long()
    return Pairs(images.to(device), classes.to(device), palette.to(device))
