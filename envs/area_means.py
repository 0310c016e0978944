"""Pictures made smaller by a whole factor: each pixel becomes the mean of those that it covers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LARGEST_IN_16_BITS = 16  # 16 x 16 pixels of 255 are fewer than 2^16


def area_means(pictures: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Pictures [..., H, W, C] as [..., H / factor, W / factor, C], halves rounded up.

    The sums are of whole numbers, so that every machine has the same means.
    """
    if factor == 1:
        return pictures
    kind = np.uint16 if factor <= LARGEST_IN_16_BITS else np.uint32
    *others, height, width, channels = pictures.shape
    sums = pictures[..., ::factor, :, :].astype(kind)
    for row in range(1, factor):
        sums += pictures[..., row::factor, :, :]
    blocks = sums.reshape(*others, height // factor, width // factor, factor, channels)
    sums = blocks[..., 0, :].copy()
    for column in range(1, factor):
        sums += blocks[..., column, :]
    return ((sums + factor**2 // 2) // factor**2).astype(np.uint8)
