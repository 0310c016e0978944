"""Random programs: uniform ones to test with, and smooth ones that look like handwriting, to warm-start an agent.

A conditional agent that has never painted copies nothing, and ℓ2 pulls it to the blank canvas. Pairs of a program and
its render cost nothing to make, so it first learns to imitate programs from their renders (behaviour cloning). That
helps as far as the renders look like the pictures to come: uniform actions give scribble, so `smooth_programs` draws
as a hand does, in a few pen strokes of connected curves that keep turning the same way, and fits them to the canvas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.actions import ActionSpec

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MOVE, PAINT = 0, 1

# How often a drawing has 1, 2 or 3 pen strokes, and a pen stroke 1, 2, 3 ... curves: the first pen stroke is the body
# of a digit, later ones are mostly bars, as in 4, 5 and 7.
STROKES = (0.6, 0.33, 0.07)
FIRST_CURVES = (0.06, 0.14, 0.2, 0.2, 0.2, 0.12, 0.08)
LATER_CURVES = (0.5, 0.3, 0.15, 0.05)


def random_programs(spec: ActionSpec, count: int, length: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Programs whose sub-actions are independent and uniform, [count, length, heads]."""
    return rng.integers(0, spec.nvec, (count, length, len(spec.heads)))


def smooth_programs(spec: ActionSpec, count: int, length: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Programs that draw like a hand, [count, length, heads].

    The first action moves to where the drawing starts. One to three pen strokes of one to seven curves follow, with a
    move before each. What is left of the episode are moves on the spot, so that programs of any length fit in it.
    Size, pressure and colour are drawn once for a program and seldom change; sub-actions that do not count are 0.

    Args:
        spec: has the location head "end", "control" too unless strokes are splines, and the kind "flag" with 0 for a
            move and 1 for painting.
        count: the number of programs.
        length: the number of actions in each, 2 or more.
        rng: decides everything.

    Raises:
        ValueError: a head that a drawing needs is not there, or it has no room for a move and a curve.
    """
    missing = {"end", "flag"} - {head.name for head in spec.heads}
    if missing:
        raise ValueError(f"smooth programs need the heads end and flag, but {sorted(missing)} are not there")
    if length < 2:
        raise ValueError(f"length is {length}; a drawing needs 2 actions or more, a move and a curve")
    paint, lift = _schedule(count, length, rng)
    drawing = _draw(paint, lift, rng)
    _fit_to_canvas(drawing, rng)
    kinds = np.where(paint, PAINT, MOVE)
    return as_actions(spec, kinds, drawing.control, drawing.end, rng)


def as_actions(
    spec: ActionSpec, kinds: NDArray[np.int64], control: Floats, end: Floats, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Programs of moves and curves, [count, length, heads], from their kinds [count, length] and points [..., 2].

    Points are x and y in canvas widths. Size, pressure and colour are drawn once for a program and seldom change;
    sub-actions that do not count are 0.
    """
    count, length = kinds.shape
    actions = np.zeros((count, length, len(spec.heads)), np.int64)
    actions[..., spec.index("flag")] = kinds
    places = {"control": control, "end": end}
    for head in spec.heads:
        if head.name in places:
            actions[..., spec.index(head.name)] = _cells(places[head.name], head.grid)
        elif head.name != "flag":
            actions[..., spec.index(head.name)] = _persistent(head.choices, count, length, rng)
    actions *= spec.mask(actions)
    return actions


def _schedule(count: int, length: int, rng: np.random.Generator) -> tuple[Bools, Bools]:
    """Which actions paint, and which lift the pen to start a pen stroke, both [count, length]."""
    curves = rng.choice(len(LATER_CURVES), (count, len(STROKES)), p=LATER_CURVES) + 1
    curves[:, 0] = rng.choice(len(FIRST_CURVES), count, p=FIRST_CURVES) + 1
    strokes = rng.choice(len(STROKES), count, p=STROKES) + 1
    curves *= np.arange(len(STROKES)) < strokes[:, None]
    steps = np.arange(length)
    paint = np.zeros((count, length), bool)
    lift = np.zeros((count, length), bool)
    start = np.zeros((count, 1), np.int64)
    for stroke in range(len(STROKES)):
        drawn = curves[:, stroke, None]
        lift |= (steps == start) & (drawn > 0) & (start < length - 1)
        paint |= (steps > start) & (steps <= start + drawn)
        start += np.where(drawn > 0, drawn + 1, 0)
    return paint, lift


@dataclass
class _Drawing:
    """The points of `count` drawings, x and y in canvas widths: `start`, `control`, `end` are [count, length, 2]."""

    paint: Bools
    start: Floats
    control: Floats
    end: Floats


def _draw(paint: Bools, lift: Bools, rng: np.random.Generator) -> _Drawing:
    """Curves that set out along the pen's heading and turn it, before they are fitted to the canvas.

    A quadratic Bézier leaves along (control − start) and arrives along (end − control), so a control point ahead of the
    pen and an end point off at the angle `turn` make connected curves without corners.
    """
    count, length = paint.shape
    drawing = _Drawing(paint, *np.zeros((3, count, length, 2)))
    pen = np.zeros((count, 2))
    stroke_start = pen
    heading = np.zeros(count)
    bend = np.zeros(count)
    for step in range(length):
        lifted, painted = lift[:, step], paint[:, step]
        # The pen comes down near a point where the drawing has been, and there it sets out on a new course.
        visited = drawing.end[np.arange(count), rng.integers(0, max(step, 1), count)]
        landing = visited + rng.choice((0.05, 0.25), (count, 1)) * rng.normal(size=(count, 2))
        pen = np.where(lifted[:, None], landing, pen)
        stroke_start = np.where(lifted[:, None], landing, stroke_start)
        heading = np.where(lifted, rng.uniform(-np.pi, np.pi, count), heading)
        bend = np.where(lifted, rng.choice((-1.0, 1.0), count) * rng.uniform(0.6, 2.2, count), bend)

        heading, bend, turn = _steer(heading, bend, rng)
        legs = rng.uniform(0.15, 0.6, (count, 1)) * rng.dirichlet((8.0, 8.0), count)
        control = pen + legs[:, :1] * _direction(heading)
        end = control + legs[:, 1:] * _direction(heading + turn)
        # The last curve of a stroke that has turned round comes home and closes the loop.
        last = ~paint[:, step + 1] if step + 1 < length else np.ones(count, bool)
        away = np.linalg.norm(stroke_start - pen, axis=1)
        near = (away > 0.15) & (away < 0.6)
        closes = last & near & (rng.random(count) < 0.5)
        end = np.where(closes[:, None], stroke_start, end)

        drawing.start[:, step] = pen
        drawing.control[:, step] = np.where(painted[:, None], control, pen)
        drawing.end[:, step] = pen = np.where(painted[:, None], end, pen)
        heading = np.where(painted, heading + turn, heading)
    return drawing


def _steer(heading: Floats, bend: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Where each pen heads now, how it goes on bending, and by how much this curve turns."""
    count = len(bend)
    bend = np.where(rng.random(count) < 0.2, -bend, bend)
    straight = rng.random(count) < 0.2
    turn = np.where(straight, rng.normal(0, 0.1, count), bend + rng.normal(0, 0.3, count))
    # A corner, as at the top of a 7 or in the middle of a 3.
    corner = rng.random(count) < 0.15
    heading = heading + corner * rng.choice((-1.0, 1.0), count) * rng.uniform(1.3, 2.6, count)
    return heading, bend, turn


def _fit_to_canvas(drawing: _Drawing, rng: np.random.Generator) -> None:
    """Scales and shifts each drawing, in place, to a random extent around the middle of the canvas.

    The longer side becomes 0.5 to 0.75 of the canvas, and the mean of the points lies near its middle (digits of MNIST
    are fitted to 20 of 28 pixels and centred by mass).
    """
    count = len(drawing.paint)
    middle = 0.25 * drawing.start + 0.5 * drawing.control + 0.25 * drawing.end
    points = np.concatenate((drawing.start, middle, drawing.end), axis=1)
    inked = np.tile(drawing.paint, (1, 3))[..., None]
    narrow = np.stack((rng.uniform(0.4, 1.0, count), np.ones(count)), axis=1)
    # Writing starts at the top; that it always does makes the program behind a picture less of a guess.
    mirror = np.where(points[:, 1, 1] > _mean(points, inked)[:, 1], -1.0, 1.0)
    for array in (points, drawing.start, drawing.control, drawing.end):
        array[..., 1] *= mirror[:, None]
    low = np.where(inked, points, np.inf).min(axis=1)
    high = np.where(inked, points, -np.inf).max(axis=1)
    extent = ((high - low) * narrow).max(axis=1)
    scale = np.minimum(rng.uniform(0.5, 0.75, count) / extent, 5.0)
    center = _mean(points, inked)
    target = 0.5 + rng.normal(0, 0.03, (count, 2))
    for array in (drawing.start, drawing.control, drawing.end):
        array -= center[:, None]
        array *= (narrow * scale[:, None])[:, None]
        array += target[:, None]


def _mean(points: Floats, inked: Bools) -> Floats:
    """The mean of the points that were painted, [count, n, 2] and [count, n, 1] → [count, 2]."""
    mean: Floats = points.sum(axis=1, where=inked) / inked.sum(axis=1)
    return mean


def _direction(angle: Floats) -> Floats:
    """Unit vectors, [..., 2], at angles in radians."""
    return np.stack((np.cos(angle), np.sin(angle)), axis=-1)


def _cells(points: Floats, grid: tuple[int, int] | None) -> NDArray[np.int64]:
    """The indices of the grid cells nearest to points (x, y) in canvas widths, [..., 2] → [...]."""
    assert grid is not None, "a head of locations has a grid"
    rows, columns = grid
    column: Floats = np.clip(np.rint(points[..., 0] * columns), 0, columns - 1)
    row: Floats = np.clip(np.rint(points[..., 1] * rows), 0, rows - 1)
    return (row * columns + column).astype(np.int64)


def _persistent(choices: int, count: int, length: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Uniform choices that hold for long: each step changes them with probability 0.05, [count, length]."""
    fresh = rng.integers(0, choices, (count, length))
    changes = rng.random((count, length)) < 0.05
    changes[:, 0] = True
    latest = np.maximum.accumulate(np.where(changes, np.arange(length), 0), axis=1)
    choices_over_time: NDArray[np.int64] = np.take_along_axis(fresh, latest, axis=1)
    return choices_over_time
