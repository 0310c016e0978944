"""What the best small warp leaves between render and target, and how large it is: misplaced strokes are tolerated.

A warp is coarse and then fine, as DeepWarp's flows are: one shift d moves the whole picture, and each cell of a grid is
moved by a shift r of its own on top of it. Of all such warps the best is taken, exactly and not by descent:

    score = − min over d, r of   mean (S(x, d + r) − t)²  +  shift |d|²  +  bend mean |r|²

with shifts in shares of the picture's side. Given d, the cells do not depend on each other, so that as many differences
have to be looked at as there are shifts in all. 0 is a copy; one stroke that is a little beside its place costs little.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional

from spiral.rewards.base import Context, Reward, Setting, need_copies, shrunken
from spiral.rewards.distinct import distinct
from spiral.section import Section, Size


class DeepWarpOptions(Section):
    """The side at which pictures count, how many cells it has, how far warps reach, and what they cost.

    `coarse` and `fine` are the most pixels, of these `side`, by which the whole and a cell are moved; `shift` and
    `bend` weigh the squares of both moves, in shares of the side.
    """

    side: Size = 32
    cells: Size = 4
    coarse: int = Field(default=4, ge=0, le=8)
    fine: int = Field(default=2, ge=0, le=4)
    shift: float = Field(default=1.0, ge=0)
    bend: float = Field(default=4.0, ge=0)

    @model_validator(mode="after")
    def _cells_fill_the_side(self) -> DeepWarpOptions:
        if self.side % self.cells:
            raise ValueError(f"rewards.deepwarp.options: cells={self.cells} do not divide side={self.side}: change one")
        return self


class DeepWarp(Reward):
    """Minus what the best small warp leaves, and minus what it costs."""

    Options = DeepWarpOptions
    options: DeepWarpOptions

    def __init__(self, setting: Setting, options: DeepWarpOptions) -> None:
        super().__init__(setting, options)
        self.setting = setting

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B], 0 at best.

        Raises:
            ValueError: the renders are none, of another shape, or no target was shown.
        """
        targets = need_copies("deepwarp", self.setting, context, renders)
        first, places = distinct(renders, targets)
        costs = warp_costs(self._seen(renders[first]), self._seen(targets[first]), self.options)
        return -costs[places].float().cpu()

    def _seen(self, pixels: NDArray[np.uint8]) -> Tensor:
        side = self.options.side
        return shrunken(pixels, side, self.setting.device).view(len(pixels), -1, side, side)


def warp_costs(renders: Tensor, targets: Tensor, options: DeepWarpOptions) -> Tensor:
    """The least that a warp of each render [B, C, S, S] leaves and costs, [B]."""
    reach = options.coarse + options.fine
    left = _left_in_cells(renders, targets, options.cells, reach)
    fine = torch.arange(-options.fine, options.fine + 1, device=renders.device)
    bends = options.bend * (fine.square().unsqueeze(1) + fine.square()) / options.side**2
    best = []
    for dy in range(2 * options.coarse + 1):
        for dx in range(2 * options.coarse + 1):
            near = left[:, :, dy : dy + len(fine), dx : dx + len(fine)]
            moved = (dy - options.coarse) ** 2 + (dx - options.coarse) ** 2
            best.append((near + bends).amin((2, 3)).mean(1) + options.shift * moved / options.side**2)
    return torch.stack(best).amin(0)


def _left_in_cells(renders: Tensor, targets: Tensor, cells: int, reach: int) -> Tensor:
    """The mean squared difference in each cell when it is moved, [B, cells², 2 reach + 1, 2 reach + 1]."""
    side, moves = renders.shape[-1], 2 * reach + 1
    wider = functional.pad(renders, (reach,) * 4, mode="replicate")
    left = [
        functional.avg_pool2d(
            (wider[..., y : y + side, x : x + side] - targets).square().mean(1, keepdim=True), side // cells
        ).flatten(1)
        for y in range(moves)
        for x in range(moves)
    ]
    return torch.stack(left, -1).view(len(renders), cells**2, moves, moves)


REWARD: type[Any] = DeepWarp
