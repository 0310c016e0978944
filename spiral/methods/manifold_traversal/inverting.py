"""From features back to a picture: equations 7 and 8, by L-BFGS-B within the bounds of what a pixel can be.

What is wanted of the deep features does not say all of a picture. So the shallow ones stay near those of the source,
more or less at each place, and the total variation stays small. Where nothing is to change, pixels can be held: their
bounds are what they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize
from torch import Tensor
from torch.nn import functional

from spiral.methods.manifold_traversal.features import Features

WHITE = 255  # the weight of the variation counts in grey levels
BETA = 2.0
REMEMBERED = 10  # steps by which L-BFGS knows the curvature


@dataclass(frozen=True)
class Inversion:
    """The weights of equation 8: λ_{Ω1,2} within the region that may change and outside of it, and λ_V; how long.

    With `held` the pixels outside of the region are not changed at all.
    """

    kept: float = 0.02
    kept_outside: float = 0.02
    variation: float = 0.001
    iterations: int = 60
    held: bool = False


def invert(features: Features, wanted: Tensor, source: Tensor, region: Tensor, how: Inversion) -> Tensor:
    """The picture [3, H, W] in [0, 1] whose deep features are nearest to those wanted, [D].

    Args:
        features: Ω.
        wanted: as Ω gives them.
        source: the picture [3, H, W] to stay near to, and to begin at.
        region: where it may change, [H, W] in [0, 1].
        how: what counts how much.
    """
    shape = source.shape
    with torch.no_grad():
        _, kept = features(source[None])
    strength = how.kept_outside + (how.kept - how.kept_outside) * region

    def loss(pixels: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        picture = torch.from_numpy(pixels).to(source).view(1, *shape).requires_grad_()
        deep, shallow = features(picture)
        value = (deep[0] - wanted).square().sum() / 2
        value = value + constancy(shallow, kept, strength) + how.variation * total_variation(WHITE * picture)
        (slope,) = torch.autograd.grad(value, picture)
        return float(value.detach()), slope.double().flatten().cpu().numpy()

    free = region.expand(shape).flatten().cpu().numpy() > 0 if how.held else True
    fixed = source.double().flatten().cpu().numpy()
    found = minimize(
        loss,
        fixed,
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(np.where(free, 0, fixed), np.where(free, 1, fixed)),
        options={"maxiter": how.iterations, "maxcor": REMEMBERED},
    )
    return torch.from_numpy(found.x).to(source).view(shape)


def constancy(shallow: list[Tensor], kept: list[Tensor], strength: Tensor) -> Tensor:
    """λ_{Ω1,2} R_{Ω1,2}: half the squared changes of layers [1, C, h, w], by the strength at each place [H, W]."""
    total = torch.zeros((), device=strength.device)
    for now, before in zip(shallow, kept, strict=True):
        here = functional.adaptive_avg_pool2d(strength[None, None], (now.shape[-2], now.shape[-1]))
        total = total + ((now - before).square() * here).sum() / 2
    return total


def total_variation(picture: Tensor, beta: float = BETA) -> Tensor:
    """R_{V^β} of pictures [N, C, H, W]: neighbours' differences, those of the last row and column left out."""
    across = picture[..., :-1, 1:] - picture[..., :-1, :-1]
    down = picture[..., 1:, :-1] - picture[..., :-1, :-1]
    squares: Tensor = across.square() + down.square()
    return squares.sum() if beta == BETA else squares.pow(beta / 2).sum()
