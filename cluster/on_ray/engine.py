"""A run on Ray: rollout workers, policy learner and reward learner, each a process (thesis, section 6.3.4).

Trajectories and weights go through Ray's object store, renders through Redis. This process only directs: it asks idle
workers for their shares of the next batch while not too many are under way, hands them to the policy learner, which
joins them, and lets the reward learner take its steps at the pace that the settings ask for. Any process may die:
workers are replaced by `actors/pool.py`, learners by `cluster/on_ray/supervisor.py`. Only one of several policy
learners may not (`learners/team.py`): its death ends the run, which goes on from the last checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import ObjectLostError

from actors.play import PlayKind
from actors.pool import Played
from cluster.on_ray.learners import Done, as_one
from cluster.on_ray.parts import Membership, Parts, start_parts
from cluster.on_ray.reward_driver import RewardDriver
from cluster.on_ray.supervisor import take_from_all
from cluster.on_redis.server_info import ServerInfo
from cluster.run.engine import take_part
from cluster.run.machines import Machines
from cluster.run.plan import Phase, Report
from cluster.run.timing import mean_of
from spiral.config import RunConfig
from spiral.contracts import Arrays
from spiral.precision import Precision
from spiral.rewards import learned_terms
from spiral.state import under_prefix

ANY_MACHINES = Machines()
LOOK_AROUND_EVERY_S = 1.0


class RayEngine:
    """All parts of a run as processes; see `cluster.run.engine.Engine`.

    Args:
        config: the run's settings.
        pictures: the real ones, uint8 [N, H, W, C].
        machines: where they are.
        recover: gives a part of the last checkpoint, from which a learner that died goes on; None when there is none.
        membership: of a population, if the run is a member of one.

    Raises:
        EngineError: the cluster has no room, or cannot reach an embedded Redis.
        RedisError: the Redis does not answer.
    """

    def __init__(
        self,
        config: RunConfig,
        pictures: NDArray[np.uint8],
        machines: Machines = ANY_MACHINES,
        recover: Callable[[str], Arrays | None] = lambda part: None,
        membership: Membership | None = None,
    ) -> None:
        self.config = config
        with ExitStack() as resources:
            self._parts: Parts = start_parts(resources, config, pictures, machines, recover, membership)
            self._resources = resources.pop_all()
        self.weights = self._parts.weights
        self.feed = self._parts.feed
        self.redis_info = ServerInfo(self._parts.redis)
        # A batch for the learner and a share being played by each worker: so the policy lags by a step or two.
        self._most_under_way = self._parts.workers + self._parts.shares
        learner = self._parts.rewards
        learned = learned_terms(config.rewards)
        self._rewards = None if learner is None else RewardDriver(learner, learned)
        self._published = ("agent", *learned)
        self._played: list[Played] = []  # shares of the next batch, newest last
        self._redis_run_id = self.redis_info.read("server").get("run_id")
        self._redis_restarts = 0
        self._next_look = 0.0

    def precisions(self) -> dict[str, list[Precision]]:
        """What the processes of each part compute with."""
        own = self._parts
        policies = [precision for policy in own.policies for precision in policy.call("precisions")]
        parts = {"policy": policies, "rollout": own.pool.precisions()}
        return parts if own.rewards is None else parts | {"rewards": own.rewards.call("precisions")}

    def step(self, phase: Phase) -> Report | None:
        """The next step of the policy learner, or of the rewards alone while they are warmed up.

        None when none was finished within a second.

        Raises:
            EngineError: a learner dies again and again, or one of several policy learners dies.
            PoolError: all rollout workers died.
            RedisError: the Redis died and does not come back.
        """
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            self._look_around()
            self._ask_workers(phase)
            self._wait(deadline)
            # What was asked for in another phase is of no use any more.
            kinds = kinds_of(phase)
            self._played = [played for played in (*self._played, *self._parts.pool.take()) if played.kind in kinds]
            if self._rewards:
                self._rewards.take(timeout=0.0)
            self._hand_over(phase)
            report = self._take_report(timeout=0.0) or self._take_warm_up()
            if report is not None:
                return report
        return None

    def settle(self) -> list[Report]:
        """The reports of all steps that had begun; afterwards both learners rest."""
        reports = []
        while len(self._parts.policies[0]):
            reports.append(self._take_report(timeout=None))
        if self._rewards:
            self._rewards.take(timeout=None)
        while (warm_up := self._take_warm_up()) is not None:
            reports.append(warm_up)
        return [report for report in reports if report is not None]

    def state(self) -> dict[str, Arrays]:
        """Everything that a checkpoint needs, by part."""
        own = self._parts
        policy = own.policies[0].call("state")
        parts = {"agent": under_prefix("network", policy), "policy": policy}
        if own.rewards is not None and own.replay is not None:
            parts |= {"rewards": own.rewards.call("state"), "replay": own.replay.state()}
        return parts | {f"rollout-{index}": state for index, state in enumerate(own.pool.states())}

    def load_state(self, parts: dict[str, Arrays]) -> None:
        """Go on from what `state` gave."""
        own = self._parts
        for policy in own.policies:
            policy.load_state(take_part(parts, "policy"))
        if own.rewards is not None and own.replay is not None:
            own.replay.load_state(take_part(parts, "replay"))
            own.rewards.load_state(take_part(parts, "rewards"))
        own.pool.load_states([parts[name] for name in sorted(parts) if name.startswith("rollout-")])

    def close(self) -> None:
        """End all processes and forget the run's keys in Redis."""
        self._resources.close()

    def _look_around(self) -> None:
        """Counts a Redis that was started again, and has the learners publish again what was lost with its holder."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_AROUND_EVERY_S
        run_id = self.redis_info.read("server").get("run_id")
        self._redis_restarts += run_id != self._redis_run_id
        self._redis_run_id = run_id
        if any(self.weights.version(name) < 0 for name in self._published):
            for learner in (*self._parts.policies, self._parts.rewards):
                if learner is not None:
                    learner.ask("publish")

    def _ask_workers(self, phase: Phase) -> None:
        """Asks idle workers for their shares of a batch, as long as not too many are under way."""
        own = self._parts
        learner = own.rewards if phase.kind == "warm-up" else own.policies[0]
        handed_over = len(learner or ()) * own.shares
        while own.pool.busy + len(self._played) + handed_over < self._most_under_way and own.pool.request(phase.kind):
            pass

    def _wait(self, deadline: float) -> None:
        """Returns when anyone has answered, or at the deadline."""
        own = self._parts
        waiting = [*own.pool.pending(), *own.policies[-1].pending(), *(own.rewards.pending() if own.rewards else ())]
        ray.wait(waiting, num_returns=1, timeout=max(0.0, deadline - time.monotonic()), fetch_local=False)

    def _hand_over(self, phase: Phase) -> None:
        """Gives the newest shares of a batch to the learner that waits for one, and the rewards their other steps."""
        if phase.kind == "warm-up":
            while (batch := self._batch("warm-up")) and self._rewards and self._rewards.warm_up(batch):
                self._played = []
            return
        if self._rewards and phase.kind == "learning":
            self._rewards.drive()
        for kind in kinds_of(phase):
            waits = self._rewards and kind == "learning" and not self._rewards.pacing.policy_may_step()
            if not waits and (batch := self._batch(kind)):
                self._ask_policies(batch, phase)

    def _batch(self, kind: PlayKind) -> list[Played]:
        """The newest shares of one kind, if there are enough for a batch."""
        shares = [played for played in self._played if played.kind == kind][-self._parts.shares :]
        return shares if len(shares) == self._parts.shares else []

    def _ask_policies(self, batch: list[Played], phase: Phase) -> None:
        kind = batch[0].kind
        self._played = [played for played in self._played if played.kind != kind]
        shares = [played.trajectory for played in batch]
        for policy in self._parts.policies:
            policy.ask("step", kind, phase.progress, *shares, steps=1, note=batch)
        if self._rewards and kind == "learning":
            self._rewards.pacing.count_policy_step()

    def _take_warm_up(self) -> Report | None:
        """The report of a batch that the rewards alone have learned from."""
        batch = self._rewards.take_warmed_up() if self._rewards else None
        if batch is None:
            return None
        return self._report("warm-up", sum(played.frames for played in batch), batch, 0.0, {})

    def _take_report(self, timeout: float | None) -> Report | None:
        try:
            answered = take_from_all(self._parts.policies, timeout)
        except ObjectLostError:
            return None  # its worker died before the policy learner had read the trajectory
        steps = [done for _, done in answered if isinstance(done, Done)]
        if not steps:
            return None
        done, batch = as_one(steps), answered[0][0]
        return self._report(batch[0].kind, done.frames, batch, done.seconds, done.metrics)

    def _report(
        self, kind: PlayKind, frames: int, batch: list[Played], seconds: float, metrics: dict[str, float]
    ) -> Report:
        """What the policy did with a batch, and what the rewards did since the last report."""
        steps, measured, reward_seconds = self._rewards.report() if self._rewards else ({}, {}, 0.0)
        busy = {"rollout": sum(played.seconds for played in batch), "policy": seconds, "rewards": reward_seconds}
        found, searched = mean_of([played.metrics for played in batch]), sum(played.searched for played in batch)
        return Report(kind, frames, steps, metrics | found | measured | self._troubles(), busy, searched)

    def _troubles(self) -> dict[str, float]:
        """What died and was refused since the beginning."""
        own = self._parts
        troubles = {
            "rollout/restarts": own.pool.restarts,
            "policy/restarts": sum(policy.restarts for policy in own.policies),
            "redis/restarts": self._redis_restarts,
            "redis/refused": own.pool.refused
            + (own.replay.refused if own.replay else 0)
            + (self._rewards.refused if self._rewards else 0),
        }
        if own.rewards is not None:
            troubles["rewards/restarts"] = own.rewards.restarts
        return {name: float(count) for name, count in troubles.items()}


def kinds_of(phase: Phase) -> tuple[PlayKind, ...]:
    """What batches may be for in a phase; what a search found is never waited for and goes first."""
    return ("expert", "learning") if phase.kind == "learning" else (phase.kind,)
