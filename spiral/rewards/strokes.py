"""Rewards on how a picture was made: the inductive biases of thesis 6.4.3."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spiral.rewards.base import Context, Reward, need_count


class StrokeStartPenalty(Reward):
    """−1 for each continuous sequence of strokes that was begun, so that one motion is better than many."""

    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores ≤ 0, float32 [B]."""
        return -torch.from_numpy(need_count("stroke_start", "disjoint_strokes", context).astype(np.float32))
