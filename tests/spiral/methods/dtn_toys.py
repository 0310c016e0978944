"""Small transfers and pictures for the tests of DTN."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from spiral.methods.dtn.model import (
    Perception,
)
from spiral.methods.dtn.pixels import Pixels
from spiral.methods.dtn.reading import TransferOptions
from spiral.methods.dtn.transfer import Baseline, Transfer

CPU = torch.device("cpu")
TINY: dict[str, Any] = {
    "steps": 6,
    "perception_steps": 4,
    "batch_size": 8,
    "pictures": 24,
    "perception_width": 4,
    "width": 4,
}
DIGITS = {**TINY, "source": "mnist5k", "target": "mnist5k"}


def some_pixels(channels: int = 3, count: int = 24, seed: int = 0) -> Pixels:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 32, 32, channels), np.uint8)
    return Pixels(torch.from_numpy(images), torch.arange(count) % 10)


def toy(kind: str = "transfer", noise: float = 0.0, **changes: Any) -> Transfer | Baseline:
    """A transfer of dark squares on noise into light ones on black, with an f of random weights."""
    changed = {"perception_width": 8, "width": 8, "learning_rate": 5e-3, "alpha": 1, "noise": noise}
    options = TransferOptions(**{**TINY, **changed})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        f = Perception(8)
    images = torch.zeros(24, 32, 32, 1, dtype=torch.uint8)
    for i in range(24):
        images[i, i // 2 : i // 2 + 12, 4:20] = 255
    target = Pixels(images, torch.zeros(24, dtype=torch.int64))
    if kind == "baseline":
        return Baseline(options, f, some_pixels(), target, 0, through_f=False)
    return Transfer(options, f, some_pixels(), target, 0, **changes)
