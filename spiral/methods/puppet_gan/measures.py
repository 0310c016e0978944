"""By what manipulations are measured: the columns of the slides' table."""

from __future__ import annotations

import torch
from torch import Tensor

NOTHING = 1e-6  # a spread below which there is none


def correlation(one: Tensor, other: Tensor) -> float:
    """Pearson's r of two [N]; 0 where one does not vary."""
    one, other = (each.double().cpu() - each.double().mean().cpu() for each in (one, other))
    norm = float(one.norm() * other.norm())
    return float(one @ other) / norm if norm > NOTHING else 0.0


def rest_variance(drawn: Tensor) -> float:
    """V_rest of pictures [N, R, K, C, H, W] of N real ones by references of R rests and K values.

    It is the variance of a pixel in [−1, 1] as the reference's rest changes and nothing else does, the mean of all.
    MNIST's digits, which have nothing to do with each other, have 0.25; CycleGAN has 0.28 in the table.
    """
    return float(drawn.var(1, correction=0).mean())


def jeffreys(one: Tensor, other: Tensor) -> float:
    """J, the sum of both Kullback–Leibler divergences between Gaussians that are fitted to two [N].

    With the means m and the variances v: ½ (v₁/v₂ + v₂/v₁ − 2) + ½ (m₁ − m₂)² (1/v₁ + 1/v₂).
    """
    (v1, m1), (v2, m2) = (torch.var_mean(each.double(), correction=0) for each in (one, other))
    v1, v2 = v1.clamp(min=NOTHING**2), v2.clamp(min=NOTHING**2)
    return float((v1 / v2 + v2 / v1 - 2) / 2 + (m1 - m2).square() * (1 / v1 + 1 / v2) / 2)
