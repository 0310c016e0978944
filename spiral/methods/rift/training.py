"""RIFT is trained, with all of its losses or without some; and what it has in common with its baselines."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import TypeVar

import torch
from pydantic import Field
from torch import Tensor, nn

from spiral.descent import descend
from spiral.methods.experiment import ExperimentOptions, Part
from spiral.methods.rift.model import (
    CHANNELS,
    Layout,
    capacity_loss,
    deception_loss,
    discriminator_loss,
    guess_loss,
    guide_loss,
    heard,
    honesty_pairs,
    reconstruction_loss,
    translators,
)
from spiral.methods.rift.networks import PatchDiscriminator
from spiral.methods.rift.pictures import Domain, in_chunks
from spiral.section import Size

Made = TypeVar("Made")
CHEAP = 0.05  # the share of the full price that a guide's power costs at first
# Shares of the training: by when translations need no longer stay near their pictures, and guides cost all they do.
FREE_BY, PAID_BY = 0.25, 0.7
GENERATORS, DISCRIMINATORS = "generators", "discriminators"


class RiftOptions(Layout, ExperimentOptions):
    """What every experiment can be told, by default for pictures of 32×32 and one core of a processor.

    `width` 64, `blocks` 9, `stem` 7, `halvings` 2, `discriminator_width` 64 and `side` 128 are the paper's sizes, with
    a `learning_rate` of 1e-4 and a `discriminator_rate` of 5e-5. `pictures` is how many of a domain are used at most,
    and `measured` how many pairs each figure is taken of. `noise` is σ, with which guides are heard, and
    `picture_noise` the mean of that with which generators see pictures. `adversarial`, `cycle`, `identity`, `stay`,
    `guide`, `honesty` and `capacity` weigh the losses; `identity`, `stay` and `guide` are not the paper's.
    """

    steps: Size = 3500
    batch_size: Size = 8
    pictures: Size = 20000
    measured: int = Field(default=500, ge=2, le=2**20)
    discriminator_width: Size = 16
    learning_rate: float = Field(default=2e-3, gt=0)
    discriminator_rate: float = Field(default=1e-3, gt=0)
    noise: float = Field(default=0.1, ge=0)
    picture_noise: float = Field(default=0.1, ge=0)
    adversarial: float = Field(default=1.0, ge=0)
    cycle: float = Field(default=10.0, ge=0)
    identity: float = Field(default=5.0, ge=0)
    stay: float = Field(default=2.0, ge=0)
    guide: float = Field(default=1.0, ge=0)
    honesty: float = Field(default=1.0, ge=0)
    capacity: float = Field(default=4.0, ge=0)


class Translating(Part):
    """A part that learns to translate, from pictures of A and of B, none of them paired."""

    def __init__(self, options: RiftOptions, steps: int, a: Domain, b: Domain, seed: int) -> None:
        super().__init__(steps, seed)
        self.options, self.a, self.b = options, a, b
        self.device = a.images.device

    def prepare(self, networks: dict[str, nn.Module], rates: dict[str, float]) -> None:
        """Take these networks, each with an optimiser of that rate."""
        self.networks = {name: network.to(self.device) for name, network in networks.items()}
        self.rates = rates
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), rates[name], (0.5, 0.999))
            for name, network in self.networks.items()
        }

    def step(self, progress: float) -> dict[str, float]:
        """One step, at rates that fall over the second half."""
        for name, optimizer in self.optimizers.items():
            optimizer.param_groups[0]["lr"] = self.rates[name] * min(1.0, 2 * (1 - progress))
        losses = self.learn(self._some(self.a), self._some(self.b), progress)
        return {name: float(loss.detach()) for name, loss in losses.items()}

    @abstractmethod
    def learn(self, a: Tensor, b: Tensor, progress: float) -> dict[str, Tensor]:
        """The steps of all networks on these pictures; the losses by name."""

    @abstractmethod
    def translate(self, pictures: Tensor, guides: Tensor, to_b: bool) -> Tensor:
        """F: what is shared as in `pictures`, and the rest as in `guides`, which are pictures of the other domain."""

    def translated(self, pictures: Tensor, guides: Tensor, to_b: bool) -> Tensor:
        """F of many pictures, without gradient."""
        return in_chunks(lambda some, others: self.translate(some, others, to_b), pictures, guides)

    def descend(self, name: str, loss: Tensor) -> None:
        """One step of a network."""
        descend(loss, self.networks[name], self.optimizers[name], math.inf, f"the {name} of {type(self).__name__}")

    def _some(self, domain: Domain) -> Tensor:
        chosen = torch.randint(len(domain), (self.options.batch_size,), generator=self.generator)
        return domain.inputs(chosen.to(self.device))


class Rift(Translating):
    """Restricted information flow."""

    def __init__(self, options: RiftOptions, a: Domain, b: Domain, seed: int) -> None:
        super().__init__(options, options.steps, a, b, seed)
        self.generators, self.discriminators = with_seed(seed, lambda: (translators(options), _discriminators(options)))
        self.prepare(
            {GENERATORS: self.generators, DISCRIMINATORS: self.discriminators},
            {GENERATORS: options.learning_rate, DISCRIMINATORS: options.discriminator_rate},
        )

    def guides_of(self, pictures: Tensor, of_b: bool) -> Tensor:
        """s(x) of pictures of B or of A, [N, 1, H, W]."""
        guides: Tensor = self._from(of_b)(pictures)[1]
        return guides

    def guided(self, pictures: Tensor, guides: Tensor, to_b: bool) -> Tensor:
        """G(x, s) of pictures and guides [N, 1, H, W]."""
        translated: Tensor = self._from(not to_b)(pictures, guides)[0]
        return translated

    def power(self, a: Domain) -> float:
        """E s(a)² of a pixel."""
        return float(in_chunks(lambda some: self.guides_of(some, False), a.inputs()).square().mean())

    def translate(self, pictures: Tensor, guides: Tensor, to_b: bool) -> Tensor:
        """G(x, s(guide)), the guide heard without noise."""
        return self.guided(pictures, self.guides_of(guides, to_b), to_b)

    def capacity_at(self, progress: float) -> float:
        """What the power of guides costs when so much of the training is over.

        At first little, so that guides are drawn by at all; then its price rises, in equal ratios, so that they say
        nothing that a picture can.
        """
        return self.options.capacity * math.pow(CHEAP, max(0.0, 1 - progress / PAID_BY))

    def stay_at(self, progress: float) -> float:
        """What it costs that a translation is not its picture when so much of the training is over; at last nothing.

        While guides are cheap, this has what is shared stay in the picture, and not come from the guide.
        """
        return self.options.stay * max(0.0, 1 - progress / FREE_BY)

    def learn(self, a: Tensor, b: Tensor, progress: float) -> dict[str, Tensor]:
        """One step of the discriminators and one of the generators."""
        a2b, b2a, options = self._from(False), self._from(True), self.options
        guide_a, guide_b = a2b(a)[1], b2a(b)[1]
        half = max(1, len(a) // 2) if options.identity else 0
        in_b, same_b = self._guided(a2b, a, b[:half], guide_b)
        in_a, same_a = self._guided(b2a, b, a[:half], guide_a)
        back_a, again_b = b2a(self._noisy(in_b), self._heard(guide_a))
        back_b, again_a = a2b(self._noisy(in_a), self._heard(guide_b))
        pairs, first = self._pairs(torch.cat((a, b)), torch.cat((back_a, back_b)))

        losses = {"D": self._judge(a, b, in_a.detach(), in_b.detach(), pairs.detach(), first)}
        self.descend(DISCRIMINATORS, losses["D"])
        self.discriminators.requires_grad_(False)
        judges = self.discriminators
        losses["GAN"] = deception_loss(judges["a"](in_a)) + deception_loss(judges["b"](in_b))
        losses["cycle"] = reconstruction_loss(a, back_a) + reconstruction_loss(b, back_b)
        losses["capacity"] = capacity_loss(guide_a) + capacity_loss(guide_b)
        total = options.adversarial * losses["GAN"] + options.cycle * losses["cycle"]
        total = total + self.capacity_at(progress) * losses["capacity"]
        if options.honesty:
            losses["honesty"] = guess_loss(judges["honest"](pairs), ~first)
            total = total + options.honesty * losses["honesty"]
        if options.identity:
            losses["identity"] = reconstruction_loss(a[:half], same_a) + reconstruction_loss(b[:half], same_b)
            total = total + options.identity * losses["identity"]
        if stay := self.stay_at(progress):
            losses["stay"] = reconstruction_loss(a, in_b) + reconstruction_loss(b, in_a)
            total = total + stay * losses["stay"]
        if options.guide:
            losses["guide"] = guide_loss(guide_a, again_a, options.noise) + guide_loss(guide_b, again_b, options.noise)
            total = total + options.guide * losses["guide"]
        self.descend(GENERATORS, total)
        self.discriminators.requires_grad_(True)
        return losses

    def _guided(self, network: nn.Module, pictures: Tensor, own: Tensor, guides: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures translated by guides, and some of the guides' `own` pictures, which should stay as they are."""
        count = len(pictures)
        said = torch.cat((self._heard(guides), self._heard(guides[: len(own)])))
        drawn: Tensor = network(self._noisy(torch.cat((pictures, own))), said)[0]
        return drawn[:count], drawn[count:]

    def _judge(self, a: Tensor, b: Tensor, in_a: Tensor, in_b: Tensor, pairs: Tensor, first: Tensor) -> Tensor:
        """The loss of all discriminators."""
        judges = self.discriminators
        loss = discriminator_loss(*judges["a"](torch.cat((a, in_a))).chunk(2))
        loss = loss + discriminator_loss(*judges["b"](torch.cat((b, in_b))).chunk(2))
        return loss + guess_loss(judges["honest"](pairs), first) if self.options.honesty else loss

    def _pairs(self, pictures: Tensor, reconstructed: Tensor) -> tuple[Tensor, Tensor]:
        """Pairs in random order, and where the original comes first."""
        first = (torch.rand(len(pictures), generator=self.generator) < 0.5).to(self.device)
        return honesty_pairs(pictures, reconstructed, first), first

    def _heard(self, guides: Tensor) -> Tensor:
        return heard(guides, self.options.noise, self.generator)

    def _noisy(self, pictures: Tensor) -> Tensor:
        """Pictures as a generator sees them, some with more noise and some with less.

        On the way back it listens to guides at once, since there is a loss for each pixel. If it could tell by the
        noise which way it goes, it would learn to listen there alone.
        """
        deviations = 2 * self.options.picture_noise * torch.rand(len(pictures), 1, 1, 1, generator=self.generator)
        return heard(pictures, deviations, self.generator)

    def _from(self, b: bool) -> nn.Module:
        """G of pictures of B, or of A."""
        return self.generators["b2a" if b else "a2b"]


def with_seed(seed: int, make: Callable[[], Made]) -> Made:
    """What `make` makes, whose first weights the seed alone decides."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def _discriminators(options: RiftOptions) -> nn.ModuleDict:
    channels = {"a": CHANNELS, "b": CHANNELS, "honest": 2 * CHANNELS}
    return nn.ModuleDict(
        {name: PatchDiscriminator(seen, options.discriminator_width) for name, seen in channels.items()}
    )
