"""What all models share as they learn to give a real picture the attribute of a synthetic one."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor, nn

from spiral.descent import descend
from spiral.methods.dtn.pixels import Pixels
from spiral.methods.dtn.reading import with_seed
from spiral.methods.experiment import ExperimentOptions, Part
from spiral.methods.puppet_gan.demonstrations import Demonstrations
from spiral.methods.puppet_gan.model import Code, Discriminator, Layout, Puppet, deception_loss, discrimination_loss
from spiral.section import Size

Terms = dict[str, tuple[float, Tensor]]  # of a loss, by name: what each weighs, and is


class ManipulationOptions(Layout, ExperimentOptions):
    """What every model can be told.

    `pictures` is how many real ones are used at most; `rests` and `levels` how many demonstrations there are of each
    value, and how many values. The weights are the paper's; `attribute_synthetic` and `attribute_real` are of L_attrS
    and L_attrR, and `rest_real` is of L_restR, which the slides do not have. `noise` is what is added to a translated
    picture before it is looked at again. The rates fall over the second half. `measured` real pictures are manipulated
    after `references` rests with as many values each.
    """

    steps: Size = 5000
    batch_size: Size = 32
    pictures: Size = 20000
    rests: Size = 600
    levels: int = Field(default=12, ge=2, le=256)
    learning_rate: float = Field(default=1e-3, gt=0)
    discriminator_rate: float = Field(default=1e-3, gt=0)
    reconstruction: float = Field(default=10.0, ge=0)
    disentanglement: float = Field(default=10.0, ge=0)
    cycle: float = Field(default=10.0, ge=0)
    attribute_synthetic: float = Field(default=5.0, ge=0)
    attribute_real: float = Field(default=3.0, ge=0)
    rest_real: float = Field(default=10.0, ge=0)
    noise: float = Field(default=0.2, ge=0)
    measured: Size = 100
    references: int = Field(default=8, ge=2, le=256)


@dataclass(frozen=True)
class Batch:
    """Real pictures a, demonstrations b1, b2 and b3, all [N, C, H, W], and the value of b1 in spreads, [N]."""

    a: Tensor
    b1: Tensor
    b2: Tensor
    b3: Tensor
    value: Tensor


class Training(Part):
    """A model that learns: its losses, and discriminators of both domains where it has a use for them.

    Attributes:
        network: all that draws.
        discriminators: of the domains, by name.
    """

    def __init__(
        self,
        options: ManipulationOptions,
        real: Pixels,
        demonstrations: Demonstrations,
        seed: int,
        make: Callable[[], nn.Module],
    ) -> None:
        super().__init__(options.steps, seed)
        self.options, self.real, self.demonstrations = options, real, demonstrations

        def both() -> tuple[nn.Module, nn.ModuleDict]:
            return make(), nn.ModuleDict({name: Discriminator(options) for name in ("real", "synthetic")})

        network, discriminators = with_seed(seed, both)
        device = real.images.device
        self.network, self.discriminators = network.to(device), discriminators.to(device)
        self.networks = {"network": self.network, "discriminators": self.discriminators}
        self.rates = {"network": options.learning_rate, "discriminators": options.discriminator_rate}
        self.optimizers = {
            name: torch.optim.Adam(each.parameters(), self.rates[name], (0.5, 0.999))
            for name, each in self.networks.items()
        }

    @abstractmethod
    def learn(self, batch: Batch, progress: float) -> tuple[Terms, dict[str, Tensor]]:
        """The terms of the loss beside those of the adversaries, and what was drawn of each domain for these."""

    @abstractmethod
    def attribute_of(self, references: Tensor) -> Tensor:
        """What synthetic pictures [M, C, H, W] say of the attribute, [M, …]."""

    @abstractmethod
    def rest_of(self, real: Tensor) -> Tensor:
        """What real pictures [N, C, H, W] say of the rest, [N, …]."""

    @abstractmethod
    def drawn(self, code: Code) -> Tensor:
        """Real pictures with these attributes and rests, [N, C, H, W]."""

    @torch.no_grad()
    def manipulated(self, real: Tensor, references: Tensor) -> Tensor:
        """Each real picture of N with the attribute of each reference of M, [N, M, C, H, W]."""
        attributes, rests = self.attribute_of(references), self.rest_of(real)
        return torch.stack([self.drawn(Code(attributes, rest.expand(len(attributes), -1))) for rest in rests])

    def step(self, progress: float) -> dict[str, float]:
        """One step of what draws, and one of the discriminators."""
        for name, rate in self.rates.items():
            self.optimizers[name].param_groups[0]["lr"] = rate * min(1.0, 2 * (1 - progress))
        batch = self._batch()
        terms, drawn = self.learn(batch, progress)
        self.discriminators.requires_grad_(False)
        for domain, pictures in drawn.items():
            terms[f"deception, {domain}"] = (1.0, deception_loss(self.discriminators[domain](pictures)))
        total = torch.stack([weight * value for weight, value in terms.values() if weight]).sum()
        self._descend("network", total)
        measured = {name: float(value.detach()) for name, (_, value) in terms.items()}
        if drawn:
            measured["discrimination"] = self._discriminate(batch, drawn)
        return measured

    def _discriminate(self, batch: Batch, drawn: dict[str, Tensor]) -> float:
        self.discriminators.requires_grad_(True)
        own = {"real": batch.a, "synthetic": torch.cat((batch.b1, batch.b2))}
        losses = [
            discrimination_loss(self.discriminators[domain](own[domain]), self.discriminators[domain](some.detach()))
            for domain, some in drawn.items()
        ]
        self._descend("discriminators", torch.stack(losses).sum())
        return float(torch.stack(losses).detach().mean())

    def _batch(self) -> Batch:
        count = self.options.batch_size
        chosen = torch.randint(len(self.real), (count,), generator=self.generator)
        return Batch(self.real.inputs(chosen), *self.demonstrations.triples(count, self.generator))

    def _descend(self, name: str, loss: Tensor) -> None:
        who = f"the {name} of {type(self).__name__}"
        descend(loss, self.networks[name], self.optimizers[name], math.inf, who)


class PuppetTraining(Training):
    """The training of one encoder of both domains, and of one that draws for each: whatever keeps the parts apart."""

    network: Puppet

    def attribute_of(self, references: Tensor) -> Tensor:
        """α."""
        code: Code = self.network.encoder(references)
        return code.attribute

    def rest_of(self, real: Tensor) -> Tensor:
        """ρ."""
        code: Code = self.network.encoder(real)
        return code.rest

    def drawn(self, code: Code) -> Tensor:
        """By R."""
        drawn: Tensor = self.network.real(code)
        return drawn
