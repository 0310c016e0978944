"""What decides the pixels of a painting besides the actions: the settings of `spiral/Paint-v0`.

One frozen record is shared by the single environment, its vector form and saved programs, so that the three cannot
disagree on a default, and a value that makes no sense is refused in one place, before any engine is started.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from numbers import Integral, Real
from typing import Any

from envs.actions import ActionSpec, paint_action_spec

MAX_PIXELS = 8192
MIN_RADIUS, MAX_RADIUS = 0.05, 1000
NAMED_BACKGROUNDS = {"white": "#ffffff", "black": "#000000"}


class SettingsError(ValueError):
    """An environment was asked for with a setting that does not exist, or with a value that is not allowed."""


@dataclass(frozen=True)
class PaintSettings:
    """The settings of the painting environment; all lengths are in pixels of the canvas that is shown.

    Attributes:
        canvas_size: width and height of the canvas that is shown, 1 to 8192.
        grid_size: locations are cells of a square grid with this many rows, 2 to 1024.
        brush: a libmypaint brush by name (`classic/pen`) or the path of a `.myb` file.
        brush_sizes: the radii that the agent chooses from, each from 0.05 to 1000.
        color: whether strokes have a colour (a canvas of 3 channels), or are black (a canvas of 1 channel).
        episode_length: the number of actions in an episode.
        background: "white", "black" or "#rrggbb".
        render_size: paint on a canvas of this size and show it at `canvas_size` by area mean; a multiple of
            `canvas_size`. None paints at `canvas_size`.

    Raises:
        SettingsError: a value is of the wrong type or out of range.
    """

    canvas_size: int = 64
    grid_size: int = 32
    brush: str = "classic/dry_brush"
    brush_sizes: tuple[float, ...] = (1, 2, 4, 8, 12, 24)
    color: bool = True
    episode_length: int = 20
    background: str = "white"
    render_size: int | None = None

    def __post_init__(self) -> None:
        # Lists from JSON and numbers of numpy become what the type hints promise, so that equal settings are equal.
        _normalise(self, "canvas_size", _whole("canvas_size", self.canvas_size, 1, MAX_PIXELS))
        _normalise(self, "grid_size", _whole("grid_size", self.grid_size, 2, 1024))
        _normalise(self, "episode_length", _whole("episode_length", self.episode_length, 1, None))
        _normalise(self, "brush_sizes", _radii(self.brush_sizes))
        if not isinstance(self.brush, str) or not self.brush:
            raise SettingsError(f"brush is {self.brush!r}; give a brush's name, such as 'classic/pen', or its file")
        if not isinstance(self.color, bool):
            raise SettingsError(f"color is {self.color!r}; give True or False")
        if self.render_size is not None:
            _normalise(self, "render_size", _whole("render_size", self.render_size, self.canvas_size, MAX_PIXELS))
            if self.render_size % self.canvas_size:
                raise SettingsError(
                    f"render_size is {self.render_size}; it must be a multiple of canvas_size, {self.canvas_size}, "
                    f"such as {self.render_size // self.canvas_size * self.canvas_size}"
                )
        red, green, blue = self.background_rgb
        if not self.color and not red == green == blue > 0:
            raise SettingsError(
                f"background is {self.background!r}, but with color=False strokes are black on grey; "
                "give 'white', a grey such as '#808080', or color=True"
            )

    @classmethod
    def from_keywords(cls, keywords: Mapping[str, Any]) -> PaintSettings:
        """The settings with the given names and values; the others keep their defaults.

        Raises:
            SettingsError: a name is none of the settings, or a value is not allowed.
        """
        allowed = [field.name for field in fields(cls)]
        unknown = sorted(set(keywords) - set(allowed))
        if unknown:
            raise SettingsError(f"{', '.join(unknown)}: no such setting; the settings are {', '.join(allowed)}")
        return cls(**keywords)

    def to_json(self) -> dict[str, Any]:
        """All settings as plain JSON values; `from_keywords` reads them back."""
        return {**asdict(self), "brush_sizes": list(self.brush_sizes)}

    def at_size(self, size: int) -> PaintSettings:
        """The same settings for a canvas of `size` pixels, painted at that size; brush sizes grow along."""
        size = _whole("size", size, 1, MAX_PIXELS)
        if size == self.canvas_size:
            return self
        scale = size / self.canvas_size
        sizes = tuple(min(max(radius * scale, MIN_RADIUS), MAX_RADIUS) for radius in self.brush_sizes)
        return replace(self, canvas_size=size, render_size=None, brush_sizes=sizes)

    @property
    def action_spec(self) -> ActionSpec:
        """The heads of the actions that these settings call for."""
        return paint_action_spec(self.grid_size, len(self.brush_sizes), self.color)

    @property
    def painted_size(self) -> int:
        """Width and height of the canvas that the engine paints on, in its own pixels."""
        return self.canvas_size if self.render_size is None else self.render_size

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


def _normalise(settings: PaintSettings, name: str, value: object) -> None:
    """Sets one field while a frozen record is being made."""
    object.__setattr__(settings, name, value)


def _whole(name: str, value: object, low: int, high: int | None) -> int:
    """`value` as an int, if it is a whole number from `low` to `high`, the bounds included."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        number = int(value)
        if number >= low and (high is None or number <= high):
            return number
    allowed = f"from {low} to {high}" if high is not None else f"of {low} or more"
    raise SettingsError(f"{name} is {value!r}; give a whole number {allowed}")


def _radii(sizes: object) -> tuple[float, ...]:
    """`sizes` as a tuple, if it is a sequence of radii in [0.05, 1000], the range of the engine."""
    if not isinstance(sizes, Sequence) or isinstance(sizes, str) or not sizes:
        raise SettingsError(f"brush_sizes is {sizes!r}; give one radius in pixels or more, such as (1, 2, 4)")
    for radius in sizes:
        number = isinstance(radius, Real) and not isinstance(radius, bool)
        if not number or not math.isfinite(radius) or not MIN_RADIUS <= radius <= MAX_RADIUS:
            raise SettingsError(f"brush_sizes has {radius!r}; each is a radius in pixels, from 0.05 to 1000")
    return tuple(int(radius) if isinstance(radius, Integral) else float(radius) for radius in sizes)
