"""Where the time of a training run goes, and what the loop loses beside its parts.

By turns, every part is timed alone, and then the whole loop in both compositions. The parts are painting, the policy's
forward pass, the policy's learning step, and the steps of the learned rewards: if nothing were lost, a run in one
process would need their sum for a batch. What it takes to send a batch and the weights through Ray's object store and
Redis is timed once, and the bytes that the run sends through Redis are counted, which no other program disturbs. Loop
and parts are held against each other within a turn, since a machine's speed changes with the minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np
import ray
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from actors.rollout import Rollout
from cluster.on_ray.engine import RayEngine
from cluster.on_ray.weights import weights_of_a_run
from cluster.on_redis.connection import RedisAddress
from cluster.on_redis.replay import RedisReplay
from cluster.on_redis.server import EmbeddedRedis
from cluster.run.cores import processors
from cluster.run.engine import Engine, kept_programs
from cluster.run.forecast import precision_in_words
from cluster.run.local_engine import LocalEngine
from cluster.run.plan import Phase, Report
from learners.pacing import least_steps
from spiral.agent import Observation
from spiral.config import RunConfig
from spiral.data import load
from spiral.devices import autocast
from spiral.presets import preset
from spiral.rewards import learned_terms
from spiral.state import network_arrays
from spiral.trajectory import Trajectory

LEARNING = Phase("learning", 0.5)
PRESETS = ("mnist-small", "reference")
WARM_UP = 3
COUNTED = 20  # batches in which the bytes to Redis are counted


@dataclass(frozen=True)
class Result:
    """What one preset gives.

    Attributes:
        name: of the preset.
        parts: for each round, seconds for one batch of each part alone, in this process with all cores.
        frames: actions in a batch.
        local: frames/s of the loop in one process, for each round.
        on_ray: frames/s of the loop on Ray, for each round.
        busy: for each part on Ray, the share of the time that it is at work, which counts waiting for a core too.
        transport: seconds to send one batch of trajectories, renders and weights.
        redis_bytes: that go into and out of Redis on Ray, a frame.
        precision: what the parts in this process compute with, in words.
    """

    name: str
    parts: list[dict[str, float]]
    frames: int
    local: list[float]
    on_ray: list[float]
    busy: dict[str, float]
    transport: float
    redis_bytes: float
    precision: str

    @property
    def allowed(self) -> list[float]:
        """For each round, frames/s if the parts followed each other without any loss."""
        return [self.frames / sum(parts.values()) for parts in self.parts]


def run(seconds: float = 60.0, presets: tuple[str, ...] = PRESETS, rounds: int = 3) -> list[Result]:
    """One result for each preset, after about `seconds` for each.

    Raises:
        ConfigError: there is no preset of that name.
    """
    return [measure(name, preset(name), seconds, rounds) for name in presets]


def measure(name: str, config: RunConfig, seconds: float, rounds: int) -> Result:
    """The result of one preset."""
    settings = config.environment.settings
    pictures = load(config.data.name, "train", settings.get("canvas_size", 64), settings.get("color", True))
    local = LocalEngine(config, pictures)
    share = seconds / (1 + 3 * rounds)
    frames = local.rollout.unroll_length * local.rollout.batch_size
    precision = precision_in_words(local.precisions())
    ray_engine = RayEngine(config, pictures)
    try:
        transport = time_transport(local, share)
        redis_bytes = count_redis_bytes(ray_engine)
        speeds: dict[str, list[float]] = {"local": [], "ray": []}
        parts: list[dict[str, float]] = []
        busy: list[dict[str, float]] = []
        for _ in range(rounds):
            parts.append(time_parts(local, share))
            speeds["local"].append(loop_speed(local, share)[0])
            speed, shares = loop_speed(ray_engine, share)
            speeds["ray"].append(speed)
            busy.append(shares)
    finally:
        ray_engine.close()
        local.close()
    mean_busy = {part: median(shares.get(part, 0.0) for shares in busy) for part in busy[0]}
    return Result(name, parts, frames, speeds["local"], speeds["ray"], mean_busy, transport, redis_bytes, precision)


def time_parts(engine: LocalEngine, seconds: float) -> dict[str, float]:
    """Seconds that each part alone needs for one batch."""
    rollout, config = engine.rollout, engine.config
    unrolls = whole_episodes(rollout)
    trajectory = unrolls[-1]
    if engine.replay is not None:
        engine.replay.add(trajectory.final_renders)

    def paint() -> None:
        rollout.environments.reset()
        for unroll in unrolls:
            for actions in unroll.actions:
                rollout.environments.step(actions)

    share = seconds / 4
    parts = {
        "environment": time_call(paint, share) / len(unrolls),
        "policy forward": time_call(partial(decide, rollout, trajectory.canvases, trajectory.targets), share),
        "policy learning": time_call(lambda: engine.policy.step(trajectory, 0.5), share),
    }
    if (rewards := engine.rewards) is not None:
        steps = least_steps(learned_terms(config.rewards))
        parts["rewards"] = sum(count * time_call(partial(rewards.step, key), share) for key, count in steps.items())
    return parts


def whole_episodes(rollout: Rollout) -> list[Trajectory]:
    """The unrolls of a batch of episodes; of the last one the renders are finished."""
    unrolls = [rollout.collect()]
    while not unrolls[-1].ended.any():
        unrolls.append(rollout.collect())
    return unrolls


@torch.no_grad()
def decide(rollout: Rollout, canvases: NDArray[np.uint8], targets: NDArray[np.uint8] | None) -> None:
    """All the decisions of one batch, on canvases that are there already."""
    count, heads = rollout.batch_size, len(rollout.spec.heads)
    state = rollout.agent.lstm.initial_state(count)
    device = rollout.device
    target = None if targets is None else torch.from_numpy(targets).to(device)
    action = torch.zeros(count, heads, dtype=torch.int64, device=device)
    mask = torch.ones(count, heads, dtype=torch.int8, device=device)
    noise = torch.zeros(count, rollout.config.agent.told, device=device)
    for canvas in canvases[:-1]:
        seen = Observation(torch.from_numpy(canvas).to(device), target, action, mask, noise)
        with autocast(device, rollout.precision.name):
            decision = rollout.agent.act(seen, state, rollout.generator)
        state, action = decision.state, decision.actions


def time_transport(local: LocalEngine, seconds: float) -> float:
    """Seconds to send one trajectory through Ray's object store, and its renders and the weights through a Redis."""
    trajectory = whole_episodes(local.rollout)[-1]
    weights = network_arrays(local.policy.agent)
    rng = np.random.default_rng(0)
    with EmbeddedRedis() as server, weights_of_a_run() as store:
        address = RedisAddress(server.url, "benchmark")
        kept = local.config.replay.pictures, local.rollout.canvas_shape, local.config.agent.conditional
        replay = RedisReplay(address, *kept, kept_programs(local.config))

        def send() -> None:
            ray.get(ray.put(trajectory))
            store.publish("agent", 0, weights)
            store.fetch("agent")
            if local.rewards is not None:
                replay.add(trajectory.final_renders)
                for key, count in least_steps(learned_terms(local.config.rewards)).items():
                    for _ in range(count):
                        replay.sample(local.rewards.rewards[key].batch_size, rng)

        return time_call(send, seconds)


