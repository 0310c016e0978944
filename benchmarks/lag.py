"""What it costs a learner that its actors act with older weights, and how old these are with many workers.

Learning: one small problem, an agent that pays for every stroke that it starts and has to stop, with actors whose
weights are L versions old. What counts is how many policy steps it takes until the newest policy has solved it.
Corrected by V-trace and clipped around the learner's own policy it takes no more than without lag (IMPALA: Espeholt et
al., 2018; IMPACT: Luo et al., 2020).

Lag: each worker plays its share of a batch, the newest shares are joined, and no more are under way than the workers
and one batch (`cluster/on_ray/engine.py`). The same rule is played through for any number of workers, with durations
drawn at random, beside the rule that each worker plays whole batches. On Ray it is measured with as many as fit.
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from actors.rollout import Rollout
from cluster.on_ray.engine import RayEngine
from cluster.run.machines import Machines
from cluster.run.plan import Phase
from learners.policy_learner import PolicyLearner
from learners.weights import MemoryWeights
from spiral.config import RunConfig, parse_config
from spiral.contracts import Arrays
from spiral.data import load
from spiral.presets import preset

LAGS = (0, 8, 16, 64)
WORKERS = (1, 4, 16, 64)
ON_RAY = (1, 4, 16)
SEEDS = 5
SOLVED = -0.1  # the mean of what an episode pays for its strokes
MOST_STEPS = 300
PROBLEM: dict[str, Any] = {
    "device": "cpu",
    "precision": "float32",
    "environment": {
        "settings": {
            "canvas_size": 16,
            "grid_size": 8,
            "brush": "classic/pen",
            "brush_sizes": [1, 2],
            "color": False,
            "episode_length": 4,
        }
    },
    "agent": {
        "stem_channels": 4,
        "stem_stride": 2,
        "channels": [8],
        "residual_blocks": 0,
        "hidden": 16,
        "location_head": "pointer",
        "noise": 3,
    },
    "policy": {
        "batch_size": 64,
        "learning_rate": 2e-3,
        "entropy": 0.0,
        "clip_ratio": 0.2,
        "passes": 2,
        "minibatches": 2,
        "normalize_advantages": True,
    },
    "rewards": [{"name": "stroke_start"}],
}


class OldWeights(MemoryWeights):
    """A store whose readers get the weights of `lag` versions ago, or the first ones."""

    def __init__(self, lag: int) -> None:
        super().__init__()
        self._lag = lag
        self._all: dict[int, Arrays] = {}

    def publish(self, name: str, version: int, weights: Mapping[str, NDArray[np.generic]]) -> None:
        """Keep `weights` until they are old enough."""
        super().publish(name, version, weights)
        self._all[version] = super().fetch(name)[1]

    def version(self, name: str) -> int:
        """The version that a reader gets."""
        return max(0, super().version(name) - self._lag)

    def fetch(self, name: str) -> tuple[int, Arrays]:
        """That version and its weights."""
        return self.version(name), self._all[self.version(name)]


def steps_to_solve(lag: int, seed: int) -> int:
    """How many policy steps the problem takes with actors that are so many versions behind."""
    config = parse_config({**PROBLEM, "seed": seed})
    weights, newest = OldWeights(lag), MemoryWeights()
    actors, tester = (Rollout(config, store, None, seed, 64) for store in (weights, newest))
    try:
        learner = PolicyLearner(config, actors.spec, actors.canvas_shape, weights)
        for step in range(1, MOST_STEPS + 1):
            learner.step(actors.collect(), 0.0)
            for published in learner.published():
                newest.publish(*published)
            rewards, _ = learner.reward.of(tester.collect())
            if float(rewards.sum(dim=0).mean()) > SOLVED:
                return step
    finally:
        actors.close()
        tester.close()
    return MOST_STEPS


@dataclass(frozen=True)
class Rule:
    """How workers play.

    Attributes:
        share: the part of a batch that each plays.
        shares: how many of these are a batch.
    """

    share: float
    shares: int


def mean_lag(workers: int, rule: Rule, seed: int, batches: int = 400) -> float:
    """The mean lag of the learner's batches, played through with durations of its own for each share.

    A worker takes 1 for a whole batch and the learner as long as all workers together take for one, so that neither
    waits much for the other.
    """
    rng = np.random.default_rng(seed)
    at_work: list[tuple[float, int]] = []  # when a share is played, and the version that it is played with
    played: list[int] = []
    queue: list[list[int]] = []
    lags: list[float] = []
    now, learned_at, version = 0.0, math.inf, 0
    while version < batches:
        under_way = len(at_work) + len(played) + rule.shares * len(queue)
        while len(at_work) < workers and under_way < workers + rule.shares:
            heapq.heappush(at_work, (now + rule.share * rng.uniform(0.5, 1.5), version))
            under_way += 1
        if learned_at <= (at_work[0][0] if at_work else math.inf):
            now, version = learned_at, version + 1
            lags.append(version - 1 - mean(queue.pop(0)))
            learned_at = now + 1.0 / workers if queue else math.inf
            continue
        now, made_with = heapq.heappop(at_work)
        played.append(made_with)
        if len(played) >= rule.shares:
            queue.append(played[-rule.shares :])
            played = []
            learned_at = now + 1.0 / workers if learned_at == math.inf else learned_at
    return mean(lags[len(lags) // 4 :])


def on_ray(config: RunConfig, workers: int, seconds: float) -> tuple[float, float]:
    """The mean lag, and frames a second, of a run with so many workers on this machine."""
    settings = config.environment.settings
    pictures = load(config.data.name, "train", settings["canvas_size"], False)[:5000]
    engine = RayEngine(config, pictures, Machines(workers=workers))
    try:
        reports: list[Any] = []
        while len(reports) < 6:  # until everybody is at work
            reports += filter(None, [engine.step(Phase("learning", 0.5))])
        begun, reports = time.perf_counter(), []
        while time.perf_counter() < begun + seconds:
            reports += filter(None, [engine.step(Phase("learning", 0.5))])
        passed = time.perf_counter() - begun
    finally:
        engine.close()
    return mean(report.metrics["policy/lag"] for report in reports), sum(report.frames for report in reports) / passed


def run(seconds: float = 20.0, name: str = "mnist-small-conditional") -> list[Table]:
    """Three tables: steps to solve by lag, lag by workers as the rule gives it, and both figures on Ray."""
    return [_solving(), _lagging(), _measured(preset(name), seconds)]


def _solving() -> Table:
    table = Table("lag, versions", "median", "each seed", title=f"policy steps until solved, {SEEDS} seeds")
    for lag in LAGS:
        steps = [steps_to_solve(lag, seed) for seed in range(SEEDS)]
        table.add_row(str(lag), f"{median(steps):.0f}", _listed(steps))
    return table


def _lagging() -> Table:
    table = Table("workers", "joined shares", "whole batches", title="mean lag as the rule gives it, batches of 64")
    for workers in WORKERS:
        share = math.ceil(64 / workers)
        joined = mean_lag(workers, Rule(share / 64, math.ceil(64 / share)), seed=0)
        table.add_row(str(workers), f"{joined:.2f}", f"{mean_lag(workers, Rule(1.0, 1), seed=0):.2f}")
    return table


def _measured(config: RunConfig, seconds: float) -> Table:
    table = Table("workers", "lag", "frames/s", title=f"{config.preset} on Ray, this machine")
    for workers in ON_RAY:
        lag, speed = on_ray(config, workers, seconds)
        table.add_row(str(workers), f"{lag:.2f}", f"{speed:,.0f}")
    return table


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def print_tables(tables: list[Table]) -> None:
    """Print what `run` returned."""
    for table in tables:
        Console().print(table)


if __name__ == "__main__":
    print_tables(run())
