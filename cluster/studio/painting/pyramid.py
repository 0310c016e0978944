"""Which parts of a picture are painted, in what order, and with how many strokes each. It knows nothing of brushes.

Level 0 is the whole canvas, as one square. Each further level has squares of half the side, which overlap by half: no
border of a square is the border of all that lie over it, and every stroke goes on the one canvas, so that there are no
seams. A level has twice as many strokes as the one before it. They go where the error is: to the square with most of
it, which counts for less after each visit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.area_sums import area_sum, summed
from spiral.begun import LEVELS

SIDE = 512  # pixels of the canvas
VISITED = 0.5  # of its error a square counts after each visit
IN_VAIN = 10  # visits one after the other without a stroke, after which a level is left
A_VISIT = (40, 8, 5, 4)  # strokes at most, by level


class Square(NamedTuple):
    """A part of the canvas, in its pixels."""

    left: int
    upper: int
    side: int
    level: int

    def cut(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """This part of a picture [SIDE, SIDE, C]."""
        return picture[self.upper : self.upper + self.side, self.left : self.left + self.side]


def squares(shape: tuple[int, int], level: int) -> list[Square]:
    """The squares of a level that together cover a page of this width and height.

    Args:
        shape: at most `SIDE` each.
        level: from 0, the whole.
    """
    side = SIDE >> level
    lefts, uppers = (range(0, max(1, length - side // 2), max(1, side // 2)) for length in shape)
    return [Square(left, upper, side, level) for upper in uppers for left in lefts]


def shares(strokes: int) -> list[int]:
    """How many of the strokes each level has, the whole first; together they are all."""
    weights = np.cumsum(2.0 ** np.arange(LEVELS))
    ends = np.rint(strokes * weights / weights[-1]).astype(int)
    return [int(share) for share in np.diff(ends, prepend=0)]


class Level:
    """The visits to the squares of one level.

    Args:
        shape: width and height of the page.
        level: from 0, the whole.
    """

    def __init__(self, shape: tuple[int, int], level: int) -> None:
        self._squares = squares(shape, level)
        self._weights = np.ones(len(self._squares))
        self._in_vain = 0

    def next(self, error: NDArray[np.float64]) -> Square | None:
        """The square to go to, and None where there is no error or the last visits were all in vain.

        Args:
            error: of each pixel of the page, [height, width].
        """
        total = summed(error)
        sums = np.array([_inside(total, square) for square in self._squares]) * self._weights
        best = int(sums.argmax())
        return self._squares[best] if sums[best] > 0 and self._in_vain < IN_VAIN else None

    def visited(self, square: Square, kept: int) -> None:
        """Takes note of how many strokes were kept there."""
        self._weights[self._squares.index(square)] *= VISITED
        self._in_vain = 0 if kept else self._in_vain + 1


def _inside(total: NDArray[np.float64], square: Square) -> float:
    """The error in the part of a square that is on the page, from its `summed` errors."""
    height, width = total.shape
    left, upper = min(square.left, width - 1), min(square.upper, height - 1)
    right, lower = min(square.left + square.side, width - 1), min(square.upper + square.side, height - 1)
    return float(area_sum(total, upper, lower, left, right))
