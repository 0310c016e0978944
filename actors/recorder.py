"""An unroll on its way into a trajectory: what agent and environments say at each step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.actions import ActionSpec
from spiral.trajectory import Trajectory


def counts_of(info: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """What environments counted, without Gymnasium's notes on which of them have the count."""
    return {name: count for name, count in info.items() if not name.startswith("_")}


class Recorder:
    """Writes an unroll into arrays of their final shape, T+1 observations and T actions.

    Args:
        length: of the unroll, T.
        batch_size: B.
        canvas_shape: height, width and channels of the canvas.
        spec: the action heads.
        first: the place of the unroll in its episode.
        episode_length: of a whole episode.
    """

    def __init__(
        self,
        length: int,
        batch_size: int,
        canvas_shape: tuple[int, int, int],
        spec: ActionSpec,
        first: int,
        episode_length: int,
    ) -> None:
        heads = len(spec.heads)
        self.first = first
        self.episode_length = episode_length
        self.canvases = np.empty((length + 1, batch_size, *canvas_shape), np.uint8)
        self.actions = np.empty((length, batch_size, heads), np.int64)
        self.action_masks = np.empty((length + 1, batch_size, heads), np.int8)
        self.log_probs = np.empty((length, batch_size), np.float32)
        self.counts: dict[str, NDArray[np.int64]] = {}
        self.time = 0

    def start(self, observation: dict[str, NDArray[Any]], info: dict[str, NDArray[Any]]) -> None:
        """Take what the environments said before the first action."""
        self.canvases[self.time] = observation["canvas"]
        self.action_masks[self.time] = observation["action_mask"]
        for name, count in counts_of(info).items():
            self.counts.setdefault(name, np.empty((len(self.canvases), len(count)), np.int64))[self.time] = count

    def record(self, actions: NDArray[np.int64], log_probs: NDArray[np.floating[Any]], step: tuple[Any, ...]) -> None:
        """Take an action and what the environment answered."""
        self.actions[self.time] = actions
        self.log_probs[self.time] = log_probs
        self.time += 1
        observation, _, _, _, info = step
        self.start(observation, info)

    def trajectory(
        self,
        version: int,
        previous: NDArray[np.int64],
        state: NDArray[np.float32],
        noise: NDArray[np.float32],
        targets: NDArray[np.uint8] | None,
        views: NDArray[np.uint8] | None,
    ) -> Trajectory:
        """The finished unroll; the arguments are as in `Trajectory`, but the version is the same for all episodes."""
        batch_size = self.canvases.shape[1]
        return Trajectory(
            self.canvases,
            self.actions,
            self.action_masks,
            self.log_probs,
            noise,
            targets,
            self.counts,
            np.full(batch_size, version),
            np.full(batch_size, self.first),
            previous,
            state,
            self.episode_length,
            views,
        )
