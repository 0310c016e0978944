"""Pictures made smaller by a whole factor: each pixel becomes the mean of those that it covers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def area_means(pictures: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Pictures [..., H, W, C] as [..., H / factor, W / factor, C], halves rounded up; with a factor of 1 themselves.

    The sums are of whole numbers, so that every machine has the same means.
    """
    if factor == 1:
        return pictures
    *others, height, width, channels = pictures.shape
    rows = pictures[..., ::factor, :, :].astype(np.uint32)
    for row in range(1, factor):
        rows += pictures[..., row::factor, :, :]
    blocks = rows.reshape(*others, height // factor, width // factor, factor, channels)
    sums = blocks[..., 0, :].copy()
    for column in range(1, factor):
        sums += blocks[..., column, :]
    return ((sums + factor**2 // 2) // factor**2).astype(np.uint8)
