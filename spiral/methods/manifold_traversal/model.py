"""The space of a manifold, the witness of two kinds of picture in it, and the way from one to the other.

The principal components U of deep features span the manifold, and z = Uᵀ(Ω(x) − mean) is where a picture x is in it.
Between the places z^s of pictures of the source and z^t of the target, the witness of their Maximum Mean Discrepancy

    f*(z) = mean_i k(z^s_i, z) − mean_i k(z^t_i, z),     k(z, z') = exp(−‖z − z'‖² / 2σ²)

is high where the source is and low where the target is (equation 5; means in the place of sums, so that the numbers of
pictures do not count). A traversal moves z̄ by the δ that minimises f*(z̄ + δ) + λ‖δ‖² (equation 6). σ is such that k is
0.5 in the mean, and λ counts in units of 1/2σ², so that neither depends on a network or on a size of pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from torch import Tensor

from spiral.section import ConfigError

COLUMNS = 4096  # features at a time
MEAN_KERNEL = 0.5
TINY = 1e-7  # of the largest variance: directions with less of it are noise
ITERATIONS = 500


@dataclass(frozen=True)
class Manifold:
    """Where pictures are.

    Attributes:
        mean: of the features, [D].
        basis: U, orthonormal rows [K, D], those of most variance first.
    """

    mean: Tensor
    basis: Tensor

    def coordinates(self, features: Tensor) -> Tensor:
        """The places z [N, K] of features [N, D]."""
        return (features - self.mean) @ self.basis.T

    def shift(self, delta: Tensor) -> Tensor:
        """By how much features [N, D] change where the places change by δ [N, K]."""
        return delta @ self.basis


def principal(features: Sequence[Tensor], components: int) -> tuple[Manifold, Tensor]:
    """The manifold of features, given in chunks [n, D], and the places of all of them, [N, K].

    There are far more features than pictures, so the components come from the products of the pictures with each other.
    K is as many as asked for, or as there are.
    """
    count, size = sum(len(chunk) for chunk in features), features[0].shape[1]
    mean = torch.stack([chunk.double().sum(0) for chunk in features]).sum(0).div(count).float()
    products = torch.zeros(count, count, dtype=torch.float64, device=mean.device)
    for at in range(0, size, COLUMNS):
        centred = _centred(features, mean, at)
        products += (centred @ centred.T).double()
    values, vectors = torch.linalg.eigh(products)
    kept = min(components, int((values > TINY * values[-1].clamp(min=1e-12)).sum()))
    if not kept:
        raise ConfigError(f"the {count} pictures of the manifold look alike: give others, or more of them")
    lengths, directions = values.flip(0)[:kept].sqrt(), vectors.flip(1)[:, :kept]
    weights = (directions / lengths).T.float()
    basis = torch.cat([weights @ _centred(features, mean, at) for at in range(0, size, COLUMNS)], dim=1)
    return Manifold(mean, basis), (directions * lengths).float()


def _centred(features: Sequence[Tensor], mean: Tensor, at: int) -> Tensor:
    return torch.cat([chunk[:, at : at + COLUMNS].float() for chunk in features]) - mean[at : at + COLUMNS]


def gaussian(points: Tensor, others: Tensor, width: float) -> Tensor:
    """K(z, z') of points [N, K] with others [M, K], [N, M]."""
    return torch.exp(-torch.cdist(points, others).square() / (2 * width**2))


def half_width(points: Tensor) -> float:
    """The σ for which k is 0.5 in the mean, over all pairs of different points [N, K].

    Raises:
        ConfigError: there is none, since half of the points are the same.
    """
    squares = torch.pdist(points.double()).square()
    middle = float(squares.median())
    if middle <= 0:
        raise ConfigError("half of the pictures of source and target are the same: give others, or more of them")

    def excess(logarithm: float) -> float:
        return float(torch.exp(-squares / (2 * middle * math.exp(logarithm))).mean()) - MEAN_KERNEL

    return math.sqrt(middle * math.exp(brentq(excess, -12.0, 12.0, xtol=1e-9)))


@dataclass(frozen=True)
class Witness:
    """f*, of the places of source [S, K] and target [T, K]."""

    source: Tensor
    target: Tensor
    width: float

    def __call__(self, points: Tensor) -> Tensor:
        """f* of points [N, K], [N]: above zero like the source, below like the target."""
        near_source, near_target = (gaussian(points, kind, self.width).mean(1) for kind in (self.source, self.target))
        return near_source - near_target

    def cost(self, delta: Tensor, penalty: float) -> Tensor:
        """λ‖δ‖² of moves [N, K], [N]."""
        return penalty * delta.square().sum(1) / (2 * self.width**2)


def witness_between(source: Tensor, target: Tensor) -> Witness:
    """The witness with the width of the rule."""
    return Witness(source, target, half_width(torch.cat((source, target))))


def traverse(witness: Witness, place: Tensor, penalty: float) -> Tensor:
    """The δ [K] of equation 6, from a place [K]."""
    exact = Witness(witness.source.double(), witness.target.double(), witness.width)
    start = place.double()

    def loss(moves: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        delta = torch.from_numpy(moves).to(start.device).mul(witness.width)[None].requires_grad_()
        value = (exact(start + delta) + exact.cost(delta, penalty)).sum()
        (slope,) = torch.autograd.grad(value, delta)
        return float(value.detach()), slope[0].mul(witness.width).cpu().numpy()

    found = minimize(loss, np.zeros(len(place)), jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS})
    return torch.from_numpy(found.x).to(start.device).mul(witness.width).float()
