"""What all translations between pictures and drawings share: how they see pictures, learn, and are asked."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping

import torch
from pydantic import Field
from torch import Tensor, nn

from spiral.descent import descend
from spiral.methods.experiment import ExperimentOptions, Part
from spiral.methods.self_defence.model import Layout, least_squares
from spiral.methods.self_defence.pairs import Pairs
from spiral.section import Size

Networks = Mapping[str, nn.Module]


class TranslationOptions(Layout, ExperimentOptions):
    """What every experiment can be told, beside the layout.

    `pictures` is how many of a set are used at most, and `measured` how many figures are of. `cycle`, `identity` and
    `guess` weigh the terms of L(G), `noise` is σ, and `supervised` weighs pix2pix's distance from the right answer.
    """

    data: str = "scene-views"
    steps: Size = 6000
    batch_size: Size = 4
    pictures: int = Field(default=3000, ge=2, le=2**20)
    measured: int = Field(default=200, ge=2, le=2**20)
    learning_rate: float = Field(default=6e-4, gt=0)
    cycle: float = Field(default=3.0, ge=0)
    identity: float = Field(default=0.0, ge=0)
    guess: float = Field(default=2.0, ge=0)
    noise: float = Field(default=1.0, ge=0)
    supervised: float = Field(default=100.0, ge=0)


class Translation(Part):
    """The training of a translation from A to B and, but for pix2pix, back.

    Attributes:
        generators, discriminators: by name, each with one optimiser for all.
    """

    def __init__(
        self, options: TranslationOptions, pairs: Pairs, seed: int, make: Callable[[], tuple[Networks, Networks]]
    ) -> None:
        super().__init__(options.steps, seed)
        self.options, self.pairs = options, pairs
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            generators, discriminators = make()
        self.generators = nn.ModuleDict(dict(generators)).to(pairs.images.device)
        self.discriminators = nn.ModuleDict(dict(discriminators)).to(pairs.images.device)
        self.networks = {"generators": self.generators, "discriminators": self.discriminators}
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), options.learning_rate, (0.5, 0.999))
            for name, network in self.networks.items()
        }

    def step(self, progress: float) -> dict[str, float]:
        """One step of the generators and one of the discriminators, at rates that fall over the second half."""
        for optimizer in self.optimizers.values():
            optimizer.param_groups[0]["lr"] = self.options.learning_rate * min(1.0, 2 * (1 - progress))
        pictures, drawings = self.sample()
        self.discriminators.requires_grad_(False)
        loss, judged, measured = self.translate(pictures, drawings)
        self._descend("generators", loss)
        self.discriminators.requires_grad_(True)
        loss, told = judged()
        self._descend("discriminators", loss)
        return {name: float(value) for name, value in (measured | told).items()}

    def sample(self) -> tuple[Tensor, Tensor]:
        """Pictures of the first half of the set, and drawings of the other: no two of a pair are ever seen."""
        half = len(self.pairs) // 2
        return self.pairs.pictures(self._some(half)), self.pairs.drawings(half + self._some(len(self.pairs) - half))

    @abstractmethod
    def translate(
        self, pictures: Tensor, drawings: Tensor
    ) -> tuple[Tensor, Callable[[], tuple[Tensor, dict[str, float]]], dict[str, float]]:
        """The generators' loss, a way to the discriminators' loss on the same pictures, and measurements."""

    @abstractmethod
    def to_drawings(self, pictures: Tensor) -> Tensor:
        """G_B(a)."""

    def judge(self, name: str, fake: Tensor, real: Tensor) -> Tensor:
        """The least squares of one of the discriminators."""
        network, half = self.discriminators[name], len(fake)
        judged = network(torch.cat((fake.detach(), real)))
        return (least_squares(judged[:half], 0.0) + least_squares(judged[half:], 1.0)) / 2

    def deceive(self, name: str, fake: Tensor) -> Tensor:
        """What it costs that one of the discriminators is not deceived."""
        return least_squares(self.discriminators[name](fake), 1.0)

    def normal(self, like: Tensor) -> Tensor:
        """Standard normal noise, drawn on the CPU, so that a seed means the same wherever the networks are."""
        return torch.randn(like.shape, generator=self.generator).to(like)

    def _some(self, count: int) -> Tensor:
        chosen = torch.randint(count, (self.options.batch_size,), generator=self.generator)
        return chosen.to(self.pairs.images.device)

    def _descend(self, name: str, loss: Tensor) -> None:
        who = f"the {name} of {type(self).__name__}"
        descend(loss, self.networks[name], self.optimizers[name], math.inf, who)


class ThereAndBack(Translation):
    """One that translates drawings into pictures as well."""

    @abstractmethod
    def to_pictures(self, drawings: Tensor, like: Tensor | None = None) -> Tensor:
        """G_A(b), in the style of the pictures that are given, where the method knows styles."""
