"""A batch of episodes, as the actors make it and the policy learner reads it.

An unroll is one whole episode (thesis 6.3.4), so a trajectory begins after a reset and ends at the last canvas; rollout
N+1 takes nothing over from rollout N. Several actors play a share of a batch each, and the shares are joined. Arrays
are numpy, so that they cross processes without a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spiral.contracts import Renders

BATCH_FIRST = {"noise", "targets", "views", "versions"}  # these arrays have no steps


@dataclass(frozen=True)
class Trajectory:
    """B episodes of T actions each.

    Attributes:
        canvases: uint8 [T+1, B, H, W, C]; the first is the canvas after reset, the last is the final render.
        actions: int64 [T, B, heads].
        action_masks: int8 [T+1, B, heads]; entry t+1 says which sub-actions of action t counted; entry 0 is zero.
        log_probs: float32 [T, B]; of the behaviour policy, over the sub-actions that counted.
        noise: float32 [B, noise]; constant over an episode; noise = 0 for an agent without. An agent that is told the
            level of its episode has it behind the noise.
        targets: uint8 [B, H, W, C], or None when the agent is unconditional.
        views: uint8 [B, H, W, C], the targets as the agent saw them, where these differ; else None.
        counts: what the environment counts, by name, each int64 [T+1, B]: strokes painted so far, say.
        versions: of the weights that acted in each episode, int64 [B].
    """

    canvases: NDArray[np.uint8]
    actions: NDArray[np.int64]
    action_masks: NDArray[np.int8]
    log_probs: NDArray[np.float32]
    noise: NDArray[np.float32]
    targets: NDArray[np.uint8] | None
    counts: dict[str, NDArray[np.int64]]
    versions: NDArray[np.int64]
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

    def select(self, episodes: NDArray[np.integer[Any]] | slice) -> Trajectory:
        """The same trajectory with only the given episodes (indices into B)."""
        return _each_array([self], lambda arrays, axis: arrays[0][(slice(None),) * axis + (episodes,)])


def joined(parts: Sequence[Trajectory], batch_size: int) -> Trajectory:
    """The newest `batch_size` episodes of several actors as one batch; the newest part comes last.

    Raises:
        ValueError: there are fewer.
    """
    whole = parts[0] if len(parts) == 1 else _each_array(parts, lambda arrays, axis: np.concatenate(arrays, axis))
    if whole.batch_size < batch_size:
        raise ValueError(f"{whole.batch_size} episodes were played, but a batch has {batch_size}")
    return whole if whole.batch_size == batch_size else whole.select(slice(whole.batch_size - batch_size, None))


def _each_array(
    trajectories: Sequence[Trajectory], make: Callable[[list[NDArray[Any]], int], NDArray[Any]]
) -> Trajectory:
    """A trajectory of what `make` gives for each array of all these, and for the axis of their episodes."""
    taken: dict[str, Any] = {}
    for field in fields(Trajectory):
        values = [getattr(trajectory, field.name) for trajectory in trajectories]
        axis = 0 if field.name in BATCH_FIRST else 1
        if isinstance(values[0], dict):
            taken[field.name] = {name: make([value[name] for value in values], 1) for name in values[0]}
        else:
            taken[field.name] = None if values[0] is None else make(values, axis)
    return Trajectory(**taken)
