"""The rivals of LRMF with the same map: a game with a discriminator, and the maximum mean discrepancy."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from spiral.descent import descend
from spiral.methods.experiment import Part
from spiral.methods.lrmf.aligning import STEEPEST, Descending, Pair
from spiral.methods.lrmf.model import Map

HIDDEN = 128
SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the kernels, as shares of the median squared distance


class Game(Part):
    """A GAN (Goodfellow et al., 2014, with its non-saturating loss): T(A) is to pass as B."""

    def __init__(self, steps: int, seed: int, pair: Pair, mapping: Map, features: int, rate: float) -> None:
        super().__init__(steps, seed)
        self.pair, self.map = pair, mapping
        self.discriminator = nn.Sequential(
            nn.Linear(features, HIDDEN),
            nn.LeakyReLU(0.2),
            nn.Linear(HIDDEN, HIDDEN),
            nn.LeakyReLU(0.2),
            nn.Linear(HIDDEN, 1),
        )
        self.networks = {"map": mapping, "discriminator": self.discriminator}
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), rate, betas=(0.5, 0.9), fused=True)
            for name, network in self.networks.items()
        }

    def step(self, progress: float) -> dict[str, float]:
        """One step of the discriminator, and one of the map."""
        a, b = self.pair.draw(self.generator)
        moved = self.map(a)[0]
        judged = functional.softplus(self.discriminator(moved.detach())) + functional.softplus(-self.discriminator(b))
        self._descend("discriminator", judged.mean(), progress)
        fooled = functional.softplus(-self.discriminator(moved)).mean()
        self._descend("map", fooled, progress)
        return {"discriminator": float(judged.detach().mean()), "map": float(fooled.detach())}

    @torch.no_grad()
    def moved(self, points: Tensor) -> Tensor:
        """T(x)."""
        moved: Tensor = self.map(points)[0]
        return moved

    def _descend(self, name: str, loss: Tensor, progress: float) -> None:
        descend(loss, self.networks[name], self.optimizers[name], STEEPEST, f"the {name} at {progress:.0%}")


class Discrepancy(Descending):
    """Descends the squared MMD of T(A) and B (Gretton et al., 2012) with Gaussian kernels of several widths."""

    def __init__(self, steps: int, seed: int, pair: Pair, mapping: Map, rate: float) -> None:
        super().__init__(steps, seed, mapping, rate)
        self.pair, self.map = pair, mapping

    def step(self, progress: float) -> dict[str, float]:
        """One step of the map."""
        a, b = self.pair.draw(self.generator)
        loss = squared_mmd(self.map(a)[0], b)
        self.descend(loss, progress)
        return {"mmd": float(loss.detach())}

    @torch.no_grad()
    def moved(self, points: Tensor) -> Tensor:
        """T(x)."""
        moved: Tensor = self.map(points)[0]
        return moved


def squared_mmd(a: Tensor, b: Tensor) -> Tensor:
    """The biased estimate of MMD², summed over kernels exp(−‖x − y‖²/(s m)) for the scales s and B's median m."""
    points = torch.cat((a, b))
    squares = (points.unsqueeze(0) - points.unsqueeze(1)).square().sum(-1)
    median = squares[len(a) :, len(a) :].detach().median().clamp(min=1e-6)
    kernel = torch.stack([(-squares / (scale * median)).exp() for scale in SCALES]).sum(0)
    count = len(a)
    return kernel[:count, :count].mean() + kernel[count:, count:].mean() - 2 * kernel[:count, count:].mean()
