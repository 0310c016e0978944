"""The networks and the losses of self-defence for cycle-consistent translation.

(Bashkirova, Usman, Saenko: "Adversarial Self-Defense for Cycle-Consistent GANs", NeurIPS 2019.) G_B turns pictures of a
domain A into such of a domain B, and G_A turns them back; no picture of A is paired with one of B. A CycleGAN has

    L(G) = (D_B(G_B(a)) − 1)² + (D_A(G_A(b)) − 1)² + λ (|G_A(G_B(a)) − a| + |G_B(G_A(b)) − b|)

and reconstructs all too well, since it hides in G_B(a) what B has no place for. Two defences:

    noise   G_A(G_B(a) + N(0, σ)) in place of G_A(G_B(a)): what is hidden has to outshout the noise;
    guess   D_guess sees a and its reconstruction in random order and says which is which: 0, the first is the original,
            1, the second is. What was hidden is a trace that it finds; G is trained on the flipped answer.

Adversarial losses are least squares (Mao et al., 2017). A picture is float [N, 3, side, side] in [−1, 1].
"""

from __future__ import annotations

from typing import Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from spiral.section import Section, Size

LARGE = 128  # from this side on networks are the paper's: kernels of 7, generators halve twice, patches of 70 pixels
# Below, patches have 16 pixels, and discriminators and the ends of generators do without instance normalisation, which
# takes the light of a picture away: so they learn to bring pictures back in a fraction of the steps.
SLOPE = 0.2  # of what a discriminator's activations let through below 0


class Layout(Section):
    """The sizes of the networks: `side` of the pictures, `width` of the first layers, `blocks` in the middle.

    The paper's have `side=256 width=64 blocks=9`.
    """

    side: int = Field(default=32, ge=16, le=1024)
    width: Size = 16
    blocks: int = Field(default=3, ge=2, le=32)

    @model_validator(mode="after")
    def _halves_twice(self) -> Self:
        if self.side % 4:
            raise ValueError(f"side={self.side}, which cannot be halved twice: give a multiple of 4")
        return self

    @property
    def halvings(self) -> int:
        """Of the side in a generator: small pictures have no detail to spare."""
        return 2 if self.is_large else 1

    @property
    def is_large(self) -> bool:
        """Whether the networks are the paper's."""
        return self.side >= LARGE

    @property
    def channels(self) -> int:
        """In the middle of a generator."""
        return int(self.width * 2**self.halvings)


class Block(nn.Module):
    """x + f(x), where f is two convolutions (He et al., 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Features of the same shape."""
        added: Tensor = features + self.layers(features)
        return added


def encoder(layout: Layout) -> nn.Sequential:
    """Pictures → features [N, channels, side / 2^halvings, side / 2^halvings]."""
    width, kernel = layout.width, _outer_kernel(layout)
    layers: list[nn.Module] = [
        nn.Conv2d(3, width, kernel, padding=kernel // 2, padding_mode="reflect"),
        nn.InstanceNorm2d(width) if layout.is_large else nn.Identity(),
        nn.ReLU(),
    ]
    for _ in range(layout.halvings):
        layers += [nn.Conv2d(width, 2 * width, 3, 2, 1), nn.InstanceNorm2d(2 * width), nn.ReLU()]
        width *= 2
    return nn.Sequential(*layers)


def blocks(layout: Layout, count: int) -> nn.Sequential:
    """So many residual blocks."""
    return nn.Sequential(*(Block(layout.channels) for _ in range(count)))


def decoder(layout: Layout, styled: bool = False) -> nn.Sequential:
    """Features → pictures; `styled` keeps the means of features, in which a style is, beside each other."""
    width, kernel = layout.channels, _outer_kernel(layout)
    layers: list[nn.Module] = []
    for _ in range(layout.halvings):
        width //= 2
        norm = nn.InstanceNorm2d(width) if layout.is_large and not styled else nn.GroupNorm(1, width)
        # Kernels of 4 lie over each other evenly, where the published 3 leave a chessboard in small pictures.
        layers += [nn.ConvTranspose2d(2 * width, width, 4, 2, 1), norm, nn.ReLU()]
    layers += [nn.Conv2d(width, 3, kernel, padding=kernel // 2, padding_mode="reflect"), nn.Tanh()]
    return nn.Sequential(*layers)


def generator(layout: Layout) -> nn.Sequential:
    """G: pictures of one domain → pictures of the other."""
    return nn.Sequential(encoder(layout), blocks(layout, layout.blocks), decoder(layout))


def discriminator(layout: Layout, channels: int = 3, normalized: bool = True) -> nn.Sequential:
    """D: pictures [N, channels, side, side] → a map of judgements of patches, [N, 1, …].

    Patches are a quarter to a half of the side. D_guess never normalises, since it must see the light.
    """
    halvings, normalized = (3, normalized) if layout.is_large else (1, False)
    width = layout.width
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(SLOPE)]
    for number in range(1, halvings + 1):
        stride = 2 if number < halvings else 1
        layers.append(nn.Conv2d(width, 2 * width, 4, stride, 1))
        width *= 2
        layers += [nn.InstanceNorm2d(width), nn.LeakyReLU(SLOPE)] if normalized else [nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers, nn.Conv2d(width, 1, 4, 1, 1))


def guesser(layout: Layout) -> nn.Sequential:
    """D_guess: two pictures, one above the other in the channels → near 0 where the first looks like the original."""
    return discriminator(layout, channels=6, normalized=False)


def guess_pairs(originals: Tensor, copies: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pairs in random order, [N, 6, side, side], and the right answers [N, 1, 1, 1]: 1 where the copy comes first."""
    copy_first = torch.rand(len(originals), 1, 1, 1, generator=generator).to(originals) < 0.5
    first, second = torch.where(copy_first, copies, originals), torch.where(copy_first, originals, copies)
    return torch.cat((first, second), dim=1), copy_first.to(originals)


def least_squares(judgements: Tensor, answer: Tensor | float) -> Tensor:
    """The mean squared difference of judgements from the answer that is wanted."""
    return (judgements - answer).square().mean()


def told_apart(guesses: Tensor, answers: Tensor) -> float:
    """The share of pairs that D_guess gets right; ½ where it cannot tell."""
    return float(((guesses.detach().mean((1, 2, 3)) > 0.5) == (answers.flatten() > 0.5)).float().mean())


def traces(guess: nn.Module, originals: Tensor, copies: Tensor) -> Tensor:
    """How surely D_guess tells copies from their originals in either order, [N]: 0 not at all, ½ beyond doubt.

    ½ (D(copy, original) − D(original, copy)); nothing else is 0 for a perfect copy whatever D has learned.
    """
    copy_first, copy_last = torch.cat((copies, originals), dim=1), torch.cat((originals, copies), dim=1)
    judged: Tensor = guess(torch.cat((copy_first, copy_last))).mean((1, 2, 3))
    first, last = judged.chunk(2)
    return (first - last) / 2


def _outer_kernel(layout: Layout) -> int:
    return 7 if layout.is_large else 3
