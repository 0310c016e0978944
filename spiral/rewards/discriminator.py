"""The score of a discriminator that learns to tell renders from real pictures (thesis, equation 6.3.4).

A discriminator with the logistic loss scores a picture with its log-odds to be real, log(p_real / p_render) at best. As
a reward these make the agent minimise KL(p_render ‖ p_real), which is content with a few kinds of picture painted well:
it chases modes. The reward of GAIL (Ho & Ermon, 2016), −log(1 − σ(D)) = softplus(D), leads to the Jensen–Shannon
divergence instead, and softplus(D + b) to a skewed one (Huszár, 2015), between KL(p_real ‖ p_render) for b → −∞, which
must cover all that is real, and the log-odds for b → ∞.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Literal, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from spiral.agent import as_pictures, writable_tensor
from spiral.devices import autocast
from spiral.discriminator import Discriminator
from spiral.losses import ADVERSARIAL_LOSSES, gradient_penalty, mean_score_penalty
from spiral.named import load_named
from spiral.precision import choose_precision
from spiral.reink import reink
from spiral.rewards.base import Context, LearnedReward, Lesson, Setting, need_shape, need_targets
from spiral.rewards.complement import complements, halves
from spiral.rewards.distinct import distinct
from spiral.section import ConfigError, Section, Size, parse_section

NETWORKS: dict[str, type[nn.Module]] = {"dcgan": Discriminator}


class DiscriminatorNetwork(Protocol):
    """How the class of a network is called that `options.network` names; what it gives maps pictures to scores."""

    Options: ClassVar[type[Section]]

    def __call__(
        self, canvas_shape: tuple[int, int, int], conditional: bool, spectral: bool, options: Any
    ) -> nn.Module:
        """The network with fresh weights."""


class DiscriminatorOptions(Section):
    """A discriminator and how it learns (thesis A.3); all other options are the network's own.

    `network` is one of ours or `module:Class`. `softplus_shift` b rewards log(1 + e^b p_real / p_render) in place of
    the score. With `reink` it learns from pictures whose ink varies at random (`spiral/reink.py`), so that it judges
    shapes. With `complement` it sees one half of a copy beside the other half of the target
    (`spiral/rewards/complement.py`).
    """

    model_config = ConfigDict(extra="allow")

    loss: Literal["wgan-gp", "logistic", "hinge", "least-squares", "relativistic"] = "wgan-gp"
    network: str = "dcgan"
    learning_rate: float = Field(default=1e-4, gt=0)
    beta1: float = Field(default=0.5, ge=0, lt=1)
    beta2: float = Field(default=0.9, ge=0, lt=1)
    gradient_penalty: float = Field(default=10.0, ge=0)
    mean_score_penalty: float = Field(default=1e-3, ge=0)
    batch_size: Size = 64
    softplus_shift: float | None = None
    reink: bool = False
    complement: bool = False

    @model_validator(mode="after")
    def _softplus_needs_log_odds(self) -> DiscriminatorOptions:
        if self.softplus_shift is not None and self.loss != "logistic":
            raise ValueError(
                f"softplus_shift={self.softplus_shift} needs scores that are log-odds: set loss=logistic, or leave the "
                f"shift out with {self.loss}"
            )
        return self


def build_network(setting: Setting, options: DiscriminatorOptions) -> nn.Module:
    """The network that the options describe, with fresh weights.

    Raises:
        ConfigError: there is none of that name, or it does not take its options.
        ValueError: it does not take pictures of this shape.
    """
    network = cast("DiscriminatorNetwork", load_named(options.network, NETWORKS, nn.Module, "discriminator network"))
    path = ("rewards", "discriminator", "options")
    ours = list(DiscriminatorOptions.model_fields)
    own = parse_section(getattr(network, "Options", Section), options.model_extra or {}, path, beside=ours)
    spectral = ADVERSARIAL_LOSSES[options.loss].spectral
    return network(setting.canvas_shape, setting.conditional, spectral, own)


class DiscriminatorReward(LearnedReward):
    """D(render), or D(render | target) when the agent is conditional; softplus(D + b) when the options have a b.

    Conditional on a target, the real picture is the target itself (thesis 6.3.3). With `complement` the score is the
    mean over all four halves, where SPIRAL++ draws one each time, so that a picture always has the same.
    """

    Options = DiscriminatorOptions
    options: DiscriminatorOptions

    def __init__(self, setting: Setting, options: DiscriminatorOptions) -> None:
        super().__init__(setting, options)
        if options.reink and setting.conditional:
            raise ConfigError(
                "reink=true varies the ink of render and real picture, but not that of the target beside them, which "
                "an agent with agent.conditional=true copies: leave reink out, or set agent.conditional=false"
            )
        if options.complement and not setting.conditional:
            raise ConfigError(
                "complement=true shows the discriminator a half of the target, but there is none: set "
                "agent.conditional=true, or leave complement out"
            )
        self.halves = halves(*setting.canvas_shape[:2]).to(setting.device) if options.complement else None
        self.batch_size = options.batch_size
        self.network = build_network(setting, options).to(setting.device)
        self.precision = choose_precision(setting.precision, setting.device, self.network, self._mean_score)
        betas = (options.beta1, options.beta2)
        self.optimizer = torch.optim.Adam(self.network.parameters(), options.learning_rate, betas, fused=True)

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B]."""
        need_shape("discriminator", renders, (len(renders), *self.setting.canvas_shape))
        seen = [renders]
        if self.setting.conditional:
            seen.append(need_targets("discriminator", context, renders))
        # Moves leave a canvas as it is, and so its score, which costs as much as one step of the agent.
        first, places = distinct(*seen)
        pictures = [self._pictures(pixels[first]) for pixels in seen]
        self.network.eval()  # in training, spectral normalisation goes on with its estimate whenever a picture passes
        with self._in_its_precision():
            views = [self.network(*view) for view in self._views(pictures)]
            scores = shaped(torch.stack(views), self.options.softplus_shift)
        return scores.float().mean(dim=0).cpu()[places]

    def update(self, lesson: Lesson) -> dict[str, float]:
        """One step on as many real pictures as renders; the mean scores of both, their gap, and the penalty."""
        real, fake = self._pictures(lesson.real), self._pictures(lesson.renders)
        targets = None if lesson.targets is None else self._pictures(lesson.targets)
        if self.options.reink:
            # Drawn on the CPU, so that a seed means the same wherever the network is.
            real, fake = (1.0 - reink(1.0 - torch.cat((real, fake)).cpu(), self.generator)).to(real).chunk(2)
        if self.halves is not None:
            assert targets is not None, "complement is for agents that are conditional"
            mask = self.halves[torch.randint(len(self.halves), (len(real),), generator=self.generator)]
            real, fake, targets = mask * real, *complements(fake, targets, mask)
        self.network.train()
        mix = torch.rand((len(real), 1, 1, 1), generator=self.generator).to(real.device)
        with self._in_its_precision():
            loss, measured = self._loss(real, fake, targets, mix)
        self.descend(loss)
        return {name: float(value.detach().mean()) for name, value in measured.items()}

    def _loss(
        self, real: Tensor, fake: Tensor, targets: Tensor | None, mix: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        adversarial = ADVERSARIAL_LOSSES[self.options.loss]
        score = self.network if targets is None else lambda pictures: self._beside(pictures, targets)
        real_scores, fake_scores = score(torch.cat((real, fake))).chunk(2)
        measured = {"real": real_scores, "fake": fake_scores, "gap": real_scores - fake_scores}
        loss = adversarial.loss(real_scores, fake_scores)
        if adversarial.penalized:
            measured["penalty"] = gradient_penalty(score, real, fake, mix)
            loss = loss + self.options.gradient_penalty * measured["penalty"]
            loss = loss + self.options.mean_score_penalty * mean_score_penalty(real_scores, fake_scores)
        return loss, measured

    def _views(self, pictures: Sequence[Tensor]) -> Iterator[Sequence[Tensor]]:
        """The pictures as the network sees them: once, or a complement's renders and targets in each half."""
        if self.halves is None:
            yield pictures
        else:
            renders, targets = pictures
            for half in self.halves:
                yield complements(renders, targets, half)

    def _beside(self, pictures: Tensor, targets: Tensor) -> Tensor:
        """Scores of so many times as many pictures as targets, each beside its own."""
        scores: Tensor = self.network(pictures, targets.repeat(len(pictures) // len(targets), 1, 1, 1))
        return scores

    def _mean_score(self, network: nn.Module, device: torch.device) -> tuple[Callable[[], Tensor], int]:
        """The mean score of a batch of blank pictures, and how many these are."""
        blank = self._pictures(np.zeros((self.batch_size, *self.setting.canvas_shape), np.uint8))
        seen = (blank, blank) if self.setting.conditional else (blank,)
        return lambda: network(*seen).mean(), self.batch_size

    def _pictures(self, pixels: NDArray[np.uint8]) -> Tensor:
        return as_pictures(writable_tensor(pixels).to(self.setting.device))

    def _in_its_precision(self) -> torch.autocast:
        assert self.precision is not None, "it was chosen when the network was made"
        return autocast(self.setting.device, self.precision.name)


def shaped(scores: Tensor, softplus_shift: float | None) -> Tensor:
    """log(1 + e^(scores + softplus_shift)), or the scores where there is no shift."""
    return scores if softplus_shift is None else F.softplus(scores + softplus_shift)
