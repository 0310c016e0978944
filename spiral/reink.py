"""Pictures drawn again with another pen: the shape stays, the ink changes.

Digits scanned from paper and strokes of a paint engine differ in ink: in darkness, edge, width and evenness. A
classifier fitted to one kind of ink takes the other for a sign of its class, all the more when painted pictures are
among the counter-examples. So digits and counter-examples alike are re-inked while it is fitted. A discriminator may
look through the same glasses: augmenting real and generated pictures alike (Zhao et al., "Differentiable augmentation
for data-efficient GAN training", 2020) leaves it only what every ink has in common, the shapes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

CLEAN_SHARE = 0.15


def reink(ink: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """The pictures with another slant, width, edge, evenness and darkness each; about one in seven is left as it is.

    Args:
        ink: [N, C, H, W] in [0, 1], where 1 is full ink.
        generator: of the random numbers, on the device of `ink`; default: torch's own.
    """
    changed = ink
    for change in (_moved, _widened, _sharpened, _blurred, _uneven):
        changed = change(changed, generator)
    return torch.where(_uniform(ink, 0, 1, generator) < CLEAN_SHARE, ink, changed.clamp(0, 1))


def _uniform(ink: Tensor, low: float, high: float, generator: torch.Generator | None) -> Tensor:
    """A number for each picture, [N, 1, 1, 1]."""
    return ink.new_empty(len(ink), 1, 1, 1).uniform_(low, high, generator=generator)


def _moved(ink: Tensor, generator: torch.Generator | None) -> Tensor:
    """Turned by up to 0.12 radians, slanted by 0.12, scaled by 10 per cent and shifted by a sixteenth of the side."""
    angle, slant, scale_x, scale_y = (_uniform(ink, -1, 1, generator) for _ in range(4))
    angle, slant = 0.12 * angle, 0.12 * slant
    shift_x, shift_y = ink.new_empty(2, len(ink), 1, 1, 1).uniform_(-0.12, 0.12, generator=generator)
    y, x = (_centres(side, ink) for side in ink.shape[-2:])
    y = y[:, None]
    from_x = (1 + 0.1 * scale_x) * angle.cos() * x + (slant - angle.sin()) * y + shift_x
    from_y = angle.sin() * x + (1 + 0.1 * scale_y) * angle.cos() * y + shift_y
    return functional.grid_sample(ink, torch.stack((from_x, from_y), -1).squeeze(1), align_corners=False)


def _centres(side: int, like: Tensor) -> Tensor:
    """Where the middles of so many pixels are, between the edges of the picture at −1 and 1."""
    return (2 * torch.arange(side, dtype=like.dtype, device=like.device) + 1) / side - 1


def _widened(ink: Tensor, generator: torch.Generator | None) -> Tensor:
    """Lines up to two pixels wider or, since thin ones would vanish, only a pixel thinner."""
    amount = _uniform(ink, -0.6, 1, generator)
    sign = amount.sign()
    # The darkest or the lightest neighbour, of which a picture needs only one.
    extreme = sign * _largest_nearby(_largest_nearby(sign * ink, 2), 3)
    return torch.lerp(ink, extreme, amount.abs())


def _largest_nearby(x: Tensor, dim: int) -> Tensor:
    """The largest of each pixel and its two neighbours along `dim`; many times as fast as a pooling layer."""
    last = x.shape[dim] - 1
    largest = x.clone()
    largest.narrow(dim, 0, last).copy_(torch.maximum(x.narrow(dim, 0, last), x.narrow(dim, 1, last)))
    inner = largest.narrow(dim, 1, last)
    inner.copy_(torch.maximum(inner, x.narrow(dim, 0, last)))
    return largest


def _sharpened(ink: Tensor, generator: torch.Generator | None) -> Tensor:
    """Grey edges made up to eight times harder, about a random level of ink."""
    level, gain = _uniform(ink, 0.3, 0.6, generator), _uniform(ink, 1, 8, generator)
    return ((ink - level) * gain + level).clamp(0, 1)


def _blurred(ink: Tensor, generator: torch.Generator | None) -> Tensor:
    smooth = _mean_nearby(_mean_nearby(ink, 2), 3)
    return torch.lerp(ink, smooth, _uniform(ink, 0, 1, generator))


def _mean_nearby(x: Tensor, dim: int) -> Tensor:
    """The mean of each pixel and its neighbours along `dim`; at the edge there is only one."""
    last = x.shape[dim] - 1
    total = x.clone()
    total.narrow(dim, 0, last).add_(x.narrow(dim, 1, last))
    total.narrow(dim, 1, last).add_(x.narrow(dim, 0, last))
    counts = x.new_full((last + 1,), 3.0)
    counts[0] = counts[last] = 2.0
    return total / counts.view(-1, *(1,) * (x.dim() - 1 - dim))


def _between(knots: int, side: int, like: Tensor) -> Tensor:
    """The weights [knots, side] by which so many pixels lie between knots that are equally far from each other."""
    each = torch.eye(knots, dtype=like.dtype, device=like.device)[None]
    return functional.interpolate(each, side, mode="linear", align_corners=True)[0]


def _uneven(ink: Tensor, generator: torch.Generator | None) -> Tensor:
    """As if the pressure changed on the way: darkness by a smooth field, and for all of the picture."""
    field = ink.new_empty(len(ink), 1, 5, 5).uniform_(0, 1, generator=generator)
    rows, columns = (_between(5, side, ink) for side in ink.shape[-2:])
    field = rows.mT @ field @ columns
    return ink * (1 - _uniform(ink, 0, 0.6, generator) * field) * _uniform(ink, 0.5, 1, generator)
