"""The curves that actions paint: Bézier curves from where the brush is to where it goes.

An action alone does not say its curve, which begins where the action before ended. So curves are read from a few
actions in a row, the last of which is done now. Before the first one the pen was moved to the upper left corner.

With splines, the ends of painting actions that follow each other are points p_0 … p_n of one smooth line, a Catmull–Rom
spline (Catmull & Rom, 1974). From p_i to p_{i+1} it is the cubic Bézier curve with the control points

    p_i + (p_{i+1} − p_{i−1}) / 6   and   p_{i+1} − (p_{i+2} − p_i) / 6,

and beyond its ends it goes on as it began: p_{−1} = 2 p_0 − p_1, and likewise p_{n+1}. A piece is known, and painted,
one action late: when the next point is given, or the move that ends the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.paint_settings import PaintSettings
from envs.strokes import Floats, Strokes, StrokeTable

ROWS = {"curves": 2, "splines": 4}  # how many actions decide what is painted
PARTS = 50  # straight ones, in which the brush goes along a curve


class Curves(NamedTuple):
    """One entry for each canvas, or for each action of a program.

    paint: [N], whether a curve is painted.
    joined: [N], whether it goes on from the curve before, without a move between.
    points: [N, 3, 2], x and y of its beginning, its control point and its end; [N, 4, 2] with two control points.
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


def row_of(actions: Sequence[NDArray[np.integer[Any]]], length: int) -> NDArray[np.integer[Any]]:
    """The last of some actions, each [N, heads], as [length, N, heads]."""
    # Zeros are a move to the upper left corner.
    missing = [np.zeros_like(actions[-1])] * (length - len(actions))
    return np.stack([*missing, *actions[-length:]])


def painted(row: Strokes, strokes: str) -> Curves:
    """The curves that are painted when the last of the actions [ROWS[strokes], N] is done."""
    return _pieces(row) if strokes == "splines" else _curves(row)


def program_curves(settings: PaintSettings, program: NDArray[np.integer[Any]], size: int) -> Curves:
    """The curves that each action of a program [steps, heads] paints on a canvas of `size` pixels."""
    length = ROWS[settings.strokes]
    padded = np.concatenate((np.zeros_like(program, shape=(length - 1, program.shape[1])), program))
    rows = np.stack([padded[place : place + len(program)] for place in range(length)])
    return painted(StrokeTable(settings, size).look_up(rows), settings.strokes)


def _curves(row: Strokes) -> Curves:
    """Quadratic curves, each painted by its own action."""
    points = np.stack((row.end[-2], row.control[-1], row.end[-1]), axis=1)
    return _painted_by(row, -1, points)


def _pieces(row: Strokes) -> Curves:
    """Pieces of splines, each painted when the action after it is known."""
    before, start, end, after = row.end
    before = np.where(row.paint[-3, :, None], before, 2 * start - end)
    after = np.where(row.paint[-1, :, None], after, 2 * end - start)
    points = np.stack((start, start + (end - before) / 6, end - (after - start) / 6, end), axis=1)
    return _painted_by(row, -2, points)


def _painted_by(row: Strokes, place: int, points: Floats) -> Curves:
    """The curves through `points`, as the action at `place` paints them."""
    joined, last = row.paint[place - 1], row.pressure[place]
    pressure = np.stack((np.where(joined, row.pressure[place - 1], last), last), axis=1)
    return Curves(row.paint[place], joined, points, pressure, row.radius[place], row.color[place])


def on_curve(points: Sequence[NDArray[Any]] | NDArray[Any], t: NDArray[np.float64]) -> NDArray[Any]:
    """The points Σ_k C(n, k) (1 − t)^(n−k) t^k p_k of Bézier curves, as the points p_0 … p_n and t broadcast."""
    n = len(points) - 1
    on: NDArray[Any] = sum(comb(n, k) * t**k * (1 - t) ** (n - k) * point for k, point in enumerate(points))
    return on


def lengths(points: Floats) -> NDArray[np.float64]:
    """How long the ways of the brush along curves [N, points, 2] are, [N]."""
    parts = _parts(points.shape[1]) @ points.astype(np.float64)
    length: NDArray[np.float64] = np.hypot(parts[..., 0], parts[..., 1]).sum(axis=1)
    return length


@cache
def _parts(count: int) -> NDArray[np.float64]:
    """How much of each of a curve's points is in each part of the way, [PARTS, count]."""
    t = np.linspace(0, 1, PARTS + 1)[:, None]
    return np.diff(on_curve(np.eye(count), t), axis=0)
