"""How far pictures are from others, by their pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mean_squared_error(renders: NDArray[np.uint8], targets: NDArray[np.uint8]) -> float:
    """The mean over all pixels of (render − target)², with pixels in [0, 1]."""
    difference = (renders.astype(np.float32) - targets.astype(np.float32)) / 255.0
    return float(np.mean(np.square(difference), dtype=np.float64))


def mean_squared_errors(renders: NDArray[np.uint8], targets: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The mean squared error of each of N renders, [N]."""
    pairs = zip(renders, targets, strict=True)
    return np.array([mean_squared_error(render, target) for render, target in pairs])
