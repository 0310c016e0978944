"""Lines as quadratic Bézier curves, few for each line: what a stroke of `spiral/Paint-v0` is.

Of a curve from one point of a line to another, the control point is free; least squares say which comes nearest to the
points between, and how near. A curve is as long as it stays within a tolerance of them, and the next begins at its end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cluster.studio.sketching.lines import Line
from envs.curves import on_curve

EXACT, HOPELESS = 1.0, 12.0  # pixels from a curve, between which a better fit is looked for
ROUNDS = 2

Points = NDArray[np.float64]  # [points, 2], x and y in pixels


class Curve(NamedTuple):
    """A quadratic Bézier curve; each point is x and y in pixels, [2]."""

    start: NDArray[np.float64]
    control: NDArray[np.float64]
    end: NDArray[np.float64]

    def points(self, count: int) -> Points:
        """`count` points on it, its ends among them, [count, 2]."""
        return self.at(np.linspace(0, 1, count))

    def at(self, share: NDArray[np.float64]) -> Points:
        """Its points at shares of it, [...] from 0 to 1, as [..., 2]."""
        t = share[..., None]
        return on_curve(self, t)

    def reversed(self) -> Curve:
        """The same from its end to its start."""
        return Curve(self.end, self.control, self.start)


def fitted(line: Line, tolerance: float) -> list[Curve]:
    """The curves that a line is drawn with, each beginning where the one before ends.

    Args:
        line: two points or more.
        tolerance: pixels that a point may be away from its curve, at most.
    """
    curves: list[Curve] = []
    start = 0
    while start < len(line) - 1:
        reach, step = start + 1, 2
        while step >= 1:  # further by steps that double, then back by halves
            further = min(reach + step, len(line) - 1)
            curve, distance = nearest_curve(line[start : further + 1])
            if distance <= tolerance and further > reach:
                reach, step = further, step * 2
            else:
                step //= 2
        curves.append(nearest_curve(line[start : reach + 1])[0])
        start = reach
    return curves


def nearest_curve(points: Points) -> tuple[Curve, float]:
    """The curve from the first to the last of two points or more that comes nearest, and how far a point is from it.

    At first a point's place on the curve is its place along the line, and then what of the curve is nearest to it.
    """
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.concatenate(([0.0], np.cumsum(steps)))
    share = along / max(along[-1], 1e-9)
    curve = _least_squares(points, share)
    distance = float(np.linalg.norm(curve.at(share) - points, axis=1).max())
    if not EXACT < distance < HOPELESS:
        return curve, distance
    for _ in range(ROUNDS):
        share, _ = _nearest_on(curve, points)
        curve = _least_squares(points, share)
    return curve, float(_nearest_on(curve, points)[1].max())


def _least_squares(points: Points, share: NDArray[np.float64]) -> Curve:
    """The curve from the first to the last point that is nearest to the others at these shares of it."""
    start, end, t = points[0], points[-1], share[:, None]
    weight = 2 * t * (1 - t)
    rest = points - (1 - t) ** 2 * start - t**2 * end
    total = float((weight**2).sum())
    return Curve(start, (weight * rest).sum(axis=0) / total if total > 0 else (start + end) / 2, end)


def _nearest_on(curve: Curve, points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each point what share of the curve is nearest, and how far, both [points]."""
    shares = np.linspace(0, 1, 2 * len(points))
    distances, places = cKDTree(curve.at(shares)).query(points)
    return shares[places], distances
