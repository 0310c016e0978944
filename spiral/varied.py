"""Targets as people have them: a third of the pictures as if they had come in another size, moved and grainy.

A picture of any size is brought to the agent's canvas by Pillow's bilinear filter. So a target goes to some other size
and back by the same filter, on the way by a part of a pixel to the side, and takes a little noise. What it shows, and
where by the agent's grid, stays the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SHARE = 1 / 3  # of the pictures; the others stay as they are
SIZES = (0.5, 4.0)  # how many times as large as the canvas it was, at least and at most
SHIFT = 0.5  # pixels to either side, at most
NOISE = 4.0  # of 255 levels, the standard deviation at most


def varied(pictures: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Square pictures [N, S, S, C], each left alone or changed, as `rng` decides.

    What lies beyond an edge is like the edge.
    """
    found = pictures.copy()
    for index in np.flatnonzero(rng.random(len(pictures)) < SHARE):
        found[index] = _changed(pictures[index], rng)
    return found


def _changed(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    side = len(picture)
    other = max(1, round(side * np.exp(rng.uniform(*np.log(SIZES)))))
    left, top = 1 + rng.uniform(-SHIFT, SHIFT, 2)
    deviation = rng.uniform(0, NOISE)
    wider = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    part = (left, top, left + side, top + side)
    channels = []
    for channel in np.moveaxis(wider, 2, 0):
        away = Image.fromarray(np.ascontiguousarray(channel)).resize((other, other), Image.Resampling.BILINEAR, part)
        channels.append(np.asarray(away.resize((side, side), Image.Resampling.BILINEAR)))
    grainy = np.stack(channels, axis=2) + deviation * rng.standard_normal(picture.shape)
    return np.rint(grainy).clip(0, 255).astype(np.uint8)
