"""The score of a discriminator that learns to tell renders from real pictures (thesis, equation 6.3.4).

A discriminator with the logistic loss scores a picture with its log-odds to be real, log(p_real / p_render) at best. As
a reward these make the agent minimise KL(p_render ‖ p_real), which is content with a few kinds of picture painted well:
it chases modes. The reward of GAIL (Ho & Ermon, 2016), −log(1 − σ(D)) = softplus(D), leads to the Jensen–Shannon
divergence instead, and softplus(D + b) to a skewed one (Huszár, 2015), between KL(p_real ‖ p_render) for b → −∞, which
must cover all that is real, and the log-odds for b → ∞.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ConfigDict
from torch import Tensor, nn

from spiral.discriminator import Discriminator
from spiral.losses import ADVERSARIAL_LOSSES
from spiral.named import load_named
from spiral.reink import reink
from spiral.rewards.adversarial import AdversarialOptions, AdversarialReward
from spiral.rewards.base import Context, Lesson, Setting, need_shape, need_targets
from spiral.rewards.complement import complements, halves
from spiral.rewards.distinct import distinct
from spiral.section import ConfigError, Section, parse_section

NETWORKS: dict[str, type[nn.Module]] = {"dcgan": Discriminator}


class DiscriminatorNetwork(Protocol):
    """How the class of a network is called that `options.network` names; what it gives maps pictures to scores."""

    Options: ClassVar[type[Section]]

    def __call__(
        self, canvas_shape: tuple[int, int, int], conditional: bool, spectral: bool, options: Any
    ) -> nn.Module:
        """The network with fresh weights."""


class DiscriminatorOptions(AdversarialOptions):
    """A discriminator and how it learns; all other options are the network's own.

    `network` is one of ours or `module:Class`. With `reink` it learns from pictures whose ink varies at random
    (`spiral/reink.py`), so that it judges shapes. With `complement` it sees one half of a copy beside the other half of
    the target (`spiral/rewards/complement.py`).
    """

    model_config = ConfigDict(extra="allow")

    network: str = "dcgan"
    reink: bool = False
    complement: bool = False


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


class DiscriminatorReward(AdversarialReward):
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
        targets = np.zeros((options.batch_size, *setting.canvas_shape), np.uint8)
        self.adopt(build_network(setting, options), *([self.pictures(targets)] if setting.conditional else []))

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B]."""
        need_shape("discriminator", renders, (len(renders), *self.setting.canvas_shape))
        seen = [renders]
        if self.setting.conditional:
            seen.append(need_targets("discriminator", context, renders))
        # Moves leave a canvas as it is, and so its score, which costs as much as one step of the agent.
        first, places = distinct(*seen)
        pictures = [self.pictures(pixels[first]) for pixels in seen]
        views = torch.stack([self.judged(*view) for view in self._views(pictures)])
        return views.mean(dim=0).cpu()[places]

    def update(self, lesson: Lesson) -> dict[str, float]:
        """One step on as many real pictures as renders; the mean scores of both, their gap, and the penalty."""
        real, fake = self.pictures(lesson.real), self.pictures(lesson.renders)
        targets = None if lesson.targets is None else self.pictures(lesson.targets)
        if self.options.reink:
            # Drawn on the CPU, so that a seed means the same wherever the network is.
            real, fake = (1.0 - reink(1.0 - torch.cat((real, fake)).cpu(), self.generator)).to(real).chunk(2)
        if self.halves is not None:
            assert targets is not None, "complement is for agents that are conditional"
            mask = self.halves[torch.randint(len(self.halves), (len(real),), generator=self.generator)]
            real, fake, targets = mask * real, *complements(fake, targets, mask)
        return self.tell_apart(real, fake, *([] if targets is None else [targets]))

    def _views(self, pictures: Sequence[Tensor]) -> Iterator[Sequence[Tensor]]:
        """The pictures as the network sees them: once, or a complement's renders and targets in each half."""
        if self.halves is None:
            yield pictures
        else:
            renders, targets = pictures
            for half in self.halves:
                yield complements(renders, targets, half)
