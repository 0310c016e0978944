"""Networks from picture to picture: a ResNet generator and an instance-norm PatchGAN, as CycleGAN has them.

(Johnson et al., 2016; Isola et al., 2017; Zhu et al., 2017.) With a width of 64, nine blocks and two halvings of a
generator they have the papers' sizes; the defaults of RIFT are for pictures of 32×32 on a processor. Where the papers
reflect what is beyond the border, here is nothing, which says where the border is. In a generator instance norm stands
within the residual blocks alone: what goes around them keeps its level, so that colours come out as they went in, and
are learned in half as many steps.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from spiral.layers import lay_channels_last

STEEP = 0.2  # slope of a discriminator's units below zero


class ResnetGenerator(nn.Module):
    """Pictures [N, inputs, H, W] → maps [N, outputs, H, W], as they leave the last convolution.

    A stem, so many halvings, residual blocks and as many doublings; H and W are multiples of 2^halvings.
    """

    def __init__(self, inputs: int, outputs: int, width: int, blocks: int, stem: int, halvings: int) -> None:
        super().__init__()
        widths = [width * 2**halving for halving in range(halvings + 1)]
        down = [layer for one, two in pairwise(widths) for layer in (nn.Conv2d(one, two, 3, 2, 1), nn.ReLU())]
        up = [
            layer
            for two, one in pairwise(reversed(widths))
            for layer in (nn.ConvTranspose2d(two, one, 4, 2, 1), nn.ReLU())
        ]
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, width, stem, padding=stem // 2),
            nn.ReLU(),
            *down,
            *(ResidualBlock(widths[-1]) for _ in range(blocks)),
            *up,
            nn.Conv2d(width, outputs, stem, padding=stem // 2),
        )
        self.apply(begin_even)
        lay_channels_last(self)

    def forward(self, pictures: Tensor) -> Tensor:
        """The maps."""
        maps: Tensor = self.layers(pictures.contiguous(memory_format=torch.channels_last))
        return maps


class ResidualBlock(nn.Module):
    """x + two convolutions of x, normalised by instances."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            instance_norm(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            instance_norm(width),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """As large as what was given."""
        changed: Tensor = maps + self.layers(maps)
        return changed


class PatchDiscriminator(nn.Module):
    """Pictures [N, inputs, H, W] → a score for each patch, [N, 1, H/8, W/8].

    It halves three times as the paper's, also where pictures are small: a patch has 54 pixels, so that of 32×32 each
    score is of all. With two halvings a patch has 26, and how large a thing is stays all but unseen.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(inputs, width, 4, 2, 1), nn.LeakyReLU(STEEP)]
        for _ in range(2):
            layers += [nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), instance_norm(2 * width), nn.LeakyReLU(STEEP)]
            width *= 2
        layers += [nn.Conv2d(width, 2 * width, 3, padding=1, bias=False), instance_norm(2 * width)]
        self.layers = nn.Sequential(*layers, nn.LeakyReLU(STEEP), nn.Conv2d(2 * width, 1, 3, padding=1))
        self.apply(begin_even)
        lay_channels_last(self)

    def forward(self, pictures: Tensor) -> Tensor:
        """The scores."""
        scores: Tensor = self.layers(pictures.contiguous(memory_format=torch.channels_last))
        return scores


def instance_norm(width: int) -> nn.Module:
    """Each map of each picture in units of its own spread, around its own mean (Ulyanov et al., 2016)."""
    return nn.InstanceNorm2d(width)


def begin_even(layer: nn.Module) -> None:
    """First weights with which activations keep their spread from layer to layer (He et al., 2015)."""
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
