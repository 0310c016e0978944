"""What the complement discriminator of SPIRAL++ sees (Mellor et al. 2019, section 2.3).

A discriminator that sees a render x beside its target y needs no more than to compare them pixel by pixel: where they
differ at all, the render is no target, and that is a poor teacher. With a mask m the complement discriminator sees the
pair (m x, (1 − m) y), and as real (m y, (1 − m) y). No place is in both, so it has to judge whether one half of a
picture goes with the other. The masks are the four halves: left, right, upper and lower.
"""

from __future__ import annotations

import torch
from torch import Tensor


def halves(height: int, width: int) -> Tensor:
    """The masks, 1 in the half that is seen of a render, otherwise 0, float32 [4, 1, height, width]."""
    left, upper = torch.zeros(2, 1, height, width)
    left[..., : width // 2] = 1
    upper[:, : height // 2] = 1
    return torch.stack((left, 1 - left, upper, 1 - upper))


def complements(pictures: Tensor, targets: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures [B, C, H, W] where the mask is 1, and their targets where it is 0."""
    return mask * pictures, (1 - mask) * targets
