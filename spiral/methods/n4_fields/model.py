"""N4-Fields (Ganin & Lempitsky, "N4-Fields: Neural Network Nearest Neighbor Fields for Image Transforms", ACCV 2014).

A network maps a patch P of M×M pixels to a neural code CNN(P) of 16 numbers. A patch of N×N pixels in its middle is
annotated by that of the patch in a dictionary whose code is closest (thesis 3.3.2),

    F(P) = A(P_k),   k = argmin_i ‖CNN(P_i) − CNN(P)‖.

The thesis gives the network in figure 3.3 alone. Its sizes close: 34 → 28 → 14 → 10 → 5 → 3 → 1 by a convolution of 7
and pooling, one of 5 and pooling, one of 3, and two layers of 768 with dropout before the output.

The codes of all patches of a picture come from maps that they share. Pooling halves a map and loses every other place;
where these are wanted, it is done at each offset, and the maps of the offsets go on side by side, as if shifted
pictures had been fed (Sermanet et al., 2013), but what does not depend on the offset is there once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from spiral.devices import autocast
from spiral.layers import joined, lay_channels_last

M, N = 34, 16
BEFORE, AFTER = M // 2, M // 2 - 1  # pixels of a patch before and after the one that it stands for
EDGE = (M - N) // 2  # from the edge of a patch to what it is annotated in
Stride = Literal[1, 2, 4, 8]  # pixels from one patch to the next
WIDTHS = (96, 128, 256, 768)
FIRST_NORM = 3.0  # at most, of each filter of the first layer
DEVIATION = 0.25  # about that of the values of pictures from 0 to 1, by which they are divided


class PatchNetwork(nn.Module):
    """The network of figure 3.3 for pictures of at least 34×34 pixels, float [B, C, H, W] with a mean near zero.

    Args:
        channels: of a picture.
        outputs: 16 for codes, 1 or 256 where pixels are classified.
        width: the layers' sizes in shares of the thesis's.
        dropout: the share of the two layers before the last that is left out while it learns.
    """

    def __init__(self, channels: int, outputs: int, width: float = 1.0, dropout: float = 0.5) -> None:
        super().__init__()
        first, second, third, full = (max(1, round(width * size)) for size in WIDTHS)
        self.first = nn.Conv2d(channels, first, 7)
        self.second = nn.Conv2d(first, second, 5)
        answer = nn.Conv2d(full, outputs, 1)
        self.last = nn.Sequential(
            *(nn.Conv2d(second, third, 3), nn.ReLU(inplace=True)),
            *(nn.Conv2d(third, full, 3), nn.ReLU(inplace=True), nn.Dropout(dropout)),
            *(nn.Conv2d(full, full, 1), nn.ReLU(inplace=True), nn.Dropout(dropout)),
            answer,
        )
        for layer in (self.first, self.second, *self.last):
            if isinstance(layer, nn.Conv2d):  # with torch's own beginning, a network for one pixel learns very slowly
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        nn.init.normal_(answer.weight, std=0.01)
        lay_channels_last(self)

    def forward(self, pictures: Tensor, stride: int = 4) -> Tensor:
        """The outputs for all patches, from one to the next `stride` pixels, [B, outputs, …, …]."""
        maps = self.first(pictures.contiguous(memory_format=torch.channels_last))
        # The largest first, and then what is below 0 cut off, of a quarter of the numbers: that is the same.
        maps = self.second(_pooled(maps, 2 if stride == 1 else 1).relu_())
        maps = _pooled(maps, 2 if stride < 4 else 1).relu_()
        outputs: Tensor = self.last(maps) if stride <= 4 else self._every_other(maps)
        for offsets in (2 if stride < 4 else 1, 2 if stride == 1 else 1):
            outputs = _interleaved(outputs, offsets)
        return outputs

    def _every_other(self, maps: Tensor) -> Tensor:
        """What `last` says at every other place in both directions; from its second layer on no other is computed."""
        whole = self.last[2]
        assert isinstance(whole, nn.Conv2d), "the layer that sees all of a patch"
        outputs: Tensor = self.last[3:](functional.conv2d(self.last[:2](maps), whole.weight, whole.bias, stride=2))
        return outputs

    @torch.no_grad()
    def limit_filters(self) -> None:
        """Scale down the filters of the first layer whose norm is above the limit (thesis 3.3.3)."""
        norms = self.first.weight.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        self.first.weight.mul_((FIRST_NORM / norms.clamp(min=1e-12)).clamp(max=1))


def dense(network: PatchNetwork, picture: Tensor, stride: int, precision: str = "float32") -> Tensor:
    """The outputs [outputs, ⌈H / stride⌉, ⌈W / stride⌉] for the patches around every `stride`-th pixel of [C, H, W].

    Args:
        precision: `float32` or `bfloat16`, of what the layers compute; outputs are float32.
    """
    height, width = picture.shape[1:]
    block = max(4, stride)
    more = (-height % block, -width % block)
    padded = np.pad(picture.cpu().numpy(), ((0, 0), *((BEFORE, AFTER + extra) for extra in more)), mode="symmetric")
    with autocast(picture.device, precision):
        outputs: Tensor = network(torch.from_numpy(padded)[None].to(picture.device), stride)[0].float()
    return outputs[:, : -(-height // stride), : -(-width // stride)]


def as_inputs(image: NDArray[np.uint8], mean: Sequence[float] | Tensor, device: torch.device) -> Tensor:
    """A picture uint8 [H, W, C] less the mean colour, in deviations, [C, H, W]."""
    picture = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).to(device).float() / 255
    return (picture - torch.as_tensor(mean, device=device).view(-1, 1, 1)) / DEVIATION


def _pooled(maps: Tensor, offsets: int) -> Tensor:
    """Maxima of squares of two, from each offset 0 … offsets − 1 in both directions, [offsets² · B, …]."""
    shifted = [maps[:, :, down:, right:] for down in range(offsets) for right in range(offsets)]
    pooled = [functional.max_pool2d(each, 2) for each in shifted]
    height, width = (min(each.shape[axis] for each in pooled) for axis in (2, 3))
    return joined([each[:, :, :height, :width] for each in pooled])


def _interleaved(maps: Tensor, offsets: int) -> Tensor:
    """The maps of all offsets [offsets² · B, D, H, W] as one, [B, D, offsets · H, offsets · W]."""
    if offsets == 1:
        return maps
    _, depth, height, width = maps.shape
    apart = maps.view(offsets, offsets, -1, depth, height, width)
    return apart.permute(2, 3, 4, 0, 5, 1).reshape(-1, depth, offsets * height, offsets * width)
