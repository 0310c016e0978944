"""Densities of one number on a grid, where every optimum of LRMF is known: no sampling, and hardly any optimising.

A density is its values on the points; its mean of something is a sum. The families of M are given by what finds their
most likely member, the projection p ↦ log M(θ*), which is all that definition 1 needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Projection = Callable[[Values], Values]  # a density's values to the logarithms of the family's that knows it best
TINY = 1e-300
MOST_EM_STEPS = 5000


@dataclass(frozen=True)
class Grid:
    """Points from `low` to `high`, as many as `size`; each stands for a cell around it."""

    low: float
    high: float
    size: int

    @property
    def cell(self) -> float:
        """How wide a cell is."""
        return (self.high - self.low) / self.size

    @property
    def points(self) -> Values:
        """The centres of the cells."""
        return self.low + self.cell * (np.arange(self.size, dtype=np.float64) + 0.5)

    def mean(self, values: Values, density: Values) -> float:
        """∫ p(x) v(x) dx; a value of −∞ or NaN counts where there is density."""
        present = density > TINY
        return float((density[present] * values[present]).sum() * self.cell)

    def mixture(self, means: Values, widths: Values, shares: Values | None = None) -> Values:
        """A density that is a mixture of Gaussians."""
        return np.asarray(self.components(means, widths, shares).sum(0))

    def components(self, means: Values, widths: Values, shares: Values | None = None) -> Values:
        """Each of its Gaussians times its share, which are alike if None, [K, size]."""
        weights = np.full(len(means), 1 / len(means)) if shares is None else shares
        off = (self.points - means[:, None]) / widths[:, None]
        return np.asarray((weights / widths)[:, None] * np.exp(-(off**2) / 2) / np.sqrt(2 * np.pi))

    def divergence(self, p: Values, log_q: Values) -> float:
        """KL(p, q)."""
        return self.mean(np.log(np.maximum(p, TINY)) - log_q, p)

    def jensen_shannon(self, a: Values, b: Values) -> float:
        """JSD(a, b), at most log 2."""
        middle = np.log(np.maximum((a + b) / 2, TINY))
        return (self.divergence(a, middle) + self.divergence(b, middle)) / 2

    def likelihood_ratio(self, a: Values, b: Values, project: Projection) -> float:
        """d of definition 1 for the family of the projection."""
        shared = project((a + b) / 2)
        return self.mean(project(a) - shared, a) + self.mean(project(b) - shared, b)

    def gaussians(self, density: Values) -> Values:
        """The projection onto Gaussians: mean and variance."""
        middle = self.mean(self.points, density)
        variance = self.mean((self.points - middle) ** 2, density)
        return np.asarray(-((self.points - middle) ** 2) / (2 * variance) - np.log(2 * np.pi * variance) / 2)

    def histograms(self, bins: int) -> Projection:
        """The projection onto histograms of so many bins, a divisor of the size of the grid."""

        def project(density: Values) -> Values:
            means = density.reshape(bins, -1).mean(axis=1)
            return np.asarray(np.log(np.maximum(np.repeat(means, self.size // bins), TINY)))

        return project

    def fit_mixture(self, density: Values, means: Values) -> tuple[Values, Values, Values]:
        """The most likely mixture of Gaussians near such means (expectation maximisation): means, widths, shares."""
        widths, shares = np.ones_like(means), np.full(len(means), 1 / len(means))
        for _ in range(MOST_EM_STEPS):
            parts = self.components(means, widths, shares)
            weighed = parts / np.maximum(parts.sum(0), TINY) * density * self.cell
            shares, before = weighed.sum(1), means
            means = weighed @ self.points / shares
            widths = np.sqrt((weighed * (self.points - means[:, None]) ** 2).sum(1) / shares)
            if np.abs(means - before).max() < 1e-12:
                break
        return means, widths, shares
