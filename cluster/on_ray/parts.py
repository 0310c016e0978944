"""The processes of a run on Ray, from the Redis that they meet in to the last rollout worker."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import ray
from numpy.typing import NDArray

from actors.broadcast import Broadcast
from actors.pool import RolloutPool, RolloutWorker
from cluster.on_ray.calls import wait_for
from cluster.on_ray.learners import LearnerWorker, PolicyWorker, RewardWorker
from cluster.on_ray.shared_rewards import SharedLearner, SharedRewards, Sharer, WeightsOfSharer
from cluster.on_ray.start import gpu_share, start_ray
from cluster.on_ray.supervisor import Supervised
from cluster.on_ray.weights import RayWeights, weights_of_a_run
from cluster.on_redis.connection import RedisAddress
from cluster.on_redis.feed import RedisFeed
from cluster.on_redis.replay import RedisReplay
from cluster.on_redis.server import redis_of_a_run
from cluster.run.brush_fingerprint import fingerprint_here
from cluster.run.cores import Threads, default_workers, processors, share_cores
from cluster.run.engine import EPISODES_SHOWN_PER_S, inspect_environment, kept_programs, rollout_seed
from cluster.run.machines import Machines
from envs.actions import ActionSpec
from learners.team import Seat, check_shares, meeting_place
from spiral.config import RunConfig
from spiral.contracts import Arrays, WeightStore
from spiral.program_space import ProgramSpace
from spiral.rewards import learned_terms

CPU_SHARE = 0.5  # logical, so that three kinds of process fit on a cluster of two cores
Recover = Callable[[str], Arrays | None]  # the arrays of a part in the last checkpoint, if there is one


@dataclass(frozen=True)
class Membership:
    """What a run that is a member of a population has to share with others.

    Attributes:
        number: of the member.
        shown_in: the Redis in which the population shows itself.
        episodes_per_s: how many the member may show.
        cores: of a machine, for this member.
        brush_fingerprint: of the brush that all members paint with; None is any.
        shared_rewards: the learned rewards that all members have together; None is that each has its own.
    """

    number: int
    shown_in: RedisAddress
    episodes_per_s: float
    cores: int
    brush_fingerprint: str | None
    shared_rewards: SharedRewards | None = None


@dataclass
class Parts:
    """Handles of all parts.

    Attributes:
        weights: the newest ones.
        redis: the Redis that the processes meet in.
        replay, feed: this process's own connections; no replay where no reward learns.
        policies, rewards: the processes of `PolicyWorker` and `RewardWorker`.
        pool, workers: the rollout workers, and how many they are.
        shares: how many workers' episodes are a batch.
    """

    weights: WeightStore
    redis: RedisAddress
    replay: RedisReplay | None
    feed: RedisFeed
    policies: list[Supervised]
    rewards: Supervised | None
    pool: RolloutPool
    workers: int
    shares: int


def start_parts(
    resources: ExitStack,
    config: RunConfig,
    pictures: NDArray[np.uint8],
    machines: Machines,
    recover: Recover,
    membership: Membership | None,
) -> Parts:
    """All parts of a run, ready to be called; leaving `resources` ends them.

    The learners are where GPUs are, if there are any, and the rollout workers on cores. A learner that dies comes back
    from what `recover` gives, unless it is one of several policy learners: that ends the run.
    """
    check_shares(config, machines.policy_learners)
    redis = resources.enter_context(redis_of_a_run(machines.redis_url))
    own = membership or Membership(0, redis, EPISODES_SHOWN_PER_S, processors(), fingerprint_here(config))
    workers = machines.workers or default_workers(own.cores)
    needs = _prepare(resources, config, pictures, machines, redis, own, workers)
    policies = _start_policies(resources, needs, machines.policy_learners, recover)
    learns = bool(learned_terms(config.rewards))
    rewards = _rewards(resources, needs, own, recover) if learns else None
    episodes = math.ceil(config.policy.batch_size / workers)
    handles = _start_workers(needs, own, workers, episodes, learns)
    if rewards is not None:
        rewards.wait()
    for handle in handles:
        wait_for(handle, "a rollout worker")
    pool = RolloutPool(handles, needs.pictures, needs.weights)
    resources.callback(pool.close)
    replay = needs.make_replay() if learns else None
    feed = RedisFeed(own.shown_in)
    resources.callback(feed.close)
    shares = math.ceil(config.policy.batch_size / episodes)
    return Parts(needs.weights, redis, replay, feed, policies, rewards, pool, workers, shares)


@dataclass(frozen=True)
class _Needs:
    """What the processes of a run are made with.

    Attributes:
        programs: which there are, where the replay keeps them.
        gpus: each learner's share.
        pictures: Ray's reference to them.
    """

    config: RunConfig
    spec: ActionSpec
    canvas_shape: tuple[int, int, int]
    programs: ProgramSpace | None
    redis: RedisAddress
    weights: WeightStore
    threads: Threads
    gpus: float
    pictures: Any

    @property
    def make_replay(self) -> Callable[[], RedisReplay]:
        """Connects a process to the replay."""
        kept = self.config.replay.pictures, self.canvas_shape, self.config.agent.conditional, self.programs
        return partial(RedisReplay, self.redis, *kept)

    def learner(self, kind: type[LearnerWorker]) -> Any:
        """Such a learner as Ray starts it, on cores and its share of the GPUs."""
        return ray.remote(kind).options(num_cpus=CPU_SHARE, num_gpus=self.gpus)


def _prepare(
    resources: ExitStack,
    config: RunConfig,
    pictures: NDArray[np.uint8],
    machines: Machines,
    redis: RedisAddress,
    own: Membership,
    workers: int,
) -> _Needs:
    """Ray, the store of weights, and what else the processes need."""
    spec, shape = inspect_environment(config)
    processes = workers + machines.policy_learners + 2
    resources.enter_context(start_ray(machines.address, processes, pictures.nbytes, machines.redis_url is None))
    gpus = gpu_share(config.device, machines.policy_learners + 1, machines.gpus_per_learner)
    threads = share_cores(own.cores, workers, on_gpu=gpus > 0)
    weights = _weights(resources.enter_context(weights_of_a_run()), config, own)
    return _Needs(config, spec, shape, kept_programs(config), redis, weights, threads, gpus, ray.put(pictures))


def _start_policies(resources: ExitStack, needs: _Needs, learners: int, recover: Recover) -> list[Supervised]:
    """So many policy learners, ready; the first one has published the weights that the others begin with."""
    make: Any = needs.learner(PolicyWorker)
    policies = []
    for seat in _seats(resources, learners, needs.gpus):
        known = (needs.config, needs.spec, needs.canvas_shape, needs.weights, needs.threads.policy)
        # Those who took a step with one that died have lost its part of their exchange: only a single one has an heir.
        last = partial(recover, "policy") if seat is None else None
        policies.append(Supervised("the policy learner", partial(make.remote, *known, seat), last))
        resources.callback(policies[-1].close)
    for policy in policies:
        policy.wait()
    return policies


def _weights(of_the_run: RayWeights, config: RunConfig, own: Membership) -> WeightStore:
    """Where the weights of the agent and of the learned rewards are."""
    if own.shared_rewards is None:
        return of_the_run
    return WeightsOfSharer(of_the_run, own.shared_rewards.weights, frozenset(learned_terms(config.rewards)))


def _rewards(resources: ExitStack, needs: _Needs, own: Membership, recover: Recover) -> Supervised:
    """The reward learner, which is not waited for: the run's own, or that of all."""
    if own.shared_rewards is None:
        return _start_rewards(resources, needs, recover)
    sharer = Sharer(own.number, needs.redis.run_id, needs.make_replay)
    shared = SharedLearner(own.shared_rewards.process, sharer)
    resources.callback(shared.close)
    return shared


