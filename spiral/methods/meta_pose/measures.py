"""How far estimated points are from the true ones, in the two measures of the paper.

PMPJPE is the mean distance after the estimate was turned, scaled and shifted onto the truth (Procrustes); NMPJPE after
it was scaled and shifted alone, in the axes of the first camera, so that a camera that is turned wrongly counts.
"""

from __future__ import annotations

import torch
from torch import Tensor

from spiral.methods.meta_pose.geometry import turned, turning


def scaled_error(points: Tensor, truth: Tensor) -> Tensor:
    """The mean distance of points from the truth, both [B, K, 3], after the best scale and shift, [B]."""
    x, y = points - points.mean(-2, keepdim=True), truth - truth.mean(-2, keepdim=True)
    scale = (x * y).sum((-2, -1)) / x.square().sum((-2, -1)).clamp(min=1e-12)
    error: Tensor = (scale[..., None, None] * x - y).norm(dim=-1).mean(-1)
    return error


def aligned_error(points: Tensor, truth: Tensor) -> Tensor:
    """The mean distance of points from the truth, both [B, K, 3], after the best turn, scale and shift, [B]."""
    return scaled_error(turned(turning(points, truth), points), truth)


def aligned(points: Tensor, truth: Tensor) -> Tensor:
    """Points [B, K, 3] turned, scaled and shifted onto the truth."""
    mean = truth.mean(-2, keepdim=True)
    x, y = turned(turning(points, truth), points - points.mean(-2, keepdim=True)), truth - mean
    scale = (x * y).sum((-2, -1)) / torch.clamp(x.square().sum((-2, -1)), min=1e-12)
    return scale[..., None, None] * x + mean
