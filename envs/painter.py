"""N canvases and their brushes: one native call paints one action on each."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from envs.curves import ROWS, Curves, lengths, painted, row_of
from envs.episodes import Counts, Episodes, Images
from envs.paint_settings import PaintSettings
from envs.pymypaint import Canvases
from envs.strokes import Floats, StrokeTable

COUNTED = ("strokes", "disjoint_strokes", "stroke_length")
PUBLISHED_SIZE = 64  # pixels
PUBLISHED_SECONDS = 0.1  # between two points of a curve


def make_canvases(settings: PaintSettings, count: int, num_threads: int = 1) -> Canvases:
    """Empty canvases of the size at which these settings paint, each with their brush."""
    scale = settings.drawn_size / PUBLISHED_SIZE
    return Canvases(
        count,
        settings.drawn_size,
        settings.drawn_size,
        settings.brush,
        channels=settings.channels,
        background=settings.background_rgb,
        # A brush feels its speed in pixels a second, so a smaller painting takes less time in proportion. A larger
        # one does not take longer, for a brush that also paints by time would put on more: its pixels are larger.
        seconds_per_point=PUBLISHED_SECONDS * min(scale, 1),
        brush_scale=max(scale, 1),
        num_threads=num_threads,
    )


class Painter(Episodes):
    """N paintings.

    Counts `strokes`, the actions that painted; `disjoint_strokes`, those that came first or after a move; and
    `stroke_length`, how long the ways of the brush were, in thousandths of the canvas's side.
    """

    def __init__(self, settings: PaintSettings, count: int, num_threads: int = 1) -> None:
        self._settings = settings
        self._table = StrokeTable(settings, settings.drawn_size)
        self._row = ROWS[settings.strokes]
        self._engine = make_canvases(settings, count, num_threads)
        self.brush_fingerprint = self._engine.brush_fingerprint
        super().__init__(settings, count)

    def drawn(self) -> Images:
        """The canvases at the size at which they are painted, a fresh array [count, size, size, channels]."""
        return self._engine.read(self._empty(self._settings.drawn_size))

    def _begin_on(self, pictures: Images) -> Images:
        factor = self._settings.drawn_size // self._settings.canvas_size
        self._engine.load(pictures.repeat(factor, axis=1).repeat(factor, axis=2))
        return self._shown()

    def close(self) -> None:
        """Nothing is held but memory."""

    def _no_counts(self) -> Counts:
        return {name: np.zeros(self._count, np.int64) for name in COUNTED}

    def _clear(self) -> Images:
        self._engine.reset()
        return self._shown()

    def _act(self, actions: NDArray[np.integer[Any]]) -> Images:
        row = self._table.look_up(row_of([*self._history[-self._row :], actions], self._row))
        curves = painted(row, self._settings.strokes)
        shown = self._paint(curves, paint=row.paint[-1], end=row.end[-1])
        self.counts["strokes"] += row.paint[-1]
        self.counts["disjoint_strokes"] += row.paint[-1] & ~row.paint[-2]
        thousandths = np.rint(1000 / self._settings.drawn_size * lengths(curves.points)).astype(np.int64)
        self.counts["stroke_length"] += np.where(curves.paint, thousandths, 0)
        return shown

    def _paint(self, curves: Curves, paint: NDArray[np.bool_], end: Floats) -> Images:
        """Paints the curves, moves the pens of actions that do not paint, and shows the canvases."""

        def step(which: NDArray[np.bool_], **more: Any) -> None:
            stop = np.where(which[:, None], curves.points[:, -1], end)
            brush = curves.pressure[:, -1], curves.radius, curves.color
            self._engine.step(which, curves.points[:, 1:-1], stop, *brush, **more)

        ended = curves.paint & ~paint  # the last piece of a spline, and then the move
        if ended.any():
            step(ended, active=ended)
        going_on = curves.paint & paint
        shown = self._empty(self._settings.canvas_size)
        step(going_on, active=going_on | ~paint, out=shown)
        return shown

    def _take(self, sources: NDArray[np.integer[Any]], other: Self) -> Images:
        if self._engine.uses_chance:  # whose random numbers libmypaint does not give out
            return super()._take(sources, other)
        self._engine.take(sources, other._engine)
        return self._shown()

    def _shown(self) -> Images:
        return self._engine.read(self._empty(self._settings.canvas_size))

    def _empty(self, size: int) -> Images:
        return np.empty((self._count, size, size, self._settings.channels), np.uint8)
