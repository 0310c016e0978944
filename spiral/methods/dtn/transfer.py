"""G is learned: the transfer with all or some of its losses, and the baseline that the paper begins with."""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from spiral.descent import descend
from spiral.methods.dtn.model import (
    Discriminator,
    Generator,
    Perception,
    baseline_risk,
    constancy_loss,
    deception_loss,
    discriminator_loss,
    identity_loss,
    in_color,
    kind_loss,
    variation_loss,
)
from spiral.methods.dtn.pixels import CHUNK, Pixels, in_chunks
from spiral.methods.dtn.reading import Sampling, TransferOptions, with_seed
from spiral.methods.normalization import renormalize

Domain = Literal["source", "target"]
Kinds = Callable[[Tensor], Tensor]  # f's activations [N, features] → logits [N, classes]
DECAY = 0.99  # of the average, for each step; at first it is less, so that the beginning is forgotten
NORMALIZED_BY = 5000  # pictures of a domain at most


class Transferring(Sampling):
    """A part that learns G, from pictures of a source and of a target.

    Attributes:
        mapping: G as it learns, or g where G = g ∘ f; of pictures in the first case, of f's activations in the second.
        average: of its weights over some last steps, which is what draws: the game with D takes G to and fro.
        through_f: which of them it is.
        classes: what D tells apart: 3 for the ternary one, 1 for the logit of one that only tells what is real.
        kinds: what f's classifier tells of its activations, where f has one.
    """

    classes: ClassVar[int]

    def __init__(
        self,
        options: TransferOptions,
        perception: Perception,
        source: Pixels,
        target: Pixels,
        seed: int,
        through_f: bool = True,
        kinds: Kinds | None = None,
    ) -> None:
        super().__init__(options.steps, options.batch_size, seed)
        self.options, self.perception, self.through_f, self.kinds = options, perception, through_f, kinds
        self.source, self.target = source, target
        channels, device = target.images.shape[-1], target.images.device

        def make() -> tuple[nn.Sequential, nn.Module]:
            first = nn.Identity() if through_f else Perception(options.perception_width)
            generator = Generator(perception.features, options.width, channels)
            return nn.Sequential(first, generator), Discriminator(channels, options.width, self.classes)

        mapping, discriminator = with_seed(seed, make)
        self.mapping, self.discriminator = mapping.to(device), discriminator.to(device)
        self.average = AveragedModel(self.mapping, avg_fn=_averaged, use_buffers=True).eval().requires_grad_(False)
        self.networks = {"mapping": self.mapping, "discriminator": self.discriminator, "average": self.average}
        self.rates = {"mapping": options.learning_rate, "discriminator": options.discriminator_rate}
        self.optimizers = {
            name: torch.optim.Adam(self.networks[name].parameters(), rate, (0.5, 0.999))
            for name, rate in self.rates.items()
        }
        self._normalized: dict[Domain, Perception] = {}
        self._seen: dict[Domain, Tensor] = {}

    def step(self, progress: float) -> dict[str, float]:
        """One step of D and one of G, at rates that fall over the second half, so that running means keep up."""
        for name, rate in self.rates.items():
            self.optimizers[name].param_groups[0]["lr"] = rate * min(1.0, 2 * (1 - progress))
        losses = self._learn(self.some(self.source), self.some(self.target))
        self.average.update_parameters(self.mapping)
        return losses

    def f_of(self, domain: Domain) -> Perception:
        """f for pictures of the source or of the target, by whose means and deviations its layers are normalised."""
        if domain not in self._normalized:
            pictures = self._pixels(domain).first(NORMALIZED_BY).inputs()
            f = copy.deepcopy(self.perception).requires_grad_(False)
            renormalize(f, pictures.split(CHUNK))
            self._normalized[domain] = f
        return self._normalized[domain]

    def transferred(self, pixels: Pixels, domain: Domain = "source") -> Tensor:
        """G of pictures of the source, or of the target, [N, C, 32, 32] in [−1, 1]."""

        def transfer(pictures: Tensor) -> Tensor:
            drawn: Tensor = self.average(self.f_of(domain)(pictures) if self.through_f else pictures)
            return drawn

        return in_chunks(transfer, pixels.inputs, len(pixels))

    @abstractmethod
    def _learn(self, at_source: Tensor, at_target: Tensor) -> dict[str, float]:
        """The steps on these pictures."""

    def _pixels(self, domain: Domain) -> Pixels:
        return self.source if domain == "source" else self.target

    def _inputs(self, domain: Domain, chosen: Tensor) -> Tensor:
        """What `mapping` learns from, of these pictures: they themselves, or what f sees, through noise.

        What f sees of a picture tells its kind by all activations together, and which of its looks it has by some. g
        cannot rely on some, and draws what the kind looks like.
        """
        if not self.through_f:
            return in_color(self._pixels(domain).inputs(chosen))
        seen = self._seen_by_f(domain)[chosen]
        return seen + self.options.noise * torch.randn(seen.shape, generator=self.generator).to(seen.device)

    def _seen_by_f(self, domain: Domain) -> Tensor:
        """f of all pictures: it is frozen, so that once is enough, but not before it has learned."""
        if domain not in self._seen:
            pixels = self._pixels(domain)
            self._seen[domain] = in_chunks(self.f_of(domain), pixels.inputs, len(pixels))
        return self._seen[domain]

    def _constancy(self, at_source: Tensor, drawn: Tensor, losses: dict[str, Tensor]) -> Tensor:
        """α L_CONST + δ L_KIND of what was drawn of these pictures of the source; both are put among the losses."""
        options, seen, seen_after = self.options, self._seen_by_f("source")[at_source], self.f_of("target")(drawn)
        total = drawn.new_zeros(())
        if options.alpha:
            losses["CONST"] = constancy_loss(seen, seen_after)
            total = total + options.alpha * losses["CONST"]
        if options.delta and self.kinds is not None:
            losses["KIND"] = kind_loss(self.kinds(seen), self.kinds(seen_after))
            total = total + options.delta * losses["KIND"]
        return total

    def _descend(self, name: str, loss: Tensor) -> None:
        descend(loss, self.networks[name], self.optimizers[name], math.inf, f"the {name} of the dtn")


