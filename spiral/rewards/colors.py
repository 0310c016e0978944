"""The colours of a picture, wherever they are: a penalty for faces (thesis 6.4.5)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spiral.rewards.base import Context, Reward, need_targets

LEVELS = 256


class ColorHistogram(Reward):
    """Minus the earth mover's distance between the colour histograms of render and target, the mean over the channels.

    In one dimension the earth mover's distance is the area between the cumulated histograms, Σ_v |F(v) − G(v)| Δv
    (Vallender, 1974).
    """

    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores in [−1, 0], float32 [B], with pixels in [0, 1]."""
        targets = need_targets("color_histogram", context, renders)
        distance = np.abs(cumulated(renders) - cumulated(targets))[..., :-1].mean(axis=(1, 2))
        return -torch.from_numpy(distance.astype(np.float32))


def cumulated(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The share of pixels of each level or below, [B, C, 256], of pictures uint8 [B, H, W, C]."""
    batch, height, width, channels = pictures.shape
    first = LEVELS * np.arange(batch * channels).reshape(batch, 1, 1, channels)
    counts = np.bincount((pictures + first).ravel(), minlength=LEVELS * batch * channels)
    shares: NDArray[np.float64] = counts.reshape(batch, channels, LEVELS).cumsum(axis=2) / (height * width)
    return shares
