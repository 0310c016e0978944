"""How long a run is, and which phase it is in."""

from __future__ import annotations

import pytest

from cluster.run.plan import Counters, Length, Phase, PlanError, Report, phase_of
from spiral.config import RunConfig, parse_config


def with_cloning(share: float, **warm_up: int) -> RunConfig:
    """Settings of a run that clones first, with a discriminator for each warm-up."""
    rewards = [{"name": "l2"}, *({"name": "discriminator", "warm_up": steps} for steps in warm_up.values())]
    return parse_config({"agent": {"conditional": True}, "cloning": {"share": share}, "rewards": rewards})


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (Length(minutes=2), 0.25),
        (Length(frames=1000), 0.4),
        (Length(minutes=2, frames=1000), 0.4),
        (Length(minutes=0.1), 1.0),
    ],
    ids=["minutes", "frames", "whichever is further", "never above 1"],
)
def test_the_share_of_a_run(length, expected):
    assert length.share(Counters(frames=400, seconds=30.0)) == expected


@pytest.mark.parametrize("wrong", [{}, {"minutes": 0}, {"frames": -5}, {"minutes": float("nan")}])
def test_a_run_of_no_length_is_refused(wrong):
    with pytest.raises(PlanError, match="give"):
        Length(**wrong)


def test_cloning_comes_first_and_the_schedules_begin_after_it():
    config = with_cloning(0.25)
    assert [phase_of(config, share, {}).kind for share in (0.0, 0.24, 0.25, 1.0)] == ["cloning"] * 2 + ["learning"] * 2
    assert [phase_of(config, share, {}).progress for share in (0.0, 0.25, 0.625, 1.0)] == [0.0, 0.0, 0.5, 1.0]


def test_a_run_may_be_all_or_no_cloning():
    assert phase_of(with_cloning(1.0), 0.999, {}).kind == "cloning"
    assert phase_of(with_cloning(1.0), 1.0, {}).progress == 1.0
    assert phase_of(with_cloning(0.0), 0.5, {}).progress == 0.5


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ({}, "warm-up"),
        ({"discriminator": 30, "discriminator-2": 4}, "warm-up"),
        ({"discriminator": 29, "discriminator-2": 300}, "warm-up"),
        ({"discriminator": 30, "discriminator-2": 5}, "learning"),
    ],
)
def test_all_learned_rewards_are_warmed_up_between_cloning_and_learning(steps, kind):
    config = with_cloning(0.25, first=30, second=5)
    assert phase_of(config, 0.2, steps).kind == "cloning"
    assert phase_of(config, 0.25, steps) == Phase(kind, 0.0)


def test_without_a_learned_reward_there_is_no_warm_up():
    assert phase_of(with_cloning(0.25), 0.25, {}).kind == "learning"
    assert phase_of(with_cloning(0.0, only=0), 0.0, {}).kind == "learning", "nor with one that needs none"


def test_counters_tell_cloning_and_warm_up_from_learning():
    counters = Counters()
    counters.add(Report("cloning", 100, {}, {}))
    counters.add(Report("warm-up", 20, {"judge": 10}, {}))
    counters.add(Report("learning", 50, {"judge": 3, "critic": 1}, {}))
    assert (counters.frames, counters.cloning_frames, counters.cloning_steps) == (170, 100, 1)
    assert (counters.policy_steps, counters.reward_steps) == (1, {"judge": 13, "critic": 1})
    assert Counters(**counters.to_json()) == counters
    steps = {name: count for name, count in counters.figures().items() if name.startswith("reward/")}
    assert steps == {"reward/judge/steps": 13, "reward/critic/steps": 1}
