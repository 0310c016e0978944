"""A painting with few colours: each stroke has that of the palette which is nearest to the one it was to have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.cluster.vq import kmeans2

from envs.actions import ActionSpec
from envs.edits import COLORS

MOST = 256  # colours
SAMPLED = 64  # pixels of the longer side of what they are taken from


def palette_of(picture: Image.Image, colors: int, spec: ActionSpec) -> NDArray[np.int64]:
    """At most so many colours in which the picture loses little, as choices of the heads, [colors, 3]."""
    small = picture.copy()
    small.thumbnail((SAMPLED, SAMPLED), Image.Resampling.BOX)
    pixels = np.asarray(small, np.float64).reshape(-1, 3) / 255
    different = np.unique(pixels, axis=0)
    light = different if len(different) <= colors else kmeans2(pixels, colors, minit="++", rng=0)[0]
    last = np.array([spec.head(name).choices - 1 for name in COLORS])
    return np.unique(np.rint(light * last).astype(np.int64), axis=0)


def with_palette(commands: NDArray[np.int64], palette: NDArray[np.int64], spec: ActionSpec) -> NDArray[np.int64]:
    """The commands [N, heads] in colours of the palette [colors, 3]."""
    places = [spec.index(name) for name in COLORS]
    distances = np.square(commands[:, None, places] - palette).sum(axis=-1)
    changed = commands.copy()
    changed[:, places] = palette[distances.argmin(axis=1)]
    return changed
