"""Random characters: what `smooth_programs` are to digits, for line drawings of many short strokes.

As in handwriting, strokes go to the right and down, most of them are single curves, and they are written from the top
left to the bottom right. So a program can be told from its picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.actions import ActionSpec
from envs.random_programs import MOVE, PAINT, Floats, as_actions

MOST_STROKES = 8
BENT = 0.2  # share of the strokes that have a second curve, which turns
ROOM = (0.08, 0.92)  # of the canvas, in which all points lie
# Where strokes go: to the right, down, and aslant both ways; share, angle in degrees (clockwise) and its spread.
COURSES = ((0.4, -5.0, 8.0), (0.3, 90.0, 8.0), (0.18, 55.0, 20.0), (0.12, 125.0, 15.0))
LENGTHS = (0.12, 0.75)  # of a curve, in canvas widths
BEND = 0.1  # how far the middle of a curve lies beside it, standard deviation in shares of its length


def random_characters(spec: ActionSpec, count: int, length: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Programs that write up to 8 strokes, each a move and one or two curves, [count, length, heads].

    What is left of the episode are moves on the spot. Size and pressure are those of one pen.

    Args:
        spec: the heads of `spiral/Paint-v0` without colour.
        count: the number of programs.
        length: the number of actions in each, 2 or more.
        rng: decides everything.
    """
    most = min(MOST_STROKES, length // 2)
    strokes = rng.integers(1, most + 1, (2, count)).max(axis=0)  # many more often than few
    there = np.arange(most) < strokes[:, None]
    bent = there & (rng.random((count, most)) < BENT)
    bent &= np.cumsum(bent, axis=1) <= (length - 2 * strokes)[:, None]
    points = _in_writing_order(_strokes(count, most, rng), there)
    end = np.zeros((count, length, 2))
    control = np.zeros((count, length, 2))
    kinds = np.full((count, length), -1)
    begin = np.zeros(count, np.int64)
    for number in range(most):
        start, control_1, end_1, control_2, end_2 = np.moveaxis(points[:, number], 1, 0)
        _write(end, control, kinds, begin, there[:, number], MOVE, start, start)
        _write(end, control, kinds, begin, there[:, number], PAINT, end_1, control_1)
        _write(end, control, kinds, begin, bent[:, number], PAINT, end_2, control_2)
    last = end[np.arange(count), begin - 1]
    end = np.where((kinds < 0)[..., None], last[:, None], end)
    return as_actions(spec, np.where(kinds < 0, MOVE, kinds), control, end, rng)


def _strokes(count: int, most: int, rng: np.random.Generator) -> Floats:
    """The points of strokes of two curves: start, control, end, control and end, [count, most, 5, 2]."""
    shares, angles, spreads = np.array(COURSES).T
    course = rng.choice(len(COURSES), (count, most), p=shares)
    angle = np.radians(angles[course] + spreads[course] * rng.normal(size=(count, most)))
    # A stroke that goes on turns clockwise or counterclockwise, as the corner of a box or a hook.
    turned = angle + rng.choice((-1.0, 1.0), (count, most)) * rng.uniform(0.8, 2.6, (count, most))
    first = _curve(angle, rng)
    second = first[:, :, 1:] + 0.6 * _curve(turned, rng)
    path = np.concatenate((np.zeros((count, most, 1, 2)), first, second), axis=2)
    low, high = ROOM
    middle = path[:, :, :3].mean(axis=2, keepdims=True)
    placed: Floats = path - middle + rng.uniform(low, high, (count, most, 1, 2))
    return np.clip(placed, low, high)


def _curve(angle: Floats, rng: np.random.Generator) -> Floats:
    """Control and end point of curves from the origin that go at an angle, [..., 2, 2]."""
    along = np.stack((np.cos(angle), np.sin(angle)), axis=-1)
    across = np.stack((-np.sin(angle), np.cos(angle)), axis=-1)
    length = rng.uniform(*LENGTHS, (*angle.shape, 1))
    control = length * (0.5 * along + BEND * rng.normal(size=(*angle.shape, 1)) * across)
    return np.stack((control, length * along), axis=-2)


def _in_writing_order(points: Floats, there: NDArray[np.bool_]) -> Floats:
    """The strokes from the top left to the bottom right; those that are not there come last."""
    key = np.where(there, points[:, :, 0, 1] + 0.5 * points[:, :, 0, 0], np.inf)
    order = np.argsort(key, axis=1)
    return np.take_along_axis(points, order[:, :, None, None], axis=1)


def _write(
    end: Floats,
    control: Floats,
    kinds: NDArray[np.int64],
    begin: NDArray[np.int64],
    which: NDArray[np.bool_],
    kind: int,
    to: Floats,
    by: Floats,
) -> None:
    """One action more for the programs `which`, in place."""
    rows = np.flatnonzero(which)
    steps = begin[rows]
    end[rows, steps], control[rows, steps], kinds[rows, steps] = to[rows], by[rows], kind
    begin[rows] += 1
