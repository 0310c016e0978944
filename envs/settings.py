"""What decides the pixels of an environment besides the actions: a frozen record of settings.

One record is shared by the single environment, its vector form and saved programs, so that the three cannot disagree on
a default, and a value that makes no sense is refused in one place, before any engine is started. Each environment has
its own kind of record; this is what they have in common.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from envs.actions import ActionSpec

MAX_PIXELS = 8192


class SettingsError(ValueError):
    """An environment was asked for with a setting that does not exist, or with a value that is not allowed."""


class UnknownSetting(SettingsError, TypeError):
    """There is no such setting. Python's own error for such a keyword is a TypeError, which other libraries catch."""


@dataclass(frozen=True)
class Settings(ABC):
    """The settings of an environment that makes one picture an episode.

    Attributes:
        canvas_size: width and height of the canvas that is shown, 1 to 8192.
        episode_length: the number of actions in an episode.
        render_size: draw on a canvas of this size and show it at `canvas_size` by area mean; a multiple of
            `canvas_size`. None draws at `canvas_size`.

    Raises:
        SettingsError: a value is of the wrong type or out of range.
    """

    canvas_size: int = 64
    episode_length: int = 20
    render_size: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            normalise(self, field.name, plain(getattr(self, field.name)))
        normalise(self, "canvas_size", whole("canvas_size", self.canvas_size, 1, MAX_PIXELS))
        normalise(self, "episode_length", whole("episode_length", self.episode_length, 1, None))
        if self.render_size is not None:
            normalise(self, "render_size", whole("render_size", self.render_size, self.canvas_size, MAX_PIXELS))
            if self.render_size % self.canvas_size:
                raise SettingsError(
                    f"render_size is {self.render_size}; it must be a multiple of canvas_size, {self.canvas_size}, "
                    f"such as {self.render_size // self.canvas_size * self.canvas_size}"
                )

    @classmethod
    def from_keywords(cls, keywords: Mapping[str, Any]) -> Self:
        """The settings with the given names and values; the others keep their defaults.

        Raises:
            UnknownSetting: a name is none of the settings.
            SettingsError: a value is not allowed.
        """
        allowed = [field.name for field in fields(cls)]
        for name in keywords:
            if name not in allowed:
                # Python's words: TorchRL looks for them, and then leaves out the keyword that it added.
                raise UnknownSetting(f"unexpected keyword argument '{name}'; the settings are {', '.join(allowed)}")
        return cls(**keywords)

    def to_json(self) -> dict[str, Any]:
        """All settings as plain JSON values; `from_keywords` reads them back."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @abstractmethod
    def at_size(self, size: int) -> Self:
        """The same settings for a canvas of `size` pixels, drawn at that size."""

    @property
    @abstractmethod
    def action_spec(self) -> ActionSpec:
        """The heads of the actions that these settings call for."""

    @property
    @abstractmethod
    def channels(self) -> int:
        """3 in colour, 1 in grey-scale."""

    @abstractmethod
    def natural_programs(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Random programs of whole episodes whose pictures resemble real ones, [count, episode_length, heads]."""

    def together(self, actions: NDArray[np.int64], number: int) -> list[int]:
        """Which of the actions [steps, heads] are edited together with the one called `number`, which is among them."""
        return [number]

    def without(self, actions: NDArray[np.int64], number: int) -> NDArray[np.int64]:
        """The actions [steps, heads] without what the one called `number` made, [steps or fewer, heads]."""
        return np.delete(actions, self.together(actions, number), axis=0)

    @property
    def drawn_size(self) -> int:
        """Width and height of the canvas that the engine draws on, in its own pixels."""
        return self.canvas_size if self.render_size is None else self.render_size


def plain(value: Any) -> Any:
    """`value` as JSON knows it, so that equal settings are equal: arrays and lists as tuples, paths as text."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    elif isinstance(value, os.PathLike):
        value = os.fsdecode(value)
    return tuple(plain(part) for part in value) if isinstance(value, (list, tuple)) else value


def normalise(settings: Settings, name: str, value: object) -> None:
    """Sets one field while a frozen record is being made."""
    object.__setattr__(settings, name, value)


def whole(name: str, value: object, low: int, high: int | None) -> int:
    """`value` as an int, if it is a whole number from `low` to `high`, the bounds included."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        number = int(value)
        if number >= low and (high is None or number <= high):
            return number
    allowed = f"from {low} to {high}" if high is not None else f"of {low} or more"
    raise SettingsError(f"{name} is {value!r}; give a whole number {allowed}")
