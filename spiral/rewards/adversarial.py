"""A network that learns, by any adversarial loss, to tell renders from real pictures, and whose score is a reward.

What comes beside each picture, a target or a program, is the same for a render and for the real picture in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from spiral.agent import as_pictures, writable_tensor
from spiral.devices import autocast
from spiral.losses import ADVERSARIAL_LOSSES, gradient_penalty, mean_score_penalty
from spiral.precision import choose_precision
from spiral.rewards.base import LearnedReward
from spiral.section import Section, Size


class AdversarialOptions(Section):
    """How a discriminator learns (thesis A.3).

    `softplus_shift` b rewards log(1 + e^b p_real / p_render) in place of the score.
    """

    loss: Literal["wgan-gp", "logistic", "hinge", "least-squares", "relativistic"] = "wgan-gp"
    learning_rate: float = Field(default=1e-4, gt=0)
    beta1: float = Field(default=0.5, ge=0, lt=1)
    beta2: float = Field(default=0.9, ge=0, lt=1)
    gradient_penalty: float = Field(default=10.0, ge=0)
    mean_score_penalty: float = Field(default=1e-3, ge=0)
    batch_size: Size = 64
    softplus_shift: float | None = None

    @model_validator(mode="after")
    def _softplus_needs_log_odds(self) -> AdversarialOptions:
        if self.softplus_shift is not None and self.loss != "logistic":
            raise ValueError(
                f"softplus_shift={self.softplus_shift} needs scores that are log-odds: set loss=logistic, or leave the "
                f"shift out with {self.loss}"
            )
        return self


class AdversarialReward(LearnedReward):
    """D(picture) or D(picture, what is beside it); softplus(D + b) when the options have a b."""

    Options = AdversarialOptions
    options: AdversarialOptions

    def adopt(self, network: nn.Module, *beside: Tensor) -> None:
        """Learn and score with `network`, which gives scores [B] of pictures [B, C, H, W] and what is `beside` each.

        Args:
            network: with fresh weights.
            beside: an example, of `batch_size` pictures.
        """
        self.batch_size = self.options.batch_size
        self.network = network.to(self.setting.device)
        self.beside = beside
        self.precision = choose_precision(self.setting.precision, self.setting.device, self.network, self._mean_score)
        betas = (self.options.beta1, self.options.beta2)
        self.optimizer = torch.optim.Adam(self.network.parameters(), self.options.learning_rate, betas, fused=True)

    def judged(self, pictures: Tensor, *beside: Tensor) -> Tensor:
        """Scores, float32 [B], of pictures [B, C, H, W] in [0, 1] and what is beside each."""
        self.network.eval()  # in training, spectral normalisation goes on with its estimate whenever a picture passes
        with self._in_its_precision():
            return shaped(self.network(pictures, *beside), self.options.softplus_shift).float()

    def tell_apart(self, real: Tensor, fake: Tensor, *beside: Tensor) -> dict[str, float]:
        """One step on as many real pictures as renders; the mean scores of both, their gap, and the penalty."""
        self.network.train()
        # Drawn on the CPU, so that a seed means the same wherever the network is.
        mix = torch.rand((len(real), 1, 1, 1), generator=self.generator).to(real.device)
        with self._in_its_precision():
            loss, measured = self._loss(real, fake, beside, mix)
        self.descend(loss)
        return {name: float(value.detach().mean()) for name, value in measured.items()}

    def pictures(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Pictures [B, C, H, W] in [0, 1] on the device, of uint8 [B, H, W, C]."""
        return as_pictures(writable_tensor(pixels).to(self.setting.device))

    def _loss(
        self, real: Tensor, fake: Tensor, beside: Sequence[Tensor], mix: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        adversarial = ADVERSARIAL_LOSSES[self.options.loss]

        def score(pictures: Tensor) -> Tensor:
            """Of so many times as many pictures as there are real ones, each with what is beside it."""
            times = len(pictures) // len(real)
            scores: Tensor = self.network(pictures, *(torch.cat((part,) * times) for part in beside))
            return scores

        real_scores, fake_scores = score(torch.cat((real, fake))).chunk(2)
        measured = {"real": real_scores, "fake": fake_scores, "gap": real_scores - fake_scores}
        loss = adversarial.loss(real_scores, fake_scores)
        if adversarial.penalized:
            measured["penalty"] = gradient_penalty(score, real, fake, mix)
            loss = loss + self.options.gradient_penalty * measured["penalty"]
            loss = loss + self.options.mean_score_penalty * mean_score_penalty(real_scores, fake_scores)
        return loss, measured

    def _mean_score(self, network: nn.Module, device: torch.device) -> tuple[Callable[[], Tensor], int]:
        """The mean score of a batch of blank pictures, and how many these are."""
        blank = self.pictures(np.zeros((self.batch_size, *self.setting.canvas_shape), np.uint8))
        return lambda: network(blank, *self.beside).mean(), self.batch_size

    def _in_its_precision(self) -> torch.autocast:
        assert self.precision is not None, "it was chosen when the network was made"
        return autocast(self.setting.device, self.precision.name)


def shaped(scores: Tensor, softplus_shift: float | None) -> Tensor:
    """log(1 + e^(scores + softplus_shift)), or the scores where there is no shift."""
    return scores if softplus_shift is None else F.softplus(scores + softplus_shift)
