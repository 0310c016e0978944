"""A run in one process, without Ray and Redis: for a debugger, a test, or one machine with a GPU.

The same parts as on Ray, called one after the other: play, put the renders into the replay, take the discriminator's
steps, take the policy's step. So the number of discriminator steps for each policy step is exact, and with a length in
frames the run repeats bit for bit.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from actors.broadcast import Broadcast
from actors.rollout import Rollout
from cluster.run.engine import EPISODES_SHOWN_PER_S, replay_capacity, rollout_seed, take_part
from cluster.run.feed.memory import MemoryFeed
from cluster.run.plan import Phase, Report
from cluster.run.timing import mean_of, timed
from learners.discriminator_learner import DiscriminatorLearner
from learners.policy_learner import PolicyLearner
from learners.replay import MemoryReplay
from learners.weights import MemoryWeights
from spiral.config import RunConfig
from spiral.contracts import Arrays
from spiral.memory import keep_memory
from spiral.precision import Precision
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
        self.rollout = Rollout(config, self.weights, pictures, seed, config.policy.batch_size, threads, broadcast)
        shape = self.rollout.canvas_shape
        self.policy = PolicyLearner(config, self.rollout.spec, shape, self.weights)
        self.replay: MemoryReplay | None = None
        self.discriminator: DiscriminatorLearner | None = None
        if config.uses_discriminator:
            self.replay = MemoryReplay(replay_capacity(config), shape, config.agent.conditional)
            self.discriminator = DiscriminatorLearner(config, shape, pictures, self.replay, self.weights)

    def precisions(self) -> dict[str, list[Precision]]:
        """What each part computes with."""
        parts = {"policy": [self.policy.precision], "rollout": [self.rollout.precision]}
        return parts if self.discriminator is None else parts | {"discriminator": [self.discriminator.precision]}

    def step(self, phase: Phase) -> Report:
        """The next step of the policy learner."""
        play = self.rollout.demonstrate if phase.kind == "cloning" else self.rollout.collect
        trajectory, rollout_seconds = timed(play)
        busy = {"rollout": rollout_seconds}
        if phase.kind == "cloning":
            metrics, busy["policy"] = timed(lambda: self.policy.clone_step(trajectory))
            return Report(phase.kind, trajectory.frames, 0, metrics, busy)
        judged, busy["discriminator"] = timed(lambda: self._train_discriminator(trajectory))
        metrics, busy["policy"] = timed(lambda: self.policy.step(trajectory, phase.progress))
        steps = self.config.discriminator.steps_per_policy_step if self.discriminator else 0
        return Report(phase.kind, trajectory.frames, steps, metrics | judged, busy)

    def settle(self) -> list[Report]:
        """Nothing is ever pending here."""
        return []

    def state(self) -> dict[str, Arrays]:
        """Everything that a checkpoint needs, by part."""
        parts = {"agent": self.weights.fetch("agent")[1], "policy": self.policy.state()}
        parts["rollout-0"] = self.rollout.state()
        if self.replay is not None and self.discriminator is not None:
            parts |= {"replay": self.replay.state(), "discriminator": self.discriminator.state()}
        return parts

    def load_state(self, parts: dict[str, Arrays], discriminator_steps: int, policy_steps: int) -> None:
        """Go on from what `state` gave; the numbers of steps matter to the engine on Ray alone."""
        del discriminator_steps, policy_steps
        self.policy.load_state(take_part(parts, "policy"))
        self.rollout.load_state(take_part(parts, "rollout-0"))
        if self.replay is not None and self.discriminator is not None:
            self.replay.load_state(take_part(parts, "replay"))
            self.discriminator.load_state(take_part(parts, "discriminator"))

    def close(self) -> None:
        """Give back the canvases."""
        self.rollout.close()
        self.feed.close()

    def _train_discriminator(self, trajectory: Trajectory) -> dict[str, float]:
        if self.replay is None or self.discriminator is None:
            return {}
        self.replay.add(trajectory.final_renders)
        measured = [self.discriminator.step() for _ in range(self.config.discriminator.steps_per_policy_step)]
        self.discriminator.publish()
        return mean_of(measured)
