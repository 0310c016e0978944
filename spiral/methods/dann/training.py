"""One training of a network: from labelled pictures alone, or with the domain classifier and unlabelled ones too."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from spiral.contracts import Arrays
from spiral.descent import descend
from spiral.methods.dann.domains import Domain
from spiral.methods.dann.model import DomainAdversarial, annealed, limit_norms, reversal_strength
from spiral.methods.experiment import ExperimentOptions, Part
from spiral.section import Size

GLANCES = 40  # at the held-out pictures while it learns
WATCHED = 512  # pictures at each glance
AT_ONCE = 256  # pictures that are judged together

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": partial(torch.optim.SGD, momentum=0.9),
    "adam": torch.optim.Adam,
}


@dataclass(frozen=True)
class Arm:
    """What a network learns from.

    Attributes:
        labelled: pictures whose labels it is shown; the first fill half a batch, and others an eighth each.
        unlabelled: of the target, which fill half a batch; None does without the domain classifier.
    """

    labelled: Sequence[Domain]
    unlabelled: Domain | None = None


class TrainingOptions(ExperimentOptions):
    """How many steps a baseline takes, the batch of both domains, μ_0, whether it falls, and what λ grows to.

    Without the domain classifier a training is done sooner. The thesis has `sgd`, with a momentum of 0.9 and a μ_0 of
    0.01.
    """

    baseline_steps: Size = 3000
    batch_size: int = Field(default=128, ge=2, le=2**16)
    optimizer: Literal["sgd", "adam"] = "adam"
    learning_rate: float = Field(default=0.001, gt=0)
    annealing: bool = True
    strength: float = Field(default=1.0, ge=0)


class Training(Part):
    """Stochastic gradient descent on L_y + L_d, where λ grows and μ falls (thesis 5.4.2).

    Args:
        make: the network, with fresh weights.
        norm_limit: of the weights of a unit.
        watched: held-out pictures of the target, of which some are read now and then: `curve` has the share read right.
    """

    def __init__(
        self,
        options: TrainingOptions,
        arm: Arm,
        make: Callable[[], DomainAdversarial],
        norm_limit: float,
        watched: Domain,
        seed: int,
        device: torch.device,
    ) -> None:
        super().__init__(options.baseline_steps if arm.unlabelled is None else options.steps, seed)
        self.options, self.arm, self.norm_limit, self.device = options, arm, norm_limit, device
        self.watched = watched.first(WATCHED)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = make().to(device)
        self.networks = {"network": self.network}
        self.optimizer = OPTIMIZERS[options.optimizer](self.network.parameters(), lr=options.learning_rate)
        self.optimizers = {"network": self.optimizer}
        self.curve: list[float] = []

    def step(self, progress: float) -> dict[str, float]:
        """One step; both losses, λ, and at times how many pictures of the target are read right."""
        for group in self.optimizer.param_groups:
            rate = self.options.learning_rate
            group["lr"] = annealed(rate, progress) if self.options.annealing else rate
        half, strength = self.options.batch_size // 2, self.options.strength * reversal_strength(progress)
        shares = [half, *(max(1, half // 4) for _ in self.arm.labelled[1:])]
        shown = [domain.some(share, self.generator) for domain, share in zip(self.arm.labelled, shares, strict=True)]
        target = None if self.arm.unlabelled is None else self.arm.unlabelled.some(half, self.generator).images
        labels = torch.cat([domain.labels for domain in shown]).to(self.device)
        self.network.train()
        with self._drawing():
            label_loss, domain_loss = self.network.losses(
                self._seen(torch.cat([domain.images for domain in shown])),
                labels,
                half,
                None if target is None else self._seen(target),
                strength,
            )
            descend(label_loss + domain_loss, self.network, self.optimizer, math.inf, "dann")
        if self.norm_limit < math.inf:
            limit_norms(self.network, self.norm_limit)
        measured = {"label loss": float(label_loss.detach())}
        if target is not None:
            measured |= {"domain loss": float(domain_loss.detach()), "strength": strength}
        return measured | self._watch(progress)

    @torch.no_grad()
    def features(self, images: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of pictures uint8 [N, 3, H, W]: G_f [N, D], and what the last layer of G_y sees [N, K]."""
        self.network.eval()
        found, last = [], []
        for some in images.split(AT_ONCE):
            found.append(self.network.extractor(self._seen(some)))
            last.append(self.network.labels[:-1](found[-1]))
        return torch.cat(found).cpu().numpy(), torch.cat(last).cpu().numpy()

    @torch.no_grad()
    def accuracy(self, domain: Domain) -> float:
        """How many of the pictures are read right."""
        self.network.eval()
        read = [self.network(self._seen(some)).argmax(1).cpu() for some in domain.images.split(AT_ONCE)]
        return float((torch.cat(read) == domain.labels).float().mean())

    def state(self) -> Arrays:
        """What is needed to go on, and what was seen on the way."""
        return super().state() | {"curve": np.array(self.curve)}

    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave."""
        super().load_state(arrays)
        self.curve = [float(share) for share in arrays["curve"]]

    def _watch(self, progress: float) -> dict[str, float]:
        if progress < len(self.curve) / GLANCES:
            return {}
        self.curve.append(self.accuracy(self.watched))
        return {"target read right": self.curve[-1]}

    def _seen(self, images: Tensor) -> Tensor:
        """Pictures of bytes as they are in [0, 1], or points as they are."""
        seen = images.to(self.device)
        return seen.float() / 255 if seen.dtype == torch.uint8 else seen

    @contextmanager
    def _drawing(self) -> Iterator[None]:
        """Whatever a layer draws is decided by the generator."""
        seed = int(torch.randint(2**31, (), generator=self.generator))
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(seed)
            yield
