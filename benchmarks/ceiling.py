"""The ceilings of a run's parts: how fast each is alone, when nothing that it waits for is slow.

The processes of a run on Ray are made here one beside the other in this process, each with one thread, with a Redis and
an object store of their own. A real rollout paints some trajectories; with these the policy learner is fed again and
again, and the reward learner with their renders, so that neither ever waits. What runs on a core is timed by the
processor, so that other programs on the machine disturb little, and what runs on a GPU by the clock on the wall.
`benchmarks/scale.py` says what follows for clusters.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import ray
from numpy.typing import NDArray
from ray.experimental import get_object_locations
from rich.console import Console
from rich.table import Table

from actors.broadcast import Broadcast
from actors.pool import RolloutWorker
from benchmarks.loop import PRESETS, time_call
from benchmarks.scale import MEGABYTE, Costs, cores_served, need, needs_table
from benchmarks.trips import time_trips, trips_table
from cluster.on_ray.learners import PolicyWorker, RewardWorker
from cluster.on_ray.start import start_ray
from cluster.on_ray.weights import RayWeights, weights_of_a_run
from cluster.on_redis.connection import RedisAddress
from cluster.on_redis.replay import RedisReplay
from cluster.on_redis.server import EmbeddedRedis
from cluster.on_redis.server_info import ServerInfo
from cluster.run.engine import EPISODES_SHOWN_PER_S, inspect_environment, kept_programs, rollout_seed
from cluster.run.feed.memory import MemoryFeed
from cluster.run.folder import RunError
from learners.pacing import least_steps
from spiral.config import RunConfig
from spiral.data import load
from spiral.devices import resolve_device
from spiral.presets import preset
from spiral.rewards import learned_terms
from spiral.trajectory import Trajectory

CORES = (64, 1_000, 10_000)
PAINTED = 4  # trajectories that the policy learner is fed with by turns


def run(seconds: float = 60.0, presets: tuple[str, ...] = PRESETS, seed: int = 0) -> list[Costs]:
    """What one batch of each preset costs, after about `seconds` for each.

    Raises:
        ConfigError: there is no preset of that name.
        RunError: none of a preset's rewards learns, or it has unrolls that are a part of an episode.
    """
    return [measure(preset(name).with_changes({"seed": seed}), seconds) for name in presets]


def measure(config: RunConfig, seconds: float) -> Costs:
    """What one batch of a run with these settings costs.

    Raises:
        RunError: none of its rewards learns, or it has unrolls that are a part of an episode.
    """
    learned = learned_terms(config.rewards)
    if not learned:
        raise RunError(f"{config.preset} has no reward that learns: give a preset with one, such as {PRESETS[0]}")
    if config.policy.unroll_length is not None:
        raise RunError(
            f"{config.preset} has policy.unroll_length={config.policy.unroll_length}, and a batch of parts of episodes "
            f"has no renders of its own to count: give a preset of whole episodes, such as {PRESETS[0]}"
        )
    spec, shape = inspect_environment(config)
    pictures = load(config.data.name, "train", shape[0], shape[2] == 3)
    steps, share = least_steps(learned), seconds / 4
    learning_clock = time.process_time if resolve_device(config.device).type == "cpu" else time.perf_counter
    with (
        start_ray(None, processes=1, picture_bytes=0, embedded_redis=True),
        EmbeddedRedis() as server,
        weights_of_a_run() as weights,
    ):
        address = RedisAddress(server.url, "ceiling", secrets.token_bytes(32))
        kept = config.replay.pictures, shape, config.agent.conditional, kept_programs(config)
        make_replay = partial(RedisReplay, address, *kept)
        policy = PolicyWorker(config, spec, shape, weights, num_threads=1)
        rewards = RewardWorker(config, spec, shape, pictures, make_replay, weights, num_threads=1)
        rollout = begin_rollout(config, pictures, weights, make_replay)

        trajectories = [paint(rollout) for _ in range(PAINTED)]
        rollout_s = time_call(lambda: paint(rollout), share, time.process_time)
        feed = itertools.cycle(trajectories)
        policy_s = time_call(lambda: policy.step("learning", 0.5, ray.get(next(feed))), share, learning_clock)
        rewards_s = time_call(lambda: rewards.steps(steps), share, learning_clock)
        lessons, first = {key: rewards.learner.rewards[key].batch_size for key in steps}, ray.get(trajectories[0])
        info, renders = ServerInfo(address), first.final_renders
        trips = time_trips(config.seed, steps, lessons, info, make_replay(), renders, share / 2)
        fetch = partial(time_call, seconds=share / 2 / (1 + len(steps)), clock=time.process_time)
        fetched = {key: fetch(partial(weights.fetch, key)) for key in ("agent", *steps)}
        weight_bytes = sum(array.nbytes for array in weights.fetch("agent")[1].values())
        trajectory_bytes = get_object_locations(trajectories)[trajectories[0]]["object_size"]
    return Costs(
        name=config.preset,
        frames=first.frames,
        renders=sum(steps[key] * lessons[key] for key in steps),
        # In a run there are new weights to fetch each time; here they stayed the same.
        rollout=rollout_s + fetched["agent"],
        policy=policy_s + sum(fetched[key] for key in steps),
        rewards=rewards_s,
        trajectory_bytes=trajectory_bytes,
        weight_bytes=weight_bytes,
        trips=trips,
    )


def begin_rollout(
    config: RunConfig,
    pictures: NDArray[np.uint8],
    weights: RayWeights,
    make_replay: Callable[[], RedisReplay],
) -> RolloutWorker:
    """A rollout on cores, whatever the settings say, which is ready to paint."""
    on_cores = config.model_copy(update={"device": "cpu"})
    seed_of = partial(rollout_seed, config, 0)
    rollout = RolloutWorker(on_cores, config.policy.batch_size, make_replay, make_broadcast, seed_of, num_threads=1)
    rollout.begin(pictures, weights)
    return rollout


def make_broadcast() -> Broadcast:
    """Shows as much of the episodes as the only rollout of a run does."""
    return Broadcast(MemoryFeed(), 0, EPISODES_SHOWN_PER_S)


def paint(rollout: RolloutWorker) -> ray.ObjectRef[Trajectory]:
    """A reference to a trajectory that the rollout has just painted, whose renders it has put into the replay."""
    played = rollout.play("learning")
    assert played is not None, "it has begun, and there are weights"
    reference: ray.ObjectRef[Trajectory] = played.trajectory
    return reference


def print_table(results: list[Costs]) -> None:
    """Print what `run` returned, and what follows from it for clusters."""
    console = Console()
    for costs in results:
        console.print(costs_table(costs))
        console.print(trips_table(costs.name, costs.trips))
        console.print(needs_table(costs.name, [need(costs, cores) for cores in CORES]))


def costs_table(costs: Costs) -> Table:
    """What each part does a second, what a frame weighs, and with how many rollout cores a part keeps up."""
    table = Table("measured, one thread each", title=f"{costs.name}: batches of {costs.frames} frames")
    table.add_column("value", justify="right")
    alternating = [costs.trips[name] for name in ("add renders", "sample renders")]
    asked = sum(trip.per_batch * trip.commands for trip in alternating)
    carried = sum(trip.per_batch * (trip.received + trip.sent) for trip in alternating)
    rows = {
        "rollout core, frames/s": f"{costs.frames / costs.rollout:,.0f}",
        "policy learner, frames/s": f"{costs.frames / costs.policy:,.0f}",
        "reward learner, renders/s": f"{costs.renders / costs.rewards:,.0f}",
        "trajectory through Ray, bytes a frame": f"{costs.trajectory_bytes / costs.frames:,.0f}",
        "renders into Redis, bytes a frame": f"{costs.trips['add renders'].received / costs.frames:,.1f}",
        "commands to Redis, a frame": f"{costs.in_redis(lambda trip: trip.commands) / costs.frames:.4f}",
        "weights of the agent, MB": f"{costs.weight_bytes / MEGABYTE:.2f}",
    }
    for who, seconds in (
        ("one client", sum(trip.per_batch * trip.seconds for trip in alternating)),
        ("Redis at most", sum(trip.per_batch * trip.busy for trip in alternating)),
    ):
        rows[f"replay, {who}: commands/s, MB/s"] = f"{asked / seconds:,.0f}, {carried / seconds / MEGABYTE:,.0f}"
    for part, cores in cores_served(costs).items():
        rows[f"rollout cores to one {part}"] = f"{cores:,.2f}"
    for row in rows.items():
        table.add_row(*row)
    return table


if __name__ == "__main__":
    print_table(run())
