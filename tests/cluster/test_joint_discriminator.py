"""The joint discriminator learns from a replay that keeps programs, and agents are trained by it on both engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cluster.on_redis.replay import RedisReplay
from cluster.population.scores import compare
from cluster.population.shared_rewards import SharedReplay
from cluster.run.engine import kept_programs
from cluster.run.launch import begin, resume
from cluster.run.machines import Machines
from cluster.run.plan import Length
from learners.checkpoint import Checkpoint, load_checkpoint
from learners.replay import MemoryReplay
from learners.reward_learner import RewardLearner
from learners.weights import MemoryWeights
from spiral.config import RunConfig
from spiral.contracts import Replay
from spiral.program_space import ProgramSpace
from spiral.rewards import RewardSum, setting_of
from spiral.section import ConfigError
from tests.program_pairs import told_apart, wrong_copies
from tests.tiny import CONDITIONAL, SHAPE, SPEC, tiny_config

from .conftest import FRAMES
from .test_local_run import StopAfter, assert_same_state

NAME = "joint_discriminator"
LOCAL = Machines(engine="local")


def term(**options: Any) -> dict[str, Any]:
    pace = {"pace": {"floor": 2, "ceiling": 2}, "warm_up": 4}
    return {"name": NAME, "options": {"width": 4, "batch_size": 8, "learning_rate": 2e-3, **options}, **pace}


@pytest.fixture
def joint(tiny_copying: RunConfig, quick: None) -> RunConfig:
    """Copying pictures of 16 pixels with three commands, for the scores of a joint discriminator after each."""
    return tiny_copying.with_changes({"rewards": [{**term(), "when": "step"}]})


@pytest.mark.parametrize("form", ["memory", "redis"])
def test_from_either_replay_it_learns_to_tell_what_no_picture_alone_tells(form, request):
    """It learns there, is published, and scores in the hands of who fetches it."""
    config = tiny_config(CONDITIONAL, {"rewards": [term(width=8, batch_size=16)]})
    kind = 256, SHAPE, True, ProgramSpace(SPEC, 4)
    weights = MemoryWeights()
    replay: Replay
    replay = MemoryReplay(*kind) if form == "memory" else RedisReplay(request.getfixturevalue("address"), *kind)
    replay.add(wrong_copies(256, seed=0))
    learner = RewardLearner(config, SPEC, SHAPE, np.zeros((1, *SHAPE), np.uint8), replay, weights)
    for _ in range(150):
        learner.step(NAME)
    learner.publish()
    total = RewardSum(config.rewards, setting_of(config, SHAPE, spec=SPEC))
    total.follow(weights)
    assert told_apart(total.terms[0].reward, wrong_copies(64, seed=1)) > 0.95


def assert_programs_are_kept(checkpoint: Checkpoint, config: RunConfig) -> None:
    """With every render in the replay of a run."""
    programs, replay = kept_programs(config), checkpoint.part("replay")
    assert programs is not None
    programs.check(replay["actions"], len(replay["renders"]))
    assert replay["actions"].any()


def test_a_local_run_is_trained_by_it_and_goes_on_as_if_nothing_had_happened(joint, tmp_path, monkeypatch):
    through = begin(joint, tmp_path / "through", Length(frames=12 * FRAMES), LOCAL)
    with monkeypatch.context() as patch:
        patch.setattr("cluster.run.launch.Interrupts", lambda: StopAfter(8))
        begin(joint, tmp_path / "halted", Length(frames=12 * FRAMES), LOCAL)
    resumed = resume(tmp_path / "halted", None, LOCAL)
    assert resumed.counters.policy_steps > 0 and resumed.counters.reward_steps[NAME] >= 2
    assert np.isfinite(resumed.latest[f"reward/{NAME}/gap"]) and np.isfinite(resumed.latest[f"score/{NAME}"])
    assert_same_state(through.checkpoint, resumed.checkpoint)
    kept = load_checkpoint(resumed.checkpoint)
    assert_programs_are_kept(kept, joint)
    fitness = compare([kept], [kept], np.zeros((1, *SHAPE), np.uint8))
    assert np.nan_to_num(fitness).tolist() == [0.0], "in its own eyes it paints like everybody, who is itself"


def test_members_that_share_it_learn_from_the_programs_of_all():
    replays = [MemoryReplay(64, SHAPE, True, ProgramSpace(SPEC, 4)) for _ in range(3)]
    pairs = [wrong_copies(64, seed=seed) for seed in range(3)]
    for replay, own in zip(replays, pairs, strict=True):
        replay.add(own)
    drawn = SharedReplay(replays[0], replays[1:]).sample(50, np.random.default_rng(0))
    assert drawn.actions is not None
    met = set()
    for render, program in zip(drawn.renders, drawn.actions, strict=True):
        (whose,) = [place for place, own in enumerate(pairs) if any((own.renders == render).all(axis=(1, 2, 3)))]
        (row,) = np.nonzero((pairs[whose].renders == render).all(axis=(1, 2, 3)))[0]
        np.testing.assert_array_equal(program, pairs[whose].actions[row])  # type: ignore[index]
        met.add(whose)
    assert met == {0, 1, 2}


@pytest.mark.usefixtures("ray_session")
def test_a_run_on_ray_is_trained_by_it_and_resumes(joint, redis_server, tmp_path):
    machines = Machines(engine="ray", redis_url=redis_server.url, workers=1)
    summary = begin(joint, tmp_path / "run", Length(frames=12 * FRAMES), machines)
    assert summary.over and summary.counters.policy_steps > 0 and summary.counters.reward_steps[NAME] > 0
    assert_programs_are_kept(load_checkpoint(summary.checkpoint), joint)
    longer = resume(tmp_path / "run", Length(frames=16 * FRAMES), machines)
    assert longer.over and longer.counters.reward_steps[NAME] > summary.counters.reward_steps[NAME]


def test_programs_are_kept_only_where_a_reward_reads_them(joint, tiny_copying):
    programs = kept_programs(joint)
    assert programs is not None and programs.shape == (3, 5)
    assert kept_programs(tiny_copying) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"policy.unroll_length": 1},
            r"policy\.unroll_length=1 is a part of an episode of 3 commands, but the reward 'joint_discriminator' "
            r"reads the whole program: set policy\.unroll_length=null, or leave the reward out",
        ),
        ({"agent.conditional": False, "cloning.share": 0}, r"set agent\.conditional=true, or leave it out"),
    ],
    ids=["unrolls", "unconditional"],
)
def test_what_cannot_be_trained_by_it_is_refused_before_anything_is_written(joint, tmp_path, changes, message):
    out: Path = tmp_path / "run"
    with pytest.raises(ConfigError, match=message):
        begin(joint.with_changes(changes), out, Length(frames=FRAMES), LOCAL)
    assert not out.exists()


def test_unrolls_that_are_whole_episodes_are_taken(joint, tmp_path):
    config = joint.with_changes({"policy.unroll_length": 3})
    assert begin(config, tmp_path / "run", Length(frames=9 * FRAMES), LOCAL).over
