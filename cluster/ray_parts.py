"""The processes of a run on Ray, from the Redis that they meet in to the last rollout worker."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from actors.pool import RolloutPool, RolloutWorker
from cluster.cores import default_workers, processors, share_cores
from cluster.engine import inspect_environment, replay_capacity, rollout_seed
from cluster.ray_learners import DiscriminatorWorker, PolicyWorker
from cluster.ray_start import gpu_share, has_gpu, start_ray
from cluster.ray_supervisor import Supervised, wait_for
from cluster.redis_connection import RedisAddress, RedisError
from cluster.redis_replay import RedisReplay
from cluster.redis_server import EmbeddedRedis
from cluster.redis_weights import RedisWeights
from spiral.config import RunConfig
from spiral.contracts import Arrays

CPU_SHARE = 0.5  # logical, so that three kinds of process fit on a cluster of two cores
Recover = Callable[[str], Arrays | None]  # the arrays of a part in the last checkpoint, if there is one


@dataclass
class Parts:
    """Handles of all parts.

    Attributes:
        weights, replay: this process's own connections; no replay without a discriminator.
        policy, discriminator: the processes of `PolicyWorker` and `DiscriminatorWorker`.
        pool, workers: the rollout workers, and how many they are.
    """

    weights: RedisWeights
    replay: RedisReplay | None
    policy: Supervised
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
    recover: Recover,
) -> Parts:
    """All parts of a run, ready to be called; leaving `resources` ends them."""
    spec, shape = inspect_environment(config)
    redis = _start_redis(resources, redis_url)
    workers = workers or default_workers(processors())
    processes = workers + 2
    resources.enter_context(start_ray(address, processes, pictures.nbytes, embedded_redis=redis_url is None))
    on_gpu = has_gpu(config.device)
    threads = share_cores(processors(), workers, on_gpu)
    options: dict[str, Any] = {"num_cpus": CPU_SHARE, "num_gpus": gpu_share(processes) if on_gpu else 0}
    make_weights = partial(RedisWeights, redis)
    make_replay = partial(RedisReplay, redis, replay_capacity(config), shape, config.agent.conditional)
    reference = ray.put(pictures)

    make_policy: Any = ray.remote(PolicyWorker).options(**options)
    policy = Supervised(
        "the policy learner",
        partial(make_policy.remote, config, spec, shape, make_weights, threads.policy),
        partial(recover, "policy"),
    )
    resources.callback(policy.close)
    policy.wait()  # it publishes the weights that the others begin with
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
    make_worker: Any = ray.remote(RolloutWorker).options(**options, max_restarts=-1)
    rollout_replay = make_replay if config.uses_discriminator else None
    handles = [
        make_worker.remote(
            config,
            make_weights,
            rollout_replay,
            partial(rollout_seed, config, index),
            threads.worker,
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
    return Parts(make_weights(), replay, policy, discriminator, pool, workers)


def _start_redis(resources: ExitStack, url: str | None) -> RedisAddress:
    """The address of a Redis that answers, our own if no URL is given; the run's keys go with `resources`."""
    name, secret = uuid.uuid4().hex, secrets.token_bytes(32)
    if url is None:
        return RedisAddress(resources.enter_context(EmbeddedRedis()).url, name, secret)
    address = RedisAddress(url, name, secret)
    address.connect().close()
    resources.callback(_forget, address)
    return address


def _forget(address: RedisAddress) -> None:
    """Deletes the run's keys, unless the Redis is gone: then they expire by themselves."""
    with suppress(RedisError):
        address.forget()
