"""The networks of chapter 4: modules that predict where each pixel comes from, the sampler, the lightness correction.

An eye I, its feature points and an angle α become input maps; a module of convolutions makes a flow of them:

    O_coarse = S(I, D_coarse)                    S(I, D)(x, y) = I{x + D(x, y, 1), y + D(x, y, 2)}    (4.3.1, 4.3.2)
    O = S(I, D_coarse + D_res)                                                                        (4.3.3, 4.3.4)
    O_final = O (1 − M) + M                                                                           (4.3.6)

The coarse module works at half the scale, and the residual flow D_res comes from a module that sees its results. M is a
map in [0, 1] by which pixels are blended with white. All that it has to remember is 240 kB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH, HEIGHT = 51, 41  # of an eye region
ANCHORS = 7  # six along the edge of the eye, and the pupil
ANGLES = 2  # up and to the right, in degrees
EMBEDDED = 16  # maps of the angles
MAPS = 3 + EMBEDDED + 2 * ANCHORS
WIDTHS, KERNELS = (16, 32, 32, 32), (5, 3, 3, 1)
FEATURES = WIDTHS[2]  # of the third convolution, which the lightness correction sees
FULL_ANGLE = 30.0  # degrees that the networks see as 1
FLOW_UNIT = (WIDTH - 1) / 2  # pixels that a flow of 1 moves
Kind = Literal["single", "multi", "coarse-to-fine", "corrected"]


@dataclass(frozen=True)
class Redirected:
    """What a network makes of a batch of eyes.

    Attributes:
        output: O_final, or O where the network has no lightness correction, [B, 3, H, W] in [0, 1].
        warped: O, [B, 3, H, W] in [0, 1].
        flow: D, in pixels to the right and down, [B, 2, H, W].
        lightness: M, [B, 1, H, W], or None where the network has no such module.
    """

    output: Tensor
    warped: Tensor
    flow: Tensor
    lightness: Tensor | None = None


class Convolutions(nn.Module):
    """Convolutions that keep the size, each with batch normalisation and ReLU: `third` is seen by others."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        layers = [
            nn.Sequential(
                nn.Conv2d(before, width, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(width), nn.ReLU()
            )
            for before, width, kernel in zip((maps, *WIDTHS), WIDTHS, KERNELS, strict=False)
        ]
        self.to_third, self.last = nn.Sequential(*layers[:3]), layers[3]

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The activations of the third and of the last convolution."""
        third = self.to_third(maps)
        return third, self.last(third)


class Warper(nn.Module):
    """One of the networks of section 4.4.3.

    Args:
        kind: `single` has one module at the scale of the picture (SS); `multi` predicts one flow from features of two
            scales (MS); `coarse-to-fine` warps twice (CFW); `corrected` corrects the lightness too (CFW + LCM), and no
            gradient leads from this correction to the warps.
    """

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind = kind
        self.angle = nn.Sequential(nn.Linear(ANGLES, EMBEDDED), nn.ReLU(), nn.Linear(EMBEDDED, EMBEDDED), nn.ReLU())
        warps_twice = kind in ("coarse-to-fine", "corrected")
        self.fine = Convolutions(MAPS + (3 + 2 if warps_twice else 0))
        self.fine_flow = _to_flow(WIDTHS[-1] * (2 if kind == "multi" else 1))
        if kind != "single":
            self.coarse = Convolutions(MAPS)
        if warps_twice:
            self.coarse_flow = _to_flow(WIDTHS[-1])
        if kind == "corrected":
            self.lightness = _to_lightness()

    def forward(self, eyes: Tensor, anchors: Tensor, angles: Tensor) -> Redirected:
        """Eyes [B, 3, H, W] in [0, 1], turned by angles [B, 2] in degrees; feature points [B, 7, 2] are in pixels."""
        embedded = self.angle(angles / FULL_ANGLE)
        size = (eyes.shape[-2], eyes.shape[-1])
        maps = input_maps(eyes, anchors, embedded)
        if self.kind == "single":
            return _warped(eyes, self.fine_flow(self.fine(maps)[1]))
        half = functional.avg_pool2d(maps, 3, 2, 1, count_include_pad=False)  # centred on every second pixel
        coarse_third, coarse_last = self.coarse(half)
        if self.kind == "multi":
            both = torch.cat((self.fine(maps)[1], _enlarged(coarse_last, size)), 1)
            return _warped(eyes, self.fine_flow(both))
        coarse = _enlarged(self.coarse_flow(coarse_last), size)
        seen = torch.cat((maps, sample(eyes, FLOW_UNIT * coarse), coarse), 1)
        third, last = self.fine(seen)
        warped = _warped(eyes, coarse + self.fine_flow(last))
        if self.kind == "coarse-to-fine":
            return warped
        seen = torch.cat((third, _enlarged(coarse_third, size), warped.output), 1).detach()
        lightness = self.lightness(seen)
        return Redirected(lightened(warped.output.detach(), lightness), warped.warped, warped.flow, lightness)


def input_maps(eyes: Tensor, anchors: Tensor, embedded: Tensor) -> Tensor:
    """The stack of input maps, [B, 33, H, W]: colours, the embedded angles, and how far each feature point is (4.3.5).

    Distances are in widths of the picture, so that they are about as large as the colours.
    """
    batch, _, height, width = eyes.shape
    x = torch.arange(width, device=eyes.device, dtype=eyes.dtype).expand(height, width)
    y = torch.arange(height, device=eyes.device, dtype=eyes.dtype).unsqueeze(1).expand(height, width)
    places = torch.stack((x, y))
    offsets = (places - anchors[..., None, None]).flatten(1, 2) / width
    constant = embedded[..., None, None].expand(batch, EMBEDDED, height, width)
    return torch.cat((eyes, constant, offsets), 1)


def sample(pictures: Tensor, flow: Tensor) -> Tensor:
    """S(I, D): pictures [B, C, H, W] at the places that the flow [B, 2, H, W], in pixels, points to (4.3.2).

    Beyond the border the picture goes on as it is there.
    """
    _, _, height, width = pictures.shape
    x = torch.arange(width, device=flow.device, dtype=flow.dtype) + flow[:, 0]
    y = torch.arange(height, device=flow.device, dtype=flow.dtype).unsqueeze(1) + flow[:, 1]
    grid = torch.stack((2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1), -1)
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=True)


def lightened(pictures: Tensor, lightness: Tensor) -> Tensor:
    """O (1 − M) + M: nearer to white by as much as M says (4.3.6)."""
    return pictures * (1 - lightness) + lightness


def distance(output: Tensor, truth: Tensor) -> Tensor:
    """The mean of the squared differences to the truth, [B].

    The truth may have a margin on all sides; then the smallest over all crops of the output's size is taken (4.4.1).
    """
    height, width = output.shape[-2:]
    rows, columns = truth.shape[-2] - height + 1, truth.shape[-1] - width + 1
    found = [
        (output - truth[..., i : i + height, j : j + width]).square().mean((1, 2, 3))
        for i in range(rows)
        for j in range(columns)
    ]
    return torch.stack(found).amin(0)


def size_in_bytes(network: nn.Module) -> int:
    """Of all that a network has to remember."""
    return sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())


def _to_flow(features: int) -> nn.Conv2d:
    layer = nn.Conv2d(features, 2, 1)
    nn.init.normal_(layer.weight, std=0.01)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # there is one
    return layer


def _to_lightness() -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in ((2 * FEATURES + 3, 8), (8, 8)):
        layers += [nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    last = nn.Conv2d(8, 1, 1)
    nn.init.normal_(last.weight, std=0.01)
    nn.init.constant_(last.bias, -5.0)  # type: ignore[arg-type]  # it begins with almost no correction
    return nn.Sequential(*layers, last, nn.Sigmoid())


def _enlarged(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(maps, size, mode="bilinear", align_corners=True)


def _warped(eyes: Tensor, flow: Tensor) -> Redirected:
    """Eyes moved by a flow in units of half a picture."""
    warped = sample(eyes, FLOW_UNIT * flow)
    return Redirected(warped, warped, FLOW_UNIT * flow)
