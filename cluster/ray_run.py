"""A run on Ray: rollout workers, policy learner and discriminator learner, each a process (thesis, section 6.3.4).

Trajectories go from worker to policy learner through Ray's object store; renders and weights through Redis. This process
only directs: it asks a worker for the next batch when one is idle and not too many batches are under way, hands
finished ones to the policy learner, and lets the discriminator learner take as many steps as the settings allow for each.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from contextlib import ExitStack
from functools import partial

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import ObjectLostError, RayActorError, RayTaskError

from actors.pool import RolloutPool, RolloutWorker
from cluster.engine import inspect_environment, processors, replay_capacity, rollout_seed, take_part
from cluster.local import mean_of
from cluster.plan import Phase, Report
from cluster.ray_learners import DiscriminatorWorker, PolicyWorker
from cluster.ray_start import EngineError, gpu_share, start_ray
from cluster.redis_connection import RedisAddress
from cluster.redis_replay import RedisReplay
from cluster.redis_server import EmbeddedRedis
from cluster.redis_weights import RedisWeights
from spiral.config import RunConfig
from spiral.contracts import Arrays

CPU_SHARE = 0.5  # logical, so that the three kinds of process fit on two cores
START_TIMEOUT_S = 180.0
DISCRIMINATOR_CALLS = 2  # one at work and one waiting


class RayEngine:
    """All parts of a run as processes; see `cluster.engine.Engine`.

    Args:
        config: the run's settings.
        pictures: the real ones, uint8 [N, H, W, C].
        redis_url: the Redis for replay and weights; None starts one of our own.
        address: of a Ray cluster to join; None is `$RAY_ADDRESS`, or else this machine alone.
        workers: how many rollout workers; None decides by the cores.

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
    ) -> None:
        self.config = config
        self._resources = ExitStack()
        try:
            self._build(config, pictures, redis_url, address, workers or default_workers())
        except BaseException:
            self._resources.close()
            raise

    def _build(
        self, config: RunConfig, pictures: NDArray[np.uint8], redis_url: str | None, address: str | None, workers: int
    ) -> None:
        spec, shape = inspect_environment(config)
        if redis_url is None:
            redis_url = self._resources.enter_context(EmbeddedRedis()).url
            embedded = True
        else:
            embedded = False
        redis = RedisAddress(redis_url, uuid.uuid4().hex)
        self.weights = RedisWeights(redis)
        self._resources.callback(redis.forget)
        self._resources.enter_context(start_ray(address, workers + 2, pictures.nbytes, embedded))
        threads = max(1, processors() // (workers + 2))
        options = {"num_cpus": CPU_SHARE, "num_gpus": gpu_share(config.device, workers + 2)}
        make_weights = partial(RedisWeights, redis)
        capacity = replay_capacity(config)
        make_replay = partial(RedisReplay, redis, capacity, shape, config.agent.conditional)
        shared_pictures = ray.put(pictures)

        self._policy = ray.remote(PolicyWorker).options(**options).remote(config, spec, shape, make_weights, threads)
        self._await(self._policy.ping.remote(), "the policy learner")
        self._replay: RedisReplay | None = None
        self._discriminator = None
        starting = []
        if config.uses_discriminator:
            self._replay = make_replay()
            make_discriminator = ray.remote(DiscriminatorWorker).options(**options)
            self._discriminator = make_discriminator.remote(
                config, shape, shared_pictures, make_replay, make_weights, threads
            )
            starting.append(self._discriminator.ping.remote())
        make_worker = ray.remote(RolloutWorker).options(**options, max_restarts=-1)
        rollout_replay = make_replay if config.uses_discriminator else None
        handles = [
            make_worker.remote(
                config, make_weights, rollout_replay, shared_pictures, partial(rollout_seed, config, index), threads
            )
            for index in range(workers)
        ]
        for ping in [*starting, *(handle.ping.remote() for handle in handles)]:
            self._await(ping, "a rollout worker or the discriminator learner")
        self._pool = RolloutPool(handles)
        self._resources.callback(self._pool.close)
        self._most_under_way = workers + 1
        self._policy_calls: deque[tuple[ray.ObjectRef, str, float]] = deque()
        self._discriminator_calls: deque[ray.ObjectRef] = deque()
        self._discriminator_allowed = 0
        self._judged: list[tuple[int, dict[str, float], float]] = []

    def step(self, phase: Phase) -> Report | None:
        """The next step of the policy learner, or None when none was finished within a second.

        Raises:
            EngineError: a learner died.
        """
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            while self._pool.busy + len(self._policy_calls) < self._most_under_way and self._pool.request(phase.kind):
                pass
            waiting = [*self._pool.pending(), *self._discriminator_calls, *(call for call, *_ in self._policy_calls)]
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
            ray.wait([self._discriminator_calls[0]])
            self._take_judged()
        return [report for report in reports if report is not None]

    def state(self) -> dict[str, Arrays]:
        """Everything that a checkpoint needs, by part."""
        parts = {"agent": self.weights.fetch("agent")[1], "policy": self._get(self._policy.state.remote())}
        if self._discriminator is not None and self._replay is not None:
            parts["discriminator"] = self._get(self._discriminator.state.remote())
            parts["replay"] = self._replay.state()
        return parts | {f"rollout-{index}": state for index, state in enumerate(self._pool.states())}

    def load_state(self, parts: dict[str, Arrays], discriminator_steps: int, policy_steps: int) -> None:
        """Go on from what `state` gave, after so many steps of the learners."""
        self._get(self._policy.load_state.remote(take_part(parts, "policy")))
        if self._discriminator is not None and self._replay is not None:
            self._replay.load_state(take_part(parts, "replay"))
            self._get(self._discriminator.load_state.remote(take_part(parts, "discriminator")))
        self._pool.load_states([parts[name] for name in sorted(parts) if name.startswith("rollout-")])
        per_step = self.config.discriminator.steps_per_policy_step
        self._discriminator_allowed = policy_steps * per_step - discriminator_steps

    def close(self) -> None:
        """End all processes and forget the run's keys in Redis."""
        self._resources.close()

    def _hand_over(self, phase: Phase) -> None:
        for played in self._pool.take():
            if played.kind != phase.kind:
                continue  # the phase changed while it was played
            call = self._policy.step.remote(played.trajectory, phase.kind, phase.progress)
            self._policy_calls.append((call, played.kind, played.seconds))
            if played.kind == "learning":
                self._discriminator_allowed += self.config.discriminator.steps_per_policy_step

    def _drive_discriminator(self) -> None:
        if self._discriminator is None:
            return
        self._take_judged()
        while self._discriminator_allowed > 0 and len(self._discriminator_calls) < DISCRIMINATOR_CALLS:
            steps = min(self._discriminator_allowed, self.config.discriminator.steps_per_policy_step)
            self._discriminator_calls.append(self._discriminator.steps.remote(steps))
            self._discriminator_allowed -= steps

    def _take_judged(self) -> None:
        while self._discriminator_calls and ray.wait([self._discriminator_calls[0]], timeout=0.0)[0]:
            self._judged.append(self._get(self._discriminator_calls.popleft()))

    def _take_report(self, timeout: float | None) -> Report | None:
        if not self._policy_calls or not ray.wait([self._policy_calls[0][0]], timeout=timeout)[0]:
            return None
        call, kind, rollout_seconds = self._policy_calls.popleft()
        try:
            frames, metrics, seconds = self._get(call)
        except ObjectLostError:
            return None  # its worker died before the policy learner had read the trajectory
        judged, self._judged = self._judged, []
        busy = {"rollout": rollout_seconds, "policy": seconds, "discriminator": sum(s for _, _, s in judged)}
        metrics = metrics | mean_of([measured for _, measured, _ in judged])
        return Report(kind, frames, sum(steps for steps, _, _ in judged), metrics, busy)  # type: ignore[arg-type]

    def _get(self, call: ray.ObjectRef) -> object:
        try:
            return ray.get(call)
        except RayTaskError as error:
            raise error.cause if isinstance(error.cause, Exception) else error from None
        except RayActorError as error:
            raise EngineError(
                f"a learner's process died ({str(error).splitlines()[0]}); is there enough memory? "
                "Go on with --resume from the last checkpoint"
            ) from None

    def _await(self, call: ray.ObjectRef, who: str) -> None:
        if not ray.wait([call], timeout=START_TIMEOUT_S)[0]:
            raise EngineError(
                f"{who} did not start within {START_TIMEOUT_S:.0f} s; the cluster offers {ray.available_resources()}: "
                "free some of it, or use fewer --workers"
            )
        self._get(call)


def default_workers() -> int:
    """One worker on two cores, and of more cores all but the two of the learners."""
    return max(1, processors() - 2)