@dataclass(frozen=True)
class Terms:
    """Which terms of the losses count: those of L_CONST, of L_TID, and of L_D and L_GANG."""

    constancy: bool = True
    identity: bool = True
    adversarial: bool = True


class Transfer(Transferring):
    """The domain transfer network, with all of its losses or without some of them (section 4)."""

    classes = 3

    def __init__(
        self,
        options: TransferOptions,
        perception: Perception,
        source: Pixels,
        target: Pixels,
        seed: int,
        through_f: bool = True,
        kinds: Kinds | None = None,
        terms: Terms | None = None,
    ) -> None:
        super().__init__(options, perception, source, target, seed, through_f, kinds)
        self.terms = terms or Terms()

    def _learn(self, at_source: Tensor, at_target: Tensor) -> dict[str, float]:
        # Together, so that what a batch is normalised by is the same for both, as it is afterwards.
        both = torch.cat((self._inputs("source", at_source), self._inputs("target", at_target)))
        drawn, real = self.mapping(both), self.target.inputs(at_target)
        losses: dict[str, Tensor] = {}
        if self.terms.adversarial:
            losses["D"] = discriminator_loss(*self._judged(drawn.detach(), real))
            self._descend("discriminator", losses["D"])
        self._descend("mapping", self._loss(drawn, real, at_source, losses))
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _loss(self, drawn: Tensor, real: Tensor, at_source: Tensor, losses: dict[str, Tensor]) -> Tensor:
        """L_G; its terms are put among the losses."""
        transferred, redrawn = drawn.chunk(2)
        options, terms = self.options, self.terms
        total = drawn.new_zeros(())
        if terms.adversarial:
            losses["GANG"] = deception_loss(*self._judged(drawn, real)[:2])
            total = total + losses["GANG"]
        if terms.constancy:
            total = total + self._constancy(at_source, transferred, losses)
        if terms.identity and options.beta:
            losses["TID"] = identity_loss(real, redrawn)
            total = total + options.beta * losses["TID"]
        if options.gamma:
            losses["TV"] = variation_loss(drawn)
            total = total + options.gamma * losses["TV"]
        return total

    def _judged(self, drawn: Tensor, real: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """D's logits of G(x_s), G(x_t) and x_t, normalised as one batch, as they are afterwards."""
        transferred, redrawn, itself = self.discriminator(torch.cat((drawn, real))).chunk(3)
        return transferred, redrawn, itself


class Baseline(Transferring):
    """R_GAN + α R_CONST with a binary D and a G that learns from source pictures alone (section 3: not through f)."""

    classes = 1

    def _learn(self, at_source: Tensor, at_target: Tensor) -> dict[str, float]:
        drawn, real = self.mapping(self._inputs("source", at_source)), self.target.inputs(at_target)
        losses = {"GAN": baseline_risk(*self.discriminator(torch.cat((drawn.detach(), real))).chunk(2))}
        self._descend("discriminator", -losses["GAN"])
        deceived = baseline_risk(*self.discriminator(torch.cat((drawn, real))).chunk(2))
        self._descend("mapping", deceived + self._constancy(at_source, drawn, losses))
        return {name: float(loss.detach()) for name, loss in losses.items()}


def _averaged(average: Tensor, value: Tensor, count: Tensor | int) -> Tensor:
    """The average after one more value, the first of which was `count` steps ago."""
    decay = min(DECAY, (1 + float(count)) / (10 + float(count)))
    return average.lerp(value, 1 - decay) if value.is_floating_point() else value
