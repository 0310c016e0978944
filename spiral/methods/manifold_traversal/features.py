"""Ω: what a VGG network sees in a picture, deep for what is to change, and shallow for what is to stay.

Each layer counts by its mean activation, as the normalised network of the paper has it, so that none drowns the others.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spiral.methods.vgg import Vgg, until

DEEP = ("conv3_1", "conv4_1", "conv5_1")  # Ω_{3,4,5}
SHALLOW = ("conv1_1", "conv2_1")  # Ω_{1,2}
CHUNK = 16  # pictures at a time where nothing is learned
SMALLEST = 1e-6


class Features(nn.Module):
    """Ω of pictures [N, 3, H, W] in [0, 1].

    Args:
        vgg: with the layers `DEEP` and `SHALLOW`; what lies beyond them is left out.
    """

    scales: Tensor

    def __init__(self, vgg: Vgg) -> None:
        super().__init__()
        self.vgg = until(vgg, DEEP[-1])
        self.register_buffer("scales", torch.ones(len(SHALLOW + DEEP)))

    @torch.no_grad()
    def normalize(self, pictures: Tensor) -> None:
        """From now on the mean activation of each layer is 1 on these pictures."""
        seen = [self.vgg(some, SHALLOW + DEEP) for some in pictures.split(CHUNK)]
        for i, name in enumerate(SHALLOW + DEEP):
            total = sum(float(each[name].sum()) for each in seen)
            self.scales[i] = max(total / sum(each[name].numel() for each in seen), SMALLEST)

    def forward(self, pictures: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The deep features [N, D], and the shallow ones of each layer, [N, C, h, w]."""
        seen = self.vgg(pictures, SHALLOW + DEEP)
        layers = [seen[name] / scale for name, scale in zip(SHALLOW + DEEP, self.scales, strict=True)]
        return torch.cat([layer.flatten(1) for layer in layers[len(SHALLOW) :]], dim=1), layers[: len(SHALLOW)]

    @torch.no_grad()
    def deep(self, pictures: Tensor) -> Tensor:
        """The deep features alone, [N, D]."""
        return torch.cat([self(some)[0] for some in pictures.split(CHUNK)])

    def size(self, side: int) -> int:
        """D for pictures of this side."""
        total = 0
        for block, widths in enumerate(self.vgg.blocks):
            total += widths[0] * side**2 if block >= len(SHALLOW) else 0
            side = (side + 1) // 2
        return total
