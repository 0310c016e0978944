"""The painting on one canvas, and beside it others on which strokes are tried with the real brush."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.greedy.strokes import COLOR, PRESSURE, SIZE, Strokes, best_color, to_actions
from envs.area_sums import area_sum, summed
from envs.paint_settings import PaintSettings
from envs.painter import make_canvases
from envs.strokes import StrokeTable

PAINTING = 0  # the canvas that it is on
REACH = 2.0  # radii of the brush, within which a stroke changes pixels, and
MARGIN = 8  # pixels
ENOUGH = 32  # pixels along each side, by which a colour is judged
Box = tuple[slice, slice]


class Easel:
    """A painting of a picture, and its error, a whole number: squared differences of bytes.

    Args:
        target: the picture, uint8 [H, W, 3].
        settings: of the canvas, of which the picture is the upper left part.
        trials: strokes that are tried at once.
        threads: that paint them.

    Attributes:
        target, settings, trials: as given.
        strokes: those that were painted.
        total: the error.
        error: its part in each pixel, `summed`.

    Raises:
        PaintError: there is no such brush.
    """

    def __init__(self, target: NDArray[np.uint8], settings: PaintSettings, trials: int, threads: int) -> None:
        self.target, self.settings, self.trials = target, settings, trials
        self.strokes: list[NDArray[np.int64]] = []
        self._target = target.astype(np.int16)
        self._page = (slice(0, target.shape[0]), slice(0, target.shape[1]))
        self._table = StrokeTable(settings, settings.canvas_size)
        self._canvases = make_canvases(settings, 1 + trials, threads)
        self.brush_fingerprint = self._canvases.brush_fingerprint
        self._shown = self._canvases.read()
        self._measure()

    @property
    def picture(self) -> NDArray[np.uint8]:
        """The painting, a copy, uint8 [H, W, 3]."""
        page: NDArray[np.uint8] = self._shown[PAINTING][self._page]
        return page.copy()

    @property
    def actions(self) -> NDArray[np.int64]:
        """The commands of the painting, two for each stroke, [steps, heads]."""
        spec = self.settings.action_spec
        if not self.strokes:
            return np.zeros((0, len(spec.heads)), np.int64)
        moves, curves = to_actions(spec, np.stack(self.strokes))
        return np.stack((moves, curves), axis=1).reshape(-1, len(spec.heads))

    def gains(self, strokes: Strokes) -> NDArray[np.int64]:
        """By how much the error would fall with each of at most `trials` strokes [N, 11] alone, [N]."""
        self._take(PAINTING)
        self._paint(1, strokes)
        return np.array([self._gain(1 + i, stroke) for i, stroke in enumerate(strokes)])

    def recolored(self, number: int, stroke: NDArray[np.int64]) -> NDArray[np.int64]:
        """The stroke in a better colour, by what it left when it was tried, as that of this number, just now."""
        rows, columns = (
            slice(side.start, side.stop, max(1, (side.stop - side.start) // ENOUGH)) for side in self._box(stroke)
        )
        before, after = (self._shown[canvas, rows, columns] / 255 for canvas in (PAINTING, 1 + number))
        better = stroke.copy()
        better[COLOR] = best_color(before, after, self._target[rows, columns] / 255, stroke[COLOR])
        return better

    def keep(self, stroke: NDArray[np.int64]) -> bool:
        """Whether the stroke was painted, which it is if the error of the whole picture falls.

        A brush that uses chance has to make it fall on all canvases first.
        """
        if self._canvases.uses_chance and not (self.gains(np.repeat(stroke[None], self.trials, axis=0)) > 0).all():
            return False
        before = self.total
        self._take(PAINTING)
        self.put(stroke)
        if self.total < before:
            return True
        self._take_back()
        return False

    def put(self, stroke: NDArray[np.int64]) -> None:
        """Paints the stroke, whatever becomes of the error."""
        self.strokes.append(stroke)
        self._paint(PAINTING, stroke[None])
        self._measure()

    def _take_back(self) -> None:
        """The painting without the last stroke, from a copy, or anew with the luck that the brush had."""
        self.strokes.pop()
        if self._canvases.uses_chance:
            self._canvases.reset()
            for stroke in self.strokes:
                self._paint(PAINTING, stroke[None])
        else:
            self._take(1)
        self._canvases.read(self._shown)
        self._measure()

    def _take(self, source: int) -> None:
        """All canvases as one of them is."""
        self._canvases.take(np.full(1 + self.trials, source))

    def _paint(self, first: int, strokes: Strokes) -> None:
        """Paints strokes [N, 11] on as many canvases from the first one on, and shows all."""
        canvases = range(first, first + len(strokes))
        active = np.isin(np.arange(1 + self.trials), canvases)
        all_strokes = np.zeros((1 + self.trials, strokes.shape[1]), np.int64)
        all_strokes[canvases] = strokes
        moves, curves = to_actions(self.settings.action_spec, all_strokes)
        self._canvases.step(*self._table.look_up(moves), active=active)
        self._canvases.step(*self._table.look_up(curves), active=active, out=self._shown)

    def _measure(self) -> None:
        difference = self._shown[PAINTING][self._page].astype(np.int32) - self._target
        self.error = summed(np.einsum("hwc,hwc->hw", difference, difference))
        self.total = int(self.error[-1, -1])

    def _gain(self, canvas: int, stroke: NDArray[np.int64]) -> int:
        """How much smaller the error is on this canvas, as far as the stroke reaches."""
        rows, columns = self._box(stroke)
        before = area_sum(self.error, rows.start, rows.stop, columns.start, columns.stop)
        difference = self._shown[canvas, rows, columns].astype(np.int32) - self._target[rows, columns]
        return int(before) - int(np.einsum("hwc,hwc->", difference, difference, dtype=np.int64))

    def _box(self, stroke: NDArray[np.int64]) -> Box:
        """The part of the picture that the stroke can change."""
        cell = self.settings.canvas_size / self.settings.grid_size
        points = stroke[:PRESSURE].reshape(3, 2) * cell
        reach = REACH * self.settings.brush_sizes[stroke[SIZE]] + MARGIN
        (left, top), (right, bottom) = points.min(0) - reach, points.max(0) + reach
        height, width, _ = self._target.shape
        return (
            slice(max(0, int(top)), min(height, int(bottom) + 1)),
            slice(max(0, int(left)), min(width, int(right) + 1)),
        )
