"""Building a 3-D scene, one object at a time: `spiral/Scenes-v1` (Ganin et al. 2018, section 6.4.2).

The agent looks down at a square platform. At each step it decides on a shape, a place on a grid, a size and a colour,
and whether this is an object to add, a change of the object that was added last, or nothing. MuJoCo draws the scene;
nothing moves. `spiral/Scenes-v0` is the same with hard edges, for agents and programs that know no others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs import SCENES_ID, SCENES_V1_ID
from envs.builder import Builder
from envs.canvas_env import CanvasEnv, CanvasVectorEnv
from envs.scene_objects import SceneObject
from envs.scene_settings import SceneSettings, ScenesV1Settings


class Scenes(CanvasEnv):
    """One platform; the settings are the fields of `SceneSettings`.

    Action: one index for each head of `action_spec`.

    | head | choices | meaning |
    |---|---|---|
    | shape | 4 | box, sphere, cylinder (a low drum), capsule (a slim upright pin) |
    | place | grid_size² | row, column = divmod(index, grid_size); row 0 is the far edge |
    | size | 3 | radius 0.12, 0.17 or 0.23 m, on a platform of 2 m |
    | red, green, blue | 4 each | 0, 1/3, 2/3 or 1 |
    | kind | 3 | 0 adds an object, 1 does nothing, 2 changes the object added last (none there: nothing) |

    Info: `objects`, how many stand on the platform, and `changes`, how many actions changed one.

    Raises:
        SettingsError: a setting does not exist or has a value that is not allowed.
        StageError: MuJoCo finds no OpenGL.
    """

    env_id = SCENES_ID
    settings_type = SceneSettings
    episodes_type = Builder
    _episodes: Builder

    def objects(self) -> list[SceneObject]:
        """What stands on the platform, in the order in which it was added."""
        return self._episodes.objects(0)

    def segmentation(self) -> NDArray[np.int32]:
        """What each pixel shows, int32 [size, size]: −1 nothing, 0 the platform, k the k-th of `objects`."""
        return self._episodes.segmentation(0)


class ScenesVector(CanvasVectorEnv):
    """`num_envs` platforms, drawn by `num_threads` threads; see `Scenes`.

    Raises:
        SettingsError: a setting does not exist or has a value that is not allowed.
        StageError: MuJoCo finds no OpenGL.
    """

    env_id = SCENES_ID
    settings_type = SceneSettings
    episodes_type = Builder
    _episodes: Builder

    def draw(self, programs: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        """The scenes after whole programs [num_envs, steps, heads], each drawn once; `reset` comes before a next step.

        Raises:
            ActionError: the programs are of another shape or type, or an index is out of range.
        """
        return self._episodes.draw(programs)

    def objects(self, index: int) -> list[SceneObject]:
        """What stands on one platform, in the order in which it was added."""
        return self._episodes.objects(index)

    def segmentation(self, index: int) -> NDArray[np.int32]:
        """What each pixel of one picture shows, as `Scenes.segmentation` does."""
        return self._episodes.segmentation(index)


class ScenesV1(Scenes):
    """`Scenes`, with smooth edges where nobody says else."""

    env_id = SCENES_V1_ID
    settings_type = ScenesV1Settings


class ScenesV1Vector(ScenesVector):
    """`ScenesVector`, with smooth edges where nobody says else."""

    env_id = SCENES_V1_ID
    settings_type = ScenesV1Settings
