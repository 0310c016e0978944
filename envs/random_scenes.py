"""Random scenes: a few objects scattered over the platform, as in the data set MUJOCO SCENES (thesis 6.4.1).

As programs they build a scene in one fixed order, so that a program can be told from its picture: objects one row after
the other from the far edge on, then nothing more. So they serve a conditional agent for its warm start as well.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.actions import ActionSpec
from envs.scene_objects import ADD, SKIP

APART = 2  # cells between the middles of two objects, at least, in rows or in columns
TRIES = 8


def random_scenes(
    spec: ActionSpec, count: int, length: int, rng: np.random.Generator, objects: tuple[int, int] = (1, 5)
) -> NDArray[np.int64]:
    """Programs of scenes with a uniform number of objects, uniform attributes and places apart, [count, length, heads].

    Args:
        spec: the heads of `spiral/Scenes-v1`.
        count: the number of programs.
        length: the number of actions in each; those after the last object skip the move.
        rng: decides everything.
        objects: the least and the most objects in a scene.

    Raises:
        ValueError: the range of objects does not fit into a program.
    """
    least, most = objects
    if not 0 <= least <= most <= length:
        raise ValueError(f"objects from {least} to {most} do not fit into {length} actions; give a range within them")
    place, kind = spec.index("place"), spec.index("kind")
    actions = rng.integers(0, spec.nvec, (count, length, len(spec.heads)))
    places = _places_apart(spec.head("place").grid, count, most, rng)
    there = np.arange(length) < rng.integers(least, most + 1, count)[:, None]
    chosen = np.where(there[:, :most], places, np.iinfo(np.int64).max)
    actions[:, :most, place] = np.sort(chosen, axis=1)
    actions[..., kind] = np.where(there, ADD, SKIP)
    actions *= spec.mask(actions)
    return actions


def _places_apart(grid: tuple[int, int] | None, count: int, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Cells [count, most]; in a scene they are `APART` from each other, where a few tries find such."""
    assert grid is not None, "a head of locations has a grid"
    rows, columns = grid
    cells = np.zeros((count, most, 2), np.int64)
    for number in range(most):
        wanting = np.ones(count, bool)
        for _ in range(TRIES):
            drawn = rng.integers(0, (rows, columns), (count, 2))
            cells[wanting, number] = drawn[wanting]
            away = np.abs(cells[:, :number] - cells[:, number, None]).max(axis=2)
            wanting = (away < APART).any(axis=1)
    return cells[..., 0] * columns + cells[..., 1]
