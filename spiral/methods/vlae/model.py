"""The ladder of inference and generation, and the losses of its two forms.

(Zhang et al.: "MMD variational ladder autoencoder"; the ladder is that of Zhao, Song, Ermon: "Learning Hierarchical
Features from Generative Models", 2017.) Inference goes up in steps h_l = f_l(h_{l−1}) from h_0 = x, and at each a code
is read off, z_l ~ N(μ_l(h_l), σ_l(h_l)): the low ones through few layers, the high ones through many. Generation comes
down, h̃_l = g_l(h̃_{l+1}, z_l), and ends in a picture x̂. With the prior p(z_l) = N(0, 1) the losses are

    L_MMD = reconstruction · mean |x − x̂| + regularization · Σ_l MMD(q(z_l), p(z_l))                        (2.4)
    L_KL  = Σ |x − x̂| / b + Σ_l KL(q(z_l | x) ‖ p(z_l)),

of which the second is the negative ELBO of a Laplace likelihood of scale b. A picture is float [N, C, side, side] in
[0, 1]; codes are lists with one [N, latents] for each ladder, the lowest first.
"""

from __future__ import annotations

import math
from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from spiral.agent import as_pictures
from spiral.layers import lay_channels_last
from spiral.section import Section, Size

LEAST_DEVIATION = 1e-3
FIRST_DEVIATION = 0.1  # of codes; where they begin as noise like the prior, MMD has nothing to say and they stay it
GATE = 0.1  # of a ladder's part in a gated addition, at first
COARSE = 8  # pixels of a picture are a place of a state as a low code knows it: what it tells is of the whole picture
SLOPE = 0.1  # of leaky rectifiers below zero
Codes = list[Tensor]


