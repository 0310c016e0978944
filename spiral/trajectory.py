"""A batch of unrolls, as the actors make it and the policy learner reads it.

An unroll is a whole episode (thesis 6.3.4), or as many of its commands as settings say, so that a long episode takes no
more memory than a short one (SPIRAL++: Mellor et al., 2019). What the agent knew before comes with it, so that each can
be judged by itself. Several actors play a share of a batch each, and the shares are joined. Arrays are numpy, so that
they cross processes without a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spiral.contracts import Renders

BATCH_FIRST = {"noise", "targets", "views", "versions", "previous", "first", "better"}  # these arrays have no steps


@dataclass(frozen=True)
class Trajectory:
    """T actions of each of B episodes.

    Attributes:
        canvases: uint8 [T+1, B, H, W, C]; the first is the canvas before the first action.
        actions: int64 [T, B, heads].
        action_masks: int8 [T+1, B, heads]; entry t+1 says which sub-actions of action t counted; entry 0 is of the
            action before, zero after a reset.
        log_probs: float32 [T, B]; of the behaviour policy, over the sub-actions that counted.
        noise: float32 [B, noise]; constant over an episode; noise = 0 for an agent without. An agent that is told the
            level of its episode has it behind the noise.
        targets: uint8 [B, H, W, C], or None when the agent is unconditional.
        counts: what the environment counts, by name, each int64 [T+1, B]: strokes painted so far, say.
        versions: of the weights that acted, int64 [B].
        first: the place of the first action in its episode, int64 [B]; 0 after a reset.
        previous: the action before the first, int64 [B, heads]; zero after a reset.
        state: the agent's recurrent state before the first action, float32 [2, B, hidden]; zero after a reset.
        episode_length: the number of actions in a whole episode.
        views: uint8 [B, H, W, C], the targets as the agent saw them, where these differ; else None.
        better: which of the programs a search made better, and are to be imitated, bool [B]; None where none searched.
    """

    canvases: NDArray[np.uint8]
    actions: NDArray[np.int64]
    action_masks: NDArray[np.int8]
    log_probs: NDArray[np.float32]
    noise: NDArray[np.float32]
    targets: NDArray[np.uint8] | None
    counts: dict[str, NDArray[np.int64]]
    versions: NDArray[np.int64]
    first: NDArray[np.int64]
    previous: NDArray[np.int64]
    state: NDArray[np.float32]
    episode_length: int
    views: NDArray[np.uint8] | None = None
    better: NDArray[np.bool_] | None = None

    @property
    def length(self) -> int:
        """T, the number of actions in an unroll."""
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
    def ended(self) -> NDArray[np.bool_]:
        """Which of the episodes end with the last action, [B]."""
        ended: NDArray[np.bool_] = self.first + self.length == self.episode_length
        return ended

    @property
    def programs(self) -> NDArray[np.int64] | None:
        """All actions of each episode, [B, T, heads]; None where there were others before or after."""
        return self.actions.swapaxes(0, 1) if self.length == self.episode_length else None

    def reached(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """After how many of these actions an episode has had `step` of its own, and which episodes (indices into B).

        Only those that come to it in this unroll.
        """
        places = step - self.first
        (episodes,) = np.nonzero((places > 0) & (places <= self.length))
        return places[episodes], episodes

    @property
    def final_renders(self) -> Renders:
        """The last canvas of every episode that ended, with its target, and its program where this is a whole one."""
        targets = None if self.targets is None else self.targets[self.ended]
        programs = None if self.programs is None else self.programs[self.ended]
        return Renders(self.canvases[-1, self.ended], targets, programs)

    @property
    def final_counts(self) -> dict[str, NDArray[np.int64]]:
        """What the environment had counted by the end of every episode that ended, by name, each [N]."""
        return {name: count[-1, self.ended] for name, count in self.counts.items()}

    def select(self, episodes: NDArray[np.integer[Any]] | slice) -> Trajectory:
        """The same trajectory with only the given episodes (indices into B)."""
        return _each_array([self], lambda arrays, axis: arrays[0][(slice(None),) * axis + (episodes,)])


def joined(parts: Sequence[Trajectory], batch_size: int) -> Trajectory:
    """The newest `batch_size` unrolls of several actors as one batch; the newest part comes last.

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
        if isinstance(values[0], dict):
            taken[field.name] = {name: make([value[name] for value in values], 1) for name in values[0]}
        elif isinstance(values[0], np.ndarray):
            taken[field.name] = make(values, 0 if field.name in BATCH_FIRST else 1)
        else:
            taken[field.name] = values[0]  # nothing, or the same for all episodes
    return Trajectory(**taken)
