"""The processes of a run on Ray, from the Redis that they meet in to the last rollout worker."""

from __future__ import annotations

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
from cluster.on_ray.learners import DiscriminatorWorker, PolicyWorker
from cluster.on_ray.start import gpu_share, start_ray
from cluster.on_ray.supervisor import Supervised
from cluster.on_redis.connection import RedisAddress
from cluster.on_redis.feed import RedisFeed
from cluster.on_redis.replay import RedisReplay
from cluster.on_redis.server import redis_of_a_run
from cluster.on_redis.weights import RedisWeights
from cluster.run.brush_fingerprint import fingerprint_here
from cluster.run.cores import default_workers, processors, share_cores
from cluster.run.engine import EPISODES_SHOWN_PER_S, inspect_environment, replay_capacity, rollout_seed
from learners.team import Seat, check_shares, meeting_place
from spiral.config import RunConfig
from spiral.contracts import Arrays

CPU_SHARE = 0.5  # logical, so that three kinds of process fit on a cluster of two cores
Recover = Callable[[str], Arrays | None]  # the arrays of a part in the last checkpoint, if there is one


@dataclass
class Parts:
    """Handles of all parts.

    Attributes:
        weights, replay: this process's own connections; no replay without a discriminator.
        feed: the live feed of this process.
        policies, discriminator: the processes of `PolicyWorker` and `DiscriminatorWorker`.
        pool, workers: the rollout workers, and how many they are.
    """

    weights: RedisWeights
    replay: RedisReplay | None
    feed: RedisFeed
    policies: list[Supervised]
    discriminator: Supervised | None
    pool: RolloutPool
    workers: int


def start_parts(
    resources: ExitStack,
    config: RunConfig,
    pictures: NDArray[np.uint8],
    redis_url: str | None,
    address: str | None,
    workers: int | None,
    policy_learners: int,
    gpus_per_learner: float | None,
    recover: Recover,
) -> Parts:
    """All parts of a run, ready to be called; leaving `resources` ends them.

    The learners are where GPUs are, if there are any, and the rollout workers on cores. A learner that dies comes back
    from what `recover` gives, unless it is one of several policy learners: that ends the run.
    """
    check_shares(config, policy_learners)
    spec, shape = inspect_environment(config)
    redis = resources.enter_context(redis_of_a_run(redis_url))
    workers = workers or default_workers(processors())
    processes = workers + policy_learners + 1
    resources.enter_context(start_ray(address, processes, pictures.nbytes, embedded_redis=redis_url is None))
    gpus = gpu_share(config.device, policy_learners + 1, gpus_per_learner)
    threads = share_cores(processors(), workers, on_gpu=gpus > 0)
    options: dict[str, Any] = {"num_cpus": CPU_SHARE, "num_gpus": gpus}
    make_weights = partial(RedisWeights, redis)
    make_replay = partial(RedisReplay, redis, replay_capacity(config), shape, config.agent.conditional)
    reference = ray.put(pictures)

    make_policy: Any = ray.remote(PolicyWorker).options(**options)
    policies = []
    for seat in _seats(resources, policy_learners, gpus):
        start = partial(make_policy.remote, config, spec, shape, make_weights, threads.policy, seat)
        # Those who took a step with one that died have lost its part of their exchange: only a single one has an heir.
        policies.append(Supervised("the policy learner", start, partial(recover, "policy") if seat is None else None))
        resources.callback(policies[-1].close)
    for policy in policies:
        policy.wait()  # the first one publishes the weights that the others begin with
    discriminator = None
    if config.uses_discriminator:
        make_discriminator: Any = ray.remote(DiscriminatorWorker).options(**options)
        discriminator = Supervised(
            "the discriminator learner",
            partial(
                make_discriminator.remote, config, shape, reference, make_replay, make_weights, threads.discriminator
            ),
            partial(recover, "discriminator"),
        )
        resources.callback(discriminator.close)
    make_worker: Any = ray.remote(RolloutWorker).options(num_cpus=CPU_SHARE, max_restarts=-1)
    worker_config = config.model_copy(update={"device": "cpu"})
    fingerprint = fingerprint_here(config)
    rollout_replay = make_replay if config.uses_discriminator else None
    handles = [
        make_worker.remote(
            worker_config,
            make_weights,
            rollout_replay,
            partial(_make_broadcast, redis, index, workers),
            partial(rollout_seed, config, index),
            threads.worker,
            fingerprint,
        )
        for index in range(workers)
    ]
    if discriminator is not None:
        discriminator.wait()
    for handle in handles:
        wait_for(handle, "a rollout worker")
    pool = RolloutPool(handles, reference)
    resources.callback(pool.close)
    replay = make_replay() if config.uses_discriminator else None
    feed = RedisFeed(redis)
    resources.callback(feed.close)
    return Parts(make_weights(), replay, feed, policies, discriminator, pool, workers)


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


def _make_broadcast(redis: RedisAddress, worker: int, workers: int) -> Broadcast:
    """What one of so many workers shows of its episodes."""
    return Broadcast(RedisFeed(redis), worker, EPISODES_SHOWN_PER_S / workers)
