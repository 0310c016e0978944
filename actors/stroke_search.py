"""Demonstrations for an agent that copies: of many random strokes in the colours of the target the best, each time.

A stroke is judged by what it does: it is painted, on a copy of the canvas, by the brush itself. This painter knows the
target's mean colour under each stroke and tries many of them for each that it paints; the agent that imitates it has
to know at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from envs.curves import on_curve
from envs.edits import COLORS
from envs.paint_settings import PaintSettings
from envs.painter import make_canvases
from envs.settings import Settings
from envs.strokes import StrokeTable
from spiral.section import ConfigError

MOVES = 0.2  # of the commands, which move the pen to where the error is
REACH = (1.0, 8.0)  # of a stroke from its beginning to its end, in radii
BEND = 0.25  # of this reach, how far its control point is off the middle, standard deviation
ON_THE_WAY = 7  # points of a curve at which the target's colour is taken
TRIES = 8  # strokes of which the best is painted
APART = 2  # pixels between those at which the tries are compared


class StrokeSearch:
    """Paints `count` targets at once.

    Args:
        settings: of the environment for which the programs are; in colour.
        count: of targets.
        num_threads: on how many threads is painted.

    Raises:
        ConfigError: the environment does not paint curves in colour.
    """

    def __init__(self, settings: Settings, count: int, num_threads: int = 1) -> None:
        if not isinstance(settings, PaintSettings) or not settings.color or settings.strokes != "curves":
            raise ConfigError(
                'cloning.demonstrations="search" is for paintings in colour of curves: set color=true and '
                'strokes="curves" in environment.settings, or take "programs"'
            )
        self._settings, self._count = settings, count
        self._table = StrokeTable(settings, settings.drawn_size)
        self._spec = settings.action_spec
        self._canvases = make_canvases(settings, count * (1 + TRIES), num_threads)

    def programs(
        self, targets: NDArray[np.uint8], starts: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """A program for each target, int64 [count, episode_length, heads]; the first command moves the pen.

        So do others, some by chance, and all where no stroke that was tried brings the canvas nearer to the target.

        Args:
            targets: uint8 [count, canvas_size, canvas_size, 3].
            starts: the canvases to begin on, of the same shape.
            rng: decides everything.
        """
        settings, count = self._settings, self._count
        factor = settings.drawn_size // settings.canvas_size
        seen = starts
        self._canvases.load(np.repeat(starts.repeat(factor, axis=1).repeat(factor, axis=2), 1 + TRIES, axis=0))
        smooth = smoothed(targets, settings.brush_sizes)
        pen = np.zeros((count, 2))
        programs = np.zeros((count, settings.episode_length, len(self._spec.heads)), np.int64)
        for step in range(settings.episode_length):
            moving = np.full(count, step == 0) | (rng.random(count) < MOVES)
            moves = self._moves(seen, targets, rng)
            tries = np.concatenate((moves[:, None], self._tries(smooth, pen, rng)), axis=1)
            best, seen = self._best(tries, targets, moving)
            programs[:, step] = tries[np.arange(count), best]
            pen = np.stack(np.divmod(programs[:, step, self._spec.index("end")], settings.grid_size)[::-1], axis=1)
        return programs

    def _tries(
        self, smooth: NDArray[np.float32], pen: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Random strokes from where the pens are, int64 [count, tries, heads]."""
        settings, spec, shape = self._settings, self._spec, (self._count, TRIES)
        grid, cell = settings.grid_size, settings.canvas_size / settings.grid_size
        actions = rng.integers(0, spec.nvec, (*shape, len(spec.heads)))
        actions[..., spec.index("flag")] = 1
        size = actions[..., spec.index("size")] if len(settings.brush_sizes) > 1 else np.zeros(shape, np.int64)
        reach = np.array(settings.brush_sizes)[size] / cell * rng.uniform(*REACH, shape)
        angle = rng.uniform(0, 2 * np.pi, shape)
        way = reach[..., None] * np.stack((np.cos(angle), np.sin(angle)), axis=-1)
        begin = np.broadcast_to(pen[:, None], way.shape)
        end = np.clip(np.rint(begin + way), 0, grid - 1)
        control = (begin + end) / 2 + BEND * reach[..., None] * rng.normal(size=way.shape)
        control = np.clip(np.rint(control), 0, grid - 1)
        for name, place in (("control", control), ("end", end)):
            actions[..., spec.index(name)] = place[..., 1] * grid + place[..., 0]
        t = np.linspace(0, 1, ON_THE_WAY)[:, None]
        points = on_curve([point[..., None, :] for point in (begin, control, end)], t)
        x, y = np.clip((points * cell).astype(np.int64), 0, settings.canvas_size - 1).transpose(3, 0, 1, 2)
        color = smooth[np.arange(self._count)[:, None, None], size[..., None], y, x].mean(axis=2)
        for channel, name in enumerate(COLORS):
            last = spec.head(name).choices - 1
            actions[..., spec.index(name)] = np.rint(color[..., channel] * last)
        return actions

    def _moves(
        self, seen: NDArray[np.uint8], targets: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Moves of the pens to places where the error is, int64 [count, heads]."""
        settings, spec = self._settings, self._spec
        error = np.square(seen.astype(np.float32) - targets).sum(axis=-1).reshape(self._count, -1)
        level = rng.random((self._count, 1)) * error.sum(axis=1, keepdims=True)
        pixel = np.minimum((error.cumsum(axis=1) < level).sum(axis=1), error.shape[1] - 1)
        row, column = (
            place * settings.grid_size // settings.canvas_size for place in np.divmod(pixel, settings.canvas_size)
        )
        actions = np.zeros((self._count, len(spec.heads)), np.int64)
        actions[:, spec.index("end")] = row * settings.grid_size + column
        return actions

    def _best(
        self, tries: NDArray[np.int64], targets: NDArray[np.uint8], moving: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Which of the tries leaves the least error [count], now done on all copies, and how that looks.

        The first of them is a move, which is also best where no stroke brings the canvas nearer to the target.
        """
        size, (count, copies) = self._settings.canvas_size, tries.shape[:2]
        out = np.empty((count * copies, size, size, 3), np.uint8)
        self._canvases.step(*self._table.look_up(tries.reshape(count * copies, -1)), out=out)
        seen = out.reshape(count, copies, size, size, 3)
        added = seen[:, :, ::APART, ::APART].astype(np.float32) - targets[:, None, ::APART, ::APART]
        error = np.einsum("ntyxc,ntyxc->nt", added, added)
        best = np.where(moving, 0, error.argmin(axis=1))
        chosen = np.arange(count) * copies + best
        self._canvases.take(np.repeat(chosen, copies))
        return best, seen[np.arange(count), best]


def smoothed(targets: NDArray[np.uint8], radii: Sequence[float]) -> NDArray[np.float32]:
    """The targets uint8 [N, H, W, 3] as each brush can paint them, float32 [N, radii, H, W, 3] in [0, 1]."""
    light = targets.astype(np.float32) / 255
    widths = [max(1, round(1.5 * radius)) for radius in radii]
    return np.stack([uniform_filter(light, (0, width, width, 0), mode="nearest") for width in widths], axis=1)
