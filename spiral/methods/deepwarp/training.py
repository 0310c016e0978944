"""A warping network learns from pairs: ℓ² to the truth, or to the crop of it that fits best (sections 4.4.2, 4.4.6).

The warps learn first, and then the lightness correction, on warps that stay as they are. So what it whitens is what
could not be moved there, and a network with it differs from one without it by it alone.
"""

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


class WarpingOptions(ExperimentOptions):
    """What every training of a warping network can be told.

    A batch is of `bins` corrections with `easy` and `hard` pairs each; the thesis has 4, 24 and 8, and here a batch is
    smaller, which needs more bins for its statistics to be those of all corrections. There are `persons` to learn from
    and `held_out` others, each in so many `shots`; the thesis has 26 and 7 with about three each. `measured` pairs are
    of each bin, or of one angle. The warps take `steps`, and then the lightness correction `lightness_steps`.
    """

    steps: Size = 1500
    lightness_steps: Size = 500
    bins: Size = 8
    easy: Size = 3
    hard: Count = 1
    learning_rate: float = Field(default=4e-3, gt=0)
    persons: Size = 200
    held_out: Size = 40
    shots: Size = 3
    measured: Size = 40


class Warping(Part):
    """The training of a network's warps.

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
        warps = [weight for name, weight in self.network.named_parameters() if not name.startswith("lightness")]
        self.optimizer = torch.optim.Adam(warps)
        self.optimizers = {"network": self.optimizer}

    def step(self, progress: float) -> dict[str, float]:
        """One step down the distance; the distance, and what it is of what the input itself leaves."""
        self.optimizer.param_groups[0]["lr"] = self.options.learning_rate * rate_at(progress)
        pairs = self.pairs(self.generator)
        self.network.train()
        error = distance(made_of(self.network, pairs).warped, pairs.truth.to(self.device)).mean()
        descend(error, self.network, self.optimizer, math.inf, "deepwarp")
        self.network.eval()
        before = float(distance(pairs.eyes, pairs.truth).mean())
        return {"error": float(error.detach()), "of the input's": float(error.detach()) / before}

    def pairs(self, generator: torch.Generator) -> Pairs:
        """A batch."""
        options = self.options
        if self.fixed is not None:
            return self.fixed(options.bins * (options.easy + options.hard), generator)
        return some_pairs(self.source, options.bins, options.easy, options.hard, generator)


class Lightening(Part):
    """The training of a network's lightness correction, after that of its warps, which nothing moves any more."""

    def __init__(self, warping: Warping, seed: int) -> None:
        super().__init__(warping.options.lightness_steps, seed)
        self.warping, self.network = warping, warping.network
        self.networks = {"lightness": self.network.lightness}
        self.optimizer = torch.optim.Adam(self.network.lightness.parameters())
        self.optimizers = {"lightness": self.optimizer}

    def step(self, progress: float) -> dict[str, float]:
        """One step down the distance; the distance, and what it is of what the warps alone leave."""
        warping = self.warping
        self.optimizer.param_groups[0]["lr"] = warping.options.learning_rate * rate_at(progress)
        pairs = warping.pairs(self.generator)
        truth = pairs.truth.to(warping.device)
        self.network.lightness.train()
        made = made_of(self.network, pairs)
        error = distance(made.output, truth).mean()
        descend(error, self.network.lightness, self.optimizer, math.inf, "the lightness correction")
        self.network.eval()
        before = float(distance(made.warped.detach(), truth).mean())
        return {"error": float(error.detach()), "of the warps'": float(error.detach()) / before}


def made_of(network: Warper, pairs: Pairs) -> Redirected:
    """What a network makes of pairs, as it is now."""
    device = next(network.parameters()).device
    made: Redirected = network(*(part.to(device) for part in (pairs.eyes, pairs.anchors, pairs.angles)))
    return made


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
        torch.cat([some.warped.cpu() for some in made]),
        torch.cat([some.flow.cpu() for some in made]),
        torch.cat(lightness) if lightness else None,
    )


def rate_at(progress: float) -> float:
    """The share of the learning rate that is used when so much of a training is over."""
    return min((progress + 1e-3) / WARM_UP, (1 - progress) / (1 - WARM_UP))
