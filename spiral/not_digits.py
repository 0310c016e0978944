"""Counter-examples for the judge of digits: pictures with a digit's ink that are no digits, and pictures with none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]

WHITE = 255
LOST_INK = (0.25, 0.75)


def torn(digits: Pictures, rng: np.random.Generator) -> Pictures:
    """The digits torn apart, uint8 like `digits` [N, H, W, C], in four ways by turns.

    One half slipped along a straight cut; the halves swapped; the four quarters shuffled; a half or a band lost, and a
    quarter to three quarters of the ink with it.
    """
    ways = (_slipped, _swapped, _shuffled, _partly_lost)
    return np.stack([ways[i % len(ways)](digit, rng) for i, digit in enumerate(digits)])


def blank(count: int, size: int, rng: np.random.Generator) -> Pictures:
    """Nearly empty canvases, uint8 [count, size, size, 1]: white or one tone, with faint noise, specks, or both."""
    tone = rng.integers(200, 256, (count, 1, 1)) * np.ones((1, size, size))
    noise = rng.normal(0, 1, (count, size, size)) * rng.uniform(0, 8, (count, 1, 1)) * (rng.random((count, 1, 1)) < 0.5)
    canvases = np.where(rng.random((count, 1, 1)) < 0.5, WHITE, tone) + noise
    rows, columns = np.mgrid[:size, :size]
    for _ in range(3):
        row, column = rng.uniform(0, size, (2, count, 1, 1))
        radius = rng.uniform(0.3, size / 16, (count, 1, 1)) * (rng.random((count, 1, 1)) < 0.5)
        darkness = rng.uniform(50, 255, (count, 1, 1))
        canvases -= darkness * (np.hypot(rows - row, columns - column) < radius)
    return canvases.clip(0, 255).astype(np.uint8)[..., None]


def _slipped(digit: Pictures, rng: np.random.Generator) -> Pictures:
    """One side of a cut near the middle, across the longer extent of the ink, moved along it by 3 to 6 sixteenths."""
    rows, columns = (np.flatnonzero((digit < WHITE // 2).any(axis=(axis, 2))) for axis in (1, 0))
    tall = np.ptp(rows) >= np.ptp(columns) if len(rows) else True
    upright = digit if tall else digit.swapaxes(0, 1)
    side = len(upright)
    cut = side // 2 + int(rng.integers(-side // 16, side // 16 + 1))
    slip = int(rng.integers(3 * side // 16, 6 * side // 16 + 1)) * int(rng.choice((-1, 1)))
    result = upright.copy()
    result[:cut] = np.roll(upright[:cut], slip, axis=1)
    return result if tall else result.swapaxes(0, 1)


def _swapped(digit: Pictures, rng: np.random.Generator) -> Pictures:
    return np.roll(digit, len(digit) // 2, axis=int(rng.integers(2)))


def _shuffled(digit: Pictures, rng: np.random.Generator) -> Pictures:
    """The four quarters in another order, in which none keeps its place."""
    half = len(digit) // 2
    quarters = [digit[row : row + half, column : column + half] for row in (0, half) for column in (0, half)]
    order = rng.permutation(4)
    while np.any(order == np.arange(4)):
        order = rng.permutation(4)
    a, b, c, d = (quarters[i] for i in order)
    return np.concatenate([np.concatenate([a, b], 1), np.concatenate([c, d], 1)])


def _partly_lost(digit: Pictures, rng: np.random.Generator) -> Pictures:
    """White where a half or the middle third was, of those that held about half of the ink, or the nearest to that."""
    side = len(digit)
    parts = [slice(0, side // 2), slice(side // 2, side), slice(side // 3, side - side // 3)]
    regions = [(part, slice(None)) for part in parts] + [(slice(None), part) for part in parts]
    ink = WHITE - digit.astype(np.float64)
    share = np.array([ink[region].sum() for region in regions]) / max(ink.sum(), 1)
    good = np.flatnonzero((share > LOST_INK[0]) & (share < LOST_INK[1]))
    chosen = rng.choice(good) if len(good) else int(np.abs(share - 0.5).argmin())
    result = digit.copy()
    result[regions[chosen]] = WHITE
    return result
