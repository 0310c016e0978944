"""Two half moons and the same turned, stretched and moved: the loss says by itself whether they were aligned.

All densities are RealNVPs. A map that can align the sets, affine or a RealNVP, ends with a loss near 0. One that
cannot, a shift without a turn, does not. That is the explicit signal of failure which a game has not: its loss says how
the players are doing, and no more.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from spiral.methods.experiment import Experiment, ExperimentOptions, Row, Table
from spiral.methods.lrmf.aligning import Aligning, Pair, Private
from spiral.methods.lrmf.model import AffineMap, Flow, FlowMap, FlowOptions
from spiral.methods.pictures import save_figure
from spiral.section import Size

HELD_OUT = 4000
NOISE = 0.1
ALIGNED = 0.05  # nats: a loss below this says that the sets are aligned


class MoonsOptions(ExperimentOptions):
    """How many points a step sees, how fast is learned, and how large the flows are."""

    steps: Size = 6000
    batch_size: Size = 256
    learning_rate: float = Field(default=2e-3, gt=0)
    flow: FlowOptions = FlowOptions()


class MoonPair(Pair):
    """B is the moons, and A the turned ones; there is no end of them."""

    def __init__(self, count: int, seed: int) -> None:
        self.count = count
        self._held_out = self._some(HELD_OUT, torch.Generator().manual_seed(seed))

    def draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """New points, [count, 2] each."""
        return self._some(self.count, generator)

    @property
    def held_out(self) -> tuple[Tensor, Tensor]:
        """Other points, always the same."""
        return self._held_out

    def _some(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        return turned(moons(count, generator)), moons(count, generator)


class Moons(Experiment):
    """Maps that can align the moons and maps that cannot."""

    Options = MoonsOptions
    options: MoonsOptions

    def __init__(self, options: MoonsOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            pair, densities = MoonPair(options.batch_size, seed), (Flow(2, options.flow), Flow(2, options.flow))
            private = Private(options.steps, seed, pair, *densities, options.learning_rate)
            maps = {"affine": AffineMap(2), "flow": FlowMap(2, options.flow), "shift": AffineMap(2, turns=False)}
            self.aligning = {
                name: Aligning(
                    options.steps, seed, pair, mapping, Flow(2, options.flow), options.learning_rate, private
                )
                for name, mapping in maps.items()
            }
        self.parts = {"private": private, **self.aligning}

    @torch.no_grad()
    def measure(self) -> list[Table]:
        """The final losses, and how far apart the sets are by a measure that nothing was trained by."""
        rows: list[Row] = []
        for name, part in self.aligning.items():
            a, b = part.pair.held_out
            loss = float(part.final_loss())
            verdict = "aligned" if loss < ALIGNED else "failed"
            rows.append((NAMES[name], loss, verdict, sliced(a, b), sliced(part.moved(a), b)))
        same = moons(HELD_OUT, torch.Generator().manual_seed(self.seed + 1)), self.aligning["affine"].pair.held_out[1]
        rows.append(("two draws of B", 0.0, "", None, sliced(*same)))
        columns = ("map", "final loss, nats", f"below {ALIGNED:g}", "sliced distance before", "and after")
        return [Table("Moons: the loss says whether they are aligned", columns, rows)]

    @torch.no_grad()
    def draw(self, folder: Path) -> None:
        """B, A and T(A) of each map."""
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(1, len(self.aligning), figsize=(3.6 * len(self.aligning), 3.4))
        for axis, (name, part) in zip(axes, self.aligning.items(), strict=True):
            a, b = (points[:800] for points in part.pair.held_out)
            for points, color, label in ((b, "0.75", "B"), (a, "tab:blue", "A"), (part.moved(a), "tab:red", "T(A)")):
                axis.scatter(*points.T.numpy(), s=3, color=color, label=label)
            axis.set_title(f"{NAMES[name]}: {float(part.final_loss()):.2f} nats", fontsize=10)
            axis.set_aspect("equal", adjustable="datalim")
        axes[0].legend(fontsize=8)
        save_figure(figure, folder / "moons.png")


NAMES = {"affine": "affine map", "flow": "RealNVP map", "shift": "shift alone"}


def moons(count: int, generator: torch.Generator) -> Tensor:
    """Points of two half circles that reach into each other, with noise, [count, 2]."""
    angle = torch.pi * torch.rand(count, generator=generator)
    second = torch.rand(count, generator=generator) < 0.5
    x, y = angle.cos(), angle.sin()
    points = torch.stack((torch.where(second, 1 - x, x), torch.where(second, 0.5 - y, y)), dim=-1)
    return points + NOISE * torch.randn(count, 2, generator=generator)


def turned(points: Tensor) -> Tensor:
    """The points turned by 50°, stretched and moved."""
    angle = np.radians(50)
    turn = torch.tensor([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], dtype=torch.float32)
    return points @ turn * torch.tensor([1.3, 0.8]) + torch.tensor([0.5, -0.5])


def sliced(a: Tensor, b: Tensor) -> float:
    """The sliced Wasserstein distance of points."""
    from ot import sliced_wasserstein_distance

    return float(sliced_wasserstein_distance(a.numpy(), b.numpy(), n_projections=100, seed=0))
