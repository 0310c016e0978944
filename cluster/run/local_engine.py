"""A run in one process, without Ray and Redis: for a debugger, a test, or one machine with a GPU.

The same parts as on Ray, called one after the other: play, put the renders into the replay, take the steps of the
learned rewards, take the policy's step. So the number of reward steps for each policy step is exact, and with a length
in frames the run repeats bit for bit.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from actors.actor import Actor
from actors.broadcast import Broadcast
from cluster.run.engine import EPISODES_SHOWN_PER_S, kept_programs, rollout_seed, take_part, warm_up_steps
from cluster.run.feed.memory import MemoryFeed
from cluster.run.plan import Phase, Report
from cluster.run.timing import mean_of, timed
from learners.pacing import least_steps
from learners.policy_learner import PolicyLearner
from learners.replay import MemoryReplay
from learners.reward_learner import RewardLearner
from learners.weights import MemoryWeights
from spiral.config import RunConfig
from spiral.contracts import Arrays
from spiral.memory import keep_memory
from spiral.precision import Precision
from spiral.rewards import learned_terms
from spiral.trajectory import Trajectory


class LocalEngine:
    """All parts of a run in this process; see `cluster.run.engine.Engine`.

    Args:
        config: the run's settings.
        pictures: the real ones, uint8 [N, H, W, C].
        broadcast: shows the run, in its feed; None keeps the newest in memory.
    """

    def __init__(self, config: RunConfig, pictures: NDArray[np.uint8], broadcast: Broadcast | None = None) -> None:
        keep_memory()
        self.config = config
        self.weights = MemoryWeights()
        broadcast = broadcast or Broadcast(MemoryFeed(), 0, EPISODES_SHOWN_PER_S)
        self.feed = broadcast.feed
        seed, threads = rollout_seed(config, 0), torch.get_num_threads()
        self.actor = Actor(config, self.weights, pictures, seed, config.policy.batch_size, threads, broadcast)
        self.rollout = self.actor.rollout
        shape = self.rollout.canvas_shape
        self.policy = PolicyLearner(config, self.rollout.spec, shape, self.weights)
        self.replay: MemoryReplay | None = None
        self.rewards: RewardLearner | None = None
        self._learned = learned_terms(config.rewards)
        if self._learned:
            kept = config.replay.pictures, shape, config.agent.conditional, kept_programs(config)
            self.replay = MemoryReplay(*kept)
            self.rewards = RewardLearner(config, self.rollout.spec, shape, pictures, self.replay, self.weights)

    def precisions(self) -> dict[str, list[Precision]]:
        """What each part computes with."""
        parts = {"policy": [self.policy.precision], "rollout": [self.rollout.precision]}
        return parts if self.rewards is None else parts | {"rewards": self.rewards.precisions}

    def step(self, phase: Phase) -> Report:
        """The next step of the policy learner, or of the rewards alone while they are warmed up."""
        play, rollout_seconds = timed(lambda: self.actor.play(phase.kind))
        trajectory, busy = play.trajectory, {"rollout": rollout_seconds}
        if play.kind == "cloning":
            metrics, busy["policy"] = timed(lambda: self.policy.clone_step(trajectory))
            return Report(play.kind, trajectory.frames, {}, metrics, busy)
        if play.kind == "expert":
            metrics, busy["policy"] = timed(lambda: self.policy.expert_step(trajectory, phase.progress))
            return Report(play.kind, trajectory.frames, {}, metrics | play.metrics, busy, play.searched)
        if self.replay is not None:
            self.replay.add(trajectory.final_renders)
        steps = self._reward_steps(phase, trajectory)
        metrics, busy["rewards"] = timed(lambda: self._train_rewards(steps))
        if phase.kind == "learning":
            measured, busy["policy"] = timed(lambda: self.policy.step(trajectory, phase.progress))
            metrics = measured | metrics
        return Report(phase.kind, trajectory.frames, steps, metrics, busy)

    def settle(self) -> list[Report]:
        """Nothing is ever pending here."""
        return []

    def state(self) -> dict[str, Arrays]:
        """Everything that a checkpoint needs, by part."""
        parts = {"agent": self.weights.fetch("agent")[1], "policy": self.policy.state()}
        parts["rollout-0"] = self.actor.state()
        if self.replay is not None and self.rewards is not None:
            parts |= {"replay": self.replay.state(), "rewards": self.rewards.state()}
        return parts

    def load_state(self, parts: dict[str, Arrays]) -> None:
        """Go on from what `state` gave."""
        self.policy.load_state(take_part(parts, "policy"))
        self.actor.load_state(take_part(parts, "rollout-0"))
        if self.replay is not None and self.rewards is not None:
            self.replay.load_state(take_part(parts, "replay"))
            self.rewards.load_state(take_part(parts, "rewards"))

    def close(self) -> None:
        """Give back the canvases."""
        self.actor.close()
        self.feed.close()

    def _reward_steps(self, phase: Phase, trajectory: Trajectory) -> dict[str, int]:
        """How many steps each learned reward takes now; none as long as no episode has ended."""
        if self.replay is None or not self.replay.size:
            return dict.fromkeys(self._learned, 0)
        if phase.kind == "warm-up":
            return dict.fromkeys(self._learned, warm_up_steps(float(trajectory.ended.mean())))
        return least_steps(self._learned)

    def _train_rewards(self, steps: dict[str, int]) -> dict[str, float]:
        if self.rewards is None:
            return {}
        metrics: dict[str, float] = {}
        for key, count in steps.items():
            metrics |= mean_of([self.rewards.step(key) for _ in range(count)])
        self.rewards.publish()
        return metrics
