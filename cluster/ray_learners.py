"""The learners as processes of their own on Ray: what they are called with, and how long they took."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from cluster.timing import mean_of, timed
from envs.actions import ActionSpec
from learners.discriminator_learner import DiscriminatorLearner
from learners.policy_learner import PolicyLearner
from learners.replay import ReplayError
from learners.team import Seat, Unpublished
from spiral.config import RunConfig
from spiral.contracts import Arrays, EmptyReplayError, Replay, WeightStore
from spiral.memory import keep_memory
from spiral.trajectory import Trajectory


class PolicyWorker:
    """The policy learner in a process of its own, or one of a team (see `learners/team.py`)."""

    def __init__(
        self,
        config: RunConfig,
        spec: ActionSpec,
        canvas_shape: tuple[int, int, int],
        make_weights: Callable[[], WeightStore],
        num_threads: int,
        seat: Seat | None = None,
    ) -> None:
        torch.set_num_threads(num_threads)
        keep_memory()
        weights = make_weights()
        if seat is not None:
            seat.take()
            weights = weights if seat.rank == 0 else Unpublished(weights)
        self.learner = PolicyLearner(config, spec, canvas_shape, weights)

    def ping(self) -> None:
        """Returns when the learner is ready."""

    def step(self, trajectory: Trajectory, kind: str, progress: float) -> tuple[int, dict[str, float], float]:
        """Frames, measurements and seconds of one step."""
        if kind == "cloning":
            metrics, seconds = timed(lambda: self.learner.clone_step(trajectory))
        else:
            metrics, seconds = timed(lambda: self.learner.step(trajectory, progress))
        return trajectory.frames, metrics, seconds

    def state(self) -> Arrays:
        """What a checkpoint needs."""
        return self.learner.state()

    def load_state(self, arrays: Arrays) -> None:
        """Go on from what `state` gave."""
        self.learner.load_state(arrays)


def joined(steps: list[tuple[int, dict[str, float], float]]) -> tuple[int, dict[str, float], float]:
    """What several policy learners measured in one step that they took together, as one would have measured it."""
    frames, _, seconds = zip(*steps, strict=True)
    return frames[0], mean_of([measured for _, measured, _ in steps]), max(seconds)


class DiscriminatorWorker:
    """The discriminator learner in a process of its own."""

    def __init__(
        self,
        config: RunConfig,
        canvas_shape: tuple[int, int, int],
        pictures: NDArray[np.uint8],
        make_replay: Callable[[], Replay],
        make_weights: Callable[[], WeightStore],
        num_threads: int,
    ) -> None:
        torch.set_num_threads(num_threads)
        keep_memory()
        self.learner = DiscriminatorLearner(config, canvas_shape, pictures, make_replay(), make_weights())

    def ping(self) -> None:
        """Returns when the learner is ready."""

    def steps(self, count: int) -> tuple[int, dict[str, float], float]:
        """Steps, mean measurements and seconds of at most `count` steps, after which the weights are published.

        Fewer are taken where the replay has nothing but what it must refuse; new pictures mend it.
        """
        tried, seconds = timed(lambda: [self._try_step() for _ in range(count)])
        measured = [step for step in tried if step is not None]
        _, publishing = timed(self.learner.publish)
        return len(measured), mean_of(measured), seconds + publishing

    def state(self) -> Arrays:
        """What a checkpoint needs."""
        return self.learner.state()

    def load_state(self, arrays: Arrays) -> None:
        """Go on from what `state` gave."""
        self.learner.load_state(arrays)

    def _try_step(self) -> dict[str, float] | None:
        try:
            return self.learner.step()
        except (EmptyReplayError, ReplayError):
            return None
