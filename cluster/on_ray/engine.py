"""A run on Ray: rollout workers, policy learner and discriminator learner, each a process (thesis, section 6.3.4).

Trajectories go from worker to policy learner through Ray's object store; renders and weights through Redis. This
process only directs: it asks a worker for the next batch when one is idle and not too many batches are under way, hands
finished ones to the policy learner, and lets the discriminator learner take as many steps as the settings allow. Any
process may die: workers are replaced by `actors/pool.py`, learners by `cluster/on_ray/supervisor.py`. Only one of
several policy learners may not (`learners/team.py`): its death ends the run, which goes on from the last checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import ObjectLostError

from actors.pool import Played
from cluster.on_ray.learners import Done, joined
from cluster.on_ray.parts import Parts, start_parts
from cluster.on_ray.supervisor import take_from_all
from cluster.run.engine import take_part
from cluster.run.plan import Phase, Report
from cluster.run.timing import mean_of
from learners.state import under_prefix
from spiral.config import RunConfig
from spiral.contracts import Arrays
from spiral.precision import Precision

DISCRIMINATOR_CALLS = 2  # one at work and one waiting
LOOK_AT_REDIS_EVERY_S = 1.0


class RayEngine:
    """All parts of a run as processes; see `cluster.run.engine.Engine`.

    Args:
        config: the run's settings.
        pictures: the real ones, uint8 [N, H, W, C].
        redis_url: the Redis for replay and weights; None starts one of our own.
        address: of a Ray cluster to join; None is `$RAY_ADDRESS`, or else this machine alone.
        workers: how many rollout workers; None decides by the cores.
        policy_learners: how many share each batch.
        gpus_per_learner: the part of a GPU that a learner asks for; None shares all that there are.
        recover: gives a part of the last checkpoint, from which a learner that died goes on; None when there is none.

    Raises:
        EngineError: the cluster has no room, or cannot reach an embedded Redis.
        RedisError: the Redis does not answer.
    """

    def __init__(
        self,
        config: RunConfig,
        pictures: NDArray[np.uint8],
        redis_url: str | None = None,
        address: str | None = None,
        workers: int | None = None,
        policy_learners: int = 1,
        gpus_per_learner: float | None = None,
        recover: Callable[[str], Arrays | None] = lambda part: None,
    ) -> None:
        self.config = config
        with ExitStack() as resources:
            self._parts: Parts = start_parts(
                resources, config, pictures, redis_url, address, workers, policy_learners, gpus_per_learner, recover
            )
            self._resources = resources.pop_all()
        self.weights = self._parts.weights
        self.feed = self._parts.feed
        # One batch for the learner and one being played by each worker: so the policy lags by a step or two.
        self._most_under_way = self._parts.workers + 1
        self._discriminator_allowed = 0
        self._judged: list[Done] = []
        self._refused = 0
        self._redis_server = self.weights.server().get("run_id")
        self._redis_restarts = 0
        self._next_look = 0.0

    def precisions(self) -> dict[str, list[Precision]]:
        """What the processes of each part compute with."""
        own = self._parts
        parts = {"policy": [policy.call("precision") for policy in own.policies], "rollout": own.pool.precisions()}
        return parts if own.discriminator is None else parts | {"discriminator": [own.discriminator.call("precision")]}

    def step(self, phase: Phase) -> Report | None:
        """The next step of the policy learner, or None when none was finished within a second.

        Raises:
            EngineError: a learner dies again and again, or one of several policy learners dies.
            PoolError: all rollout workers died.
            RedisError: the Redis died and does not come back.
        """
        pool, policies, discriminator = self._parts.pool, self._parts.policies, self._parts.discriminator
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            self._look_at_redis()
            while pool.busy + len(policies[0]) < self._most_under_way and pool.request(phase.kind):
                pass
            waiting = [*pool.pending(), *policies[-1].pending(), *(discriminator.pending() if discriminator else ())]
            ray.wait(waiting, num_returns=1, timeout=max(0.0, deadline - time.monotonic()), fetch_local=False)
            for played in pool.take():
                self._hand_over(played, phase)
            self._drive_discriminator()
            report = self._take_report(timeout=0.0)
            if report is not None:
                return report
        return None

    def settle(self) -> list[Report]:
        """The reports of all steps that had begun; afterwards both learners rest."""
        reports = []
        while len(self._parts.policies[0]):
            reports.append(self._take_report(timeout=None))
        while self._take_judged(timeout=None):
            pass
        return [report for report in reports if report is not None]

    def state(self) -> dict[str, Arrays]:
        """Everything that a checkpoint needs, by part."""
        own = self._parts
        policy = own.policies[0].call("state")
        parts = {"agent": under_prefix("network", policy), "policy": policy}
        if own.discriminator is not None and own.replay is not None:
            parts |= {"discriminator": own.discriminator.call("state"), "replay": own.replay.state()}
        return parts | {f"rollout-{index}": state for index, state in enumerate(own.pool.states())}

    def load_state(self, parts: dict[str, Arrays], discriminator_steps: int, policy_steps: int) -> None:
        """Go on from what `state` gave, after so many steps of the learners."""
        own = self._parts
        for policy in own.policies:
            policy.load_state(take_part(parts, "policy"))
        if own.discriminator is not None and own.replay is not None:
            own.replay.load_state(take_part(parts, "replay"))
            own.discriminator.load_state(take_part(parts, "discriminator"))
        own.pool.load_states([parts[name] for name in sorted(parts) if name.startswith("rollout-")])
        per_step = self.config.discriminator.steps_per_policy_step
        self._discriminator_allowed = policy_steps * per_step - discriminator_steps

    def close(self) -> None:
        """End all processes and forget the run's keys in Redis."""
        self._resources.close()

    def _look_at_redis(self) -> None:
        """Has the learners publish again where their weights were lost with a Redis that died, or were damaged."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_AT_REDIS_EVERY_S
        server, pool = self.weights.server().get("run_id"), self._parts.pool
        self._redis_restarts += server != self._redis_server
        if server != self._redis_server or pool.starved:
            for learner in (*self._parts.policies, self._parts.discriminator):
                if learner is not None:
                    learner.ask("publish")
        self._redis_server, pool.starved = server, False

    def _hand_over(self, played: Played, phase: Phase) -> None:
        if played.kind != phase.kind:
            return  # the phase changed while it was played
        for policy in self._parts.policies:
            policy.ask("step", played.trajectory, phase.kind, phase.progress, steps=1, note=played)
        if played.kind == "learning":
            self._discriminator_allowed += self.config.discriminator.steps_per_policy_step

    def _drive_discriminator(self) -> None:
        if self._parts.discriminator is None:
            return
        while self._take_judged(timeout=0.0):
            pass
        while self._discriminator_allowed > 0 and len(self._parts.discriminator) < DISCRIMINATOR_CALLS:
            steps = min(self._discriminator_allowed, self.config.discriminator.steps_per_policy_step)
            self._parts.discriminator.ask("steps", steps, steps=steps)
            self._discriminator_allowed -= steps

    def _take_judged(self, timeout: float | None) -> bool:
        answered = self._parts.discriminator and self._parts.discriminator.take(timeout)
        if not answered:
            return False
        if isinstance(done := answered[1], Done):
            self._refused += done.refused
            self._judged.append(done)
        return True

    def _take_report(self, timeout: float | None) -> Report | None:
        try:
            answered = take_from_all(self._parts.policies, timeout)
        except ObjectLostError:
            return None  # its worker died before the policy learner had read the trajectory
        steps = [done for _, done in answered if isinstance(done, Done)]
        if not steps:
            return None
        done = joined(steps)
        self._refused += done.refused
        played, judged, self._judged = answered[0][0], self._judged, []
        busy = {"rollout": played.seconds, "policy": done.seconds, "discriminator": sum(d.seconds for d in judged)}
        metrics = done.metrics | mean_of([d.metrics for d in judged if d.count]) | self._troubles()
        return Report(played.kind, done.count, sum(d.count for d in judged), metrics, busy)

    def _troubles(self) -> dict[str, float]:
        """What died and was refused since the beginning."""
        own = self._parts
        troubles = {
            "rollout/restarts": own.pool.restarts,
            "policy/restarts": sum(policy.restarts for policy in own.policies),
            "redis/restarts": self._redis_restarts,
            "redis/refused": self._refused
            + own.pool.refused
            + self.weights.refused
            + (own.replay.refused if own.replay else 0),
        }
        if own.discriminator is not None:
            troubles["discriminator/restarts"] = own.discriminator.restarts
        return {name: float(count) for name, count in troubles.items()}
