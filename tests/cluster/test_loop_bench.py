"""The parts of the loop that `spiral bench loop` times alone are those that the run has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks import loop
from cluster.run.launch import load_pictures
from cluster.run.local_engine import LocalEngine
from cluster.run.timing import mean_of
from spiral.config import RunConfig

from .conftest import DISCRIMINATOR

pytestmark = pytest.mark.usefixtures("quick")


def a_second_each(work: Callable[[], object], seconds: float) -> float:
    """Stands in for the clock: whatever is called takes a second."""
    work()
    return 1.0


def parts(config: RunConfig) -> dict[str, float]:
    engine = LocalEngine(config, load_pictures(config)[0])
    try:
        return loop.time_parts(engine, seconds=0.0)
    finally:
        engine.close()


def test_all_steps_of_all_learned_rewards_are_one_part_of_a_batch(tiny, monkeypatch):
    monkeypatch.setattr(loop, "time_call", a_second_each)
    one = {"environment": 1.0, "policy forward": 1.0, "policy learning": 1.0}
    assert parts(tiny) == {**one, "rewards": DISCRIMINATOR["pace"]["floor"]}
    twice = tiny.with_changes({"rewards": [DISCRIMINATOR, {**DISCRIMINATOR, "pace": {"floor": 5, "ceiling": None}}]})
    assert parts(twice) == {**one, "rewards": 2 + 5}
    assert parts(tiny.with_changes({"rewards": [{"name": "blank"}]})) == one


def test_parts_of_episodes_are_timed_to_their_end(tiny, monkeypatch):
    """Only with the last part are there renders for the learned rewards; painting is shared out over the parts."""
    monkeypatch.setattr(loop, "time_call", a_second_each)
    in_parts = parts(tiny.with_changes({"policy": {"unroll_length": 1}}))
    assert in_parts["environment"] == pytest.approx(1 / 3)
    assert {name: taken for name, taken in in_parts.items() if name != "environment"} == {
        "policy forward": 1.0,
        "policy learning": 1.0,
        "rewards": DISCRIMINATOR["pace"]["floor"],
    }


def test_a_mean_is_over_those_that_measured():
    """Rewards of different paces do not all take a step whenever their process is asked."""
    assert mean_of([{"a": 1.0, "b": 5.0}, {"a": 3.0}, {}]) == {"a": 2.0, "b": 5.0}
    assert mean_of([]) == {}
