"""The first special case: with a Gaussian for M the loss matches mean and variance, and nothing else.

Random clouds A are moved by affine maps. The most likely Gaussian of a set has its mean and covariance, so that

    L = log det Σ − ½ log det Σ_T(A) − ½ log det Σ_B

for the covariance Σ of both sets together, which is 0 where these moments agree, and above 0 elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor

from spiral.methods.experiment import Experiment, ExperimentOptions, Row, Table
from spiral.methods.lrmf.aligning import Aligning, Pair
from spiral.methods.lrmf.model import AffineMap, Density, Gaussian, covariance
from spiral.methods.pictures import save_figure
from spiral.section import Size


class GaussianOptions(ExperimentOptions):
    """How many problems there are side by side, of how many points, in how many dimensions."""

    steps: Size = 3000
    problems: Size = 20
    points: Size = 200
    features: int = Field(default=3, ge=2, le=1024)
    learning_rate: float = Field(default=0.05, gt=0)


class Clouds(Pair):
    """All of both clouds, always."""

    def __init__(self, a: Tensor, b: Tensor) -> None:
        self.both = a, b

    def draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Both, since there is nothing to draw."""
        del generator
        return self.both

    @property
    def held_out(self) -> tuple[Tensor, Tensor]:
        """Both: the moments of these very points are to agree."""
        return self.both


class Best:
    """The most likely Gaussians of A and of B, in closed form."""

    def __init__(self, a: Tensor, b: Tensor) -> None:
        self.b: Density = best_gaussian(b)
        self.likelihood = best_likelihood(a) + best_likelihood(b)

    def constant(self) -> Tensor:
        """c(A, B), [problems]."""
        return self.likelihood


class MatchingMoments(Experiment):
    """Gaussian LRMF beside the map that matches the moments in closed form."""

    Options = GaussianOptions
    options: GaussianOptions

    def __init__(self, options: GaussianOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.a, self.b = random_clouds(options, seed)
        shape = (options.problems, options.features)
        self.aligning = Aligning(
            options.steps,
            seed,
            Clouds(self.a, self.b),
            AffineMap(*shape),
            Gaussian(*shape),
            options.learning_rate,
            Best(self.a, self.b),
        )
        self.parts = {"gaussian": self.aligning}

    @torch.no_grad()
    def measure(self) -> list[Table]:
        """The largest difference of a mean and of a covariance over all problems, and the largest loss."""
        matched = match_moments(self.a, self.b)
        log_det = (torch.logdet(covariance(matched)) - torch.logdet(covariance(self.a))) / 2
        together = best_likelihood(torch.cat((matched, self.b), dim=-2))
        exact = self.aligning.private.constant() - log_det - 2 * together
        rows: list[Row] = [
            ("not moved", *_apart(self.a, self.b), None),
            ("LRMF, affine map", *_apart(self.aligning.moved(self.a), self.b), float(self.aligning.final_loss().max())),
            ("moments matched in closed form", *_apart(matched, self.b), float(exact.max())),
        ]
        columns = ("map", "largest error of a mean", "largest error of a covariance", "largest loss, nats")
        return [Table("Gaussian LRMF is the matching of mean and variance (special case 1)", columns, rows)]

    def draw(self, folder: Path) -> None:
        """B, A and T(A) of the first problems, by their first two features."""
        from matplotlib import pyplot

        count = min(4, self.options.problems)
        moved = self.aligning.moved(self.a)
        figure, axes = pyplot.subplots(1, count, figsize=(3.2 * count, 3.2), squeeze=False)
        for axis, a, b, there in zip(axes[0], self.a, self.b, moved, strict=False):
            for points, color, label in ((b, "0.6", "B"), (a, "tab:blue", "A"), (there, "tab:red", "T(A)")):
                axis.scatter(*points[:, :2].T.numpy(), s=4, color=color, label=label)
        axes[0, 0].legend(fontsize=8)
        save_figure(figure, folder / "gaussian.png")


def random_clouds(options: GaussianOptions, seed: int) -> tuple[Tensor, Tensor]:
    """Clouds A and B, [problems, points, features] each, of other means and covariances, and neither Gaussian."""
    generator = torch.Generator().manual_seed(seed)
    size = options.features

    def cloud() -> Tensor:
        uniform = torch.rand(options.problems, options.points, size, generator=generator) - 0.5
        turn = torch.eye(size) + 0.2 * torch.randn(options.problems, size, size, generator=generator)
        return 3 * uniform @ turn + torch.randn(options.problems, 1, size, generator=generator)

    return cloud(), cloud()


def best_gaussian(points: Tensor) -> Gaussian:
    """The most likely Gaussian of points [..., N, D]."""
    density = Gaussian(*points.shape[:-2], points.shape[-1])
    density.fit(points)
    return density


@torch.no_grad()
def best_likelihood(points: Tensor) -> Tensor:
    """max_θ of the mean log N(x; θ), [..., N, D] → [...]."""
    return best_gaussian(points).log_prob(points).mean(-1)


def match_moments(a: Tensor, b: Tensor) -> Tensor:
    """A with the mean and the covariance of B: L_B L_A⁻¹ (a − mean A) + mean B for covariances L Lᵀ."""
    from_a, to_b = (torch.linalg.cholesky(covariance(points)) for points in (a, b))
    white = torch.linalg.solve_triangular(from_a, (a - a.mean(-2, keepdim=True)).mT, upper=False)
    matched: Tensor = (to_b @ white).mT + b.mean(-2, keepdim=True)
    return matched


def _apart(a: Tensor, b: Tensor) -> tuple[float, float]:
    mean, spread = a.mean(-2) - b.mean(-2), covariance(a) - covariance(b)
    return float(mean.abs().max()), float(spread.abs().max())
