"""Many canvases that paint as one batch: N brush strokes and N pictures for each call.

An action is a whole curve or a move of the pen, as in Ganin et al. (2018), "Synthesizing Programs for Images using
Reinforced Adversarial Learning". All arithmetic from action to pixel happens in the extension, so that pixels depend on
actions alone, whatever the number of threads or processes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.pymypaint import _native, checks
from envs.pymypaint.brushes import load_brush
from envs.pymypaint.errors import ArrayError, CanvasSizeError, StrokeError

LARGEST_SIDE = 8192  # pixels
LARGEST_MEMORY = 4 << 30  # bytes of all canvases together
BRUSH_MEMORY = 600_000  # bytes of one brush: libmypaint keeps a table for each setting and input
TILE = 64  # pixels; the engine keeps whole tiles
PIXEL_MEMORY = 8 + 3  # bytes: four numbers of 16 bits, and what is shown
MOST_THREADS = 256
# active, paint, control, end, pressure, radius, color, as the engine takes them
Action = tuple[
    NDArray[np.uint8],
    NDArray[np.uint8],
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.float32],
]


class Canvases:
    """N canvases of equal size, each with its own brush and pen.

    A canvas starts as `background`, with the pen up at (0, 0), black. Pixel (x, y) = (0, 0) is the upper left one.
    Calls from several Python threads wait for each other.

    Args:
        count: number of canvases, N.
        width: pixels, any number from 1 to 8192.
        height: likewise.
        brush: name of an installed brush ("classic/pen") or path of a `.myb` file.
        channels: 3 for RGB, 1 for grey (red, if one paints in colour).
        background: RGB in [0, 1], painted opaque.
        seconds_per_point: time between two of the 50 points of a curve; brushes feel their speed, in pixels a second.
        brush_scale: how many pixels here the brush takes for one, in its speed and all else that it reckons in pixels;
            the radius is that of the action. Above 1, what would be finer than the brush's own pixels is as wide as
            libmypaint draws it there.
        num_threads: how many threads share a call.

    Attributes:
        brush_fingerprint: of the brush that was found, see `envs.pymypaint.brushes.Brush`.
        uses_chance: whether the same stroke on the same pixels may differ, by what the brush has painted before.

    Raises:
        CanvasSizeError: a number is out of range, or the canvases need too much memory.
        BrushNotFoundError: there is no such brush.
        BrushFormatError: the file is no brush.
        StrokeError: `seconds_per_point` is no number from 0.0001 to 5, or `brush_scale` none from 0.01 to 1000.
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
        seconds_per_point: float = 0.1,
        brush_scale: float = 1.0,
        num_threads: int = 1,
    ) -> None:
        self.count = checks.whole(count, 1, LARGEST_MEMORY // BRUSH_MEMORY, "count")
        self.width = checks.whole(width, 1, LARGEST_SIDE, "width")
        self.height = checks.whole(height, 1, LARGEST_SIDE, "height")
        threads = checks.whole(num_threads, 1, MOST_THREADS, "num_threads")
        self.channels = checks.whole(channels, 1, 3, "channels")
        if self.channels == 2:
            raise CanvasSizeError("channels is 2; it must be 3 (RGB) or 1 (grey)")
        color = checks.color(background, CanvasSizeError, "background")
        fixed_point = [int(value * 32768 + 0.5) for value in color]
        scale = checks.number(brush_scale, checks.SCALE, "brush_scale")
        loaded = load_brush(brush, scale)
        self.brush_fingerprint = loaded.fingerprint
        self.uses_chance = not loaded.recipe.shareable
        seconds = checks.number(seconds_per_point, checks.SECONDS, "seconds_per_point")
        self._check_memory()
        # All that decides how one of them goes on; so canvases are alike, or are not.
        self._kind = (self.width, self.height, self.channels, *fixed_point, scale, self.brush_fingerprint, seconds)
        self._make = partial(
            _native.Batch,
            self.count,
            self.width,
            self.height,
            self.channels,
            fixed_point,
            scale,
            loaded.recipe,
            seconds,
            threads,
        )
        self._batch = self._made()

    def reset(self, indices: ArrayLike | None = None) -> None:
        """Make the canvases at `indices` (all by default) blank, with brushes as if made anew.

        Raises:
            ArrayError: an index is not that of a canvas, or is there twice.
        """
        self._batch.reset(checks.indices(np.arange(self.count) if indices is None else indices, self.count))

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
        """Advance each canvas by one action, and write all pictures into `out` if it is given.

        Painting draws the curve B(t) = (1-t)^2 pen + 2(1-t)t control + t^2 end at t = 1/50, 2/50, ... 1,
        `seconds_per_point` apart; with two control points it is the cubic Bézier curve. The pressure goes linearly from
        that of the action before to the new one (it is the new one throughout after a move or a reset); radius and
        colour switch at once. Moving lifts the pen to `end`.

        Args:
            paint: [N] bool, False for a move, for which only `end` counts.
            control: [N, 2] x, y in pixels, or [N, 1 or 2, 2].
            end: [N, 2] x, y in pixels; the pen is there afterwards.
            pressure: [N] from 0 to 1.
            radius: [N] pixels, 0.05 to 1000.
            color: [N, 3] RGB from 0 to 1.
            active: [N] bool, False to leave a canvas as it is; all are active by default.
            out: as for `read`.

        Raises:
            ArrayError: a wrong shape or type.
            StrokeError: a number is out of range or not finite (then nothing was painted), or a brush needs a
                million dabs (then its stroke was cut short).
        """
        arrays = self._checked(active, paint, control, end, pressure, radius, color)
        factor = 1 if out is None else self._factor(out)
        try:
            self._batch.step(*arrays, out, factor)
        except _native.TooManyDabs as error:
            raise StrokeError(str(error)) from error

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

    def load(self, pictures: NDArray[np.uint8]) -> None:
        """Show the given pictures, opaque, in place of what was painted; `read` gives them back. Pens stay.

        Args:
            pictures: uint8 [N, height, width, channels].

        Raises:
            ArrayError: they are of another shape or type.
        """
        given = np.asarray(pictures)
        shape = (self.count, self.height, self.width, self.channels)
        if given.shape != shape or given.dtype != np.uint8:
            raise ArrayError(f"pictures have shape {given.shape} and type {given.dtype}; they must be uint8 {shape}")
        self._batch.load(np.array(given), self.channels)  # a copy, which nobody changes meanwhile

    def take(self, sources: ArrayLike, other: Canvases | None = None) -> None:
        """Make each canvas and its pen, to the last bit, like the canvas `sources[i]`, amid its strokes too.

        A planner tries a stroke on each of many equal canvases, judges them, and takes the best to all others. A brush
        that uses chance goes on with random numbers of its own on each: libmypaint does not give them out.

        Args:
            sources: [N], of each canvas the index of the one to copy; its own index leaves it as it is.
            other: whose canvases these are, if not its own; they are left as they are.

        Raises:
            ArrayError: an index is not that of a canvas.
            CanvasSizeError: the others are of another size or brush, or of other settings.
        """
        given, of = np.asarray(sources), self if other is None else other
        if given.shape != (self.count,) or given.dtype.kind not in "iu":
            raise ArrayError(f"sources are {given.dtype} {given.shape}; they must be whole numbers ({self.count},)")
        if ((given < 0) | (given >= of.count)).any():
            raise ArrayError(f"sources are {given.tolist()}; each must be from 0 to {of.count - 1}")
        if of._kind != self._kind:
            raise CanvasSizeError(
                f"canvases like {self._kind} cannot become like {of._kind} (width, height, channels, background, "
                "scale, brush, seconds): make both with the same arguments"
            )
        self._batch.take(of._batch, np.array(given, np.int64))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        if self.uses_chance:
            raise TypeError(
                "canvases whose brush uses chance cannot be copied: libmypaint does not give out its random numbers. "
                "Copy an environment, which paints again what was painted"
            )
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        twin._batch = twin._made()
        twin.take(np.arange(self.count), self)
        return twin

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "canvases cannot be pickled: libmypaint gives out no brush on its way. Make new ones and repeat the "
            "strokes, or pickle an environment, which does so by itself"
        )

    def _made(self) -> _native.Batch:
        """New canvases of this kind."""
        try:
            return self._make()
        except MemoryError as error:
            raise CanvasSizeError(
                f"this machine has not enough memory for {self.count} canvases of {self.width} x {self.height} pixels; "
                "use fewer or smaller canvases"
            ) from error

    def _factor(self, out: Any) -> int:
        """By how much the pictures in `out` are smaller than the canvases."""
        if isinstance(out, np.ndarray) and out.ndim == 4 and out.dtype == np.uint8 and out.size:
            factor: int = self.height // out.shape[1]
            if out.shape == (self.count, self.height / max(factor, 1), self.width / max(factor, 1), self.channels):
                if not out.flags.c_contiguous or not out.flags.writeable:
                    raise ArrayError("out is read-only or not in C order; give a new array, or a copy of this one")
                return factor
        shape, kind = getattr(out, "shape", None), getattr(out, "dtype", type(out).__name__)
        raise ArrayError(
            f"out has shape {shape} and type {kind}; it must be a uint8 array [{self.count}, {self.height}/k, "
            f"{self.width}/k, {self.channels}] with a whole k that divides both sides"
        )

    def _checked(
        self,
        active: ArrayLike | None,
        paint: ArrayLike,
        control: ArrayLike,
        end: ArrayLike,
        pressure: ArrayLike,
        radius: ArrayLike,
        color: ArrayLike,
    ) -> Action:
        """The arrays of an action as the engine takes them, in this order; `step` says what it refuses."""
        count = self.count
        return (
            checks.flags(np.ones(count, bool) if active is None else active, count, "active"),
            checks.flags(paint, count, "paint"),
            checks.controls(control, count),
            checks.numbers(end, (count, 2), checks.POSITION, "end"),
            checks.numbers(pressure, (count,), checks.SHARE, "pressure"),
            checks.numbers(radius, (count,), checks.RADIUS, "radius"),
            checks.numbers(color, (count, 3), checks.SHARE, "color"),
        )

    def _check_memory(self) -> None:
        tiles = -(-self.width // TILE) * -(-self.height // TILE)
        memory = self.count * (BRUSH_MEMORY + tiles * TILE * TILE * PIXEL_MEMORY)
        if memory > LARGEST_MEMORY:
            raise CanvasSizeError(
                f"{self.count} canvases of {self.width} x {self.height} pixels need {memory / 1e9:.1f} GB; "
                f"at most {LARGEST_MEMORY / 1e9:.1f} GB are allowed: use fewer or smaller canvases"
            )
