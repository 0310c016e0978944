"""The learners as processes of their own on Ray: what they are called with, and how long they took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from actors.pool import take_refused
from cluster.run.timing import mean_of, timed
from envs.actions import ActionSpec
from learners.policy_learner import PolicyLearner
from learners.replay import ReplayError
from learners.reward_learner import RewardLearner
from learners.team import Seat, Unpublished
from spiral.config import RunConfig
from spiral.contracts import Arrays, EmptyReplayError, SampledRenders, WeightStore
from spiral.memory import keep_memory
from spiral.precision import Precision
from spiral.trajectory import Trajectory, joined


@dataclass(frozen=True)
class Done:
    """What a learner did when it was asked to.

    Attributes:
        metrics: measurements of its steps.
        seconds: how long they took.
        refused: how many malformed values it met in the replay meanwhile.
        frames: what the policy learned from.
        reward_steps: the steps that each learned reward took, by name.
    """

    metrics: dict[str, float]
    seconds: float
    refused: int = 0
    frames: int = 0
    reward_steps: dict[str, int] = field(default_factory=dict)


class LearnerWorker:
    """What the process of either learner can be asked for."""

    learner: PolicyLearner | RewardLearner

    def ping(self) -> None:
        """Returns when the learner is ready."""

    def precisions(self) -> list[Precision]:
        """What the learner's networks compute with on its machine."""
        return self.learner.precisions

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
        weights: WeightStore,
        num_threads: int,
        seat: Seat | None = None,
        state: Arrays | None = None,
        version: int = 0,
    ) -> None:
        torch.set_num_threads(num_threads)
        keep_memory()
        if seat is not None:
            seat.take()
            weights = weights if seat.rank == 0 else Unpublished(weights)
        self.learner = PolicyLearner(config, spec, canvas_shape, weights, state, version)

    def step(self, kind: str, progress: float, *shares: Trajectory) -> Done:
        """One step on a batch that several rollouts have played, newest last."""
        trajectory = joined(shares, self.learner.config.policy.batch_size)
        if kind == "cloning":
            metrics, seconds = timed(lambda: self.learner.clone_step(trajectory))
        elif kind == "expert":
            metrics, seconds = timed(lambda: self.learner.expert_step(trajectory, progress))
        else:
            metrics, seconds = timed(lambda: self.learner.step(trajectory, progress))
        return Done(metrics, seconds, frames=trajectory.frames)


def as_one(steps: list[Done]) -> Done:
    """What several policy learners did in one step that they took together, as one would have reported it."""
    metrics = mean_of([step.metrics for step in steps])
    return Done(metrics, max(step.seconds for step in steps), frames=steps[0].frames)


class RewardWorker(LearnerWorker):
    """The reward learner in a process of its own."""

    learner: RewardLearner

    def __init__(
        self,
        config: RunConfig,
        spec: ActionSpec,
        canvas_shape: tuple[int, int, int],
        pictures: NDArray[np.uint8],
        make_replay: Callable[[], SampledRenders],
        weights: WeightStore,
        num_threads: int,
        state: Arrays | None = None,
        version: int = 0,
    ) -> None:
        torch.set_num_threads(num_threads)
        keep_memory()
        replay = make_replay()
        self.learner = RewardLearner(config, spec, canvas_shape, pictures, replay, weights, state, version)

    def steps(self, counts: dict[str, int]) -> Done:
        """At most so many steps of each reward, after which their weights are published.

        Fewer are taken where the replay has nothing but what it must refuse; new pictures mend it.
        """
        (metrics, taken), seconds = timed(lambda: self._take(counts))
        _, publishing = timed(self.learner.publish)
        refused = take_refused(self.learner.replay)
        return Done(metrics, seconds + publishing, refused, reward_steps=taken)

    def _take(self, counts: dict[str, int]) -> tuple[dict[str, float], dict[str, int]]:
        metrics: dict[str, float] = {}
        taken: dict[str, int] = {}
        for key, count in counts.items():
            measured = [step for step in (self._try_step(key) for _ in range(count)) if step is not None]
            metrics |= mean_of(measured)
            taken[key] = len(measured)
        return metrics, taken

    def _try_step(self, key: str) -> dict[str, float] | None:
        try:
            return self.learner.step(key)
        except (EmptyReplayError, ReplayError):
            return None
