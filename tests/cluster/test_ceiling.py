"""What many rollout cores would need follows from what one batch costs, and that is measured on the parts of a run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks import ceiling
from benchmarks.scale import LINK, Costs, cores_served, need
from benchmarks.trips import Trip
from cluster.run.engine import inspect_environment
from cluster.run.folder import RunError
from spiral.agent import Agent, count_parameters
from spiral.config import RunConfig

from .conftest import DISCRIMINATOR, FRAMES

COSTS = Costs(
    name="made up",
    frames=100,
    renders=64,
    rollout=0.5,
    policy=2.0,
    rewards=0.25,
    trajectory_bytes=50_000,
    weight_bytes=30_000,
    trips={
        "add renders": Trip(per_batch=1, commands=1, received=1000, sent=10, asking=0.1, busy=0.01),
        "sample renders": Trip(per_batch=3, commands=2, received=20, sent=2000, asking=0.2, busy=0.02),
    },
)


def test_a_batch_takes_to_redis_the_sum_of_its_trips():
    assert COSTS.in_redis(lambda trip: trip.commands) == 1 + 3 * 2
    assert COSTS.parts["Redis"] == pytest.approx(0.01 + 3 * 0.02)
    assert COSTS.parts["link of Redis"] == pytest.approx((10 + 3 * 2000) / LINK), "it sends more than it takes"


def test_a_trip_takes_as_long_as_both_sides_work():
    assert COSTS.trips["add renders"].seconds == pytest.approx(0.11)


def test_everything_is_in_proportion_to_the_batches_that_the_cores_paint():
    result = need(COSTS, 64)
    assert (result.batches, result.frames) == (64 / 0.5, 64 / 0.5 * 100)
    assert result.parts["policy learner"] == 128 * 2.0
    assert result.parts["reward learner"] == 128 * 0.25
    assert result.trajectory_bytes == 128 * 50_000
    assert result.commands == 128 * 7
    assert result.redis_bytes == 128 * (1010 + 3 * 2020)
    assert result.weight_bytes == 128 * 30_000
    assert need(COSTS, 640).parts == pytest.approx({part: 10 * count for part, count in result.parts.items()})


def test_the_part_of_which_most_are_needed_breaks_first():
    assert need(COSTS, 64).broken == ["policy learner", "reward learner", "Redis"]
    assert need(COSTS, 2).broken == ["policy learner"], "one reward learner is just enough for two cores"


def test_a_part_keeps_up_with_the_cores_that_need_just_one_of_it():
    for part, cores in cores_served(COSTS).items():
        assert cores / COSTS.rollout * COSTS.parts[part] == pytest.approx(1)
    assert cores_served(COSTS)["policy learner"] == 0.25


def fifty_calls(work: Callable[[], object], seconds: float, clock: Callable[[], float]) -> float:
    """The mean seconds of a call, of as many on any machine: what Redis tells of itself is spread over them."""
    begun = clock()
    for _ in range(50):
        work()
    return (clock() - begun) / 50


@pytest.mark.usefixtures("ray_session", "quick")
def test_the_parts_of_a_run_are_measured(tiny: RunConfig, capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.trips.time_call", fifty_calls)
    costs = ceiling.measure(tiny, seconds=0.5)
    batch, steps = DISCRIMINATOR["options"]["batch_size"], DISCRIMINATOR["pace"]["floor"]
    assert (costs.frames, costs.renders) == (FRAMES, batch * steps)
    assert all(seconds > 0 for seconds in costs.parts.values())
    canvases = (3 + 1) * tiny.policy.batch_size * 16 * 16
    assert canvases < costs.trajectory_bytes < 2 * canvases
    pixels = tiny.policy.batch_size * 16 * 16
    assert pixels < costs.trips["add renders"].received < 2 * pixels
    assert pixels < costs.trips["sample renders"].sent < 3 * pixels, "Redis also says how it is"
    assert list(costs.trips) == ["add renders", "sample renders"], "the weights go another way"
    assert costs.weight_bytes == 4 * count_parameters(Agent(*inspect_environment(tiny), tiny.agent))
    ceiling.print_table([costs])
    printed = capsys.readouterr().out
    assert "10,000" in printed and "breaks first" in printed


def test_a_run_without_a_learned_reward_is_refused(tiny: RunConfig):
    with pytest.raises(RunError, match="no reward that learns: give a preset with one"):
        ceiling.measure(tiny.with_changes({"rewards": [{"name": "blank"}]}), seconds=0.5)


def test_parts_of_episodes_are_refused(tiny: RunConfig):
    with pytest.raises(RunError, match="unroll_length=1, .*: give a preset of whole episodes, such as mnist-small"):
        ceiling.measure(tiny.with_changes({"policy": {"unroll_length": 1}}), seconds=0.5)
