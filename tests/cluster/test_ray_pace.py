"""Who waits for whom on Ray: the pace of each learned reward, the warm-up before it, and the shares of a batch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cluster.on_ray.engine import RayEngine
from cluster.on_ray.reward_driver import CALLS
from cluster.on_ray.supervisor import Supervised
from cluster.on_redis.server import EmbeddedRedis
from cluster.run.engine import WARM_UP_STEPS
from cluster.run.launch import begin, resume
from cluster.run.local_engine import LocalEngine
from cluster.run.machines import Machines
from cluster.run.plan import Counters, Length, Phase, phase_of
from learners.checkpoint import load_checkpoint
from spiral.config import RunConfig
from spiral.data import load

from .conftest import DISCRIMINATOR, FRAMES

pytestmark = pytest.mark.usefixtures("ray_session", "quick")
LEARNING, WARM_UP = Phase("learning", 0.5), Phase("warm-up", 0.0)
# The names of three rewards, and how many steps they must and may take for each of the policy.
PACES: dict[str, tuple[int, int | None]] = {
    "discriminator": (5, 5),
    "discriminator-2": (1, 3),
    "discriminator-3": (0, None),
}
FREE = "discriminator-3"
WARM = 2 * WARM_UP_STEPS + 5  # steps of a warm-up that needs three batches


@pytest.fixture(scope="module")
def pictures(drawings: str) -> np.ndarray:
    return load(drawings, "train", 16, color=False)


@pytest.fixture(scope="module")
def engine(
    tiny: RunConfig, pictures: np.ndarray, redis_server: EmbeddedRedis, ray_session: None
) -> Iterator[RayEngine]:
    """Three workers for batches of eight, and three learned rewards in one process."""
    rewards = [{**DISCRIMINATOR, "pace": {"floor": floor, "ceiling": ceiling}} for floor, ceiling in PACES.values()]
    machines = Machines(redis_url=redis_server.url, workers=3)
    engine = RayEngine(tiny.with_changes({"rewards": rewards}), pictures, machines)
    yield engine
    engine.close()


@pytest.fixture
def warming(tiny: RunConfig, pictures: np.ndarray, redis_server: EmbeddedRedis) -> Iterator[RayEngine]:
    """One worker, and one learned reward that is to be warmed up."""
    config = tiny.with_changes({"rewards.discriminator.warm_up": WARM})
    engine = RayEngine(config, pictures, Machines(redis_url=redis_server.url, workers=1))
    yield engine
    engine.close()


@contextmanager
def held_up(process: Supervised, flag: Path) -> Iterator[None]:
    """Meanwhile the process does nothing of what it is asked for."""

    def wait(_: Any, path: str) -> None:
        while not Path(path).exists():
            time.sleep(0.01)

    process._handle.__ray_call__.remote(wait, str(flag))
    try:
        yield
    finally:
        flag.touch()


def learn(engine: RayEngine, counters: Counters, steps: int) -> None:
    """The next steps of the policy learner, each counted; none comes before the rewards that it waits for."""
    goal = counters.policy_steps + steps
    while counters.policy_steps < goal:
        report = engine.step(LEARNING)
        if report is None:
            continue
        counters.add(report)
        assert report.frames == FRAMES
        for key, (floor, _) in PACES.items():
            assert counters.reward_steps[key] >= floor * counters.policy_steps


def settle(engine: RayEngine, counters: Counters) -> None:
    for report in engine.settle():
        counters.add(report)


def test_shares_of_three_workers_are_one_batch(engine):
    """Three episodes each are one too many, and the batch has its eight."""
    told = engine._parts.pool._manager.foreach_actor(lambda worker: worker.episodes)
    assert [answer.get() for answer in told] == [3, 3, 3] and engine._parts.shares == 3
    counters = Counters()
    while counters.policy_steps < 4:
        report = engine.step(LEARNING)
        if report is not None:
            counters.add(report)
            assert report.frames == FRAMES and 0 <= report.metrics["policy/lag"] <= 3
    settle(engine, counters)
    assert counters.frames == FRAMES * counters.policy_steps
    assert [len(state) > 0 for state in engine._parts.pool.states()] == [True] * 3


def test_each_learned_reward_keeps_its_pace(engine, tmp_path):
    """The first is waited for, the second waits for the policy as well, and the third for nobody."""
    before = {name: engine.weights.version(name) for name in ("agent", *PACES)}
    counters = Counters(policy_steps=before.pop("agent"), reward_steps=dict(before))
    assert counters.policy_steps > 0, "the test before has left it settled"
    learn(engine, counters, 5)
    settle(engine, counters)
    (policy,) = engine._parts.policies
    free = engine.weights.version(FREE)
    with held_up(policy, tmp_path / "go on"):
        while engine.weights.version(FREE) < free + 20:
            engine.step(LEARNING)
        asked = engine.weights.version("agent") + len(policy)
        for key, (_, ceiling) in PACES.items():
            if ceiling is not None:
                assert engine.weights.version(key) <= ceiling * (asked + 1)
    learn(engine, counters, 1)
    settle(engine, counters)
    steps = counters.policy_steps
    assert engine.weights.version("agent") == steps
    for key, (floor, ceiling) in PACES.items():
        assert engine.weights.version(key) >= floor * steps
        assert ceiling is None or engine.weights.version(key) <= ceiling * (steps + 1)
    assert engine.weights.version(FREE) >= free + 20, "with no ceiling, as many as its process could"


def test_what_a_free_reward_did_while_the_policy_was_slow_is_in_the_next_report(engine, tmp_path):
    (policy,) = engine._parts.policies
    engine.settle()
    free = engine.weights.version(FREE)
    with held_up(policy, tmp_path / "go on"):
        while engine.weights.version(FREE) < free + 5:
            assert engine.step(LEARNING) is None
    while (report := engine.step(LEARNING)) is None:
        pass
    assert report.reward_steps[FREE] >= 5
    assert report.metrics[f"reward/{FREE}/real"] and report.busy["rewards"] > 0


def test_the_policy_rests_on_ray_until_the_reward_is_warmed_up(warming):
    counters = Counters()
    while counters.policy_steps < 3:
        report = warming.step(phase_of(warming.config, 0.0, counters.reward_steps))
        if report is None:
            continue
        if report.kind == "learning":
            assert counters.reward_steps["discriminator"] >= WARM
            assert "policy/return" in report.metrics
        elif not counters.policy_steps:
            assert "policy/return" not in report.metrics and report.busy["policy"] == 0.0
        counters.add(report)
        assert report.frames == FRAMES, "what is painted for the warm-up counts"
    settle(warming, counters)
    assert warming.weights.version("agent") == counters.policy_steps
    assert counters.frames >= FRAMES * (counters.policy_steps + 3)


def test_a_warm_up_that_is_slow_has_few_batches_under_way_and_all_of_them_are_counted(warming, tmp_path):
    rewards, counters = warming._parts.rewards, Counters()
    assert rewards is not None
    with held_up(rewards, tmp_path / "go on"):
        while warming._parts.pool.busy or len(rewards) < CALLS:  # until the worker rests
            assert warming.step(WARM_UP) is None
            assert len(rewards) <= CALLS and len(warming._played) <= warming._most_under_way
    settle(warming, counters)
    assert (counters.frames, counters.policy_steps) == (CALLS * FRAMES, 0)
    state = warming.state()
    taken = int(state["rewards"]["discriminator/version"])
    assert counters.reward_steps == {"discriminator": taken} == {"discriminator": CALLS * WARM_UP_STEPS}
    assert int(state["policy"]["version"]) == 0


def test_a_run_on_ray_that_ended_in_its_warm_up_goes_on_with_it(tiny, pictures, redis_server, tmp_path):
    config = tiny.with_changes({"rewards.discriminator.warm_up": 10 * WARM_UP_STEPS})
    machines = Machines(engine="ray", redis_url=redis_server.url, workers=1)
    first = begin(config, tmp_path / "run", Length(frames=2 * FRAMES), machines)
    parts = load_checkpoint(first.checkpoint).parts
    taken = first.counters.reward_steps["discriminator"]
    assert first.over and first.counters.policy_steps == 0 and 2 * WARM_UP_STEPS <= taken < 10 * WARM_UP_STEPS
    assert int(parts["policy"]["version"]) == 0 and int(parts["rewards"]["discriminator/version"]) == taken
    fresh = LocalEngine(config, pictures)
    for name, array in fresh.state()["agent"].items():
        np.testing.assert_array_equal(array, parts["agent"][name], err_msg=name)
    fresh.close()
    longer = resume(tmp_path / "run", Length(frames=14 * FRAMES), machines).counters
    batches = longer.frames // FRAMES
    assert 2 <= longer.policy_steps <= batches - 10, "ten batches of the warm-up, and no more than were under way then"
    assert longer.reward_steps["discriminator"] >= 10 * WARM_UP_STEPS + 2 * longer.policy_steps
