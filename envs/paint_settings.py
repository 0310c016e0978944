"""The settings of `spiral/Paint-v0`: the canvas, the brush and its sizes, colours, the grid of locations."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray

from envs.actions import ActionSpec, paint_action_spec
from envs.random_characters import random_characters
from envs.random_paintings import random_paintings
from envs.random_programs import smooth_programs
from envs.settings import MAX_PIXELS, Settings, SettingsError, normalise, whole

MIN_RADIUS, MAX_RADIUS = 0.05, 1000
ROOM_FOR_CHARACTERS = 12  # actions, at least
CHARACTERS = 0.75  # their share where there is room
STROKES = ("curves", "splines")
NAMED_BACKGROUNDS = {"white": "#ffffff", "black": "#000000"}


@dataclass(frozen=True)
class PaintSettings(Settings):
    """The settings of the painting environment; all lengths are in pixels of the canvas that is shown.

    Attributes:
        grid_size: locations are cells of a square grid with this many rows, 2 to 1024.
        brush: a libmypaint brush by name (`classic/pen`) or the path of a `.myb` file.
        brush_sizes: the radii that the agent chooses from, each from 0.05 to 1000.
        color: whether strokes have a colour (a canvas of 3 channels), or are black (a canvas of 1 channel).
        background: "white", "black" or "#rrggbb".
        strokes: "curves", where each painting action is a quadratic Bézier curve, or "splines", where the ends of those
            that follow each other are points of one smooth line.

    Raises:
        SettingsError: a value is of the wrong type or out of range.
    """

    grid_size: int = 32
    brush: str = "classic/dry_brush"
    brush_sizes: tuple[float, ...] = (1, 2, 4, 8, 12, 24)
    color: bool = True
    background: str = "white"
    strokes: str = "curves"

    def __post_init__(self) -> None:
        super().__post_init__()
        normalise(self, "grid_size", whole("grid_size", self.grid_size, 2, 1024))
        normalise(self, "brush_sizes", _radii(self.brush_sizes))
        if not isinstance(self.brush, str) or not self.brush:
            raise SettingsError(f"brush is {self.brush!r}; give a brush's name, such as 'classic/pen', or its file")
        if not isinstance(self.color, bool):
            raise SettingsError(f"color is {self.color!r}; give True or False")
        if self.strokes not in STROKES:
            raise SettingsError(f"strokes is {self.strokes!r}; give {' or '.join(map(repr, STROKES))}")
        red, green, blue = self.background_rgb
        if not self.color and not red == green == blue > 0:
            raise SettingsError(
                f"background is {self.background!r}, but with color=False strokes are black on grey; "
                "give 'white', a grey such as '#808080', or color=True"
            )

    def at_size(self, size: int) -> PaintSettings:
        """The same settings for a canvas of `size` pixels, painted at that size; brush sizes grow along."""
        size = whole("size", size, 1, MAX_PIXELS)
        if size == self.canvas_size:
            return self
        scale = size / self.canvas_size
        sizes = tuple(min(max(radius * scale, MIN_RADIUS), MAX_RADIUS) for radius in self.brush_sizes)
        return replace(self, canvas_size=size, render_size=None, brush_sizes=sizes)

    def natural_programs(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Programs that draw like a hand, or in colour paint from coarse to fine, [count, episode_length, heads].

        A short grey one is like a digit. Where there is room, most are like characters of several strokes. With splines
        the last action is a move, without which their last pieces would not be painted.
        """
        spec, programs = self.action_spec, self._drawn(count, rng)
        if self.strokes == "splines":
            programs[:, -1, spec.index("flag")] = 0
            programs[:, -1] *= spec.mask(programs[:, -1])
        return programs

    def _drawn(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        spec, length = self.action_spec, self.episode_length
        if self.color:
            return random_paintings(spec, count, length, rng)
        if length < ROOM_FOR_CHARACTERS:
            return smooth_programs(spec, count, length, rng)
        characters = int(CHARACTERS * count)
        parts = (
            random_characters(spec, characters, length, rng),
            smooth_programs(spec, count - characters, length, rng),
        )
        return rng.permutation(np.concatenate(parts))

    def together(self, actions: NDArray[np.int64], number: int) -> list[int]:
        """A stroke, and the move of the pen to where it begins if there is one; a move stands alone.

        All painting actions of a spline are one stroke, as each piece depends on the points around it.
        """
        flags = actions[:, self.action_spec.index("flag")]
        if flags[number] == 0:
            return [number]
        stroke = self._stroke(flags, number)
        before = stroke.start - 1
        begins_with_a_move = before >= 0 and flags[before] == 0
        return [before, *stroke] if begins_with_a_move else [*stroke]

    def without(self, actions: NDArray[np.int64], number: int) -> NDArray[np.int64]:
        """A stroke becomes moves along its points, so that the others stay where they are; a move is left out."""
        flag = self.action_spec.index("flag")
        if actions[number, flag] == 0:
            return np.delete(actions, number, axis=0)
        changed = actions.copy()
        changed[self._stroke(actions[:, flag], number), flag] = 0
        return changed

    def _stroke(self, flags: NDArray[np.int64], number: int) -> range:
        """Which actions paint the stroke that the one called `number` paints: with splines all in a row."""
        start, stop = number, number + 1
        if self.strokes == "splines":
            while start > 0 and flags[start - 1] == 1:
                start -= 1
            while stop < len(flags) and flags[stop] == 1:
                stop += 1
        return range(start, stop)

    @property
    def action_spec(self) -> ActionSpec:
        """The heads of the actions that these settings call for."""
        return paint_action_spec(self.grid_size, len(self.brush_sizes), self.color, control=self.strokes == "curves")

    @property
    def channels(self) -> int:
        """3 in colour, 1 in grey-scale."""
        return 3 if self.color else 1

    @property
    def background_rgb(self) -> tuple[float, float, float]:
        """Red, green and blue of the background, each in [0, 1]."""
        code = NAMED_BACKGROUNDS.get(self.background, self.background) if isinstance(self.background, str) else ""
        if not re.fullmatch("#[0-9a-fA-F]{6}", code):
            names = ", ".join(repr(name) for name in NAMED_BACKGROUNDS)
            raise SettingsError(f"background is {self.background!r}; give {names} or a colour '#rrggbb'")
        number = int(code[1:], 16)
        return (number >> 16) / 255, (number >> 8 & 255) / 255, (number & 255) / 255


def _radii(sizes: object) -> tuple[float, ...]:
    """`sizes` as a tuple, if it is a sequence of radii in [0.05, 1000], the range of the engine."""
    if not isinstance(sizes, Sequence) or isinstance(sizes, str) or not sizes:
        raise SettingsError(f"brush_sizes is {sizes!r}; give one radius in pixels or more, such as (1, 2, 4)")
    for radius in sizes:
        number = isinstance(radius, Real) and not isinstance(radius, bool)
        if not number or not math.isfinite(radius) or not MIN_RADIUS <= radius <= MAX_RADIUS:
            raise SettingsError(f"brush_sizes has {radius!r}; each is a radius in pixels, from 0.05 to 1000")
    return tuple(int(radius) if isinstance(radius, Integral) else float(radius) for radius in sizes)
