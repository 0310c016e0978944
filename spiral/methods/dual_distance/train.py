"""Alignment by the dual distance beside the game of the same discriminators (ICLR workshop 2018, and its slides).

`alignment`: a hundred random clouds A are moved onto clouds B, by a shift where the discriminator is linear and by an
affine map where it has a kernel, at three learning rates. The dual descends the distance itself. The game lets a
discriminator of the same family climb the primal objective while the map descends it.

`digits` is in `digits.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from spiral.methods.dual_distance.aligning import Aligning
from spiral.methods.dual_distance.digits import Digits
from spiral.methods.dual_distance.model import Kernel, distance, gaussian, linear, primal
from spiral.methods.experiment import Experiment, ExperimentOptions, Row, Table
from spiral.methods.pictures import save_figure
from spiral.section import Size

RATES = (0.01, 0.03, 0.1)
CLOSE = 0.1  # an alignment has converged when its largest error over the last tenth is below this share of the first


class AlignmentOptions(ExperimentOptions):
    """How many alignments, and of how many points a cloud is."""

    steps: Size = 900
    alignments: Size = 100
    points: Size = 40
    penalty: float = Field(default=1.0, gt=0)
    width: float = Field(default=2.0, gt=0)  # with half of it some clouds are out of each other's sight


class Moving(Aligning):
    """Many clouds A, each with a map of its own, that move towards their B.

    Args:
        clouds: A and B, [P, N, 2] each.
        kernel: of the discriminators; the linear one sees means alone, so that its maps are shifts.
        game: whether discriminators climb while the maps descend.
    """

    def __init__(
        self, options: AlignmentOptions, clouds: tuple[Tensor, Tensor], kernel: Kernel, rate: float, game: bool
    ) -> None:
        self.options, self.kernel, self.game = options, kernel, game
        self.a, self.b = clouds
        self.anchors = torch.cat(clouds, dim=1)
        moving = nn.ParameterDict({"shift": torch.zeros(len(self.a), 1, 2)})
        if kernel is not linear:
            moving["matrix"] = torch.eye(2).repeat(len(self.a), 1, 1)
        weights = torch.zeros(len(self.a), 2 if kernel is linear else self.anchors.shape[1])
        super().__init__(options.steps, 0, moving, weights, rate)
        self.shifts = moving
        self.errors: list[NDArray[np.float32]] = []  # [P] after each step

    def moved(self) -> Tensor:
        """T(A), [P, N, 2]."""
        moved: Tensor = self.a @ self.shifts["matrix"] if "matrix" in self.shifts else self.a
        moved = moved + self.shifts["shift"]
        return moved

    def step(self, progress: float) -> dict[str, float]:
        """One step of all maps, and in the game one of all discriminators."""
        del progress
        moved = self.moved()
        value = self._value(moved) if self.game else distance(moved, self.b, self.kernel, self.options.penalty)
        self.play(value.sum(), self.game)
        error = self.error()
        self.errors.append(error.numpy().astype(np.float32))
        return {"distance": float(value.detach().mean()), "error": float(error.median())}

    @torch.no_grad()
    def error(self) -> Tensor:
        """How far each T(A) is from its B by what its discriminators can see: the distance of the means of φ, [P]."""
        moved = self.moved()
        within = self.kernel(moved, moved).mean((1, 2)) + self.kernel(self.b, self.b).mean((1, 2))
        return (within - 2 * self.kernel(moved, self.b).mean((1, 2))).clamp(min=0).sqrt()

    def converged(self) -> float:
        """The share of alignments whose error became small and stayed so."""
        errors = np.stack(self.errors)
        last = errors[-max(1, len(errors) // 10) :].max(axis=0)
        return float((last < CLOSE * errors[0]).mean())

    def _value(self, moved: Tensor) -> Tensor:
        points, weights = torch.cat((moved, self.b), dim=1), self.discriminator["weights"]
        seen = points if self.kernel is linear else self.kernel(points, self.anchors)
        logits = (seen @ weights.unsqueeze(-1)).squeeze(-1) + self.discriminator["bias"]
        if self.kernel is linear:
            squared_norm = weights.square().sum(-1)
        else:
            squared_norm = torch.einsum("pi,pij,pj->p", weights, self.kernel(self.anchors, self.anchors), weights)
        return primal(logits, moved.shape[1], squared_norm, self.options.penalty)

    def state(self) -> dict[str, Any]:
        """What the maps are, and what their errors were."""
        errors = np.stack(self.errors) if self.errors else np.zeros((0, len(self.a)), np.float32)
        return super().state() | {"errors": errors}

    def load_state(self, arrays: dict[str, Any]) -> None:
        """Take over what `state` gave."""
        super().load_state(arrays)
        self.errors = list(arrays["errors"])


class Alignment(Experiment):
    """Random clouds, both kernels, the dual and the game."""

    Options = AlignmentOptions
    options: AlignmentOptions

    def __init__(self, options: AlignmentOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        clouds = random_clouds(options.alignments, options.points, seed)
        self.moving = {
            f"{family}-{'game' if game else 'dual'}-{rate:g}": Moving(options, clouds, kernel, rate, game)
            for family, kernel in (("linear", linear), ("kernel", gaussian(options.width)))
            for game in (False, True)
            for rate in RATES
        }
        self.parts = self.moving

    def measure(self) -> list[Table]:
        """The share of alignments that converge, by family, form and learning rate."""
        rows: list[Row] = []
        for family in ("linear", "kernel"):
            for form in ("dual", "game"):
                rows.append(
                    (f"{family}, {form}", *(self.moving[f"{family}-{form}-{rate:g}"].converged() for rate in RATES))
                )
        note = f"converged: the error stays below {CLOSE:.0%} of the first for the last tenth of the steps"
        columns = ("discriminator", *(f"learning rate {rate:g}" for rate in RATES))
        return [Table("Share of random alignments that converge", columns, rows, note)]

    def draw(self, folder: Path) -> None:
        """The errors on the way, a line for each of some alignments."""
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(2, 2 * len(RATES), figsize=(14, 5), sharey="row", sharex=True)
        for row, family in enumerate(("linear", "kernel")):
            for column, (form, rate) in enumerate((form, rate) for form in ("dual", "game") for rate in RATES):
                errors = np.stack(self.moving[f"{family}-{form}-{rate:g}"].errors)
                axes[row, column].plot(errors[:, :20], linewidth=0.7)
                axes[row, column].set_title(f"{family}, {form}, {rate:g}", fontsize=9)
            axes[row, 0].set_ylabel("error")
        save_figure(figure, folder / "alignment.png")


def random_clouds(count: int, points: int, seed: int) -> tuple[Tensor, Tensor]:
    """Clouds A and B, [count, points, 2] each: B of three Gaussians, and A is B turned, stretched and shifted."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    chosen = torch.randint(3, (count, points, 1), generator=generator).expand(-1, -1, 2)
    b = torch.gather(1.5 * normal(count, 3, 2), 1, chosen) + 0.3 * normal(count, points, 2)
    return b @ (torch.eye(2) + 0.25 * normal(count, 2, 2)) + normal(count, 1, 2), b


EXPERIMENTS: dict[str, type[Experiment]] = {"alignment": Alignment, "digits": Digits}
