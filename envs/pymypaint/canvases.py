"""Many canvases that paint as one batch: N brush strokes and N pictures for each call.

An action is a whole curve or a move of the pen, as in Ganin et al. (2018), "Synthesizing Programs for Images using
Reinforced Adversarial Learning". All arithmetic from action to pixel happens in the extension, so that pixels depend on
actions alone, whatever the number of threads or processes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.pymypaint import _native
from envs.pymypaint.brushes import load_brush
from envs.pymypaint.errors import ArrayError, CanvasSizeError, StrokeError

LARGEST_SIDE = 8192  # pixels
LARGEST_AREA = 1 << 28  # pixels of all canvases together, 2 GiB
MOST_THREADS = 256
FARTHEST = 32768.0  # pixels from the upper left corner
SMALLEST_RADIUS, LARGEST_RADIUS = 0.05, 1000.0  # pixels; libmypaint stops at 1000 too


class Canvases:
    """N canvases of equal size, each with its own brush and pen.

    A canvas starts as `background`, with the pen up at (0, 0), black. Pixel (x, y) = (0, 0) is the upper left corner.

    Args:
        count: number of canvases, N.
        width, height: pixels, any number from 1 to 8192.
        brush: name of an installed brush ("classic/pen") or path of a `.myb` file.
        channels: 3 for RGB, 1 for grey (red, if one paints in colour).
        background: RGB in [0, 1], painted opaque.
        num_threads: how many threads share a call.

    Raises:
        CanvasSizeError: a number is out of range.
        BrushNotFoundError, BrushFormatError: the brush cannot be used.
    """

    def __init__(
        self,
        count: int,
        width: int,
        height: int,
        brush: str | os.PathLike[str] = "classic/dry_brush",
        *,
        channels: int = 3,
        background: Sequence[float] = (1.0, 1.0, 1.0),
        num_threads: int = 1,
    ) -> None:
        self.count = _whole(count, 1, LARGEST_AREA, "count")
        self.width = _whole(width, 1, LARGEST_SIDE, "width")
        self.height = _whole(height, 1, LARGEST_SIDE, "height")
        self.num_threads = _whole(num_threads, 1, MOST_THREADS, "num_threads")
        if channels not in (1, 3):
            raise CanvasSizeError(f"channels is {channels!r}; it must be 3 (RGB) or 1 (grey)")
        self.channels = int(channels)
        area = self.count * (-(-self.width // 64) * 64) * (-(-self.height // 64) * 64)
        if area > LARGEST_AREA:
            raise CanvasSizeError(
                f"{self.count} canvases of {self.width} x {self.height} need {area} pixels (sides rounded up to 64); "
                f"at most {LARGEST_AREA} fit: use fewer or smaller canvases"
            )
        colour = np.asarray(background, dtype=np.float64)
        if colour.shape != (3,) or not np.all((colour >= 0) & (colour <= 1)):
            raise CanvasSizeError(f"background is {background!r}; it must be three numbers (RGB) from 0 to 1")
        fixed_point = [round(float(value) * 32768) for value in colour]
        recipe = load_brush(brush)
        self._batch = _native.Batch(
            self.count, self.width, self.height, self.channels, fixed_point, recipe, self.num_threads
        )

    def reset(self, indices: ArrayLike | None = None) -> None:
        """Return nothing; make the canvases at `indices` (all by default) blank, with brushes as if made anew.

        Raises:
            ArrayError: an index is not that of a canvas, or is there twice.
        """
        chosen = np.arange(self.count) if indices is None else np.atleast_1d(np.asarray(indices))
        if chosen.size == 0:
            return
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise ArrayError(f"indices have shape {chosen.shape} and type {chosen.dtype}; give a list of whole numbers")
        if chosen.min() < 0 or chosen.max() >= self.count or np.unique(chosen).size != chosen.size:
            raise ArrayError(f"indices are {chosen.tolist()}; each must be from 0 to {self.count - 1}, and there once")
        self._batch.reset(np.ascontiguousarray(chosen, dtype=np.int64))

    def step(
        self,
        paint: ArrayLike,
        control: ArrayLike,
        end: ArrayLike,
        pressure: ArrayLike,
        radius: ArrayLike,
        color: ArrayLike,
        *,
        active: ArrayLike | None = None,
        out: NDArray[np.uint8] | None = None,
    ) -> None:
        """Return nothing; advance each canvas by one action, and write all pictures into `out` if given.

        Painting draws the curve B(t) = (1-t)^2 pen + 2(1-t)t control + t^2 end at t = 1/50, 2/50, ... 1, a tenth of a
        second apart. The pressure goes linearly from that of the action before to the new one (it is the new one
        throughout after a move or a reset); radius and colour switch at once. Moving lifts the pen to `end`.

        Args:
            paint: [N] bool, False for a move, which uses `end` alone.
            control: [N, 2] x, y in pixels.
            end: [N, 2] x, y in pixels; the pen is there afterwards.
            pressure: [N] from 0 to 1.
            radius: [N] pixels, 0.05 to 1000.
            color: [N, 3] RGB from 0 to 1.
            active: [N] bool, False to leave a canvas as it is; all by default.
            out: as for `read`.

        Raises:
            ArrayError: a wrong shape or type.
            StrokeError: a number out of range or not finite.
        """
        count = self.count
        flags = _flags(paint, count, "paint")
        enabled = np.ones(count, np.uint8) if active is None else _flags(active, count, "active")
        ends = _numbers(end, (count, 2), -FARTHEST, FARTHEST, "end")
        controls = _numbers(control, (count, 2), -FARTHEST, FARTHEST, "control")
        pressures = _numbers(pressure, (count,), 0.0, 1.0, "pressure")
        radii = _numbers(radius, (count,), SMALLEST_RADIUS, LARGEST_RADIUS, "radius")
        colors = _numbers(color, (count, 3), 0.0, 1.0, "color")
        factor = 1 if out is None else self._factor(out)
        self._batch.step(enabled, flags, controls, ends, pressures, radii, colors, out, factor)

    def read(self, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """Return `out` (a new array by default) with all pictures written into it.

        The engine keeps values of 15 bits; a value v from 0 to 1 becomes floor(255 v + 1/2). Where an eraser has made
        the canvas transparent, the background shows. With `out` smaller by a whole factor k, a value is the mean of
        k x k pixels, rounded once.

        Args:
            out: uint8 [N, height / k, width / k, channels], in C order, writable.

        Raises:
            ArrayError: `out` is not such an array.
        """
        if out is None:
            out = np.empty((self.count, self.height, self.width, self.channels), np.uint8)
        self._batch.read(out, self._factor(out))
        return out

    def _factor(self, out: Any) -> int:
        if not isinstance(out, np.ndarray) or out.dtype != np.uint8 or out.ndim != 4:
            shape, kind = getattr(out, "shape", None), getattr(out, "dtype", type(out).__name__)
            raise ArrayError(f"out has shape {shape} and type {kind}; it must be uint8 {self._shapes()}")
        if not out.flags.c_contiguous or not out.flags.writeable:
            raise ArrayError("out must be writable and contiguous in C order; give a new array, or a copy of this one")
        height = out.shape[1]
        factor = self.height // height if height else 0
        if factor == 0 or out.shape != (self.count, self.height / factor, self.width / factor, self.channels):
            raise ArrayError(f"out has shape {out.shape}; it must be uint8 {self._shapes()}")
        return factor

    def _shapes(self) -> str:
        return f"[{self.count}, {self.height}/k, {self.width}/k, {self.channels}] with a whole k that divides both sides"


def _whole(value: Any, least: int, most: int, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
        raise CanvasSizeError(f"{name} is {value!r}; it must be a whole number from {least} to {most}")
    return int(value)


def _flags(values: ArrayLike, count: int, name: str) -> NDArray[np.uint8]:
    array = np.asarray(values)
    if array.shape != (count,) or array.dtype.kind not in "biu":
        raise ArrayError(f"{name} has shape {array.shape} and type {array.dtype}; it must be bool [{count}]")
    return np.ascontiguousarray(array != 0, dtype=np.uint8)


def _numbers(values: ArrayLike, shape: tuple[int, ...], least: float, most: float, name: str) -> NDArray[np.float32]:
    array = np.asarray(values)
    if array.shape != shape or array.dtype.kind not in "fiu":
        raise ArrayError(f"{name} has shape {array.shape} and type {array.dtype}; it must be float32 {list(shape)}")
    single = np.ascontiguousarray(array, dtype=np.float32)
    if not (single.min() >= least and single.max() <= most):  # also false for what is not a number
        wrong = single[~((single >= least) & (single <= most))].flat[0]
        raise StrokeError(f"{name} holds {wrong}; each number must be from {least:g} to {most:g}")
    return single
