"""A warping network learns from pairs: ℓ² to the truth, or to the crop of it that fits best (sections 4.4.2, 4.4.6)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from pydantic import Field
from torch import Tensor

from spiral.descent import descend
from spiral.methods.deepwarp.model import Kind, Redirected, Warper, distance
from spiral.methods.deepwarp.pairs import Pairs, Source, some_pairs
from spiral.methods.experiment import ExperimentOptions, Part
from spiral.section import Count, Size

AT_ONCE = 64  # eyes where nothing is learned
WARM_UP = 0.05  # of a training, over which the learning rate rises; then it falls to nothing
LIGHTNESS_FROM = 0.3  # of a training, after which M learns: else it whitens what could have been moved there


class WarpingOptions(ExperimentOptions):
    """What every training of a warping network can be told.

    A batch is of `bins` corrections with `easy` and `hard` pairs each; the thesis has 4, 24 and 8, and here a batch is
    smaller, which needs more bins for its statistics to be those of all corrections. There are `persons` to learn from
    and `held_out` others, each in so many `shots`; the thesis has 26 and 7 with about three each. `measured` pairs are
    of each bin, or of one angle.
    """

    steps: Size = 1500
    bins: Size = 8
    easy: Size = 3
    hard: Count = 1
    learning_rate: float = Field(default=4e-3, gt=0)
    persons: Size = 200
    held_out: Size = 40
    shots: Size = 3
    measured: Size = 40


class Warping(Part):
    """A training of one network.

    Args:
        source: of the pairs.
        fixed: draws batches of so many pairs where these are not to be of several bins.
    """

    def __init__(
        self,
        options: WarpingOptions,
        kind: Kind,
        source: Source,
        seed: int,
        device: torch.device,
        fixed: Callable[[int, torch.Generator], Pairs] | None = None,
    ) -> None:
        super().__init__(options.steps, seed)
        self.options, self.source, self.device, self.fixed = options, source, device, fixed
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = Warper(kind).to(device).eval()
        self.networks = {"network": self.network}
        lightness = [weight for name, weight in self.network.named_parameters() if name.startswith("lightness")]
        warps = [weight for name, weight in self.network.named_parameters() if not name.startswith("lightness")]
        self.optimizer = torch.optim.Adam([{"params": warps}, {"params": lightness}])
        self.optimizers = {"network": self.optimizer}

    def step(self, progress: float) -> dict[str, float]:
        """One step down the distance; the distance, and what it is of what the input itself leaves."""
        rate = self.options.learning_rate * rate_at(progress)
        warps, lightness = self.optimizer.param_groups
        warps["lr"], lightness["lr"] = rate, rate if progress >= LIGHTNESS_FROM else 0.0
        pairs = self._pairs()
        self.network.train()
        made = self.network(*(part.to(self.device) for part in (pairs.eyes, pairs.anchors, pairs.angles)))
        loss = distance(made.output, pairs.truth.to(self.device)).mean()
        descend(loss, self.network, self.optimizer, math.inf, "deepwarp")
        self.network.eval()
        value, before = float(loss.detach()), float(distance(pairs.eyes, pairs.truth).mean())
        return {"error": value, "of the input's": value / before}

    def _pairs(self) -> Pairs:
        options = self.options
        if self.fixed is not None:
            return self.fixed(options.bins * (options.easy + options.hard), self.generator)
        return some_pairs(self.source, options.bins, options.easy, options.hard, self.generator)


@torch.no_grad()
def turned(network: Warper, eyes: Tensor, anchors: Tensor, angles: Tensor) -> Redirected:
    """What a network makes of any number of eyes, on the CPU."""
    device = next(network.parameters()).device
    network.eval()
    made = [
        network(*(part.to(device) for part in some))
        for some in zip(eyes.split(AT_ONCE), anchors.split(AT_ONCE), angles.split(AT_ONCE), strict=True)
    ]
    lightness = [some.lightness.cpu() for some in made if some.lightness is not None]
    return Redirected(
        torch.cat([some.output.cpu() for some in made]),
        torch.cat([some.flow.cpu() for some in made]),
        torch.cat(lightness) if lightness else None,
    )


def rate_at(progress: float) -> float:
    """The share of the learning rate that is used when so much of a training is over."""
    return min((progress + 1e-3) / WARM_UP, (1 - progress) / (1 - WARM_UP))
