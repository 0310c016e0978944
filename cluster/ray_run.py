"""A run on Ray: rollout workers, policy learner and discriminator learner, each a process (thesis, section 6.3.4).

Trajectories go from worker to policy learner through Ray's object store; renders and weights through Redis. This
process only directs: it asks a worker for the next batch when one is idle and not too many batches are under way, hands
finished ones to the policy learner, and lets the discriminator learner take as many steps as the settings allow.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import ExitStack
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import ObjectLostError

from cluster.engine import take_part
from cluster.plan import Phase, Report
from cluster.ray_learners import joined
from cluster.ray_parts import Parts, result_of, results_of, start_parts
from cluster.timing import mean_of
from learners.state import under_prefix
from spiral.config import RunConfig
from spiral.contracts import Arrays

DISCRIMINATOR_CALLS = 2  # one at work and one waiting


class RayEngine:
    """All parts of a run as processes; see `cluster.engine.Engine`.

    Args:
        config: the run's settings.
        pictures: the real ones, uint8 [N, H, W, C].
        redis_url: the Redis for replay and weights; None starts one of our own.
        address: of a Ray cluster to join; None is `$RAY_ADDRESS`, or else this machine alone.
        workers: how many rollout workers; None decides by the cores.
        policy_learners: how many share each batch.
        gpus_per_learner: the part of a GPU that a learner asks for; None shares all that there are.

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
    ) -> None:
        self.config = config
        with ExitStack() as resources:
            self._parts: Parts = start_parts(
                resources, config, pictures, redis_url, address, workers, policy_learners, gpus_per_learner
            )
            self._resources = resources.pop_all()
        self.weights = self._parts.weights
        self.feed = self._parts.feed
        # One batch for the learner and one being played by each worker: so the policy lags by a step or two.
        self._most_under_way = self._parts.workers + 1
        self._policy_calls: deque[tuple[list[Any], str, float]] = deque()  # of all policy learners
        self._discriminator_calls: deque[Any] = deque()
        self._discriminator_allowed = 0
        self._judged: list[tuple[int, dict[str, float], float]] = []

    def step(self, phase: Phase) -> Report | None:
        """The next step of the policy learner, or None when none was finished within a second.

        Raises:
            EngineError: a learner died.
            PoolError: all rollout workers died.
        """
        pool = self._parts.pool
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            while pool.busy + len(self._policy_calls) < self._most_under_way and pool.request(phase.kind):
                pass
            waiting = [*pool.pending(), *self._discriminator_calls, *(calls[-1] for calls, *_ in self._policy_calls)]
            ray.wait(waiting, num_returns=1, timeout=max(0.0, deadline - time.monotonic()), fetch_local=False)
            self._hand_over(phase)
            self._drive_discriminator()
            report = self._take_report(timeout=0.0)
            if report is not None:
                return report
        return None

    def settle(self) -> list[Report]:
        """The reports of all steps that had begun; afterwards both learners rest."""
        reports = []
        while self._policy_calls:
            reports.append(self._take_report(timeout=None))
        while self._discriminator_calls:
            self._judged.append(result_of(self._discriminator_calls.popleft()))
        return [report for report in reports if report is not None]

    def state(self) -> dict[str, Arrays]:
        """Everything that a checkpoint needs, by part."""
        own = self._parts
        policy = result_of(own.policies[0].state.remote())
        parts = {"agent": under_prefix("network", policy), "policy": policy}
        if own.discriminator is not None and own.replay is not None:
            parts |= {"discriminator": result_of(own.discriminator.state.remote()), "replay": own.replay.state()}
        return parts | {f"rollout-{index}": state for index, state in enumerate(own.pool.states())}

    def load_state(self, parts: dict[str, Arrays], discriminator_steps: int, policy_steps: int) -> None:
        """Go on from what `state` gave, after so many steps of the learners."""
        own = self._parts
        results_of([policy.load_state.remote(take_part(parts, "policy")) for policy in own.policies])
        if own.discriminator is not None and own.replay is not None:
            own.replay.load_state(take_part(parts, "replay"))
            result_of(own.discriminator.load_state.remote(take_part(parts, "discriminator")))
        own.pool.load_states([parts[name] for name in sorted(parts) if name.startswith("rollout-")])
        per_step = self.config.discriminator.steps_per_policy_step
        self._discriminator_allowed = policy_steps * per_step - discriminator_steps

    def close(self) -> None:
        """End all processes and forget the run's keys in Redis."""
        self._resources.close()

    def _hand_over(self, phase: Phase) -> None:
        for played in self._parts.pool.take():
            if played.kind != phase.kind:
                continue  # the phase changed while it was played
            arguments = (played.trajectory, phase.kind, phase.progress)
            calls = [policy.step.remote(*arguments) for policy in self._parts.policies]
            self._policy_calls.append((calls, played.kind, played.seconds))
            if played.kind == "learning":
                self._discriminator_allowed += self.config.discriminator.steps_per_policy_step

    def _drive_discriminator(self) -> None:
        if self._parts.discriminator is None:
            return
        while self._discriminator_calls and ray.wait([self._discriminator_calls[0]], timeout=0.0)[0]:
            self._judged.append(result_of(self._discriminator_calls.popleft()))
        while self._discriminator_allowed > 0 and len(self._discriminator_calls) < DISCRIMINATOR_CALLS:
            steps = min(self._discriminator_allowed, self.config.discriminator.steps_per_policy_step)
            self._discriminator_calls.append(self._parts.discriminator.steps.remote(steps))
            self._discriminator_allowed -= steps

    def _take_report(self, timeout: float | None) -> Report | None:
        if not self._policy_calls:
            return None
        calls = self._policy_calls[0][0]
        if ray.wait(calls, num_returns=len(calls), timeout=timeout)[1]:
            return None
        _, kind, rollout_seconds = self._policy_calls.popleft()
        try:
            frames, metrics, seconds = joined(results_of(calls))
        except ObjectLostError:
            return None  # its worker died before the policy learner had read the trajectory
        judged, self._judged = self._judged, []
        busy = {"rollout": rollout_seconds, "policy": seconds, "discriminator": sum(s for _, _, s in judged)}
        metrics = metrics | mean_of([measured for _, measured, _ in judged if measured])
        metrics["rollout/restarts"] = float(self._parts.pool.restarts)
        return Report(kind, frames, sum(steps for steps, _, _ in judged), metrics, busy)  # type: ignore[arg-type]
