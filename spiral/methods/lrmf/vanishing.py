"""The limit of LRMF: far from each other, the sets are known by parts of the shared density of their own.

Then moving A moves its part of S, no likelihood changes, and the gradient vanishes like exp(−μ²) with the distance μ.
On a grid the gradient is exact: A is a mixture of two Gaussians at ±1 of width ½, B the same, S the most likely mixture
of two Gaussians for both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from pydantic import Field

from spiral.methods.experiment import Experiment, ExperimentOptions, Row, Table
from spiral.methods.lrmf.grid import TINY, Grid, Values
from spiral.methods.pictures import save_figure

CENTRES, WIDTHS = np.array([-1.0, 1.0]), np.array([0.5, 0.5])
PUBLISHED = (0.6, -1.168)  # the authors' code draws exp(−(0.6 μ − 1.168)²)
GRID = Grid(-12.0, 24.0, 9000)


class VanishingOptions(ExperimentOptions):
    """Up to which distance, and from which on exp(−(s μ + t)²) is fitted. There is nothing to train, so no steps."""

    farthest: float = Field(default=8.0, gt=1, le=10)
    fitted_from: float = Field(default=4.0, ge=3)


class Vanishing(Experiment):
    """The gradient of LRMF in a shift against the distance."""

    Options = VanishingOptions
    options: VanishingOptions

    def __init__(self, options: VanishingOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.distances = np.arange(0.25, options.farthest + 0.01, 0.25)

    def measure(self) -> list[Table]:
        """The gradient at some distances, and the curve that its end fits."""
        gradients = self._gradients()
        slope, offset = self._curve(gradients)
        rows: list[Row] = [
            (
                f"{distance:g}",
                gradient,
                float(_bell(distance, slope, offset)),
                float(_bell(distance, *PUBLISHED)),
            )
            for distance, gradient in zip(self.distances.tolist(), gradients.tolist(), strict=True)
            if distance % 1 == 0
        ]
        note = f"fitted from μ = {self.options.fitted_from:g} on: exp(−({slope:.3f} μ − {-offset:.3f})²)"
        columns = ("distance μ", "gradient", "fitted curve", "the authors' curve")
        fit = [
            ("slope", slope, PUBLISHED[0]),
            ("offset", offset, PUBLISHED[1]),
            ("R²", self._explained(gradients), None),
        ]
        return [
            Table("The gradient vanishes with the distance", columns, rows, note),
            Table("Its logarithm is a parabola: √(−log gradient) against μ", ("figure", "here", "authors"), list(fit)),
        ]

    def draw(self, folder: Path) -> None:
        """The gradient and both curves, on a logarithmic axis."""
        from matplotlib import pyplot

        gradients = self._gradients()
        figure, axes = pyplot.subplots(figsize=(5.5, 4))
        axes.semilogy(self.distances, gradients, "k.", label="gradient of LRMF in the shift")
        axes.semilogy(self.distances, _bell(self.distances, *self._curve(gradients)), label="fitted exp(−(sμ + t)²)")
        axes.semilogy(self.distances, _bell(self.distances, *PUBLISHED), "--", label="exp(−(0.6 μ − 1.168)²), authors")
        axes.set_xlabel("distance μ of the mixtures")
        axes.legend(fontsize=8)
        save_figure(figure, folder / "vanishing.png")

    def _gradients(self) -> Values:
        return np.array([gradient_in_shift(float(distance)) for distance in self.distances])

    def _curve(self, gradients: Values) -> tuple[float, float]:
        far = self.distances >= self.options.fitted_from
        slope, offset = np.polyfit(self.distances[far], np.sqrt(-np.log(gradients[far])), 1)
        return float(slope), float(offset)

    def _explained(self, gradients: Values) -> float:
        far = self.distances >= self.options.fitted_from
        return float(np.corrcoef(self.distances[far], np.sqrt(-np.log(gradients[far])))[0, 1] ** 2)


def gradient_in_shift(distance: float) -> float:
    """∂L/∂μ for A + μ against A: −∫ p(x − μ) ∂ log S(x)/∂x dx, as the best S has no gradient (envelope theorem)."""
    near, far = GRID.mixture(CENTRES, WIDTHS), GRID.mixture(CENTRES + distance, WIDTHS)
    means, widths, shares = GRID.fit_mixture((near + far) / 2, np.array([0.0, distance]))
    parts = GRID.components(means, widths, shares)
    slope = -(parts * (GRID.points - means[:, None]) / widths[:, None] ** 2).sum(0) / np.maximum(parts.sum(0), TINY)
    return -GRID.mean(slope, far)


def _bell(distance: Values | float, slope: float, offset: float) -> Values:
    return np.asarray(np.exp(-((slope * distance + offset) ** 2)))
