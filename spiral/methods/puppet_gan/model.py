"""PuppetGAN's networks and losses (Usman, Dufour, Saenko, Bregler, ICCV 2019).

Real pictures a have no labels. Synthetic ones come in demonstrations (b1, b2, b3): b3 shows the rest of b2 with the
attribute of b1. An encoder E of both kinds splits what it sees into the attribute α and the rest ρ; two decoders draw
with them, R real pictures and S synthetic ones:

    L_rec   = |R(α(a), ρ(a)) − a| + |S(α(b1), ρ(b1)) − b1|                    reconstruction
    L_dis   = |S(α(b1), ρ(b2)) − b3|                                          disentanglement
    L_cyc   = |R(E(S(E(a)))) − a| + |S(E(R(E(b1)))) − b1|                     cycles
    L_attrS = |S(α(ã), ρ(b2)) − b3|,  ã = R(α(b1), ρ(a))                      attribute cycles, the compositional
    L_attrR = |R(α(b̃), ρ(a)) − a|,    b̃ = S(α(a), ρ(b1))                      losses: no decoder ignores an input
    L_restR = |R(α(a), ρ(ã)) − a|                                             beyond the slides: ã has the rest of a

with means of absolute differences; and discriminators of least squares (Mao et al., 2017) judge what is drawn. A
picture is float [N, C, side, side] in [−1, 1].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from spiral.layers import lay_channels_last
from spiral.section import Section, Size

SLOPE = 0.2  # of a leaky ReLU below zero
WIDEST = 8  # layers grow up to so many times the first one
GROUPS = 4  # of channels that are normalised together
FAINT = 0.02  # first weights of what draws, which so begins in grey
TOLD_BY = 3  # layers of a discriminator, each of half the side, before its verdicts


class Layout(Section):
    """Sizes: of pictures, of layers, and of the two parts of the bottleneck; a width of 64 is the paper's.

    The bottleneck has the paper's 128 numbers. How many are the attribute's is not known: here few, so that little
    leaks.
    """

    side: Literal[16, 32, 64, 128] = 32
    channels: Literal[1, 3] = 1
    width: Size = 16
    attribute_size: Size = 2
    rest_size: Size = 126

    @property
    def widths(self) -> list[int]:
        """The channels of the encoder's layers, the last of which leaves one pixel."""
        return [self.width * min(2**layer, WIDEST) for layer in range(int(math.log2(self.side)))]


class Code(NamedTuple):
    """What the encoder sees in pictures: float [N, attribute_size] and float [N, rest_size]."""

    attribute: Tensor
    rest: Tensor

    def with_attribute_of(self, other: Code) -> Code:
        """The rest of this, and the attribute of the other."""
        return Code(other.attribute, self.rest)

    def parts(self, count: int) -> list[Code]:
        """As many codes of equal length."""
        return [Code(*part) for part in zip(self.attribute.chunk(count), self.rest.chunk(count), strict=True)]


def joined(codes: Sequence[Code]) -> Code:
    """One code of all."""
    return Code(torch.cat([code.attribute for code in codes]), torch.cat([code.rest for code in codes]))


class Encoder(nn.Module):
    """E: pictures → code, by convolutions of 4×4 that halve the side down to one pixel."""

    def __init__(self, layout: Layout, rest_size: int | None = None) -> None:
        super().__init__()
        self.sizes = (layout.attribute_size, rest_size or layout.rest_size)
        channels = [layout.channels, *layout.widths]
        layers: list[nn.Module] = []
        for before, after in zip(channels[:-2], channels[1:-1], strict=True):
            layers += [nn.Conv2d(before, after, 4, 2, 1), _normalization(after), nn.LeakyReLU(SLOPE)]
        layers += [nn.Conv2d(channels[-2], channels[-1], 4, 2, 1), nn.LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1], sum(self.sizes)))
        _prepare(self)

    def forward(self, pictures: Tensor) -> Code:
        """The code."""
        attribute, rest = self.layers(pictures).split(self.sizes, 1)
        return Code(attribute, rest)


class Decoder(nn.Module):
    """R or S: code → pictures, by transposed convolutions that double the side, and a hyperbolic tangent."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        widths = layout.widths[::-1]
        layers: list[nn.Module] = [nn.Linear(layout.attribute_size + layout.rest_size, widths[0]), nn.LeakyReLU(SLOPE)]
        layers.append(nn.Unflatten(1, (widths[0], 1, 1)))
        for before, after in zip(widths[:-1], widths[1:], strict=True):
            layers += [nn.ConvTranspose2d(before, after, 4, 2, 1), _normalization(after), nn.LeakyReLU(SLOPE)]
        last = nn.ConvTranspose2d(widths[-1], layout.channels, 4, 2, 1)
        self.layers = nn.Sequential(*layers, last, nn.Tanh())
        _prepare(self)
        nn.init.normal_(last.weight, 0, FAINT)

    def forward(self, code: Code) -> Tensor:
        """The pictures."""
        drawn: Tensor = self.layers(torch.cat((code.attribute, code.rest), 1))
        return drawn


class Discriminator(nn.Module):
    """Pictures → verdicts of their patches, [N, 1, side / 8, side / 8]: 1 for what is of the kind, 0 for drawn."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        channels = [layout.width * 2**layer for layer in range(TOLD_BY)]
        layers: list[nn.Module] = [nn.Conv2d(layout.channels, channels[0], 4, 2, 1), nn.LeakyReLU(SLOPE)]
        for before, after in zip(channels[:-1], channels[1:], strict=True):
            layers += [nn.Conv2d(before, after, 4, 2, 1), _normalization(after), nn.LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels[-1], 1, 3, padding=1))
        _prepare(self)

    def forward(self, pictures: Tensor) -> Tensor:
        """The verdicts."""
        verdicts: Tensor = self.layers(pictures)
        return verdicts


class Puppet(nn.Module):
    """E, R and S."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.encoder = Encoder(layout)
        self.real = Decoder(layout)
        self.synthetic = Decoder(layout)


def encoded(encoder: Encoder, *pictures: Tensor) -> list[Code]:
    """The codes of several batches of equal length, seen at once."""
    code: Code = encoder(torch.cat(pictures))
    return code.parts(len(pictures))


def apart(drawn: Tensor, wanted: Tensor) -> Tensor:
    """The mean absolute difference."""
    return (drawn - wanted).abs().mean()


def discrimination_loss(real: Tensor, drawn: Tensor) -> Tensor:
    """E (D(x) − 1)² + E D(drawn)², from the verdicts."""
    return (real - 1).square().mean() + drawn.square().mean()


def deception_loss(drawn: Tensor) -> Tensor:
    """E (D(drawn) − 1)², from the verdicts."""
    return (drawn - 1).square().mean()


def noisy(pictures: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    """The pictures with noise, so that nothing can be hidden in them that no eye sees."""
    return pictures + deviation * torch.randn(pictures.shape, generator=generator).to(pictures)


def _normalization(channels: int) -> nn.Module:
    """Of each picture by itself, so that the domains, and pictures that are judged together, have no part in it."""
    return nn.GroupNorm(math.gcd(GROUPS, channels), channels)


def _prepare(network: nn.Module) -> None:
    """First weights with which activations keep their spread from layer to layer (He et al., 2015)."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            inputs = (
                layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels * layer.kernel_size[0] ** 2
            )
            if isinstance(layer, nn.ConvTranspose2d):
                inputs //= layer.stride[0] ** 2  # a pixel is met by as many fewer
            nn.init.normal_(layer.weight, 0, math.sqrt(2 / (1 + SLOPE**2) / inputs))
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # all have one
    lay_channels_last(network)
