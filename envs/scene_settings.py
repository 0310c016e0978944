"""The settings of the scenes: the canvas and its edges, the grid of places, and how many objects a random scene has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from envs.actions import ActionSpec, Head
from envs.random_scenes import random_scenes
from envs.scene_objects import ADD, CHANGE, COLOR_LEVELS, RADII, SHAPES
from envs.settings import Settings, SettingsError, normalise, whole

LARGEST = 4096  # pixels; Mesa's software driver draws no wider ones
MOST_SUPERSAMPLING = 16


@dataclass(frozen=True)
class SceneSettings(Settings):
    """The settings of `spiral/Scenes-v0`.

    Attributes:
        grid_size: objects stand on the cells of a square grid with this many rows, 2 to 64.
        most_objects: natural programs add one object to so many, 1 to 20; an agent may add more.
        supersampling: each pixel is the mean of so many rows and columns of finer ones, 1 to 16; with 1 edges are hard.

    Raises:
        SettingsError: a value is of the wrong type or out of range.
    """

    grid_size: int = 16
    most_objects: int = 5
    supersampling: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        normalise(self, "grid_size", whole("grid_size", self.grid_size, 2, 64))
        normalise(self, "most_objects", whole("most_objects", self.most_objects, 1, 20))
        normalise(self, "supersampling", whole("supersampling", self.supersampling, 1, MOST_SUPERSAMPLING))
        if self.drawn_size > LARGEST:
            raise SettingsError(f"scenes are drawn at {LARGEST} pixels at most, not at {self.drawn_size}")
        if self.drawn_size * self.supersampling > LARGEST:
            raise SettingsError(
                f"scenes are drawn at {LARGEST} pixels at most, not at {self.drawn_size * self.supersampling}: with "
                f"{self.drawn_size} pixels give supersampling={LARGEST // self.drawn_size} or less, "
                f"not {self.supersampling}"
            )

    def at_size(self, size: int) -> Self:
        """The same scene on a canvas of `size` pixels, drawn at that size; a very large one is supersampled less."""
        size = whole("size", size, 1, LARGEST)
        return replace(self, canvas_size=size, render_size=None, supersampling=min(self.supersampling, LARGEST // size))

    def natural_programs(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Programs of scenes with one object to `most_objects`, [count, episode_length, heads]."""
        objects = (1, min(self.most_objects, self.episode_length))
        return random_scenes(self.action_spec, count, self.episode_length, rng, objects)

    def together(self, actions: NDArray[np.int64], number: int) -> list[int]:
        """What adds an object, and all that changes it later; any other action stands alone."""
        kinds = actions[:, self.action_spec.index("kind")]
        if kinds[number] != ADD:
            return [number]
        later = np.arange(number + 1, len(actions))
        before_the_next = np.cumsum(kinds[later] == ADD) == 0
        return [number, *later[before_the_next & (kinds[later] == CHANGE)].tolist()]

    @property
    def action_spec(self) -> ActionSpec:
        """The sub-actions of section 6.4.2: shape, place, size, three colours, and the kind of action.

        Kind 0 adds an object, 1 skips the move, 2 changes the object that was added last.
        """
        cells = self.grid_size**2
        heads = (
            Head("shape", len(SHAPES)),
            Head("place", cells, (self.grid_size, self.grid_size)),
            Head("size", len(RADII)),
            *(Head(color, len(COLOR_LEVELS)) for color in ("red", "green", "blue")),
            Head("kind", 3),
        )
        names = tuple(head.name for head in heads)
        order = ("kind", "place", "shape", "size", "red", "green", "blue")
        return ActionSpec(heads, order, "kind", (names, ("kind",), names))

    @property
    def channels(self) -> int:
        """3: scenes are in colour."""
        return 3


@dataclass(frozen=True)
class ScenesV1Settings(SceneSettings):
    """The settings of `spiral/Scenes-v1`: those of its elder, but for edges that are smooth where nobody says else."""

    supersampling: int = 4
