"""Pairs of one eye that looks in two directions, and how a batch of them is chosen (sections 4.3.1 and 4.4.2).

Corrections from −30 to 30 degrees fall into 15 bins. A batch is of some bins, chosen uniformly, and holds as many easy
and as many hard pairs of each: hard are those whose eye is tilted by 8 degrees or more, which are rare.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from spiral.methods.deepwarp.eyes import Looks, anchors, chosen, in_pixels, middle, render
from spiral.methods.deepwarp.model import FULL_ANGLE, WIDTH

BINS, WIDEST = 15, FULL_ANGLE
BIN_WIDTH = 2 * WIDEST / BINS
HARD_TILT = 8.0  # degrees
GAZES = 20.0  # degrees up, down and aside at most that an eye looks before and after
Axis = Literal["vertical", "horizontal", "both"]


@dataclass(frozen=True)
class Pairs:
    """Pairs of pictures.

    Attributes:
        eyes: before, [N, 3, H, W] in [0, 1].
        anchors: feature points of `eyes`, in pixels, [N, 7, 2].
        angles: by which the gaze is turned up and to the right, in degrees, [N, 2].
        truth: after, [N, 3, H + 2m, W + 2m], with a margin m.
    """

    eyes: Tensor
    anchors: Tensor
    angles: Tensor
    truth: Tensor

    def __len__(self) -> int:
        return len(self.eyes)


class Source(Protocol):
    """Where pairs come from: `bins` are those of which there are any, and `of_bin` draws of one of them."""

    bins: tuple[int, ...]

    def of_bin(self, number: int, easy: int, hard: int, generator: torch.Generator) -> Pairs:
        """So many easy and hard pairs."""


class DrawnPairs:
    """Pairs of drawn eyes: of any correction, as many as asked.

    Args:
        looks: the persons and shots that they are of.
        axis: along which gazes are turned.
        margin: of the picture after, in pixels.
        misaligned: pixels at most by which the head moves between the pictures.
    """

    bins = tuple(range(BINS))

    def __init__(self, looks: Looks, axis: Axis = "vertical", margin: int = 0, misaligned: float = 0.0) -> None:
        self.looks, self.axis, self.margin, self.misaligned = looks, axis, margin, misaligned
        hard = looks["tilt"].abs() >= HARD_TILT
        self.easy, self.hard = (~hard).nonzero()[:, 0], hard.nonzero()[:, 0]

    def of_bin(self, number: int, easy: int, hard: int, generator: torch.Generator) -> Pairs:
        """Pairs of corrections within the bin."""
        low, high = bin_bounds(number)
        return self._drawn(low, high, self._some(easy, hard, generator), generator)

    def of_angle(self, degrees: float, count: int, generator: torch.Generator) -> Pairs:
        """Pairs of one correction, of whoever there is."""
        every = torch.randint(len(self.looks["tilt"]), (count,), generator=generator)
        return self._drawn(degrees, degrees, every, generator)

    def _some(self, easy: int, hard: int, generator: torch.Generator) -> Tensor:
        """Which looks a batch is of; where nobody is tilted, all are easy, and the other way round."""
        kinds = [(self.easy, easy), (self.hard, hard)]
        others = self.easy if len(self.easy) else self.hard
        found = [(kind if len(kind) else others, count) for kind, count in kinds]
        return torch.cat([kind[torch.randint(len(kind), (count,), generator=generator)] for kind, count in found])

    def _drawn(self, low: float, high: float, indices: Tensor, generator: torch.Generator) -> Pairs:
        def uniform(least: float, most: float) -> Tensor:
            return least + (most - least) * torch.rand(len(indices), generator=generator)

        along, across = uniform(low, high), uniform(-WIDEST, WIDEST)
        zeros = torch.zeros_like(along)
        up, right = {"vertical": (along, zeros), "horizontal": (zeros, along), "both": (along, across)}[self.axis]
        angles = torch.stack((up, right), 1)
        shares = torch.rand(len(indices), 2, generator=generator)
        least, most = (-GAZES - angles).clamp(min=-GAZES), (GAZES - angles).clamp(max=GAZES)
        before = least + shares * (most - least)
        moved = self.misaligned / WIDTH * (2 * torch.rand(len(indices), 2, generator=generator) - 1)
        return drawn_pairs(chosen(self.looks, indices), before, angles, self.margin, moved)


def drawn_pairs(looks: Looks, before: Tensor, angles: Tensor, margin: int = 0, moved: Tensor | None = None) -> Pairs:
    """Pairs of eyes that look where `before` says and are turned by `angles`, both [N, 2] in degrees.

    The picture after is of the region of the picture before, which is around the eye as it was then; `moved` [N, 2], in
    R, is how far the head has moved.
    """
    points = anchors(looks, before)
    centre = middle(points, looks)
    after = centre if moved is None else centre - moved
    truth = render(looks, before + angles, after, margin)
    return Pairs(render(looks, before, centre), in_pixels(points, centre), angles, truth)


def some_pairs(source: Source, bins: int, easy: int, hard: int, generator: torch.Generator) -> Pairs:
    """A batch: so many bins, and of each so many easy and hard pairs (section 4.4.2)."""
    picked = torch.randint(len(source.bins), (bins,), generator=generator).tolist()
    return joined(source.of_bin(source.bins[place], easy, hard, generator) for place in picked)


def joined(batches: Iterable[Pairs]) -> Pairs:
    """All of them."""
    every = list(batches)
    parts = ("eyes", "anchors", "angles", "truth")
    return Pairs(*(torch.cat([getattr(pairs, part) for pairs in every]) for part in parts))


def bin_bounds(number: int) -> tuple[float, float]:
    """The least and the largest correction of a bin, in degrees."""
    low = -WIDEST + BIN_WIDTH * number
    return low, low + BIN_WIDTH


def bin_of(degrees: float) -> int:
    """The bin of a correction, the widest included in the last.

    Raises:
        ValueError: there is none.
    """
    if not -WIDEST <= degrees <= WIDEST:
        raise ValueError(f"a correction of {degrees:g} degrees is in no bin: they go from {-WIDEST:g} to {WIDEST:g}")
    return min(BINS - 1, int((degrees + WIDEST) // BIN_WIDTH))
