"""Fixed rewards that compare pixels."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import gaussian_filter
from torch import Tensor

from spiral.rewards.base import Context, Reward, need_targets
from spiral.section import Section


class PixelOptions(Section):
    """With `blur` both pictures are seen through a Gaussian of so many pixels of standard deviation.

    A blurred target in the middle of an episode (`when` a number) asks for large shapes first (thesis 6.4.5).
    """

    blur: float = Field(default=0.0, ge=0, le=256)


def difference(renders: NDArray[np.uint8], targets: NDArray[np.uint8], blur: float) -> Tensor:
    """What to add to each target to get its render, pixels in [−1, 1], float32 [B, H·W·C]."""
    added = renders.astype(np.float32) - targets
    if blur:
        added = gaussian_filter(added, (0, blur, blur, 0), mode="nearest")
    return torch.from_numpy(added.reshape(len(renders), -1)) / 255.0


class L2(Reward):
    """−‖render − target‖₂, the fixed distance of thesis 6.3.3, with pixels in [0, 1]."""

    Options = PixelOptions
    options: PixelOptions

    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores in [−√(H·W·C), 0], float32 [B]."""
        distance: Tensor = difference(renders, need_targets("l2", context, renders), self.options.blur).norm(dim=1)
        return -distance


class SquaredError(Reward):
    """−‖render − target‖₂², with pixels in [0, 1]: the same order for one target, more weight on bad copies."""

    Options = PixelOptions
    options: PixelOptions

    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores in [−H·W·C, 0], float32 [B]."""
        targets = need_targets("squared_error", context, renders)
        return -difference(renders, targets, self.options.blur).square().sum(dim=1)


class BlankPenalty(Reward):
    """−1 for a canvas without any visible ink (thesis 6.4.3): no pixel differs from another by more than 10 %."""

    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores −1 or 0, float32 [B]."""
        flat = renders.reshape(len(renders), -1, renders.shape[-1])
        contrast = (flat.max(axis=1).astype(np.int16) - flat.min(axis=1)).max(axis=1)
        return -torch.from_numpy((contrast < 26).astype(np.float32))
