"""What a reward costs is said as a share of the policy's step, for any reward that settings can name."""

from __future__ import annotations

import json

import pytest

from benchmarks import judges
from benchmarks.command import answer
from cluster.run.launch import load_pictures
from cluster.run.local_engine import LocalEngine
from spiral.config import RewardTerm, RunConfig

pytestmark = pytest.mark.usefixtures("quick")


def test_each_reward_is_a_share_of_the_policys_step(tiny: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([4.0, 1.0, 2.0] * 3)
    monkeypatch.setattr(judges, "_seconds", lambda work: (work(), next(seconds))[1])
    pictures = load_pictures(tiny)[0]
    engine = LocalEngine(tiny, pictures)
    try:
        terms = [RewardTerm(name="dual_distance"), RewardTerm(name="blank")]
        assert judges.shares(engine, pictures, terms, rounds=3) == (4.0, [0.25, 0.5])
    finally:
        engine.close()


def test_what_is_no_reward_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for given, said in (("lrmf", "lrmf is no JSON"), (json.dumps({"name": "nothing"}), "nothing")):
        assert answer(judges.main, "judges", [given]) == 2
        line = capsys.readouterr().err.strip()
        assert said in line and "\n" not in line
