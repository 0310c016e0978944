"""One canvas for a hand that moves freely: points with a pressure each, instead of whole curves."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from envs.pymypaint import _native, checks
from envs.pymypaint.canvases import Canvases
from envs.pymypaint.errors import StrokeError


class Canvas:
    """A canvas with a brush; arguments and errors as for `Canvases`.

    The brush starts with the size that its file says, black, lifted at (0, 0).
    """

    def __init__(
        self,
        width: int,
        height: int,
        brush: str | os.PathLike[str] = "classic/dry_brush",
        *,
        channels: int = 3,
        background: Sequence[float] = (1.0, 1.0, 1.0),
    ) -> None:
        self._canvases = Canvases(1, width, height, brush, channels=channels, background=background)

    @property
    def _batch(self) -> _native.Batch:
        return self._canvases._batch

    def set_brush(self, radius: float, color: Sequence[float] = (0.0, 0.0, 0.0)) -> None:
        """Give the brush a radius in pixels, 0.05 to 1000, and a colour, RGB from 0 to 1.

        Raises:
            StrokeError: a number is out of range.
        """
        rgb = checks.color(color, StrokeError, "color")
        self._batch.set_brush(checks.number(radius, checks.RADIUS, "radius"), rgb)

    def move_to(self, x: float, y: float) -> None:
        """Lift the brush, and start a new stroke at (x, y) in pixels.

        Raises:
            StrokeError: a number is out of range.
        """
        self._batch.move(checks.number(x, checks.POSITION, "x"), checks.number(y, checks.POSITION, "y"))

    def stroke_to(self, x: float, y: float, pressure: float = 1.0, seconds: float = 0.1) -> None:
        """Go straight to (x, y) in pixels, reaching `pressure` (0 to 1) there after `seconds` (up to 5).

        Raises:
            StrokeError: a number is out of range, or the brush needs a million dabs.
        """
        try:
            self._batch.stroke_to(
                checks.number(x, checks.POSITION, "x"),
                checks.number(y, checks.POSITION, "y"),
                checks.number(pressure, checks.SHARE, "pressure"),
                checks.number(seconds, checks.SECONDS, "seconds"),
            )
        except _native.TooManyDabs as error:
            raise StrokeError(str(error)) from error

    def reset(self) -> None:
        """Make the canvas blank, and the brush new."""
        self._canvases.reset()

    def to_array(self) -> NDArray[np.uint8]:
        """Return the picture, uint8 [height, width, channels], rounded as by `Canvases.read`."""
        picture: NDArray[np.uint8] = self._canvases.read()[0]
        return picture
