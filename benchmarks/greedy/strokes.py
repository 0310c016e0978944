"""The strokes that are tried: where the error is, along what is seen there, in its colour, and others near a good one.

A stroke is a row of eleven whole numbers, the indices of a move of the pen and of the curve that follows it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.feature import structure_tensor

from envs.actions import ActionSpec
from envs.area_sums import Sums, area_sum, summed
from envs.curves import on_curve
from envs.paint_settings import PaintSettings

GRID = 128
COLUMNS = ("x0", "y0", "xc", "yc", "x1", "y1", "pressure", "size", "red", "green", "blue")
PRESSURE, SIZE, COLOR = 6, 7, slice(8, 11)
PRESSURES, INTENSITIES = 10, 20
LARGEST, SMALLEST, SIZES = 1 / 8, 1 / 320, 12  # radii, as shares of the canvas, and how many there are
SIGMA = 3.0  # pixels within which the direction of what is seen is looked for
ALONG = 0.75  # of the strokes go along it, more or less
ACROSS = 0.4  # radians, by which they are off
SHORTEST, LONGEST = 0.7, 12.0  # of a stroke, in radii
Strokes = NDArray[np.int64]


def settings_for(size: int, brush: str, strokes: int) -> PaintSettings:
    """The settings of a painting of `size` pixels, in each of whose strokes is a move and a curve.

    Raises:
        SettingsError: a number is out of range.
    """
    radii = np.geomspace(SMALLEST, LARGEST, SIZES) * size
    return PaintSettings(
        canvas_size=size,
        episode_length=2 * strokes,
        grid_size=GRID,
        brush=brush,
        brush_sizes=tuple(round(float(radius), 2) for radius in radii),
    )


def to_actions(spec: ActionSpec, strokes: Strokes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The moves and the curves of strokes [N, 11], each [N, heads]."""
    moves, curves = (np.zeros((len(strokes), len(spec.heads)), np.int64) for _ in range(2))
    start, control, end = (strokes[:, i] + GRID * strokes[:, i + 1] for i in (0, 2, 4))
    moves[:, spec.index("end")] = start
    curves[:, spec.index("flag")] = 1
    curves[:, spec.index("control")], curves[:, spec.index("end")] = control, end
    for column in range(PRESSURE, len(COLUMNS)):
        curves[:, spec.index(COLUMNS[column])] = strokes[:, column]
    return moves, curves


