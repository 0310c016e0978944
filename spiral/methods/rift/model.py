"""The generators and the losses of RIFT, and the bound of its theorem 1.

(Usman, Bashkirova, Saenko: "RIFT: Disentangled Unsupervised Image Translation via Restricted Information Flow".)
Domains A and B share some factors, and each has some of its own; which ones, nobody says. A generator G takes a picture
x and a guide, one more channel, and gives a picture of the other domain, and a guide: what of x would be lost. The
guide of x is s(x), the last channel of G(x, 0). So a is translated as b shows by F(a, b) = G(a, s(b)), and a comes back
from that by the guide s(a).

Two losses restrict how else information may flow. Honesty: a discriminator D sees a and its reconstruction ã in random
order, and must not find out which is which, since what was smuggled in a picture leaves traces. Capacity: a guide is
heard through noise of deviation σ, and its power is a loss, so that it says only what nothing else says:

    MI(a; F(b, a)) ≲ dim(s) · log₂(1 + L/σ²),   L = E‖s(a)‖².                                       (theorem 1)

Pictures are float [N, C, H, W] in [−1, 1], guides [N, 1, H, W]. Adversarial losses are least squares (Mao et al.,
2017).
"""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from spiral.methods.rift.networks import ResnetGenerator
from spiral.section import Section, Size

CHANNELS = 3


class Layout(Section):
    """The sizes of the generators, and the `side` of the pictures; a reward has those of its fit."""

    side: int = Field(default=32, ge=16, le=1024, multiple_of=4)
    width: Size = 16
    blocks: Size = 4
    stem: int = Field(default=5, ge=1, le=15)
    halvings: int = Field(default=1, ge=1, le=2)


class Translator(nn.Module):
    """G from one domain to the other."""

    def __init__(self, channels: int, width: int, blocks: int, stem: int, halvings: int) -> None:
        super().__init__()
        self.network = ResnetGenerator(channels + 1, channels + 1, width, blocks, stem, halvings)

    def forward(self, pictures: Tensor, guides: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The translated pictures, and the guides of the given ones; without guides these are s(x)."""
        if guides is None:
            guides = torch.zeros_like(pictures[:, :1])
        maps: Tensor = self.network(torch.cat((pictures, guides), 1))
        return maps[:, :-1].tanh(), maps[:, -1:]


def translators(layout: Layout) -> nn.ModuleDict:
    """G from A to B and G from B to A, as `a2b` and `b2a`."""
    sizes = (CHANNELS, layout.width, layout.blocks, layout.stem, layout.halvings)
    return nn.ModuleDict({"a2b": Translator(*sizes), "b2a": Translator(*sizes)})


def heard(signal: Tensor, deviation: float | Tensor, generator: torch.Generator) -> Tensor:
    """The signal with Gaussian noise, drawn on the CPU, of that deviation, or of one for each, [N, 1, 1, 1]."""
    return signal + (deviation * torch.randn(signal.shape, generator=generator)).to(signal)


def discriminator_loss(real: Tensor, drawn: Tensor) -> Tensor:
    """E(D(x) − 1)² + E D(G)², of scores [N, 1, h, w] of real pictures and of drawn ones."""
    return (real - 1).square().mean() + drawn.square().mean()


def deception_loss(drawn: Tensor) -> Tensor:
    """E(D(G) − 1)²."""
    return (drawn - 1).square().mean()


def honesty_pairs(pictures: Tensor, reconstructed: Tensor, first: Tensor) -> Tensor:
    """Pictures beside their reconstructions, [N, 2C, H, W]; the original comes first where `first`, bool [N]."""
    chosen = first[:, None, None, None]
    before, after = torch.where(chosen, pictures, reconstructed), torch.where(chosen, reconstructed, pictures)
    return torch.cat((before, after), 1)


def guess_loss(scores: Tensor, first: Tensor) -> Tensor:
    """E(D(pair) − y)², y = 1 where the original comes `first`; generators go down it with the answers turned round."""
    return (scores - first.to(scores)[:, None, None, None]).square().mean()


def reconstruction_loss(pictures: Tensor, again: Tensor) -> Tensor:
    """E|x − x̃|, the mean over pixels as well."""
    return functional.l1_loss(again, pictures)


def capacity_loss(guides: Tensor) -> Tensor:
    """The power of guides, the mean of the squares: L / dim(s)."""
    return guides.square().mean()


def guide_loss(guides: Tensor, again: Tensor, deviation: float) -> Tensor:
    """E(s − s̃)² / (E s² + σ²): how much of what a guide says is not seen in what was drawn by it.

    The guide itself gets no gradient of it, or it would say what is easily seen, which is nothing.
    """
    said = guides.detach()
    return (again - said).square().mean() / (said.square().mean() + deviation**2)


def capacity_bound(dimensions: int, power: float, deviation: float) -> float:
    """Theorem 1: dim(s) · log₂(1 + L/σ²) in bits, of the power L = E‖s‖²."""
    return dimensions * math.log1p(power / deviation**2) / math.log(2)


def gaussian_capacity(dimensions: int, power: float, deviation: float) -> float:
    """½ dim(s) · log₂(1 + L/(dim(s) σ²)) in bits: what the proof of theorem 1 gives before it is rounded up."""
    return dimensions / 2 * math.log1p(power / (dimensions * deviation**2)) / math.log(2)
