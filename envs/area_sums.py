"""Sums over rectangles of a picture, each in four looks, however large they are (Crow: "Summed-area tables", 1984)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Sums = NDArray[np.float64]


def summed(values: NDArray[np.generic]) -> Sums:
    """Sums of all that is above and to the left of each corner of a pixel, [H + 1, W + 1, ...] for [H, W, ...]."""
    sums = np.zeros((values.shape[0] + 1, values.shape[1] + 1, *values.shape[2:]))
    np.cumsum(values, axis=0, out=sums[1:, 1:])
    np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
    return sums


def area_sum(sums: Sums, top: Any, bottom: Any, left: Any, right: Any) -> Any:
    """The sum of the values in rows `top` to `bottom` and columns `left` to `right`, the last ones not counted.

    Args:
        sums: as `summed` has them.
        top, bottom, left, right: numbers, or arrays of one shape [...].

    Returns:
        [...] with the shape of a value behind it.
    """
    return sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
