"""Demonstrations of an attribute: synthetic pictures of every rest with every value of the attribute."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from spiral.methods.dtn.model import as_inputs


@dataclass(frozen=True)
class Demonstrations:
    """A table of pictures.

    Attributes:
        images: uint8 [R, K, H, W, C]; a row has the same rest, a column the same value.
        values: of the attribute, rising, float [K].
        rests: a number of each rest that must not leak, float [R].
    """

    images: Tensor
    values: Tensor
    rests: Tensor

    def triples(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """So many b1, b2 and b3, as networks take them, and the value of b1 and b3 in spreads from the mean, [N]."""
        rests, values = (
            torch.randint(most, (2, count), generator=generator).to(self.images.device)
            for most in self.images.shape[:2]
        )
        chosen = ((rests[0], values[0]), (rests[1], values[1]), (rests[1], values[0]))
        b1, b2, b3 = (as_inputs(self.images[rest, value]) for rest, value in chosen)
        deviation, mean = torch.std_mean(self.values, correction=0)
        return b1, b2, b3, (self.values[values[0]] - mean) / deviation

    def inputs(self) -> Tensor:
        """All, as networks take them, the values of the first rest first, [R · K, C, H, W]."""
        return as_inputs(self.images.flatten(0, 1))