def _start_rewards(resources: ExitStack, needs: _Needs, recover: Recover) -> Supervised:
    """The reward learner, which is not waited for."""
    start = partial(
        needs.learner(RewardWorker).remote,
        needs.config,
        needs.spec,
        needs.canvas_shape,
        needs.pictures,
        needs.make_replay,
        needs.weights,
        needs.threads.rewards,
    )
    rewards = Supervised("the reward learner", start, partial(recover, "rewards"))
    resources.callback(rewards.close)
    return rewards


def _start_workers(needs: _Needs, own: Membership, count: int, episodes: int, learns: bool) -> list[Any]:
    """Ray's handles of so many rollout workers, which are not waited for; Ray starts one that dies again.

    Each plays so many episodes at a time, whose renders go into a replay where a reward learns.
    """
    make: Any = ray.remote(RolloutWorker).options(num_cpus=CPU_SHARE, max_restarts=-1)
    config = needs.config.model_copy(update={"device": "cpu"})
    return [
        make.remote(
            config,
            episodes,
            needs.make_replay if learns else None,
            partial(_make_broadcast, own, index, count),
            partial(rollout_seed, needs.config, index),
            needs.threads.worker,
            own.brush_fingerprint,
        )
        for index in range(count)
    ]


def _seats(resources: ExitStack, learners: int, gpus: float) -> list[Seat | None]:
    """The places of so many policy learners in their team, which meet in this process; of a single one, none."""
    if learners == 1:
        return [None]
    host = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    server = socket.create_server((host, 0))
    port = server.getsockname()[1]
    place = meeting_place(host, port, server.detach())
    resources.callback(lambda: place)  # it lives as long as they do
    # NCCL refuses two processes on one GPU.
    backend: Literal["gloo", "nccl"] = "nccl" if gpus > 0.5 else "gloo"
    return [Seat(rank, learners, host, port, backend) for rank in range(learners)]


def _make_broadcast(own: Membership, worker: int, workers: int) -> Broadcast:
    """What one of so many workers shows of its episodes."""
    return Broadcast(RedisFeed(own.shown_in), worker, own.episodes_per_s / workers, own.number)
