"""What the tests of PuppetGAN are made of: posed bars, and small trainings on them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from spiral.methods.dtn.pixels import Pixels
from spiral.methods.puppet_gan.comparing import MODELS, Model
from spiral.methods.puppet_gan.demonstrations import Demonstrations
from spiral.methods.puppet_gan.posing import posed
from spiral.methods.puppet_gan.training import ManipulationOptions, Training

TINY: dict[str, Any] = {
    **{"side": 16, "width": 4, "rest_size": 6, "steps": 3, "batch_size": 6, "pictures": 40},
    **{"rests": 5, "levels": 3, "measured": 12, "references": 3},
}


def bars(lengths: Tensor, angles: Tensor, side: int = 32) -> Tensor:
    """Bars of ink that stand upright and are a tenth wide before they are posed, as networks take them."""
    upright = torch.zeros(1, 1, 200, 200)
    upright[..., 50:150, 90:110] = 1
    drawn = posed(upright.expand(len(lengths), -1, -1, -1), 2 * lengths, angles, side)
    return 2 * drawn.permute(0, 3, 1, 2).float() / 255 - 1


def toy(kind: Model = "puppet_gan", **options: Any) -> Training:
    """Slanted bars: real ones are thick and of any length and slant; demonstrations are thin and show the slant."""
    generator = torch.Generator().manual_seed(0)
    values = torch.linspace(-0.6, 0.6, 4)

    def draw(lengths: Tensor, angles: Tensor) -> Tensor:
        return ((1 + bars(lengths, angles, 16)) * 127.5).byte().permute(0, 2, 3, 1).contiguous()

    lengths = 0.4 + 0.5 * torch.rand(30, generator=generator)
    real = Pixels(draw(lengths, 1.2 * torch.rand(30, generator=generator) - 0.6), torch.zeros(30).long())
    rests = torch.linspace(0.4, 0.9, 5)
    images = draw(rests.repeat_interleave(4), values.repeat(5)).unflatten(0, (5, 4))
    chosen = ManipulationOptions(**{**TINY, "width": 6, "batch_size": 8, "learning_rate": 3e-3, **options})
    return MODELS[kind][1](chosen, real, Demonstrations(images, values, rests), 0)
