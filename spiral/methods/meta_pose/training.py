"""How S2 learns from detections alone: it is asked to explain those that it was not shown.

A refinement that is paid for explaining what it sees may learn to follow a detector's noise. So some detections are
hidden from it, and where it works from two views, the other two are hidden altogether; the likelihood of the hidden
ones, at the places where its points are seen, is what it climbs. The camera of a hidden view is the one that sees its
points best. So noise that nobody can foretell is not learned, and nothing is needed but footage from several sides.
"""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor

from spiral.descent import descend
from spiral.methods.experiment import ExperimentOptions, Part
from spiral.methods.meta_pose.model import Refiner, mean_shape
from spiral.methods.meta_pose.sights import Sights, unlikeliness
from spiral.section import Size

WARM_UP = 0.05  # of a training, over which the learning rate rises; then it falls to nothing
OF_MEAN = 1000  # things that the mean shape is of
LONGEST_GRADIENT = 10.0


class RefiningOptions(ExperimentOptions):
    """What the training of S2 can be told.

    `refinements` is how often S2 refines, `width` that of its networks; `hidden` is the share of detections that is not
    shown.
    """

    steps: Size = 4000
    batch_size: Size = 64
    refinements: Size = 3
    width: Size = 256
    learning_rate: float = Field(default=2e-3, gt=0)
    hidden: float = Field(default=0.25, ge=0, lt=1)


class Refining(Part):
    """A training of one network on two views and on all of them, by turns.

    Args:
        sights: what it learns from.
        blind: whether it is paid for what it is not shown, or else for what it is.
    """

    def __init__(self, options: RefiningOptions, sights: Sights, seed: int, blind: bool = True) -> None:
        super().__init__(options.steps, seed)
        self.options, self.sights, self.blind = options, sights, blind
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = Refiner(sights.means.shape[2], options.refinements, options.width)
        self.network = network.to(sights.means.device)
        self.network.mean.copy_(mean_shape(sights[:OF_MEAN]))
        self.networks = {"network": self.network}
        self.optimizer = torch.optim.Adam(self.network.steps.parameters())
        self.optimizers = {"network": self.optimizer}

    def step(self, progress: float) -> dict[str, float]:
        """One step down −log p; what it is for S1, and after each refinement."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.learning_rate * rate_at(progress)
        sights, views = self._batch()
        counted = self._counted(sights, views)
        losses = [unlikeliness(each, sights, counted) for each in self.network.refinements(sights, views)]
        descend(torch.stack(losses[1:]).sum(), self.network, self.optimizer, LONGEST_GRADIENT, "meta_pose")
        names = ("S1", *(f"S2, {number}" for number in range(1, len(losses))))
        return {name: float(loss.detach()) for name, loss in zip(names, losses, strict=True)}

    def _batch(self) -> tuple[Sights, int]:
        """Some things whose views are in a random order, of which so many first are used."""
        count, views = self.sights.means.shape[:2]
        chosen = torch.randint(count, (self.options.batch_size,), generator=self.generator)
        order = torch.randperm(views, generator=self.generator)
        used = int(torch.randint(2, (), generator=self.generator)) * (views - 2) + 2
        sights = self.sights[chosen.to(self.sights.means.device)].of_views(order.to(self.sights.means.device))
        drawn = torch.rand(sights.shown.shape, generator=self.generator) >= self.options.hidden
        return sights.showing(drawn.to(sights.shown) if self.blind else sights.shown), used

    def _counted(self, sights: Sights, views: int) -> Tensor:
        """Which detections count."""
        if self.blind:
            counted = 1 - sights.shown
            counted[:, views:] = 1
            return counted
        counted = torch.zeros_like(sights.shown)
        counted[:, :views] = 1
        return counted


def rate_at(progress: float) -> float:
    """The share of the learning rate that is used when so much of a training is over."""
    return min((progress + 1e-3) / WARM_UP, 0.5 + 0.5 * math.cos(math.pi * progress))
