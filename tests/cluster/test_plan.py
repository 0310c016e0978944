"""How long a run is, and which phase it is in."""

from __future__ import annotations

import pytest

from cluster.run.plan import Counters, Length, PlanError, Report, phase_of
from spiral.config import RunConfig, parse_config


def with_cloning(share: float) -> RunConfig:
    return parse_config({"agent": {"conditional": True}, "cloning": {"share": share}})


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
    assert [phase_of(config, share).kind for share in (0.0, 0.24, 0.25, 1.0)] == ["cloning"] * 2 + ["learning"] * 2
    assert [phase_of(config, share).progress for share in (0.0, 0.25, 0.625, 1.0)] == [0.0, 0.0, 0.5, 1.0]


def test_a_run_may_be_all_or_no_cloning():
    assert phase_of(with_cloning(1.0), 0.999).kind == "cloning"
    assert phase_of(with_cloning(1.0), 1.0).progress == 1.0
    assert phase_of(RunConfig(), 0.5).progress == 0.5


def test_counters_tell_cloning_from_learning():
    counters = Counters()
    counters.add(Report("cloning", 100, 0, {}))
    counters.add(Report("learning", 50, 3, {}))
    assert (counters.frames, counters.cloning_frames, counters.cloning_steps) == (150, 100, 1)
    assert (counters.policy_steps, counters.discriminator_steps) == (1, 3)
    assert Counters(**counters.to_json()) == counters
