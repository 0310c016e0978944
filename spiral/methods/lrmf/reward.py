r"""LRMF as a judge: how much likelier a render is among the real pictures than among these and the renders together.

Two flows learn while the agent does: a private one from real pictures, and a shared one from real pictures and renders.
A render's score is the log-likelihood ratio

    r(x) = log P_M(f(x); θ_real) − log P_M(f(x); θ_shared),

which is 0 everywhere once the agent's pictures are like the real ones. Half of what the shared flow knows is real, so
that r is log 2 at most; what two flows that learn apart say beyond that is an error, and cut off. It has no end below,
where a picture is like no real one, which would drown all else that an agent is paid for: there it counts by its
logarithm, −log(1 − r). Nothing is played: each flow only becomes more likely.

The features f are a fixed random projection of the shrunken picture, in units of the real pictures' deviations, with a
little noise to learn from. They need no fit beforehand and take any kind of picture; a random projection keeps
distances (Johnson & Lindenstrauss, 1984), and a learned encoder would have to be fitted anew for each kind.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from spiral.methods.lrmf.model import Flow, FlowOptions
from spiral.rewards.base import Context, LearnedReward, Lesson, Setting, need_shape, shrunken
from spiral.section import ConfigError, Section, Size


class LikelihoodRatioOptions(Section):
    """Of the flows and what they see: `side` of the shrunken picture, how many features, the noise on them."""

    batch_size: int = Field(default=128, ge=2, le=2**20)
    learning_rate: float = Field(default=1e-3, gt=0)
    side: Size = 16
    features: int = Field(default=48, ge=2, le=1024)
    noise: float = Field(default=0.2, gt=0)
    flow: FlowOptions = FlowOptions(couplings=4, hidden=64)


class RatioNetwork(nn.Module):
    """The features and both flows."""

    projection: Tensor

    def __init__(self, inputs: int, options: LikelihoodRatioOptions, generator: torch.Generator) -> None:
        super().__init__()
        projection = torch.randn(inputs, options.features, generator=generator) / inputs**0.5
        self.register_buffer("projection", projection)
        self.scale = nn.BatchNorm1d(options.features, affine=False, momentum=None)  # means over all that was seen
        self.real = Flow(options.features, options.flow)
        self.shared = Flow(options.features, options.flow)

    def forward(self, shrunken: Tensor) -> Tensor:
        """r(x), [B, inputs] → [B]."""
        features = self.features(shrunken)
        ratio: Tensor = self.real.log_prob(features) - self.shared.log_prob(features)
        return ratio

    def features(self, shrunken: Tensor) -> Tensor:
        """f(x), [B, features]."""
        self.scale.eval()
        features: Tensor = self.scale(shrunken @ self.projection)
        return features

    def learn_scale(self, shrunken: Tensor) -> None:
        """Follow the means and deviations of these real pictures."""
        self.scale.train()
        self.scale(shrunken @ self.projection)


class LikelihoodRatio(LearnedReward):
    """The log-likelihood ratio r of a render, cut off at log 2; −log(1 − r) where it is negative."""

    Options = LikelihoodRatioOptions
    options: LikelihoodRatioOptions
    network: RatioNetwork

    def __init__(self, setting: Setting, options: LikelihoodRatioOptions) -> None:
        super().__init__(setting, options)
        if setting.conditional:
            raise ConfigError(
                "the reward 'lrmf' compares sets of pictures, and a copy is to be like one, which has no density: set "
                "agent.conditional=false, or take l2, discriminator or dual_distance"
            )
        self.batch_size = options.batch_size
        inputs = options.side**2 * setting.canvas_shape[2]
        self.network = RatioNetwork(inputs, options, self.generator).to(setting.device)
        self.optimizer = torch.optim.Adam(self._learned(), options.learning_rate, fused=True)

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B].

        Raises:
            ValueError: there is none, or they are not pictures of the canvas's shape.
        """
        del context
        self._check(renders, 1)
        ratio: Tensor = self.network(self._seen(renders)).clamp(max=math.log(2))
        return torch.where(ratio < 0, -(-ratio).log1p(), ratio).float().cpu()

    def update(self, lesson: Lesson) -> dict[str, float]:
        """One step of both flows towards more likely pictures; their losses, and the mean ratios before it.

        Raises:
            ValueError: there are fewer than two of a kind, or they are not pictures of the canvas's shape.
            DivergedError: a number is not finite any more.
        """
        for pixels in (lesson.real, lesson.renders):
            self._check(pixels, 2)
        real, fake = self._seen(lesson.real), self._seen(lesson.renders)
        self.network.learn_scale(real)
        known, other = (self._noisy(self.network.features(pictures)) for pictures in (real, fake))
        private, shared_real = self.network.real.log_prob(known), self.network.shared.log_prob(known)
        shared_fake = self.network.shared.log_prob(other)
        shared = (shared_real.mean() + shared_fake.mean()) / 2
        loss = -private.mean() - shared
        with torch.no_grad():
            fake_ratio = (self.network.real.log_prob(other) - shared_fake).mean()
        self.descend(loss)
        return {
            "private_loss": -float(private.detach().mean()),
            "shared_loss": -float(shared.detach()),
            "real": float((private - shared_real).detach().mean()),
            "fake": float(fake_ratio),
        }

    def _check(self, pixels: NDArray[np.uint8], least: int) -> None:
        need_shape("lrmf", pixels, (len(pixels), *self.setting.canvas_shape))
        if pixels.dtype != np.uint8:
            raise ValueError(f"the reward 'lrmf' takes pictures of uint8, but got {pixels.dtype}")
        if len(pixels) < least:
            raise ValueError(f"the reward 'lrmf' takes {least} pictures or more here, but got {len(pixels)}")

    def _seen(self, pixels: NDArray[np.uint8]) -> Tensor:
        return shrunken(pixels, self.options.side, self.setting.device)

    def _learned(self) -> list[nn.Parameter]:
        return [*self.network.real.parameters(), *self.network.shared.parameters()]

    def _noisy(self, features: Tensor) -> Tensor:
        # Drawn on the CPU, so that a seed means the same wherever the network is.
        return features + self.options.noise * torch.randn(features.shape, generator=self.generator).to(features)


REWARD: type[Any] = LikelihoodRatio
