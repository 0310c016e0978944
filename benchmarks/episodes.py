"""How long whole episodes of a vector environment take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray


def seconds_of(
    environments: VectorEnv[Any, Any, Any], actions: NDArray[np.int64], repeats: int, clock: Callable[[], float]
) -> float:
    """Seconds, by the clock, for playing the actions [num_envs, steps, heads] so many times."""
    start = clock()
    for _ in range(repeats):
        environments.reset()
        for step in range(actions.shape[1]):
            environments.step(actions[:, step])
    return clock() - start
