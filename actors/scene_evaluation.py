"""How well scenes were rebuilt: not the pixels alone, but the objects.

An object of the copy stands for the object of the original that it is matched with: the matching of all pairs with the
least sum of distances (Hungarian method). What is left over on either side is a miss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from envs.scene_objects import SceneObject, apply_action, positions
from envs.scene_settings import SceneSettings
from spiral.picture_error import mean_squared_error


@dataclass(frozen=True)
class SceneReport:
    """How well scenes were rebuilt.

    Attributes:
        right_count: share of the scenes with as many objects as the original.
        position_error: mean distance of matched objects in cells of the grid; NaN without any.
        missed: objects of the originals that have no match, a scene.
        invented: objects of the copies that have none, a scene.
        right_attributes: share of the matched objects with the right shape, size and colour.
        error: mean squared error of the pixels in [0, 1].
        bare_error: that of the platform without objects.
    """

    right_count: float
    position_error: float
    missed: float
    invented: float
    right_attributes: float
    error: float
    bare_error: float

    @property
    def relative_error(self) -> float:
        """The error of the pixels as a share of the bare platform's."""
        return self.error / self.bare_error


def objects_of(settings: SceneSettings, actions: NDArray[np.int64]) -> list[SceneObject]:
    """The objects that a program [T, heads] leaves on the platform, without drawing it."""
    names = [head.name for head in settings.action_spec.heads]
    objects: list[SceneObject] = []
    for action in actions:
        apply_action(objects, dict(zip(names, action.tolist(), strict=True)), settings.grid_size)
    return objects


def match(copy: Sequence[SceneObject], original: Sequence[SceneObject]) -> list[tuple[int, int, float]]:
    """Pairs (index in the copy, index in the original, distance in cells) with the least sum of distances."""
    apart = np.linalg.norm(positions(copy)[:, None] - positions(original)[None], axis=2)
    return [(int(i), int(j), float(apart[i, j])) for i, j in zip(*linear_sum_assignment(apart), strict=True)]


def judge_scenes(
    renders: NDArray[np.uint8],
    targets: NDArray[np.uint8],
    copies: Sequence[Sequence[SceneObject]],
    originals: Sequence[Sequence[SceneObject]],
    bare: NDArray[np.uint8],
) -> SceneReport:
    """The report on scenes.

    Args:
        renders: of the copies, uint8 [N, H, W, 3].
        targets: the originals, of the same shape.
        copies: the objects of each copy.
        originals: the objects of each original.
        bare: the platform without objects, uint8 [H, W, 3].
    """
    distances, right = [], []
    for copy, original in zip(copies, originals, strict=True):
        for i, j, distance in match(copy, original):
            distances.append(distance)
            alike = (copy[i].shape, copy[i].radius, copy[i].color) == (
                original[j].shape,
                original[j].radius,
                original[j].color,
            )
            right.append(alike)
    extra = np.array([len(copy) - len(original) for copy, original in zip(copies, originals, strict=True)])
    return SceneReport(
        right_count=float(np.mean(extra == 0)),
        position_error=float(np.mean(distances)) if distances else float("nan"),
        missed=float(np.maximum(-extra, 0).mean()),
        invented=float(np.maximum(extra, 0).mean()),
        right_attributes=float(np.mean(right)) if right else float("nan"),
        error=mean_squared_error(renders, targets),
        bare_error=mean_squared_error(np.broadcast_to(bare, targets.shape), targets),
    )