class Proposals:
    """Random strokes for one picture.

    Args:
        target: the picture, uint8 [H, W, 3].
        settings: of the canvas, which is as large as its longer side.
        rng: decides all.
    """

    def __init__(self, target: NDArray[np.uint8], settings: PaintSettings, rng: np.random.Generator) -> None:
        self._height, self._width, _ = target.shape
        self._cell = settings.canvas_size / GRID
        self._radii = np.array(settings.brush_sizes)
        self._colors = summed(target / 255)
        self._directions = _directions(target)
        self._rng = rng

    def anywhere(self, error: Sums, level: float, count: int) -> Strokes:
        """Strokes where the error is large, [count, 11].

        Args:
            error: `summed` squares of the error.
            level: the size about which theirs are, as an index.
            count: how many.
        """
        rng = self._rng
        sizes = np.rint(rng.normal(level, 1.3, count)).clip(0, SIZES - 1).astype(np.int64)
        centers = np.stack([self._place(error, self._radii[size]) for size in sizes])
        column, row = centers.astype(int).T
        angles = self._directions[row, column] + rng.normal(0, ACROSS, count)
        angles = np.where(rng.random(count) < ALONG, angles, rng.uniform(0, np.pi, count))
        lengths = self._radii[sizes] * np.exp(rng.uniform(np.log(SHORTEST), np.log(LONGEST), count))
        along = np.stack((np.cos(angles), np.sin(angles)), axis=1) * lengths[:, None]
        bend = along[:, ::-1] * (-1, 1) * rng.normal(0, 0.25, (count, 1))
        points = np.stack((centers - along / 2, centers + bend, centers + along / 2), axis=1)
        strokes = np.zeros((count, len(COLUMNS)), np.int64)
        strokes[:, :PRESSURE] = np.rint(points / self._cell).reshape(count, -1)
        strokes[:, PRESSURE] = PRESSURES - 1 - np.abs(rng.normal(0, 2.5, count)).astype(int)
        strokes[:, SIZE] = sizes
        strokes = self._within(strokes)
        strokes[:, COLOR] = np.rint(self._seen_under(strokes) * (INTENSITIES - 1))
        return strokes

    def near(self, stroke: NDArray[np.int64], count: int) -> Strokes:
        """Strokes that differ a little from one [11], each in one way, [count, 11]."""
        rng = self._rng
        strokes = np.repeat(stroke[None], count, axis=0)
        reach = self._radii[stroke[SIZE]] / self._cell
        for one, kind in zip(strokes, rng.integers(7, size=count), strict=True):
            if kind < 3:  # an end, or what bends it
                one[2 * kind : 2 * kind + 2] += self._steps(max(1, reach), 2)
            elif kind == 3:
                one[:PRESSURE] += np.tile(self._steps(max(1, reach / 2), 2), 3)
            elif kind == 4:
                one[SIZE] += rng.choice((-1, 1))
            elif kind == 5:
                one[PRESSURE] += rng.choice((-2, -1, 1, 2))
            else:
                one[COLOR] += rng.integers(-1, 2, 3)
        return self._within(strokes)

    def _place(self, error: Sums, radius: float) -> NDArray[np.float64]:
        """A point, x and y in pixels, in a block about as large as the brush, by the square of the error in it."""
        side = max(4, int(radius))
        rows, columns = ([*range(0, end, side), end] for end in (self._height, self._width))
        corners = error[np.ix_(rows, columns)]
        blocks = np.diff(np.diff(corners, axis=0), axis=1).clip(0)
        weights = np.cumsum(blocks.ravel() ** 2)
        chosen = np.searchsorted(weights, self._rng.random() * weights[-1], side="right").clip(0, blocks.size - 1)
        row, column = divmod(int(chosen), blocks.shape[1])
        low, high = np.array((columns[column], rows[row])), np.array((columns[column + 1], rows[row + 1]))
        return np.asarray(low + self._rng.random(2) * (high - low))

    def _steps(self, reach: float, count: int) -> NDArray[np.int64]:
        """Whole numbers about zero, not all of them zero."""
        steps = np.rint(self._rng.normal(0, reach, count)).astype(np.int64)
        if not steps.any():
            steps[self._rng.integers(count)] = self._rng.choice((-1, 1))
        return steps

    def _within(self, strokes: Strokes) -> Strokes:
        right, down = (min(GRID - 1, int(side / self._cell)) for side in (self._width, self._height))
        most = [right, down] * 3 + [PRESSURES - 1, SIZES - 1] + [INTENSITIES - 1] * 3
        return strokes.clip(0, most)

    def _seen_under(self, strokes: Strokes) -> NDArray[np.float64]:
        """The mean colour of the picture under strokes [N, 11], in [0, 1], [N, 3]."""
        t = np.linspace(0, 1, 9)[None, :, None]
        points = on_curve([strokes[:, None, i : i + 2] * self._cell for i in (0, 2, 4)], t)
        half = np.maximum(self._radii[strokes[:, SIZE]] / 2, 0.5)[:, None]
        left, right = _bounds(points[..., 0], half, self._width)
        top, bottom = _bounds(points[..., 1], half, self._height)
        total = area_sum(self._colors, top, bottom, left, right)
        return np.asarray(total.sum(1) / ((right - left) * (bottom - top)).sum(1)[:, None])


def best_color(
    before: NDArray[np.float64], after: NDArray[np.float64], target: NDArray[np.float64], color: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The colour with which a stroke would have come nearest to the target, if paint covers in proportion, [3].

    Args:
        before, after: pixels without and with the stroke, [..., 3] in [0, 1].
        target: what they should be.
        color: the stroke's, as indices.
    """
    way = color / (INTENSITIES - 1) - before
    cover = ((after - before) * way).sum(-1) / np.maximum((way**2).sum(-1), 1e-6)
    cover = cover.clip(0, 1)[..., None]
    axes = tuple(range(cover.ndim - 1))
    weight = (cover**2).sum(axes)
    if weight.item() < 1e-6:
        return color
    best = (cover * (target - (1 - cover) * before)).sum(axes) / weight
    return np.asarray(np.rint(best * (INTENSITIES - 1)).clip(0, INTENSITIES - 1), np.int64)


def _directions(target: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The angle of the lines that are seen at each pixel, across the slope of the brightness, [H, W]."""
    down, both, right = structure_tensor(target.mean(-1) / 255, sigma=SIGMA, mode="nearest", order="rc")
    return np.asarray(np.arctan2(2 * both, right - down) / 2 + np.pi / 2)


def _bounds(
    at: NDArray[np.float64], half: NDArray[np.float64], end: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first pixels, and those after the last, of squares about points; at least one lies in the picture."""
    low = np.rint(at - half).astype(np.int64).clip(0, end - 1)
    return low, np.maximum(np.rint(at + half).astype(np.int64).clip(0, end), low + 1)
