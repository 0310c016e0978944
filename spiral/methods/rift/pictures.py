"""Pictures of a domain, as the parts of an experiment sample them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spiral.data import load_pictures
from spiral.data.pictures import Pictures, Split

CHUNK = 250  # pictures at a time where nothing is learned


@dataclass(frozen=True)
class Domain:
    """Pictures uint8 [N, C, H, W], and what is known of each by name, float32 [N]."""

    images: Tensor
    known: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(self.images)

    def inputs(self, chosen: Tensor | slice = slice(None)) -> Tensor:
        """Those of the pictures as networks take them."""
        return self.images[chosen].float().div(127.5).sub(1)

    def first(self, count: int) -> Domain:
        """So many of the pictures, or all."""
        return self.where(slice(count))

    def where(self, chosen: Tensor | slice) -> Domain:
        """Those of the pictures."""
        return Domain(self.images[chosen], {name: values[chosen] for name, values in self.known.items()})


def domain_of(pictures: Pictures, most: int, device: torch.device) -> Domain:
    """At most so many of the pictures, from all of them."""
    chosen = np.linspace(0, len(pictures.images) - 1, min(most, len(pictures.images))).astype(np.int64)
    images = torch.from_numpy(pictures.images[chosen]).permute(0, 3, 1, 2).contiguous()
    known = {name: torch.from_numpy(values[chosen]).to(device) for name, values in pictures.attributes.items()}
    return Domain(images.to(device), known)


def read_domain(name: str, split: Split, side: int, most: int, device: torch.device) -> Domain:
    """At most so many pictures of a split of a data set, in colour.

    Raises:
        DatasetError: it is not there.
    """
    return domain_of(load_pictures(name, split, side, color=True), most, device)


@torch.no_grad()
def in_chunks(function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """The function of rows of the inputs, some at a time."""
    parts = zip(*(each.split(CHUNK) for each in inputs), strict=True)
    return torch.cat([function(*part) for part in parts])
