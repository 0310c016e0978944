"""Members of a population in this process: what they show, and the learned rewards that they may share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cluster.on_redis.connection import RedisAddress
from cluster.on_redis.feed import RedisFeedReader
from cluster.population.folder import Plan, PopulationFolder
from cluster.population.live_feed import introduce
from cluster.population.member import Work, play_round
from cluster.population.resources import MemberResources, Room
from cluster.population.run import begin
from cluster.population.settings import levels_of
from cluster.population.shared_rewards import SharedReplay, share_rewards
from cluster.run.folder import RunError
from cluster.run.launch import load_pictures
from cluster.run.local_engine import LocalEngine
from cluster.run.logbook import read_rows
from cluster.run.plan import Length
from learners.checkpoint import Checkpoint, latest_checkpoint, load_checkpoint
from learners.replay import MemoryReplay
from spiral.config import RunConfig
from spiral.contracts import Renders
from spiral.rewards.base import Context
from spiral.section import ConfigError
from tests.patience import PATIENCE_S

from .conftest import FRAMES
from .feeds import read_until
from .test_full_disk import SMALL, files_of_at_most

ALONE = MemberResources(1, 1.0, 0.0)  # one member at a time, in one process
MEMBERS, STEPS = 3, 2  # policy steps of a round, each with two of the learned reward
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def plan(tiny: RunConfig) -> Plan:
    copying = tiny.with_changes({"agent.conditional": True, "agent.noise": 0})
    return Plan(copying, Length(frames=2 * STEPS * FRAMES), MEMBERS, 2, "held_out")


def work_in(folder: PopulationFolder, plan: Plan, redis: RedisAddress, first_round: int = 1) -> Work:
    """What the members need to know that take turns in this process."""
    return Work(folder, plan, ALONE, first_round, redis, introduce(redis, plan, folder))


def play(work: Work, *members: int, round_: int = 1) -> None:
    """A round of each of these members, one after the other."""
    for member in members:
        play_round(work, *load_pictures(work.plan.config), member, levels_of(work.plan.config), round_)


def left_by(work: Work, member: int) -> Checkpoint:
    return load_checkpoint(latest_checkpoint(work.folder.member(member).checkpoints))


def test_members_show_themselves_under_their_numbers_in_one_run(plan, quick, tmp_path, monkeypatch, address):
    monkeypatch.setattr("cluster.population.member.EPISODES_SHOWN_PER_S", 1e6)
    monkeypatch.setattr("cluster.on_redis.feed.CLOSING_S", PATIENCE_S)  # a member that has played has sent all
    folder, reader = PopulationFolder(tmp_path), RedisFeedReader(address)
    work, pictures = work_in(folder, plan, address), load_pictures(plan.config)
    for member in (0, 2):
        play_round(work, *pictures, member, levels_of(plan.config), 1)
        news = read_until(reader, lambda seen: bool(seen.glimpses and seen.rows))
        assert {glimpse.member for glimpse in news.glimpses} == {row["member"] for row in news.rows} == {member}
        assert news.description is not None and news.description.folder == str(tmp_path.resolve())
    reader.close()
    play_round(work, *pictures, 0, levels_of(plan.config), 2)
    play_round(replace(work, redis=RedisAddress("unix:///nowhere", "run")), *pictures, 1, levels_of(plan.config), 1)
    address.forget()
    introduce(address, plan, folder)
    again = RedisFeedReader(address)
    told = read_until(again, lambda seen: {row["member"] for row in seen.rows} == {0, 1, 2}).rows
    assert [row["frames"] for row in told if row["member"] == 0] == [
        row["frames"] for row in read_rows(folder.member(0))
    ]
    again.close()


def test_a_member_that_diverges_is_the_least_fit_and_does_not_end_the_population(plan, tmp_path, monkeypatch, address):
    from learners.policy_learner import PolicyLearner
    from spiral.descent import DivergedError

    def diverge(*_: object) -> dict[str, float]:
        raise DivergedError("the policy's loss is nan")

    monkeypatch.setattr(PolicyLearner, "step", diverge)
    work = work_in(PopulationFolder(tmp_path), plan, address)
    row = play_round(work, *load_pictures(plan.config), 1, levels_of(plan.config), 1)
    assert row["fitness"] == plan.worst == float("inf") and row["failure"] == "the policy's loss is nan"


@pytest.fixture
def sharing(plan: Plan) -> Plan:
    return replace(plan, shared_rewards=True)


def test_shared_rewards_take_the_steps_of_all_members(sharing, tmp_path, address):
    work = work_in(PopulationFolder(tmp_path), sharing, address)
    steps = []
    for round_ in (1, 2):
        for member in range(MEMBERS):
            play(work, member, round_=round_)
            steps.append(int(left_by(work, member).part("rewards")["discriminator/version"]))
    assert steps == [2 * STEPS * turn for turn in range(1, 2 * MEMBERS + 1)]


def test_whose_turn_it_is_trains_on_the_renders_of_all_and_keeps_its_own(sharing, tmp_path, address):
    work = work_in(PopulationFolder(tmp_path), sharing, address)
    play(work, 0, 2)
    engine = LocalEngine(sharing.config, load_pictures(sharing.config)[0])
    assert engine.replay is not None and engine.rewards is not None
    own = np.full((8, 16, 16, 1), 7, np.uint8)
    engine.replay.add(Renders(own, own))
    share_rewards(engine, work.folder, MEMBERS, 1)
    drawn = engine.rewards.replay.sample(3000, np.random.default_rng(0))
    assert drawn.targets is not None and drawn.renders.shape == drawn.targets.shape
    pairs = [(render.tobytes(), target.tobytes()) for render, target in zip(drawn.renders, drawn.targets, strict=True)]
    known = {"1": {(own[0].tobytes(), own[0].tobytes())}}
    for other in (0, 2):
        left = left_by(work, other).part("replay")
        known[str(other)] = {(r.tobytes(), t.tobytes()) for r, t in zip(left["renders"], left["targets"], strict=True)}
    shares = [sum(pair in of_member for pair in pairs) / len(pairs) for of_member in known.values()]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.04)
    np.testing.assert_array_equal(engine.state()["replay"]["renders"], own)
    engine.close()


def preference(config: RunConfig, painted: list[NDArray[np.uint8]]) -> float:
    """How much more a discriminator gives to real pictures than to empty ones, after it has seen what all painted."""
    pictures, held_out = load_pictures(config)
    engine = LocalEngine(config, pictures)
    assert engine.rewards is not None
    own, *others = (MemoryReplay(len(renders), renders.shape[1:], with_targets=False) for renders in painted)
    for replay, renders in zip((own, *others), painted, strict=True):
        replay.add(Renders(renders, None))
    engine.rewards.replay = SharedReplay(own, others)
    for _ in range(30):
        engine.rewards.step("discriminator")
    judge = engine.rewards.rewards["discriminator"]
    real, empty = (
        judge.score(shown, Context(None, {})).mean() for shown in (held_out[:8], np.full_like(held_out[:8], 255))
    )
    engine.close()
    return float(real - empty)


def test_a_discriminator_learns_from_the_renders_of_others(tiny):
    """A member paints like the real pictures, and another leaves its canvas empty: only together is there a lesson."""
    config = tiny.with_changes({"rewards.discriminator.options.learning_rate": 1e-2})
    perfect = load_pictures(config)[0][:32]
    alone, together = preference(config, [perfect]), preference(config, [perfect, np.full_like(perfect, 255)])
    assert together > alone + 0.1


def test_a_copy_keeps_the_shared_rewards_which_are_newer_than_its_sources(sharing, tmp_path, address):
    work = work_in(PopulationFolder(tmp_path), sharing, address)
    play(work, 0, 1, 2)
    newest = left_by(work, 2).part("rewards")
    notes = work.folder.member(2).checkpoints / "notes.txt"
    notes.write_text("a person's")
    with files_of_at_most(SMALL), pytest.raises(OSError, match="too large"):
        work.folder.copy_member(sharing, 0, 2, levels_of(sharing.config))
    left = left_by(work, 2).part("rewards")["discriminator/version"]
    np.testing.assert_array_equal(left, newest["discriminator/version"])
    work.folder.copy_member(sharing, 0, 2, levels_of(sharing.config))
    copied, source = left_by(work, 2).parts, left_by(work, 0).parts
    for part, expected in {"rewards": newest, "agent": source["agent"], "replay": source["replay"]}.items():
        for name, array in expected.items():
            np.testing.assert_array_equal(copied[part][name], array)
    assert notes.read_text() == "a person's"


def test_the_rewards_that_are_handed_on_are_the_same_after_an_interruption(sharing, tmp_path, address):
    """Whoever goes on plays the round anew for all, and those who had finished it have nothing left to do."""
    whole, interrupted = (work_in(PopulationFolder(tmp_path / name), sharing, address) for name in ("a", "b"))
    play(whole, 0, 1, 2)
    play(interrupted, 0, 1)
    play(interrupted, 0, 1, 2)
    again = left_by(interrupted, 2).parts
    for part, arrays in left_by(whole, 2).parts.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(again[part][name], array)


def test_members_that_share_their_rewards_take_turns(sharing, ray_session, tmp_path, spiral):
    scored = replace(sharing, members=2, fitness="scores")
    with pytest.raises(RunError, match="take turns: leave out --at-a-time 2"):
        begin(scored, tmp_path / "pop", room=Room(at_a_time=2))
    blind = scored.config.with_changes({"rewards": [{"name": "squared_error"}]})
    with pytest.raises(ConfigError, match="leave out --shared-rewards"):
        begin(replace(scored, config=blind, fitness="held_out"), tmp_path / "pop")
    assert not (tmp_path / "pop").exists()
    begin(scored, tmp_path / "pop")
    folder = PopulationFolder(tmp_path / "pop")
    left = [load_checkpoint(latest_checkpoint(folder.member(member).checkpoints)) for member in range(2)]
    steps = [int(member.part("rewards")["discriminator/version"]) for member in left]
    assert max(steps) == 4 * 2 * STEPS, "two rounds of two members"
    assert folder.read_plan().shared_rewards
    status, _, message = spiral("population", "--resume", "--shared-rewards", "--out", tmp_path / "pop")
    assert status == 2 and "leave out" in message
