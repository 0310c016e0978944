"""Pictures as they look after they were made smaller: edges smoothed, and moved by a part of a pixel.

A renderer draws the same object at the same place with the same pixels, whose edges are hard. An agent that never saw
others takes any picture that comes from elsewhere, and was reduced to its canvas, for something else. So it is shown
each target through a random filter of three taps along either axis, a coarse form of every way to make a picture
smaller.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLEAN_SHARE = 0.25  # of the pictures, which stay as they are
MOST = 0.4  # of a pixel's light, at most, that comes from either neighbour


def smoothed(pictures: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Pictures [N, H, W, C] after a filter (a, 1 − a − b, b) along rows and columns, a and b uniform up to `MOST`.

    Each picture has its own a and b for either axis. What lies beyond an edge is like the edge.
    """
    light = pictures.astype(np.float32)
    taps = rng.uniform(0, MOST, (2, 2, len(pictures), 1, 1, 1)).astype(np.float32)
    taps *= rng.random(len(pictures))[:, None, None, None] >= CLEAN_SHARE
    for axis, (before, after) in zip((1, 2), taps, strict=True):
        light = light.swapaxes(1, axis)
        filtered = (1 - before - after) * light
        filtered[:, 1:] += before * light[:, :-1]
        filtered[:, :1] += before * light[:, :1]
        filtered[:, :-1] += after * light[:, 1:]
        filtered[:, -1:] += after * light[:, -1:]
        light = filtered.swapaxes(1, axis)
    return np.rint(light).astype(np.uint8)
