"""Patches with their annotations, cut from annotated pictures that are turned and mirrored at random.

Patches come as the grid of a crop, so that a network computes what they share once. Segments are turned and the
boundaries found after that, which keeps these one pixel wide.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from spiral.data.annotated import Annotated, boundaries_of
from spiral.methods.n4_fields.model import EDGE, M, N, as_inputs

GRID, STEP = 9, 4  # patches in a row of a crop, and pixels from one to the next
CROP = M + STEP * (GRID - 1)
QUARTERS = 0.5  # the share of crops turned by quarters, at whole pixels: between pixels grain is smoothed


@dataclass(frozen=True)
class Sample:
    """Crops, and what is known of their patches, row by row.

    Attributes:
        crops: [B, C, CROP, CROP], less the mean colour.
        marks, segments: of the middle of each patch, [B · GRID², N · N].
    """

    crops: Tensor
    marks: Tensor
    segments: Tensor


class Patches:
    """Draws crops from annotated pictures.

    Args:
        pictures: with at least one annotator each.
        thin: whether segments are the annotation, and else their boundaries are.
    """

    def __init__(self, pictures: Sequence[Annotated], thin: bool, device: torch.device) -> None:
        self.thin, self.device = thin, device
        self._pictures = pictures
        self.mean = np.mean([each.image.mean((0, 1)) for each in pictures], 0).astype(np.float32) / 255
        self._inputs = [as_inputs(each.image, torch.from_numpy(self.mean), device) for each in pictures]

    @property
    def channels(self) -> int:
        """Of a picture."""
        return len(self.mean)

    def draw(self, count: int, generator: torch.Generator) -> Sample:
        """So many crops, each as one of its annotators saw it."""
        crops, marks, segments = zip(*(self._crop(generator) for _ in range(count)), strict=True)
        return Sample(torch.cat(crops), torch.cat(marks), torch.cat(segments))

    def _crop(self, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        chances = torch.rand(6, generator=generator).tolist()
        which = int(chances[0] * len(self._pictures))
        annotators = self._pictures[which].segments
        seen = torch.from_numpy(annotators[int(chances[1] * len(annotators))]).float()
        picture = self._inputs[which]
        grid = _grid(picture.shape[1], picture.shape[2], chances[2:])
        crop = _sampled(picture, grid.to(self.device), "bilinear")
        turned = _sampled(seen[None], grid, "nearest")[0, 0].round().int()
        marked = turned > 0 if self.thin else torch.from_numpy(boundaries_of(turned.numpy()))
        return crop, middles(marked), middles(turned)


def middles(crop: Tensor) -> Tensor:
    """The middles of the patches of a crop [CROP, CROP], [GRID², N · N]."""
    inner = crop[EDGE : EDGE + N + STEP * (GRID - 1), EDGE : EDGE + N + STEP * (GRID - 1)]
    return inner.unfold(0, N, STEP).unfold(1, N, STEP).reshape(GRID * GRID, N * N)


def _grid(height: int, width: int, chances: Sequence[float]) -> Tensor:
    """Where a crop's pixels lie in a picture, [1, CROP, CROP, 2] in the coordinates of `grid_sample`."""
    down, right, turn, mirror = chances
    quarters = turn < QUARTERS
    angle = math.pi / 2 * int(4 * turn / QUARTERS) if quarters else 2 * math.pi * (turn - QUARTERS) / (1 - QUARTERS)
    if quarters:
        down, right = round(down * height) / height, round(right * width) / width
    steps = torch.arange(CROP) - (CROP - 1) / 2
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    x = -x if mirror < 0.5 else x
    at_x = width * right + math.cos(angle) * x - math.sin(angle) * y
    at_y = height * down + math.sin(angle) * x + math.cos(angle) * y
    return torch.stack((2 * at_x / width - 1, 2 * at_y / height - 1), -1)[None]


def _sampled(picture: Tensor, grid: Tensor, mode: str) -> Tensor:
    return functional.grid_sample(picture[None], grid, mode, padding_mode="reflection", align_corners=False)
