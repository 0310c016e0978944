"""Fixed rewards that compare pixels."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spiral.rewards.base import Context, need_targets


def difference(renders: NDArray[np.uint8], targets: NDArray[np.uint8]) -> Tensor:
    """What to add to each target to get its render, pixels in [−1, 1], float32 [B, H·W·C]."""
    return torch.from_numpy((renders.astype(np.float32) - targets).reshape(len(renders), -1)) / 255.0


class L2:
    """−‖render − target‖₂, the fixed distance of thesis 6.3.3, with pixels in [0, 1]."""

    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores in [−√(H·W·C), 0], float32 [B]."""
        distance: Tensor = difference(renders, need_targets("l2", context)).norm(dim=1)
        return -distance


class SquaredError:
    """−‖render − target‖₂², with pixels in [0, 1]: the same order for one target, more weight on bad copies."""

    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores in [−H·W·C, 0], float32 [B]."""
        return -difference(renders, need_targets("squared_error", context)).square().sum(dim=1)


class BlankPenalty:
    """−1 for a canvas without any visible ink (thesis 6.4.3): no pixel differs from another by more than 10 %."""

    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores −1 or 0, float32 [B]."""
        flat = renders.reshape(len(renders), -1, renders.shape[-1])
        contrast = (flat.max(axis=1).astype(np.int16) - flat.min(axis=1)).max(axis=1)
        return -torch.from_numpy((contrast < 26).astype(np.float32))
