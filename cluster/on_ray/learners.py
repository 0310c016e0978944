"""The learners as processes of their own on Ray: what they are called with, and how long they took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from actors.pool import take_refused
from cluster.run.timing import mean_of, timed
from envs.actions import ActionSpec
from learners.discriminator_learner import DiscriminatorLearner
from learners.policy_learner import PolicyLearner
from learners.replay import ReplayError
from learners.team import Seat, Unpublished
from spiral.config import RunConfig
from spiral.contracts import Arrays, EmptyReplayError, Replay, WeightStore
from spiral.memory import keep_memory
from spiral.precision import Precision
from spiral.trajectory import Trajectory


@dataclass(frozen=True)
class Done:
    """What a learner did when it was asked to.

    Attributes:
        count: the frames that it learned from, or the steps that it took.
        metrics: measurements of its steps.
        seconds: how long they took.
        refused: how many malformed values it met in Redis meanwhile.
    """

    count: int
    metrics: dict[str, float]
    seconds: float
    refused: int


class LearnerWorker:
    """What the process of either learner can be asked for."""

    learner: PolicyLearner | DiscriminatorLearner

    def ping(self) -> None:
        """Returns when the learner is ready."""

    def precision(self) -> Precision:
        """What the learner computes with on its machine."""
        return self.learner.precision

    def publish(self) -> None:
        """Make the present weights the newest, where they were lost."""
        self.learner.publish()

    def state(self) -> Arrays:
        """What a checkpoint needs."""
        return self.learner.state()

    def load_state(self, arrays: Arrays) -> None:
        """Go on from what `state` gave."""
        self.learner.load_state(arrays)


class PolicyWorker(LearnerWorker):
    """The policy learner in a process of its own, or one of a team (see `learners/team.py`)."""

    learner: PolicyLearner

    def __init__(
        self,
        config: RunConfig,
        spec: ActionSpec,
        canvas_shape: tuple[int, int, int],
        make_weights: Callable[[], WeightStore],
        num_threads: int,
        seat: Seat | None = None,
        state: Arrays | None = None,
        version: int = 0,
    ) -> None:
        torch.set_num_threads(num_threads)
        keep_memory()
        weights = make_weights()
        if seat is not None:
            seat.take()
            weights = weights if seat.rank == 0 else Unpublished(weights)
        self.learner = PolicyLearner(config, spec, canvas_shape, weights, state, version)

    def step(self, trajectory: Trajectory, kind: str, progress: float) -> Done:
        """One step on a trajectory."""
        if kind == "cloning":
            metrics, seconds = timed(lambda: self.learner.clone_step(trajectory))
        else:
            metrics, seconds = timed(lambda: self.learner.step(trajectory, progress))
        return Done(trajectory.frames, metrics, seconds, take_refused(self.learner.weights))


def joined(steps: list[Done]) -> Done:
    """What several policy learners did in one step that they took together, as one would have reported it."""
    metrics = mean_of([step.metrics for step in steps])
    return Done(steps[0].count, metrics, max(step.seconds for step in steps), sum(step.refused for step in steps))


class DiscriminatorWorker(LearnerWorker):
    """The discriminator learner in a process of its own."""

    learner: DiscriminatorLearner

    def __init__(
        self,
        config: RunConfig,
        canvas_shape: tuple[int, int, int],
        pictures: NDArray[np.uint8],
        make_replay: Callable[[], Replay],
        make_weights: Callable[[], WeightStore],
        num_threads: int,
        state: Arrays | None = None,
        version: int = 0,
    ) -> None:
        torch.set_num_threads(num_threads)
        keep_memory()
        replay, weights = make_replay(), make_weights()
        self.learner = DiscriminatorLearner(config, canvas_shape, pictures, replay, weights, state, version)

    def steps(self, count: int) -> Done:
        """At most `count` steps, after which the weights are published.

        Fewer are taken where the replay has nothing but what it must refuse; new pictures mend it.
        """
        tried, seconds = timed(lambda: [self._try_step() for _ in range(count)])
        measured = [step for step in tried if step is not None]
        _, publishing = timed(self.learner.publish)
        refused = take_refused(self.learner.weights, self.learner.replay)
        return Done(len(measured), mean_of(measured), seconds + publishing, refused)

    def _try_step(self) -> dict[str, float] | None:
        try:
            return self.learner.step()
        except (EmptyReplayError, ReplayError):
            return None
