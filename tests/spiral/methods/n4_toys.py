"""Small networks and pictures for the tests of N4-Fields."""

from __future__ import annotations

import numpy as np
import torch

from spiral.data.annotated import Annotated
from spiral.methods.n4_fields.model import PatchNetwork

CPU = torch.device("cpu")
NARROW = 0.03


def network(channels: int = 3, outputs: int = 16, seed: int = 0) -> PatchNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return PatchNetwork(channels, outputs, NARROW).eval()


def two_halves(size: int = 120) -> Annotated:
    """Dark and light on both sides of a slanted line, which is where the annotation says."""
    y, x = np.indices((size, size))
    segments = (x + 0.4 * y > 0.7 * size).astype(np.int32)
    image = np.repeat((40 + 160 * segments)[..., None], 3, -1).astype(np.uint8)
    return Annotated(image, segments[None], np.ones((size, size), bool))