class Layout(Section):
    """The networks: `convolutions` halve the side and double the channels from `width` on; `latents` are of a ladder.

    Ladder l reads what the l-th convolution gave, and the highest what a layer of 16 · `width` gives after the last.
    With a width of 64 the channels are the paper's, 64 to 128 or 512, and 1,024. Standard deviations of the codes are
    below `most_deviation`. The paper's 1 lets a code be nothing but noise, which is like the prior, so that MMD has no
    fault to find; with less it must have something to say.
    """

    side: int = Field(default=32, ge=4, le=512)
    channels: Literal[1, 3] = 1
    ladders: int = Field(default=3, ge=1, le=8)
    latents: int = Field(default=2, ge=1, le=512)
    convolutions: int = Field(default=2, ge=1, le=8)
    width: Size = 32
    merge: Literal["gated-addition", "concatenation"] = "gated-addition"
    most_deviation: float = Field(default=0.3, gt=FIRST_DEVIATION, le=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.side % 2**self.convolutions:
            raise ValueError(
                f"side={self.side} cannot be halved convolutions={self.convolutions} times: give a multiple of "
                f"{2**self.convolutions}, or fewer convolutions"
            )
        if self.ladders > self.convolutions + 1:
            raise ValueError(
                f"ladders={self.ladders} is more than convolutions={self.convolutions} can carry: give at most "
                f"{self.convolutions + 1} ladders, or more convolutions"
            )
        return self

    def shape(self, level: int) -> tuple[int, int, int]:
        """What so many convolutions make of a picture: channels, height and width."""
        side = self.side // 2**level
        return (self.width * 2 ** (level - 1) if level else self.channels, side, side)

    def coarse(self, level: int) -> tuple[int, int, int]:
        """The same as low codes know it."""
        channels, side, _ = self.shape(level)
        side = min(side, max(1, self.side // COARSE))
        return (channels, side, side)


class Encoder(nn.Module):
    """q(z | x)."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        steps: list[nn.Module] = [_down(layout, level) for level in range(1, layout.ladders)]
        coarse = [layout.coarse(level) for level in range(1, layout.ladders)]
        rest = [_down(layout, level) for level in range(layout.ladders, layout.convolutions + 1)]
        whole = _size(layout.shape(layout.convolutions))
        steps.append(nn.Sequential(*rest, nn.Flatten(), *_layer(whole, 16 * layout.width)))
        self.steps = nn.ModuleList(steps)
        looks = [nn.Sequential(nn.AdaptiveAvgPool2d(side), nn.Flatten()) for _, side, _ in coarse]
        self.looks = nn.ModuleList([*looks, nn.Identity()])
        sizes = (*map(_size, coarse), 16 * layout.width)
        self.heads = nn.ModuleList(nn.Linear(size, 2 * layout.latents) for size in sizes)
        self.most_deviation = layout.most_deviation
        for head in self.heads:
            first = _logit(FIRST_DEVIATION / layout.most_deviation)
            nn.init.constant_(head.get_parameter("bias")[layout.latents :], first)
        lay_channels_last(self)

    def forward(self, pictures: Tensor) -> tuple[Codes, Codes]:
        """Means and standard deviations of the codes."""
        means, deviations, state = [], [], 1 - pictures  # as ink, since the border of a picture is 0
        for step, look, head in zip(self.steps, self.looks, self.heads, strict=True):
            state = step(state)
            mean, spread = head(look(state)).chunk(2, dim=1)
            means.append(mean)
            deviations.append(self.most_deviation * spread.sigmoid() + LEAST_DEVIATION)
        return means, deviations


class Rung(nn.Module):
    """g_l: the state from above and a code become the state below, or the picture at the end."""

    def __init__(self, layout: Layout, level: int) -> None:
        super().__init__()
        shape = layout.shape(level)
        coarse = layout.coarse(level)
        self.lifted = nn.Sequential(
            *_layer(layout.latents, _size(coarse)),
            nn.Unflatten(1, coarse),
            nn.Upsample(shape[1:], mode="bilinear", align_corners=False),
        )
        added = layout.merge == "gated-addition"
        self.gate = nn.Parameter(torch.full(shape, GATE)) if added else None
        mixed = nn.Conv2d(shape[0] * (1 if added else 2), shape[0], 3, padding=1, bias=False)
        self.down = nn.Sequential(mixed, nn.BatchNorm2d(shape[0]), nn.LeakyReLU(SLOPE), *_up(layout, level))

    def forward(self, above: Tensor, code: Tensor) -> Tensor:
        """The state one level below."""
        own = self.lifted(code)
        merged = torch.cat((above, own), dim=1) if self.gate is None else above + self.gate * own
        below: Tensor = self.down(merged)
        return below


class Decoder(nn.Module):
    """The mean of p(x | z)."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        highest = layout.shape(layout.convolutions)
        self.top = nn.Sequential(
            *_layer(layout.latents, 16 * layout.width),
            *_layer(16 * layout.width, _size(highest)),
            nn.Unflatten(1, highest),
            *(layer for level in range(layout.convolutions, layout.ladders - 1, -1) for layer in _up(layout, level)),
        )
        self.rungs = nn.ModuleList(Rung(layout, level) for level in range(layout.ladders - 1, 0, -1))
        lay_channels_last(self)

    def forward(self, codes: Codes) -> Tensor:
        """Pictures."""
        state = self.top(codes[-1])
        for rung, code in zip(self.rungs, reversed(codes[:-1]), strict=True):
            state = rung(state, code)
        pictures: Tensor = 1 - state.sigmoid()
        return pictures


class LadderAutoencoder(nn.Module):
    """Encoder and decoder."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout
        self.encoder, self.decoder = Encoder(layout), Decoder(layout)

    def forward(self, pictures: Tensor, generator: torch.Generator) -> tuple[Tensor, Codes, Codes, Codes]:
        """Pictures x̂ from codes that are drawn by the `generator` of the CPU; those codes, their means and spreads."""
        means, deviations = self.encoder(pictures)
        codes = [
            mean + deviation * torch.randn(mean.shape, generator=generator).to(mean)
            for mean, deviation in zip(means, deviations, strict=True)
        ]
        return self.decoder(codes), codes, means, deviations


def kernel(some: Tensor, others: Tensor) -> Tensor:
    """k(z, z') = exp(−‖z − z'‖² / d²) of codes of d numbers, [N, d] and [M, d] → [N, M]."""
    squared = (some.unsqueeze(1) - others.unsqueeze(0)).square().sum(2)
    return torch.exp(-squared / some.shape[1] ** 2)


def mmd(some: Tensor, others: Tensor) -> Tensor:
    """The squared discrepancy of the means of two sets [N, d] and [M, d] in the kernel's space, by all pairs (2.3)."""
    return kernel(some, some).mean() + kernel(others, others).mean() - 2 * kernel(some, others).mean()


def divergence(mean: Tensor, deviation: Tensor) -> Tensor:
    """KL(q(z | x) ‖ p(z)) for normal codes [N, d], in nats, its mean over the pictures."""
    each = 0.5 * (mean.square() + deviation.square() - 1) - deviation.log()
    return each.sum(1).mean()


def as_inputs(pixels: Tensor, layout: Layout) -> Tensor:
    """Pictures uint8 [N, H, W, 1 or 3] of any size as the networks take them."""
    pictures = as_pictures(pixels)
    if pictures.shape[1] > layout.channels:
        pictures = pictures.mean(1, keepdim=True)
    elif pictures.shape[1] < layout.channels:
        pictures = pictures.expand(-1, layout.channels, -1, -1)
    if pictures.shape[-2:] == (layout.side, layout.side):
        return pictures
    return functional.interpolate(pictures, (layout.side, layout.side), mode="bilinear", antialias=True)


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def _size(shape: tuple[int, int, int]) -> int:
    return shape[0] * shape[1] * shape[2]


def _layer(before: int, after: int) -> tuple[nn.Module, ...]:
    return nn.Linear(before, after, bias=False), nn.BatchNorm1d(after), nn.LeakyReLU(SLOPE)


def _down(layout: Layout, level: int) -> nn.Module:
    """The convolution from one level to the next."""
    before, after = layout.shape(level - 1)[0], layout.shape(level)[0]
    return nn.Sequential(nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(SLOPE))


def _up(layout: Layout, level: int) -> tuple[nn.Module, ...]:
    """The deconvolution from a level to the one below; to the picture it is the last layer."""
    before, after = layout.shape(level)[0], layout.shape(level - 1)[0]
    if level == 1:
        return (nn.ConvTranspose2d(before, after, 4, 2, 1),)
    return nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(SLOPE)
