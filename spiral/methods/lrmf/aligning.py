"""The two trainings of an alignment: the private densities, which give c(A, B), then the map and the shared density.

Both are plain maximum likelihood. The rate of learning falls to nothing along half a cosine, so that the loss at the
end can be compared with 0.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Protocol

import torch
from torch import Tensor, nn

from spiral.descent import descend
from spiral.methods.experiment import Part
from spiral.methods.lrmf.model import Density, Map, lrmf_loss

STEEPEST = 100.0  # a gradient: flows meet a point that they think impossible now and then


class Pair(ABC):
    """Two sets, A and B."""

    @abstractmethod
    def draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Points of A and B to learn from, [..., N, D] each."""

    @property
    @abstractmethod
    def held_out(self) -> tuple[Tensor, Tensor]:
        """Points of A and B to measure with."""


class Descending(Part):
    """A part with one network and one Adam."""

    def __init__(self, steps: int, seed: int, network: nn.Module, rate: float) -> None:
        super().__init__(steps, seed)
        self.network, self.rate = network, rate
        self.optimizer = torch.optim.Adam(network.parameters(), rate, fused=True)
        self.networks, self.optimizers = {"network": network}, {"adam": self.optimizer}

    def descend(self, loss: Tensor, progress: float) -> None:
        """One step down, at the rate of so much progress.

        Raises:
            DivergedError: the loss or its gradient is not finite any more.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * (1 + math.cos(math.pi * progress)) / 2
        descend(loss, self.network, self.optimizer, STEEPEST, f"{type(self).__name__} at {progress:.0%}")


class Known(Protocol):
    """Private densities, as an alignment asks for them.

    Attributes:
        b: of B.
    """

    b: Density

    def constant(self) -> Tensor:
        """c(A, B), [...]."""


class Private(Descending):
    """The private densities of A and of B."""

    def __init__(self, steps: int, seed: int, pair: Pair, a: Density, b: Density, rate: float) -> None:
        super().__init__(steps, seed, nn.ModuleList((a, b)), rate)
        self.pair, self.a, self.b = pair, a, b

    def step(self, progress: float) -> dict[str, float]:
        """One step of both towards more likely points."""
        a, b = self.pair.draw(self.generator)
        likelihood = self.a.log_prob(a).mean() + self.b.log_prob(b).mean()
        self.descend(-likelihood, progress)
        return {"likelihood": float(likelihood.detach())}

    @torch.no_grad()
    def constant(self) -> Tensor:
        """c(A, B) of the points held out."""
        a, b = self.pair.held_out
        return self.a.log_prob(a).mean(-1) + self.b.log_prob(b).mean(-1)


class Aligning(Descending):
    """A map and the shared density that descend the loss of theorem 2.3 together.

    The shared density begins as the private one of B, which it has to be again at the end: from a fresh one the way is
    longer. What c(A, B) is moves the loss, and no gradient.
    """

    def __init__(
        self, steps: int, seed: int, pair: Pair, mapping: Map, shared: Density, rate: float, private: Known
    ) -> None:
        super().__init__(steps, seed, nn.ModuleDict({"map": mapping, "shared": shared}), rate)
        self.pair, self.map, self.shared = pair, mapping, shared
        self.private = private

    def step(self, progress: float) -> dict[str, float]:
        """One step of both."""
        if progress == 0:
            self.shared.load_state_dict(self.private.b.state_dict())
        loss = self.loss(*self.pair.draw(self.generator))
        self.descend(loss.sum(), progress)
        return {"loss without c": float(loss.detach().mean())}

    def loss(self, a: Tensor, b: Tensor) -> Tensor:
        """L(T, θ) without c(A, B), [...]."""
        moved, log_det = self.map(a)
        return lrmf_loss(log_det, self.shared.log_prob(moved), self.shared.log_prob(b), torch.zeros(()))

    @torch.no_grad()
    def final_loss(self) -> Tensor:
        """L(T, θ) of the points held out, in nats: 0 where they are aligned, [...]."""
        return self.loss(*self.pair.held_out) + self.private.constant()

    @torch.no_grad()
    def moved(self, points: Tensor) -> Tensor:
        """T(x)."""
        moved: Tensor = self.map(points)[0]
        return moved
