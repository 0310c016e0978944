"""Positions in space as a judge: do the things that were built stand where those of the target stand?

A small network finds the objects of both pictures and says where they are on the platform, in metres; it has learned
that from several views of other scenes, by S1 and S2, without labels. With d the distance of two objects, a difference
of colour counting as one of place, the score is minus the least cost of an assignment of one set to the other,

    Σ over assigned pairs of min(d, c) + (c / 2) · (how many are assigned to nothing),

the generalised optimal sub-pattern assignment metric (Rahmathullah et al., 2017) with α = 2 and p = 1. What is wrong by
d in space looks wrong by √⅔ d from a random side, in the mean square: the score is what all views together would say.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from torch import Tensor

from spiral.methods.judgement import Judgement
from spiral.methods.meta_pose.detecting import Found, ObjectFinder, as_seen
from spiral.rewards.base import Context, FittedReward, Setting, need_copies
from spiral.rewards.distinct import distinct
from spiral.section import Section, Size
from spiral.state import network_arrays


class MetaPoseOptions(Section):
    """What is far, what colours count, from which probability on there is an object; and what comes from the fit.

    `cutoff` is c, in metres; `color` is how many metres the distance from black to white is worth.
    """

    cutoff: float = Field(default=0.6, gt=0)
    color: float = Field(default=0.6, ge=0)
    threshold: float = Field(default=0.4, gt=0, lt=1)
    width: Size = 16


class MetaPose(FittedReward):
    """Minus the cost of assigning what was built to what was shown, in metres."""

    Options = MetaPoseOptions
    options: MetaPoseOptions
    method = "meta_pose"

    def __init__(self, setting: Setting, options: MetaPoseOptions) -> None:
        super().__init__(setting, options)
        self.network: ObjectFinder = ObjectFinder(options.width).to(setting.device).eval()

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B], 0 at best.

        Raises:
            ValueError: the renders are none, of another shape, or nothing was shown.
        """
        targets = need_copies("meta_pose", self.setting, context, renders)
        first, places = distinct(np.concatenate((renders, targets)))
        found = self.find(np.concatenate((renders, targets))[first])
        built, shown = places[: len(renders)], places[len(renders) :]
        costs = [cost(found[a], found[b], self.options) for a, b in zip(built, shown, strict=True)]
        return -torch.tensor(costs, dtype=torch.float32)

    def find(self, pixels: NDArray[np.uint8]) -> list[Found]:
        """The objects of each picture, uint8 [B, H, W, C]."""
        return self.network.find(as_seen(pixels, self.setting.device), self.options.threshold)


def cost(built: Found, shown: Found, options: MetaPoseOptions) -> float:
    """The least cost of an assignment of one set of objects to the other, in metres."""
    colors = options.color / np.sqrt(3)
    a, b = (np.hstack((found.positions, colors * found.colors)) for found in (built, shown))
    costs = np.minimum(cdist(a, b), options.cutoff)
    pairs = linear_sum_assignment(costs)
    return float(costs[pairs].sum() + options.cutoff / 2 * abs(len(a) - len(b)))


def judgement_of(network: ObjectFinder, width: int) -> Judgement:
    """What the reward needs of a trained finder."""
    return Judgement("meta_pose", network_arrays(network), {"width": width})


REWARD: type[Any] = MetaPose
