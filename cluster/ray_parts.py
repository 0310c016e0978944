"""The processes of a run on Ray, from the Redis that they meet in to the last rollout worker."""

from __future__ import annotations

import uuid
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import RayActorError, RayTaskError

from actors.broadcast import Broadcast
from actors.pool import RolloutPool, RolloutWorker
from cluster.cores import default_workers, processors, share_cores
from cluster.engine import EPISODES_SHOWN_PER_S, inspect_environment, replay_capacity, rollout_seed
from cluster.ray_learners import DiscriminatorWorker, PolicyWorker
from cluster.ray_start import EngineError, gpu_share, has_gpu, start_ray
from cluster.redis_connection import RedisAddress, RedisError
from cluster.redis_feed import RedisFeed
from cluster.redis_replay import RedisReplay
from cluster.redis_server import EmbeddedRedis
from cluster.redis_weights import RedisWeights
from spiral.config import RunConfig

CPU_SHARE = 0.5  # logical, so that three kinds of process fit on a cluster of two cores
START_TIMEOUT_S = 180.0


@dataclass
class Parts:
    """Handles of all parts.

    Attributes:
        weights, replay: this process's own connections; no replay without a discriminator.
        feed: the live feed of this process.
        policy, discriminator: Ray handles of `PolicyWorker` and `DiscriminatorWorker`.
        pool, workers: the rollout workers, and how many they are.
    """

    weights: RedisWeights
    replay: RedisReplay | None
    feed: RedisFeed
    policy: Any
    discriminator: Any
    pool: RolloutPool
    workers: int


def start_parts(
    resources: ExitStack,
    config: RunConfig,
    pictures: NDArray[np.uint8],
    redis_url: str | None,
    address: str | None,
    workers: int | None,
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
    policy = make_policy.remote(config, spec, shape, make_weights, threads.policy)
    _await(policy, "the policy learner")  # it publishes the weights that the others begin with
    discriminator = None
    if config.uses_discriminator:
        make_discriminator: Any = ray.remote(DiscriminatorWorker).options(**options)
        discriminator = make_discriminator.remote(
            config, shape, reference, make_replay, make_weights, threads.discriminator
        )
    make_worker: Any = ray.remote(RolloutWorker).options(**options, max_restarts=-1)
    rollout_replay = make_replay if config.uses_discriminator else None
    handles = [
        make_worker.remote(
            config,
            make_weights,
            rollout_replay,
            partial(_make_broadcast, redis, index, workers),
            partial(rollout_seed, config, index),
            threads.worker,
        )
        for index in range(workers)
    ]
    if discriminator is not None:
        _await(discriminator, "the discriminator learner")
    for handle in handles:
        _await(handle, "a rollout worker")
    pool = RolloutPool(handles, reference)
    for learner in (policy, discriminator):
        if learner is not None:
            resources.callback(ray.kill, learner)
    resources.callback(pool.close)
    replay = make_replay() if config.uses_discriminator else None
    feed = RedisFeed(redis)
    resources.callback(feed.close)
    return Parts(make_weights(), replay, feed, policy, discriminator, pool, workers)


def result_of(call: Any) -> Any:
    """What a call of a learner gave, or the error that it raised itself.

    Raises:
        EngineError: the learner's process died.
    """
    try:
        return ray.get(call)
    except RayTaskError as error:
        raise error.cause if isinstance(error.cause, Exception) else error from None
    except RayActorError as error:
        lines = str(error).strip().splitlines()
        if error.actor_init_failed:
            raise EngineError(f"a process of the run could not begin: {lines[-1]}") from None
        raise EngineError(
            f"a process of the run died ({lines[0]}); is there enough memory? "
            "Go on with --resume from the last checkpoint"
        ) from None


def _make_broadcast(redis: RedisAddress, worker: int, workers: int) -> Broadcast:
    """What one of so many workers shows of its episodes."""
    return Broadcast(RedisFeed(redis), worker, EPISODES_SHOWN_PER_S / workers)


def _start_redis(resources: ExitStack, url: str | None) -> RedisAddress:
    """The address of a Redis that answers, our own if no URL is given; the run's keys go with `resources`."""
    if url is None:
        return RedisAddress(resources.enter_context(EmbeddedRedis()).url, uuid.uuid4().hex)
    address = RedisAddress(url, uuid.uuid4().hex)
    address.connect().close()
    resources.callback(_forget, address)
    return address


def _forget(address: RedisAddress) -> None:
    """Deletes the run's keys, unless the Redis is gone: then they expire by themselves."""
    with suppress(RedisError):
        address.forget()


def _await(handle: Any, who: str) -> None:
    """Waits until an actor answers."""
    call = handle.ping.remote()
    if not ray.wait([call], timeout=START_TIMEOUT_S)[0]:
        raise EngineError(
            f"{who} did not start within {START_TIMEOUT_S:.0f} s; the cluster has these resources left: "
            f"{ray.available_resources()}; free some of it, or use fewer --workers"  # type: ignore[no-untyped-call]
        )
    result_of(call)
