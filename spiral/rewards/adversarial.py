"""The score of the newest discriminator as a reward (thesis, equation 6.3.4).

A discriminator with the logistic loss scores a picture with its log-odds to be real, log(p_real / p_render) at best. As
a reward these make the agent minimise KL(p_render ‖ p_real), which is content with a few kinds of picture painted well:
it chases modes. The reward of GAIL (Ho & Ermon, 2016), −log(1 − σ(D)) = softplus(D), leads to the Jensen–Shannon
divergence instead, and softplus(D + b) to a skewed one (Huszár, 2015), between KL(p_real ‖ p_render) for b → −∞, which
must cover all that is real, and the log-odds for b → ∞.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from spiral.agent import as_pictures
from spiral.config import RunConfig
from spiral.contracts import WeightStore
from spiral.devices import autocast, resolve_device
from spiral.discriminator import Discriminator
from spiral.newest import load_newest
from spiral.precision import choose_precision
from spiral.rewards.base import Context, need_targets


def build_discriminator(config: RunConfig, canvas_shape: tuple[int, int, int]) -> Discriminator:
    """The discriminator that the settings describe, with fresh weights."""
    settings = config.discriminator
    spectral = settings.loss == "spectral-norm"
    return Discriminator(canvas_shape, settings.width, config.agent.conditional, spectral, settings.hidden)


class DiscriminatorReward:
    """D(render), or D(render | target) when the agent is conditional; softplus(D + b) when the settings have a b."""

    def __init__(self, config: RunConfig, canvas_shape: tuple[int, int, int]) -> None:
        self.config = config
        self.device = resolve_device(config.device)
        self.network = build_discriminator(config, canvas_shape).to(self.device).eval()
        self.precision = choose_precision(config.precision, self.device, self.network)
        self.version = -1

    def follow(self, store: WeightStore) -> None:
        """Score with the newest weights in `store` from now on."""
        self.version = load_newest(self.network, self.version, store, "discriminator")

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B]."""
        seen = [renders]
        if self.config.agent.conditional:
            seen.append(need_targets("discriminator", context))
        # Moves leave a canvas as it is, and so its score, which costs as much as one step of the agent.
        first, places = distinct(*seen)
        pictures = [as_pictures(torch.from_numpy(pixels[first]).to(self.device)) for pixels in seen]
        with autocast(self.device, self.precision.name):
            scores: Tensor = self.network(*pictures)
        return shaped(scores, self.config.discriminator.softplus_shift).cpu()[places]


def distinct(*arrays: NDArray[np.uint8]) -> tuple[list[int], list[int]]:
    """Where each different row [N, …] of the arrays together is met first, and for every row which of these it is."""
    found: dict[tuple[bytes, ...], int] = {}
    first: list[int] = []
    places: list[int] = []
    for index, row in enumerate(zip(*arrays, strict=True)):
        place = found.setdefault(tuple(part.tobytes() for part in row), len(found))
        if place == len(first):
            first.append(index)
        places.append(place)
    return first, places


def shaped(scores: Tensor, softplus_shift: float | None) -> Tensor:
    """log(1 + e^(scores + softplus_shift)), or the scores where there is no shift."""
    return scores if softplus_shift is None else F.softplus(scores + softplus_shift)