def time_call(work: Callable[[], object], seconds: float, clock: Callable[[], float] = time.perf_counter) -> float:
    """The mean seconds of a call by `clock`, of as many as fit into `seconds`, 3 at least; the first is not counted."""
    work()
    calls, start, end = 0, clock(), time.perf_counter() + seconds
    while time.perf_counter() < end or calls < 3:
        work()
        calls += 1
    return (clock() - start) / calls


def warm_up(engine: Engine) -> None:
    """Let the first steps pass, in which processes start and memory is taken."""
    done = 0
    while done < WARM_UP:
        done += engine.step(LEARNING) is not None


def count_redis_bytes(engine: RayEngine) -> float:
    """The bytes that go into and out of Redis for each frame of `COUNTED` batches, by its own count."""
    warm_up(engine)
    engine.settle()
    before, reports = carried(engine), list[Report]()
    while len(reports) < COUNTED:
        report = engine.step(LEARNING)
        reports += [] if report is None else [report]
    reports += engine.settle()
    return (carried(engine) - before) / sum(report.frames for report in reports)


def carried(engine: RayEngine) -> int:
    """How many bytes went into and out of the engine's Redis since it was started."""
    stats = engine.redis_info.read("stats")
    return int(stats["total_net_input_bytes"]) + int(stats["total_net_output_bytes"])


def loop_speed(engine: Engine, seconds: float) -> tuple[float, dict[str, float]]:
    """Frames/s of the whole loop, and for each part the share of the time that it was at work."""
    warm_up(engine)
    frames, busy = 0, dict[str, float]()
    start = time.perf_counter()
    while time.perf_counter() < start + seconds or not frames:
        report = engine.step(LEARNING)
        if report is not None:
            frames += report.frames
            for part, taken in report.busy.items():
                busy[part] = busy.get(part, 0.0) + taken
    elapsed = time.perf_counter() - start
    engine.settle()
    return frames / elapsed, {part: taken / elapsed for part, taken in busy.items()}


def ratio(speeds: list[float], others: list[float]) -> float:
    """The median of the quotients of two speeds that were measured in the same turns."""
    return median(speed / other for speed, other in zip(speeds, others, strict=True))


def print_table(results: list[Result]) -> None:
    """Print what `run` returned."""
    for result in results:
        table = Table(title=f"{result.name}: one batch of {result.frames} frames, {processors()} cores")
        table.add_column("part")
        table.add_column("alone, ms", justify="right")
        table.add_column("share", justify="right")
        alone = {part: median(parts[part] for parts in result.parts) for part in result.parts[0]}
        for part, taken in alone.items():
            table.add_row(part, f"{1000 * taken:.1f}", f"{taken / sum(alone.values()):.0%}")
        table.add_row("transport (Ray and Redis only)", f"{1000 * result.transport:.1f}", "")
        allowed, local, on_ray = result.allowed, result.local, result.on_ray
        lines = [
            result.precision,
            f"the parts alone allow {median(allowed):,.0f} frames/s",
            f"local {median(local):,.0f} frames/s, {ratio(local, allowed):.2f} of that (median of {len(local)} turns)",
            f"Ray {median(on_ray):,.0f} frames/s, {ratio(on_ray, local):.2f} of local",
            f"Redis carries {result.redis_bytes:,.0f} bytes a frame, in and out",
            "at work on Ray: "
            + ", ".join(f"{part} {share:.0%}" for part, share in result.busy.items())
            + f"; idle {max(0.0, processors() - sum(result.busy.values())):.0%} of {processors() * 100}%",
        ]
        console = Console()
        console.print(table)
        for line in lines:
            console.print(line, highlight=False)


if __name__ == "__main__":
    print_table(run())
