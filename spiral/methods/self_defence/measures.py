"""The figures of the slides: accuracy and IoU of classes, reconstruction honesty RH, and sensitivity to noise SN(σ).

    RH    = 1/N Σ_i ( ‖G_A(⌊G_B(x_i)⌋) − y_i‖ − ‖G_A(G_B(x_i)) − y_i‖ )
    SN(σ) = 1/N Σ_i   ‖G_A(G_B(x_i) + N(0, σ)) − G_A(G_B(x_i))‖

y_i is what is to be reconstructed, x_i itself, and ⌊·⌋ leaves of a translation what a person reads in it. Whoever reads
in G_B(x) nothing but that has RH 0. Norms are roots of mean squares, in grey levels of 255: the slides' norm divided by
the root of how many numbers a picture has, so that pictures of different sizes can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

LEVELS = 127.5  # for each unit of a picture in [−1, 1]

Reading = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Agreement:
    """How well classes were found: means over the classes that there are, as for segmentations.

    Attributes:
        accuracy: the share of a class's pixels that was found.
        iou: the pixels that both have of a class, in those that any has.
    """

    accuracy: float
    iou: float


def agreement(found: Tensor, right: Tensor, classes: int) -> Agreement:
    """Of classes int64 [N, H, W] with the right ones."""
    table = torch.bincount((classes * right + found).flatten(), minlength=classes**2).view(classes, classes).double()
    both, of_right, of_found = table.diagonal(), table.sum(1), table.sum(0)
    there = of_right > 0
    iou = both / (of_right + of_found - both).clamp(min=1)
    return Agreement(float((both / of_right.clamp(min=1))[there].mean()), float(iou[there].mean()))


def apart(some: Tensor, others: Tensor) -> Tensor:
    """‖x − y‖ of pictures in [−1, 1], in grey levels, [N]."""
    return LEVELS * (some - others).square().flatten(1).mean(1).sqrt()


def honesty(read: Reading, shown: Tensor, quantized: Tensor, originals: Tensor) -> Tensor:
    """The terms of RH, [N]: how much worse the originals are read once what was shown is quantised."""
    return apart(read(quantized), originals) - apart(read(shown), originals)


def sensitivity(read: Reading, shown: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    """The terms of SN(σ), [N]: how much what is read changes by noise of a deviation σ, in units of the pictures."""
    noise = torch.randn(shown.shape, generator=generator).to(shown)
    return apart(read(shown + sigma * noise), read(shown))
