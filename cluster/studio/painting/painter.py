"""Level after level, square after square, stroke after stroke: the painting of a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cluster.studio.agents import FinishedAgent
from cluster.studio.painting.colors import with_colors_under
from cluster.studio.painting.easel import Easel
from cluster.studio.painting.hand import Hand
from cluster.studio.painting.palette import palette_of, with_palette
from cluster.studio.painting.pyramid import A_VISIT, SIDE, Level, Square, shares
from envs.program import Program
from envs.strokes import StrokeTable

WAYS = 32  # strokes that are tried for each that is kept
PATIENCE = 4  # rounds without a stroke that is any good, after which a square is left

# Told the canvas, uint8 [height, width, 3], and how many strokes are done.
Follow = Callable[[NDArray[np.uint8], int], None]


@dataclass(frozen=True, eq=False)
class Painting:
    """A painting of a picture.

    Attributes:
        program: that makes it; each stroke is a move of the pen and a command that paints.
        picture: what is painted, in the size of the program's page.
        errors: the mean squared error before the first and after every stroke, in [0, 1].
        level_ends: how many strokes were done at the end of each level.
    """

    program: Program
    picture: Image.Image
    errors: list[float]
    level_ends: list[int]


class Painter:
    """Paints one picture.

    Args:
        picture: of mode RGB, at most `SIDE` pixels in width and height.
        agent: which copies in colour.
        brush: by name or file.
        colors: of the palette; None is any.
        seed: decides what is tried.
        num_threads: on how many threads is painted.
        follow: is told after every stroke.

    Raises:
        RunError: the agent does not copy in colour, or its canvas does not fit.
        PaintError: there is no such brush.
    """

    def __init__(
        self,
        picture: Image.Image,
        agent: FinishedAgent,
        brush: str,
        colors: int | None,
        seed: int,
        num_threads: int,
        follow: Follow,
    ) -> None:
        self._picture, self._pixels = picture, np.asarray(picture)
        self._target = np.full((SIDE, SIDE, 3), 255, np.uint8)
        self._target[: picture.height, : picture.width] = self._pixels
        self._hand = Hand(agent, brush, WAYS, seed)
        self._spec = self._hand.settings.action_spec
        self._palette = None if colors is None else palette_of(picture, colors, self._spec)
        self._table = StrokeTable(self._hand.settings, SIDE)
        self._easel = Easel(self._hand.settings, self._pixels, WAYS, num_threads)
        self._follow = follow
        self._commands: list[NDArray[np.int64]] = []
        self._errors = [self._easel.error]

    def paint(self, strokes: int) -> Painting:
        """The painting, of at most so many strokes: fewer where no more bring it nearer to the picture."""
        level_ends = []
        spare = 0
        for number, share in enumerate(shares(strokes)):
            spare = self._level(number, share + spare)
            level_ends.append(len(self._errors) - 1)
        commands = np.array(self._commands, np.int64).reshape(-1, len(self._spec.heads))
        program = self._hand.program(commands, self._picture.size, self._easel.fingerprint)
        return Painting(program, self._picture, self._errors, level_ends)

    def _level(self, number: int, strokes: int) -> int:
        """Paints one level, and says how many of its strokes are left over."""
        level = Level(self._picture.size, number)
        while strokes and (square := level.next(self._easel.errors)):
            kept = self._visit(square, min(strokes, A_VISIT[number]))
            level.visited(square, kept)
            strokes -= kept
        return strokes

    def _visit(self, square: Square, most: int) -> int:
        """Paints in one square, and says with how many strokes."""
        self._hand.begin(square, self._target)
        kept = idle = 0
        while kept < most and idle < PATIENCE:
            moves, strokes, paints = self._hand.propose(self._easel.canvas)
            begins, meant = self._table.look_up(moves).end, self._table.look_up(strokes)
            strokes = with_colors_under(strokes, begins, meant, self._pixels, self._spec)
            if self._palette is not None:
                strokes = with_palette(strokes, self._palette, self._spec)
            best = self._easel.keep_best(moves, strokes, paints, square) if paints.any() else None
            idle = idle + 1 if best is None else 0
            if best is not None:
                kept += 1
                self._commands += [moves[best], strokes[best]]
                self._errors.append(self._easel.error)
                self._follow(self._easel.page, len(self._errors) - 1)
        return kept
