"""How ink lies in a picture, by its second moments: how long it is, and how far it leans."""

from __future__ import annotations

import torch
from torch import Tensor

NOTHING = 1e-6  # ink, or a spread, below which there is none


def length_of(ink: Tensor) -> Tensor:
    """The spread of ink [N, H, W] along its longest axis, in sides of the picture, [N].

    It turns with nothing, and grows as what is drawn does; of a bar of length L it is L / √12.
    """
    xx, yy, xy = _central(ink)
    longest = (xx + yy) / 2 + ((xx - yy).square() / 4 + xy.square()).sqrt()
    return longest.clamp(min=0).sqrt()


def slant_of(ink: Tensor) -> Tensor:
    """How far ink [N, H, W] leans to the right for a height of one, −μ₁₁ / μ₀₂, [N]: of a bar the tangent of its angle.

    A blank picture leans nowhere.
    """
    _, yy, xy = _central(ink)
    return -xy / yy.clamp(min=NOTHING)


def ink_of(pictures: Tensor) -> Tensor:
    """The ink [N, H, W] of pictures [N, C, H, W] in [−1, 1], dark on white: 1 where it is full."""
    return (1 - pictures.mean(1)).clamp(min=0) / 2


def _central(ink: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The central second moments xx, yy and xy, each [N]."""
    ink = ink / ink.sum((1, 2), keepdim=True).clamp(min=NOTHING)
    height, width = ink.shape[1:]
    y, x = ((torch.arange(side, device=ink.device) + 0.5) / side for side in (height, width))
    across, down = ink.sum(1), ink.sum(2)
    from_x, from_y = x - (across @ x).unsqueeze(1), y - (down @ y).unsqueeze(1)
    xy = torch.einsum("nyx,nx,ny->n", ink, from_x, from_y)
    return (across * from_x.square()).sum(1), (down * from_y.square()).sum(1), xy
