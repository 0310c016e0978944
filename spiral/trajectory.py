"""A batch of episodes, as the actors make it and the policy learner reads it.

An unroll is one whole episode (thesis 6.3.4), so a trajectory begins after a reset and ends at the last canvas; rollout
N+1 takes nothing over from rollout N. Arrays are numpy, so that they cross processes without a copy.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spiral.contracts import Renders


@dataclass(frozen=True)
class Trajectory:
    """B episodes of T actions each.

    Attributes:
        canvases: uint8 [T+1, B, H, W, C]; the first is the canvas after reset, the last is the final render.
        actions: int64 [T, B, heads].
        action_masks: int8 [T+1, B, heads]; entry t+1 says which sub-actions of action t counted; entry 0 is zero.
        log_probs: float32 [T, B]; of the behaviour policy, over the sub-actions that counted.
        noise: float32 [B, noise]; constant over an episode; noise = 0 for an agent without.
        targets: uint8 [B, H, W, C], or None when the agent is unconditional.
        views: uint8 [B, H, W, C], the targets as the agent saw them, where these differ; else None.
        counts: what the environment counts, by name, each int64 [T+1, B]: strokes painted so far, say.
        version: of the weights that acted.
    """

    canvases: NDArray[np.uint8]
    actions: NDArray[np.int64]
    action_masks: NDArray[np.int8]
    log_probs: NDArray[np.float32]
    noise: NDArray[np.float32]
    targets: NDArray[np.uint8] | None
    counts: dict[str, NDArray[np.int64]]
    version: int
    views: NDArray[np.uint8] | None = None

    @property
    def length(self) -> int:
        """T, the number of actions in an episode."""
        return len(self.actions)

    @property
    def batch_size(self) -> int:
        """B, the number of episodes."""
        return int(self.actions.shape[1])

    @property
    def frames(self) -> int:
        """How many actions were taken, T·B."""
        return self.length * self.batch_size

    @property
    def final_renders(self) -> Renders:
        """The last canvas of every episode with its target, as the replay keeps them."""
        return Renders(self.canvases[-1], self.targets)

    def select(self, episodes: NDArray[np.integer[Any]]) -> Trajectory:
        """The same trajectory with only the given episodes (indices into B)."""
        batch_first = {"noise", "targets", "views"}
        taken = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value = value[episodes] if field.name in batch_first else value[:, episodes]
            elif isinstance(value, dict):
                value = {name: count[:, episodes] for name, count in value.items()}
            taken[field.name] = value
        return Trajectory(**taken)
