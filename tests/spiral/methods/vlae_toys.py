"""What the tests of the ladder are made of: a small one, and bars that differ in where and how wide they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spiral.methods.vlae.model import LadderAutoencoder, Layout
from spiral.rewards.base import Setting

CPU = torch.device("cpu")
TINY: dict[str, Any] = {"steps": 6, "batch_size": 8, "pictures": 60, "measured": 40, "triples": 5, "width": 4}
DIGITS = {**TINY, "data": "mnist5k"}


def made(seed: int = 0, **layout: Any) -> LadderAutoencoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LadderAutoencoder(Layout(**{"width": 4, **layout})).eval()


def bars(count: int = 64, side: int = 16) -> Tensor:
    """Dark bars on white, uint8 [N, 1, side, side]: where they are and how wide differs."""
    pictures = torch.full((count, 1, side, side), 255, dtype=torch.uint8)
    for i in range(count):
        left = 2 + i % (side - 8)
        pictures[i, :, 3:-3, left : left + 2 + i % 3] = 0
    return pictures


def noise(seed: int, count: int = 8, shape: tuple[int, int, int] = (16, 16, 1)) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def setting(conditional: bool = True, shape: tuple[int, int, int] = (16, 16, 1)) -> Setting:
    return Setting(shape, conditional, CPU, "float32", 0)
