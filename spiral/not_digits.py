"""Counter-examples for the judge of digits: pictures with a digit's ink that are no digits, and pictures with none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]

WHITE = 255
LOST_INK = (0.25, 0.75)


def torn(digits: Pictures, rng: np.random.Generator) -> Pictures:
    """The digits torn apart, uint8 like `digits` [N, H, W, C], in four ways by turns.

    One half slipped along a straight cut; the halves swapped; the four quarters shuffled; a half, a quarter or a band
    lost together with a quarter to three quarters of the ink.
    """
    ways = (_slipped, _swapped, _shuffled, _partly_lost)
    return np.stack([ways[i % len(ways)](digit, rng) for i, digit in enumerate(digits)])


def blank(count: int, size: int, rng: np.random.Generator) -> Pictures:
    """Nearly empty canvases, uint8 [count, size, size, 1]: an even tone, faint noise, up to three specks, or all of them."""
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
    """One side of a cut near the middle moved along it by 3 to 6 sixteenths of the canvas, to either side."""
    turned = _turned(digit, rng)
    side = len(turned)
    cut = side // 2 + int(rng.integers(-side // 16, side // 16 + 1))
    slip = int(rng.integers(3 * side // 16, 6 * side // 16 + 1)) * int(rng.choice((-1, 1)))
    result = turned.copy()
    result[:cut] = WHITE
    if slip > 0:
        result[:cut, slip:] = turned[:cut, :-slip]
    else:
        result[:cut, :slip] = turned[:cut, -slip:]
    return _turned_back(result, turned, digit)


def _swapped(digit: Pictures, rng: np.random.Generator) -> Pictures:
    return np.roll(digit, len(digit) // 2, axis=int(rng.integers(2)))
