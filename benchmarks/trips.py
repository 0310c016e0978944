"""What each trip to Redis costs, for the one who asks and for Redis.

One client alone does not keep a Redis busy, since most of a trip is its own work. So what Redis can do at most is told
by its own counters of processor time and bytes. All is time of processors, which other programs on the machine disturb
little; a trip takes the sum of both sides, since the client waits while Redis works.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from benchmarks.loop import time_call
from cluster.on_redis.replay import CHUNK, RedisReplay
from cluster.on_redis.server_info import ServerInfo
from spiral.contracts import Renders


@dataclass(frozen=True)
class Trip:
    """One thing that the processes of a run ask of Redis.

    Attributes:
        per_batch: how often, for each batch of episodes.
        commands: that it takes.
        received, sent: bytes, seen from Redis.
        asking: seconds of processor of the one who asks.
        busy: seconds of processor of Redis.
    """

    per_batch: int
    commands: int
    received: float
    sent: float
    asking: float
    busy: float

    @property
    def seconds(self) -> float:
        """How long it takes where both have a core of their own."""
        return self.asking + self.busy


def time_trips(
    seed: int,
    steps: Mapping[str, int],
    lessons: Mapping[str, int],
    info: ServerInfo,
    replay: RedisReplay,
    renders: Renders,
    seconds: float,
) -> dict[str, Trip]:
    """What each trip to Redis costs, after about `seconds` for all of them.

    Args:
        seed: decides what is drawn from the replay.
        steps: of each learned reward in the time of a batch, by name.
        lessons: how many renders it learns from in each.
        info: of the Redis in which the replay is.
        replay: holds renders.
        renders: the final ones of a batch.
        seconds: for all of it.
    """
    rng, share = np.random.default_rng(seed), seconds / 2
    lesson, pieces = max(lessons.values()), math.ceil(max(lessons.values()) / CHUNK)
    adds, samples = math.ceil(len(renders) / CHUNK), sum(steps.values())
    return {
        "add renders": time_trip(info, share, lambda: replay.add(renders), 1, adds),
        "sample renders": time_trip(info, share, lambda: replay.sample(lesson, rng), samples, pieces),
    }


def time_trip(info: ServerInfo, seconds: float, work: Callable[[], object], per_batch: int, commands: int) -> Trip:
    """What one call of `work` costs."""
    calls = 0

    def counted() -> None:
        nonlocal calls
        calls += 1
        work()

    before = info.read()
    asking = time_call(counted, seconds, time.process_time)
    after = info.read()
    counters = ("total_net_input_bytes", "total_net_output_bytes", "used_cpu_user", "used_cpu_sys")
    received, sent, user, system = ((after[name] - before[name]) / calls for name in counters)
    return Trip(per_batch, commands, received, sent, asking, user + system)


def trips_table(name: str, trips: dict[str, Trip]) -> Table:
    """What each trip to Redis costs."""
    titles = ("a batch", "commands", "kB in", "kB out", "ms, asking", "ms, Redis")
    table = Table(title=f"{name}: trips to Redis")
    table.add_column("trip", no_wrap=True)
    for title in titles:
        table.add_column(title, justify="right")
    for what, trip in trips.items():
        sizes = (f"{size / 1e3:,.0f}" for size in (trip.received, trip.sent))
        times = (f"{1e3 * seconds:.2f}" for seconds in (trip.asking, trip.busy))
        table.add_row(what, str(trip.per_batch), str(trip.commands), *sizes, *times)
    return table
