"""DANN as a judge, by the features and the domain classifier of its networks.

For an agent that paints without a target it is the domain classifier between renders and real pictures, which learns
while the agent does. The agent has the part of the reversed gradient: it seeks what cannot be told apart.

For an agent that copies it is the distance between the features of render and target. With the features of a fit
(`from`), which are the same in both of its domains, render and target may look as different as these: shown a number on
clutter, the agent is paid for the digit. They stay as they are, and the domain classifier says how well they still tell
renders from targets. Without a fit they are what that classifier learns to look at, as in Larsen et al. ("Autoencoding
beyond Pixels Using a Learned Similarity Metric", ICML 2016).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from spiral.agent import as_pictures, writable_tensor
from spiral.methods.dann.model import (
    DomainAdversarial,
    Extractor,
    NetworkOptions,
    domain_classifier,
    domain_loss,
)
from spiral.methods.judgement import Judgement
from spiral.rewards.base import Context, LearnedReward, Lesson, Setting, need_shape, need_targets
from spiral.section import Size
from spiral.state import network_arrays

NAME = "dann"
KEPT = 0.99  # of the yardstick in an update
SHORTEST = 1e-3  # yardstick, where all targets are alike


class DannOptions(NetworkOptions):
    """The network, whether its features stay as they are, which a fit says of its own, and how the rest learns."""

    normalized: bool = False
    frozen: bool = False
    learning_rate: float = Field(default=2e-4, gt=0)
    batch_size: Size = 64


class Judge(nn.Module):
    """G_f, G_d, and how far the features of one target are from another's on average."""

    yardstick: Tensor

    def __init__(self, options: NetworkOptions) -> None:
        super().__init__()
        self.extractor = Extractor(options)
        self.domains = domain_classifier(options, self.extractor.outputs)
        self.register_buffer("yardstick", torch.ones(()))


class Dann(LearnedReward):
    """log p_real / p_render by G_d; for an agent that copies −‖G_f(render) − G_f(target)‖, −1 for another's target."""

    Options = DannOptions
    options: DannOptions
    fit = "optional"

    def __init__(self, setting: Setting, options: DannOptions) -> None:
        super().__init__(setting, options)
        self.batch_size = options.batch_size
        self.network: Judge = Judge(options).to(setting.device)
        self.network.extractor.requires_grad_(not options.frozen)
        learning = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.Adam(learning, options.learning_rate, (0.5, 0.9))

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B]."""
        need_shape(NAME, renders, (len(renders), *self.setting.canvas_shape))
        self.network.eval()
        features = self.network.extractor(self._pictures(renders))
        scores: Tensor
        if self.setting.conditional:
            targets = self.network.extractor(self._pictures(need_targets(NAME, context, renders)))
            scores = -apart(features, targets) / self.network.yardstick.clamp(min=SHORTEST)
        else:
            scores = self.network.domains(features).squeeze(1)
        return scores.float().cpu()

    def update(self, lesson: Lesson) -> dict[str, float]:
        """One step of the domain classifier, and of the features if they learn; what it measured."""
        pictures = torch.cat((self._pictures(lesson.real), self._pictures(lesson.renders)))
        self.network.train(not self.options.frozen)
        features = self.network.extractor(pictures)
        real, fake = self.network.domains(features).squeeze(1).split((len(lesson.real), len(lesson.renders)))
        if lesson.targets is not None:
            self._measure(features[: len(lesson.real)].detach())
        loss = domain_loss(source=fake, target=real)
        self.descend(loss)
        return {"loss": float(loss.detach()), "real": float(real.detach().mean()), "fake": float(fake.detach().mean())}

    def _measure(self, features: Tensor) -> None:
        """Moves the yardstick towards the distances between the features of these targets."""
        if len(features) > 1:
            self.network.yardstick.lerp_(spread(features), 1 - KEPT if self.version else 1.0)

    def _pictures(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Pictures as the network takes them, [B, 3, size, size].

        Raises:
            ValueError: there are none, or they are not of bytes.
        """
        if pixels.dtype != np.uint8 or len(pixels) == 0:
            raise ValueError(
                f"the reward {NAME!r} takes one uint8 picture or more, but was given {pixels.dtype} {pixels.shape}"
            )
        return sized(as_pictures(writable_tensor(pixels).to(self.setting.device)), self.options.layout.size)


def sized(pictures: Tensor, size: int) -> Tensor:
    """Pictures [N, 1 or 3, H, W] in colour and of that size, [N, 3, size, size]."""
    if pictures.shape[-2:] != (size, size):
        pictures = functional.interpolate(pictures, (size, size), mode="bilinear", antialias=True)
    return pictures.expand(-1, 3, -1, -1)


def apart(some: Tensor, others: Tensor) -> Tensor:
    """The distances of features [N, D] from others, [N]."""
    distances: Tensor = torch.linalg.vector_norm(some - others, dim=1)
    return distances


def spread(features: Tensor) -> Tensor:
    """How far each of the features [N, D] is from the next on average."""
    return apart(features, features.roll(1, 0)).mean()


def fitted_judge(options: NetworkOptions, network: DomainAdversarial, pictures: Tensor) -> Judgement:
    """What the reward needs of a fitted network, with a yardstick for pictures uint8 [N, 3, size, size]."""
    device = next(network.parameters()).device
    judge = Judge(options).to(device)
    judge.extractor.load_state_dict(network.extractor.state_dict())
    judge.domains.load_state_dict(network.domains.state_dict())
    with torch.no_grad():
        judge.yardstick.copy_(spread(judge.eval().extractor(pictures.to(device).float() / 255)))
    named = {name: getattr(options, name) for name in NetworkOptions.model_fields}
    return Judgement(NAME, network_arrays(judge), named | {"frozen": True})


REWARD: type[Any] = Dann
