"""The whole canvas, and as many copies of it as strokes are tried at once: the best one is kept, if it is any good.

Every stroke is painted by the brush itself before it is judged, and kept only if the whole picture has less error with
it. It begins with a move of the pen, so that it looks the same whatever was painted before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cluster.studio.painting.pyramid import Square
from envs.paint_settings import PaintSettings
from envs.painter import make_canvases
from envs.strokes import StrokeTable


class Easel:
    """A canvas that is still empty.

    Args:
        settings: of the program that is made.
        target: the picture, uint8 [height, width, 3], which the upper left part of the canvas is to show.
        tries: how many strokes are tried at once.
        num_threads: on how many threads is painted.

    Attributes:
        canvas: uint8 [canvas_size, canvas_size, 3].
        errors: of each pixel of the page, the sum of squares over its colours in [0, 1], [height, width].
    """

    def __init__(self, settings: PaintSettings, target: NDArray[np.uint8], tries: int, num_threads: int = 1) -> None:
        self._target = target
        self._table = StrokeTable(settings, settings.canvas_size)
        # The last one is never painted on: from there the others start anew where no stroke was any good.
        self._canvases = make_canvases(settings, tries + 1, num_threads)
        self._seen = self._canvases.read()
        self._show(tries)

    @property
    def fingerprint(self) -> str:
        """Of the brush that paints, see `envs.pymypaint.brushes.Brush`."""
        return self._canvases.brush_fingerprint

    @property
    def page(self) -> NDArray[np.uint8]:
        """The upper left part of the canvas that is to show the picture, uint8 [height, width, 3]."""
        height, width = self._target.shape[:2]
        page: NDArray[np.uint8] = self.canvas[:height, :width]
        return page

    @property
    def error(self) -> float:
        """The mean squared error of the page, in [0, 1]."""
        return float(self.errors.mean()) / 3

    def keep_best(
        self, moves: NDArray[np.int64], strokes: NDArray[np.int64], paints: NDArray[np.bool_], near: Square
    ) -> int | None:
        """Which of the strokes was kept; None if the page has no less error with any of them.

        Args:
            moves: the commands [tries, heads] that bring the pen to where each stroke begins.
            strokes: the commands [tries, heads] that paint.
            paints: which of them are to be tried [tries].
            near: the square to which the strokes belong. Those that go beyond it are compared around it.
        """
        active = np.append(paints, False)
        for commands in (moves, strokes):
            every = np.concatenate((commands, commands[:1]))
            self._canvases.step(*self._table.look_up(every), active=active)
        self._canvases.read(self._seen)
        rows, columns = self._around(near)
        before = self.errors[rows, columns].sum()
        after = np.array(
            [
                self._errors(seen, rows, columns).sum() if tried else np.inf
                for seen, tried in zip(self._seen, active, strict=True)
            ]
        )
        best: int | None = int(after.argmin())
        total = self.errors.sum()
        if after[best] >= before or self._errors(self._seen[best]).sum() >= total:
            best = None
        source = len(paints) if best is None else best
        self._canvases.take(np.full(len(active), source))
        if best is not None:
            self._show(best)
        return best

    def _show(self, which: int) -> None:
        self.canvas = self._seen[which].copy()
        self.errors = self._errors(self.canvas)

    def _errors(
        self, canvas: NDArray[np.uint8], rows: slice = slice(None), columns: slice = slice(None)
    ) -> NDArray[np.float64]:
        """The error of each pixel of a part of the page, [rows, columns]."""
        target = self._target[rows, columns]
        height, width = self._target.shape[:2]
        added = canvas[:height, :width][rows, columns].astype(np.float32) - target
        errors: NDArray[np.float64] = np.einsum("yxc,yxc->yx", added, added, dtype=np.float64) / 255**2
        return errors

    def _around(self, square: Square) -> tuple[slice, slice]:
        """The rows and columns of a square and of half its side around it."""
        margin = square.side // 2
        rows = slice(max(0, square.upper - margin), square.upper + square.side + margin)
        return rows, slice(max(0, square.left - margin), square.left + square.side + margin)
