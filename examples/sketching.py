"""A task for agents of any library: a picture is shown, and eight strokes are there to copy it.

The pictures are painted by random programs, so that no data set is needed. A stroke earns by how much it lowers the
squared error, and an episode that leaves the canvas blank loses.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

import envs
from actors.scored import Observation, Scored
from envs.paint_settings import PaintSettings
from spiral.config import RewardTerm

SETTINGS = PaintSettings(brush="classic/pen", brush_sizes=(2,), color=False, episode_length=8)
REWARDS = (RewardTerm(name="squared_error", weight=0.03, when="step"), RewardTerm(name="blank"))


@cache
def pictures(count: int = 256, seed: int = 0) -> NDArray[np.uint8]:
    """Pictures to copy, uint8 [count, 64, 64, 1]; painted once in each process."""
    programs = SETTINGS.natural_programs(count, np.random.default_rng(seed))
    painters = gymnasium.make_vec(envs.PAINT_ID, num_envs=count, **SETTINGS.to_json())
    painters.reset()
    for actions in programs.swapaxes(0, 1):
        observation, *_ = painters.step(actions)
    canvases: NDArray[np.uint8] = observation["canvas"]
    return canvases


def sketching() -> gymnasium.Env[Observation, NDArray[Any]]:
    """The environment; each episode has one of the pictures as `target` beside the canvas."""
    return Scored(gymnasium.make(envs.PAINT_ID, **SETTINGS.to_json()), REWARDS, pictures())
