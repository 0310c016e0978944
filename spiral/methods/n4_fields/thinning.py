"""Edges one pixel wide: by non-maximum suppression, and by taking pixels from the rim of what is thick.

The first is that of structured edge detection (Dollár & Zitnick, 2013, whose settings are the defaults). The second is
the algorithm of Guo and Hall in the form of Lam, Lee and Suen (1992), which the BSDS500 benchmark uses through MATLAB;
it works on many pictures at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, map_coordinates

Edges = NDArray[np.float32]  # [H, W], in [0, 1]


def suppressed(edges: Edges, radius: int = 1, border: int = 5, margin: float = 1.01) -> Edges:
    """The edges where none across is stronger, and 0 elsewhere.

    Args:
        radius: of the pixels across, to both sides.
        border: pixels from the rim of the picture within which edges are weakened, the nearer the more.
        margin: a pixel stays unless one across is stronger by more than this factor.
    """
    angle = orientation(edges)
    y, x = np.indices(edges.shape).astype(np.float64)
    kept = np.ones(edges.shape, bool)
    for step in (each for each in range(-radius, radius + 1) if each):
        across = map_coordinates(edges, (y + step * np.sin(angle), x + step * np.cos(angle)), order=1, mode="nearest")
        kept &= margin * edges >= across
    thinned: Edges = edges * kept
    for axis in (0, 1):
        side = edges.shape[axis]
        near = min(border, side // 2)
        ramp = np.minimum(np.minimum(np.arange(side), np.arange(side)[::-1]) / max(near, 1), 1)
        thinned = thinned * (ramp[:, None] if axis == 0 else ramp)
    return thinned.astype(np.float32)


def orientation(edges: Edges) -> NDArray[np.float64]:
    """The angle across an edge, from 0 to π, by the second derivatives of the smoothed edges, [H, W].

    As published it is atan(tan² θ) with the sign of θ: exact at multiples of 45°, and at most 13° off between them.
    """
    triangle = np.array((1, 2, 3, 4, 5, 4, 3, 2, 1)) / 25
    smooth = convolve1d(convolve1d(edges.astype(np.float64), triangle, 0, mode="reflect"), triangle, 1, mode="reflect")
    slopes_y, slopes_x = _slopes(smooth)
    _, xx = _slopes(slopes_x)
    yy, xy = _slopes(slopes_y)
    side = np.where(xy > 0, -1, 1)  # never 0, as a sign would be where an edge is exactly level
    turned: NDArray[np.float64] = np.mod(np.arctan(yy * side / (xx + 1e-5)), np.pi)
    return turned


def _slopes(picture: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The derivatives down and to the right; 0 along a side of one pixel."""
    down, right = (
        np.gradient(picture, axis=axis) if picture.shape[axis] > 1 else np.zeros_like(picture) for axis in (0, 1)
    )
    return down, right


def thinned(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Masks [..., H, W] with lines of one pixel in place of thick ones, as connected as before."""
    masks = masks.copy()
    while True:
        before = masks.copy()
        for removable in _REMOVABLE:
            masks &= ~removable[_neighborhoods(masks)]
        if (before == masks).all():
            return masks


def _neighborhoods(masks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The eight neighbours of each pixel as bits, from the east counterclockwise."""
    padding = [(0, 0)] * (masks.ndim - 2) + [(1, 1), (1, 1)]
    padded = np.pad(masks, padding).astype(np.uint8)
    height, width = masks.shape[-2:]
    code = np.zeros(masks.shape, np.uint8)
    for bit, (down, right) in enumerate(((1, 2), (0, 2), (0, 1), (0, 0), (1, 0), (2, 0), (2, 1), (2, 2))):
        code |= padded[..., down : down + height, right : right + width] << bit
    return code


def _table(second: bool) -> NDArray[np.bool_]:
    """Which neighbourhoods a pixel may be taken from in the first or the second half of a round, [256]."""
    x = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(bool)  # x1 … x8 of the paper
    following = np.roll(x, -1, axis=1)
    beginnings = ~x[:, ::2] & (x[:, 1::2] | np.roll(x, -2, axis=1)[:, ::2])
    pairs = (x | following)[:, ::2].sum(1), (x | following)[:, 1::2].sum(1)
    fewest = np.minimum(*pairs)
    east, north_east, north, south_east = (x[:, place] for place in ((4, 5, 6, 3) if second else (0, 1, 2, 7)))
    side = (north_east | north | ~south_east) & east
    removable: NDArray[np.bool_] = (beginnings.sum(1) == 1) & (fewest >= 2) & (fewest <= 3) & ~side
    return removable


_REMOVABLE = (_table(second=False), _table(second=True))
