"""Rewards on how a picture was made: the inductive biases of thesis 6.4.3, and that of SPIRAL++ on Omniglot.

SPIRAL++ (Mellor et al. 2019, appendix D) charges for each new stroke and for its length: copies are then drawn as a
person would, and not by going to and fro over the same lines.
"""

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


class StrokeLengthPenalty(Reward):
    """Minus the length of all strokes together, in sides of the canvas: −1 is one stroke from edge to edge."""

    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores ≤ 0, float32 [B]."""
        thousandths = need_count("stroke_length", "stroke_length", context)
        return -torch.from_numpy(thousandths.astype(np.float32)) / 1000.0
