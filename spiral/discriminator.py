"""The discriminator: a DCGAN-like network that tells renders from real pictures (thesis A.2; Radford et al., 2015).

4×4 convolutions of stride 2 with leaky ReLU halve the picture until it is 4×4, doubling the channels; one linear layer
gives the score. There is no batch normalisation, since the gradient penalty is per picture. A conditional discriminator
sees the target as further channels. With one more hidden layer it learns several times as fast to tell digits from
scribbles that are nearly digits.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from spiral.layers import lay_channels_last
from spiral.section import Count, Section, Size

SLOPE = 0.2
SMALLEST = 4


class NetworkOptions(Section):
    """`width` is the channels of the first convolution, `hidden` a linear layer before the score, 0 for none."""

    width: Size = 64
    hidden: Count = 0


class PictureNetwork(nn.Module):
    """What discriminators have in common: a picture becomes features, and one linear layer makes a score of them.

    Args:
        canvas_shape: height, width and channels of a picture; the sides are 4·2^k.
        pictures: how many are seen beside each other.
        spectral: whether every layer is divided by its largest singular value (Miyato et al., 2018).
        options: the widths of the layers.

    Attributes:
        num_features: that the scoring layer takes.
    """

    def __init__(
        self, canvas_shape: tuple[int, int, int], pictures: int, spectral: bool, options: NetworkOptions
    ) -> None:
        super().__init__()
        width, hidden = options.width, options.hidden
        height, columns, colors = canvas_shape
        if height != columns or height < 2 * SMALLEST or height & (height - 1):
            raise ValueError(f"the discriminator takes square pictures of 8, 16, 32, … pixels, not {height}×{columns}")
        normalize = spectral_norm if spectral else nn.Identity()
        inputs = colors * pictures
        layers = []
        while height > SMALLEST:
            layers.append(normalize(nn.Conv2d(inputs, width, 4, stride=2, padding=1)))
            inputs, width, height = width, 2 * width, height // 2
        self.convolutions = nn.ModuleList(layers)
        flat = inputs * SMALLEST**2
        self.hidden = normalize(nn.Linear(flat, hidden)) if hidden else None
        self.num_features = hidden or flat
        self.score = normalize(nn.Linear(self.num_features, 1))
        lay_channels_last(self)

    def features(self, pictures: Tensor) -> Tensor:
        """What `score` takes, [B, num_features], of pictures [B, C, H, W] in [0, 1]."""
        x = 2.0 * pictures - 1.0
        for convolution in self.convolutions:
            x = F.leaky_relu(convolution(x), SLOPE)
        x = x.flatten(1)
        return x if self.hidden is None else F.leaky_relu(self.hidden(x), SLOPE)


class Discriminator(PictureNetwork):
    """D(x) or D(x | target).

    Args:
        canvas_shape: height, width and channels of a picture; the sides are 4·2^k.
        conditional: whether a target comes with each picture.
        spectral: whether every layer is divided by its largest singular value (Miyato et al., 2018).
        options: the widths of the layers.
    """

    Options: ClassVar[type[Section]] = NetworkOptions

    def __init__(
        self, canvas_shape: tuple[int, int, int], conditional: bool, spectral: bool, options: NetworkOptions
    ) -> None:
        super().__init__(canvas_shape, 1 + conditional, spectral, options)

    def forward(self, pictures: Tensor, targets: Tensor | None = None) -> Tensor:
        """Scores [B] of pictures [B, C, H, W] in [0, 1], given their targets of the same shape."""
        seen = pictures if targets is None else torch.cat((pictures, targets), dim=1)
        scores: Tensor = self.score(self.features(seen))
        return scores.squeeze(1).float()
