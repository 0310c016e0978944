"""The curves that actions paint: Bézier curves from where the brush is to where it goes.

An action alone does not say its curve, which begins where the action before ended. So curves are read from a few
actions in a row, the last of which is done now. Before the first one the pen was moved to the upper left corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.strokes import Floats, Strokes

ROW = 2  # actions that decide what is painted
PARTS = 50  # straight ones, in which the brush goes along a curve


class Curves(NamedTuple):
    """One entry for each canvas, or for each action of a program.

    paint: [N], whether a curve is painted.
    joined: [N], whether it goes on from the curve before, without a move between.
    points: [N, 3, 2], x and y of its beginning, its control point and its end.
    pressure: [N, 2], 0.1 to 1, at its beginning and its end.
    radius: [N], pixels.
    color: [N, 3], red, green and blue in [0, 1].
    """

    paint: NDArray[np.bool_]
    joined: NDArray[np.bool_]
    points: Floats
    pressure: Floats
    radius: Floats
    color: Floats


def row_of(actions: Sequence[NDArray[np.integer[Any]]]) -> NDArray[np.integer[Any]]:
    """The last of so many actions [heads], or of many canvases' [N, heads], as [ROW, …]."""
    # Zeros are a move to the upper left corner.
    missing = [np.zeros_like(actions[-1])] * (ROW - len(actions))
    return np.stack([*missing, *actions[-ROW:]])


def rows_of(program: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """For every action of a program [steps, heads] the row that ends with it, [ROW, steps, heads]."""
    padded = np.concatenate((np.zeros_like(program, shape=(ROW - 1, program.shape[1])), program))
    return np.stack([padded[place : place + len(program)] for place in range(ROW)])


def painted(row: Strokes) -> Curves:
    """The curves that are painted by the last of the actions [ROW, N]."""
    joined = row.paint[-2]
    points = np.stack((row.end[-2], row.control[-1], row.end[-1]), axis=1)
    first = np.where(joined, row.pressure[-2], row.pressure[-1])
    pressure = np.stack((first, row.pressure[-1]), axis=1)
    return Curves(row.paint[-1], joined, points, pressure, row.radius[-1], row.color[-1])


def on_curve(points: Sequence[NDArray[Any]], t: NDArray[np.float64]) -> NDArray[Any]:
    """The points Σ_k C(n, k) (1 − t)^(n−k) t^k p_k of Bézier curves, as the points p_0 … p_n and t broadcast."""
    n = len(points) - 1
    on: NDArray[Any] = sum(comb(n, k) * t**k * (1 - t) ** (n - k) * point for k, point in enumerate(points))  # type: ignore[assignment]
    return on


def lengths(points: Floats) -> NDArray[np.float64]:
    """How long the ways of the brush along curves [N, points, 2] are, [N]."""
    t = np.linspace(0, 1, PARTS + 1)[:, None]
    way = on_curve(np.moveaxis(points, 1, 0)[:, :, None], t)
    length: NDArray[np.float64] = np.linalg.norm(np.diff(way, axis=1), axis=2).sum(axis=1)
    return length
