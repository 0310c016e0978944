"""DANN as a judge, by the features and the domain classifier of its networks.

For an agent that paints without a target it is the domain classifier between renders and real pictures, which learns
while the agent does. The agent has the part of the reversed gradient: it seeks what cannot be told apart.

For an agent that copies it is the distance between the features of render and target. With the networks of a fit
(`from`) the features are what the last layer of G_y sees: of G_f, which is the same in both domains, the part that says
what is shown. Targets are seen as one domain of the fit and renders as the other (`shown`), so that they may look as
different as these: shown a number on clutter, the agent is paid for the digit. All that scores stays as it is, and the
domain classifier says how well G_f still tells renders from targets. Without a fit the features are what that
classifier learns to look at, as in Larsen et al. ("Autoencoding beyond Pixels Using a Learned Similarity Metric", ICML
2016).
"""

from __future__ import annotations

from typing import Any, Literal

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
    label_predictor,
)
from spiral.methods.judgement import Judgement
from spiral.methods.normalization import renormalize
from spiral.rewards.base import Context, LearnedReward, Lesson, Setting, need_shape, need_targets
from spiral.section import Size
from spiral.state import network_arrays

NAME = "dann"
DOMAINS = ("source", "target")
KEPT = 0.99  # of the yardstick in an update
SHORTEST = 1e-3  # yardstick, where all targets are alike


class DannOptions(NetworkOptions):
    """The network, whether its features stay as they are, which a fit says of its own, and how the rest learns.

    `shown` is the domain of the fit which an agent that copies is shown; it paints the other one.
    """

    normalized: bool = False
    frozen: bool = False
    shown: Literal["source", "target"] = "source"
    learning_rate: float = Field(default=2e-4, gt=0)
    batch_size: Size = 64


class Judge(nn.Module):
    """G_f, G_d, and how far the features of one target are from another's on average.

    Attributes:
        extractor: G_f, of a fit as its target is normalised.
        of_source: the same as its source is normalised, and
        labels: the hidden layers of G_y; both of a fit alone.
    """

    yardstick: Tensor

    def __init__(self, options: NetworkOptions, fitted: bool) -> None:
        super().__init__()
        self.extractor = Extractor(options)
        self.domains = domain_classifier(options, self.extractor.outputs)
        self.of_source = Extractor(options) if fitted else None
        self.labels = label_predictor(options, self.extractor.outputs, 1)[:-1] if fitted else None
        self.register_buffer("yardstick", torch.ones(()))

    def compared(self, pictures: Tensor, domain: str) -> Tensor:
        """The features that are compared, of pictures of the fit's source or target."""
        extractor = self.of_source if self.of_source is not None and domain == "source" else self.extractor
        features: Tensor = extractor(pictures)
        return features if self.labels is None else self.labels(features)


class Dann(LearnedReward):
    """log p_real / p_render by G_d; for an agent that copies −‖f(render) − f(target)‖, −1 for another's target."""

    Options = DannOptions
    options: DannOptions
    fit = "optional"

    def __init__(self, setting: Setting, options: DannOptions) -> None:
        super().__init__(setting, options)
        self.batch_size = options.batch_size
        self.network: Judge = Judge(options, options.frozen).to(setting.device)
        if options.frozen:
            self.network.requires_grad_(False)
            self.network.domains.requires_grad_(True)
        learning = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.Adam(learning, options.learning_rate, (0.5, 0.9))

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B]."""
        need_shape(NAME, renders, (len(renders), *self.setting.canvas_shape))
        self.network.eval()
        pictures = self._pictures(renders)
        scores: Tensor
        if self.setting.conditional:
            shown, painted = DOMAINS if self.options.shown == "source" else DOMAINS[::-1]
            targets = self.network.compared(self._pictures(need_targets(NAME, context, renders)), shown)
            distances = apart(self.network.compared(pictures, painted), targets)
            scores = -distances / self.network.yardstick.clamp(min=SHORTEST)
        else:
            scores = self.network.domains(self.network.extractor(pictures)).squeeze(1)
        return scores.float().cpu()

    def update(self, lesson: Lesson) -> dict[str, float]:
        """One step of the domain classifier, and of the features if they learn; what it measured."""
        pictures = torch.cat((self._pictures(lesson.real), self._pictures(lesson.renders)))
        self.network.train(not self.options.frozen)
        features = self.network.extractor(pictures)
        real, fake = self.network.domains(features).squeeze(1).split((len(lesson.real), len(lesson.renders)))
        if lesson.targets is not None and not self.options.frozen:
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


def fitted_judge(options: NetworkOptions, network: DomainAdversarial, source: Tensor, target: Tensor) -> Judge:
    """A fitted network as a judge; each domain, uint8 [N, 3, size, size], is normalised by itself."""
    device = next(network.parameters()).device
    judge = Judge(options, fitted=True).to(device)
    assert judge.of_source is not None and judge.labels is not None
    for extractor, pictures in ((judge.of_source, source), (judge.extractor, target)):
        extractor.load_state_dict(network.extractor.state_dict())
        renormalize(extractor, [pictures.to(device).float() / 255])
    judge.labels.load_state_dict(network.labels[:-1].state_dict())
    judge.domains.load_state_dict(network.domains.state_dict())
    with torch.no_grad():
        judge.yardstick.copy_(spread(judge.eval().compared(source.to(device).float() / 255, "source")))
    return judge


def judgement_of(options: NetworkOptions, judge: Judge) -> Judgement:
    """What the reward needs of a fitted judge."""
    named = {name: getattr(options, name) for name in NetworkOptions.model_fields}
    return Judgement(NAME, network_arrays(judge), named | {"frozen": True})


REWARD: type[Any] = Dann
