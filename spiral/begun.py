"""Canvases that are painted in part already, as a painter leaves them who went over the whole with a larger brush.

A large picture is painted level by level: the whole first, then ever smaller parts of it. An agent that is to do all
levels has to meet them all while it learns. At level 0 its canvas is empty. At the others it finds a mosaic of the
target: cells of one colour around random places, four times as many with every further level.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEVELS = 4
CELLS = (4, 12)  # at level 1, at least and at most
OFF = 12.0  # of 255, how far the colour of a cell is off, standard deviation


def begun(
    targets: NDArray[np.uint8], empty: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """A canvas uint8 [N, H, W, C] to begin on for each target of the same shape, and its level [N] from 0 to 3.

    Args:
        targets: what is to be painted.
        empty: the canvas of level 0, uint8 [H, W, C].
        rng: decides everything.
    """
    levels = rng.integers(LEVELS, size=len(targets))
    canvases = [
        mosaic(target, int(rng.integers(*CELLS, endpoint=True) * 4 ** (level - 1)), rng) if level else empty
        for target, level in zip(targets, levels, strict=True)
    ]
    return np.stack(canvases), levels


def mosaic(target: NDArray[np.uint8], cells: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The target uint8 [H, W, C] in so many cells, each of the colour that the target has in its middle, nearly."""
    height, width, channels = target.shape
    y, x = rng.integers(height, size=cells), rng.integers(width, size=cells)
    colors = target[y, x] + OFF * rng.normal(size=(cells, channels))
    rows, columns = np.mgrid[:height, :width].reshape(2, -1, 1)
    near = np.argmin((rows - y) ** 2 + (columns - x) ** 2, axis=1)
    painted: NDArray[np.uint8] = np.clip(np.rint(colors), 0, 255).astype(np.uint8)[near].reshape(target.shape)
    return painted
