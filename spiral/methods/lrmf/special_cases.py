"""The other two special cases, on a grid: infinite capacity is the Jensen–Shannon divergence, and the equivalent GAN.

For any family M, with KL(p, M) the smallest divergence of p from a member,

    d(A, B) = 2 JSD(A, B) − KL(A, M) − KL(B, M) + 2 KL((A + B)/2, M),

and the three corrections vanish as M becomes able to be anything. Histograms show it: the more bins, the nearer.

The best discriminator between two densities is D = P / (P + P′), which suggests the game with discriminators from
H(θ, θ′) = {P_M(x; θ) / (P_M(x; θ) + P_M(x; θ′))}: max_D log D(A) + log(1 − D(B)) + log 4. Its value is d(A, B) where M
holds the mean of any two of its members, as histograms do. Gaussians do not: there both are 0 for the same A and B,
those with equal mean and variance, but differ elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor
from torch.nn import functional

from spiral.methods.experiment import Experiment, ExperimentOptions, Row, Table
from spiral.methods.lrmf.grid import TINY, Grid, Projection, Values
from spiral.methods.pictures import save_figure

GRID = Grid(-8.0, 8.0, 1024)
BINS = (2, 4, 8, 16, 64, 256, 1024)
Family = Callable[[Tensor], Tensor]  # parameters to log-densities on the grid


class SpecialCases(Experiment):
    """Both sides of both equations; nothing is trained by steps."""

    Options = ExperimentOptions

    def measure(self) -> list[Table]:
        """A table for each case."""
        return [_jensen_shannon(*densities()), _game(*densities())]

    def draw(self, folder: Path) -> None:
        """A and B, and the distance against the bins of the histograms."""
        from matplotlib import pyplot

        a, b = densities()
        figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.4))
        left.plot(GRID.points, a, label="A")
        left.plot(GRID.points, b, label="B")
        left.legend()
        distances = [GRID.likelihood_ratio(a, b, GRID.histograms(bins)) for bins in BINS]
        right.semilogx(BINS, distances, "o-", base=2, label="d(A, B) for histograms")
        right.axhline(2 * GRID.jensen_shannon(a, b), color="0.5", linestyle="--", label="2 JSD(A, B)")
        right.set_xlabel("bins")
        right.legend()
        save_figure(figure, folder / "special-cases.png")


def densities() -> tuple[Values, Values]:
    """A, which is lopsided, and B, which has two peaks; far from Gaussian, and from each other in part only."""
    a = GRID.mixture(np.array([-1.5, 0.5]), np.array([0.5, 1.2]), np.array([0.6, 0.4]))
    b = GRID.mixture(np.array([-2.0, 1.5]), np.array([0.8, 0.6]))
    return a, b


def corrected(a: Values, b: Values, project: Projection) -> float:
    """2 JSD(A, B) − KL(A, M) − KL(B, M) + 2 KL((A + B)/2, M)."""
    middle = (a + b) / 2
    apart = GRID.divergence(a, project(a)) + GRID.divergence(b, project(b))
    return 2 * GRID.jensen_shannon(a, b) - apart + 2 * GRID.divergence(middle, project(middle))


def game_value(log_p: Tensor, log_q: Tensor, a: Values, b: Values) -> Tensor:
    """log D(A) + log(1 − D(B)) + log 4 for D = P/(P + Q)."""
    odds = log_p - log_q
    terms = torch.from_numpy(a) * functional.logsigmoid(odds) + torch.from_numpy(b) * functional.logsigmoid(-odds)
    value: Tensor = terms.sum() * GRID.cell + math.log(4)
    return value


def best_game(family: Family, size: int, a: Values, b: Values) -> float:
    """The value of the game for the best discriminator in H(θ, θ′), found by climbing, from everything alike."""

    def loss(both: Values) -> tuple[float, Values]:
        parameters = torch.from_numpy(both.copy()).requires_grad_()
        value = -game_value(family(parameters[:size]), family(parameters[size:]), a, b)
        (gradient,) = torch.autograd.grad(value, parameters)
        return float(value.detach()), gradient.numpy()

    found = minimize(loss, np.zeros(2 * size), jac=True, method="L-BFGS-B", options={"maxiter": 2000, "ftol": 1e-14})
    return -float(found.fun)


def gaussian_family(parameters: Tensor) -> Tensor:
    """Log-densities of a Gaussian on the grid from its mean and the logarithm of its width."""
    off = (torch.from_numpy(GRID.points) - parameters[0]) / parameters[1].exp()
    logs: Tensor = -off.square() / 2 - parameters[1] - math.log(2 * math.pi) / 2
    return logs


def histogram_family(bins: int) -> Family:
    """Log-densities of a histogram on the grid from the logarithms of its bins, up to a constant."""

    def family(parameters: Tensor) -> Tensor:
        logs: Tensor = parameters.log_softmax(0) - math.log(GRID.cell * GRID.size / bins)
        return logs.repeat_interleave(GRID.size // bins)

    return family


def _jensen_shannon(a: Values, b: Values) -> Table:
    families: list[tuple[str, Projection]] = [("Gaussian", GRID.gaussians)]
    families += [(f"histogram of {bins}", GRID.histograms(bins)) for bins in BINS]
    families += [("anything", lambda density: np.log(np.maximum(density, TINY)))]
    twice = 2 * GRID.jensen_shannon(a, b)
    rows: list[Row] = [
        (name, GRID.likelihood_ratio(a, b, project), corrected(a, b, project), twice) for name, project in families
    ]
    columns = ("M", "d(A, B)", "2 JSD with the corrections", "2 JSD")
    return Table("Infinite capacity is twice the Jensen–Shannon divergence (special case 2)", columns, rows)


def _game(a: Values, b: Values) -> Table:
    cases: list[tuple[str, Projection, Family, int]] = [("Gaussian", GRID.gaussians, gaussian_family, 2)]
    cases += [(f"histogram of {bins}", GRID.histograms(bins), histogram_family(bins), bins) for bins in BINS[:-2]]
    rows: list[Row] = []
    for name, project, family, size in cases:
        at_best = game_value(torch.from_numpy(project(a)), torch.from_numpy(project(b)), a, b)
        rows.append((name, GRID.likelihood_ratio(a, b, project), float(at_best), best_game(family, size, a, b)))
    note = "equal where M holds the means of its members, as histograms do"
    columns = ("M", "d(A, B)", "game, D of the most likely θ, θ′", "game, best D in H(θ, θ′)")
    return Table("The game of the equivalent GAN (special case 3)", columns, rows, note)
