"""The settings of `spiral/Scenes-v0`: the canvas, the grid of places, and how many objects a random scene has."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from envs.actions import ActionSpec, Head
from envs.random_scenes import random_scenes
from envs.scene_objects import ADD, CHANGE, COLOR_LEVELS, RADII, SHAPES
from envs.settings import Settings, SettingsError, normalise, whole

LARGEST = 4096  # pixels; Mesa's software driver draws no wider ones


@dataclass(frozen=True)
class SceneSettings(Settings):
    """The settings of the scene environment.

    Attributes:
        grid_size: objects stand on the cells of a square grid with this many rows, 2 to 64.
        most_objects: natural programs add one object to so many, 1 to 20; an agent may add more.

    Raises:
        SettingsError: a value is of the wrong type or out of range.
    """

    grid_size: int = 16
    most_objects: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        normalise(self, "grid_size", whole("grid_size", self.grid_size, 2, 64))
        normalise(self, "most_objects", whole("most_objects", self.most_objects, 1, 20))
        if self.drawn_size > LARGEST:
            raise SettingsError(f"scenes are drawn at {LARGEST} pixels at most, not at {self.drawn_size}")

    def at_size(self, size: int) -> SceneSettings:
        """The same scene on a canvas of `size` pixels, drawn at that size."""
        return replace(self, canvas_size=whole("size", size, 1, LARGEST), render_size=None)

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
