"""The arithmetic of a population: comparable scores, levels and schedules, room on the machines, the table."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cluster.on_ray.start import EngineError
from cluster.population.event_log import EventLog
from cluster.population.folder import Plan
from cluster.population.resources import MemberResources, room_for, share_machines
from cluster.population.scores import comparable, compare
from cluster.population.settings import first_levels, first_ranges, levels_of, member_config
from cluster.population.shared_rewards import newest_rewards
from cluster.run.launch import load_pictures
from cluster.run.local_engine import LocalEngine
from cluster.run.plan import Length, Phase
from learners.checkpoint import Checkpoint
from learners.policy_learner import on_the_way
from learners.replay import MemoryReplay, newest
from spiral.config import RunConfig
from spiral.contracts import Renders
from spiral.presets import PRESETS, preset

from .conftest import DISCRIMINATOR


def test_scores_are_measured_between_everybodys_renders_and_real_pictures():
    """Judge 0: the mean is 2, real pictures have 6. Judge 1 thinks the same on another scale."""
    scores = np.array([[1.0, 2.0, 3.0], [-10.0, 0.0, 10.0]])
    np.testing.assert_allclose(comparable(scores, np.array([6.0, 40.0])), [-0.25, 0.0, 0.25])


def test_the_scale_and_the_offset_of_a_judge_do_not_matter():
    rng = np.random.default_rng(0)
    scores, real = rng.normal(size=(5, 4)), np.full(5, 3.0)
    scale, offset = rng.uniform(0.1, 10, 5), rng.normal(size=5)
    changed = comparable(scores * scale[:, None] + offset[:, None], real * scale + offset)
    np.testing.assert_allclose(changed, comparable(scores, real))


def test_a_judge_that_prefers_renders_has_nothing_to_say_and_one_with_a_tiny_scale_does_not_decide():
    sane = [[0.0, 1.0], [0.0, 1.0]]
    of_sane = comparable(np.array(sane), np.array([1.0, 1.0]))
    fooled = comparable(np.array([*sane, [100.0, -100.0]]), np.array([1.0, 1.0, -1.0]))
    np.testing.assert_array_equal(fooled, of_sane)
    tiny = comparable(np.array([*sane, [5.0, 3.0]]), np.array([1.0, 1.0, 4.0 + 1e-9]))
    np.testing.assert_array_equal(tiny, of_sane)
    assert np.isnan(comparable(np.array([[1.0, 2.0]]), np.array([1.5]))).all()


def checkpoint(config: RunConfig, engine: LocalEngine, tmp_path: Any) -> Checkpoint:
    spec, shape = engine.rollout.spec, engine.rollout.canvas_shape
    document = {"config": config.model_dump(mode="json"), "action_spec": spec.to_json(), "canvas_shape": list(shape)}
    return Checkpoint(tmp_path, document, engine.state())


def test_members_are_judged_by_the_learned_rewards_in_their_checkpoints(tiny, tmp_path):
    """One member paints nothing, the other paints real pictures; a judge that has learned tells them apart."""
    pictures, held_out = load_pictures(tiny)
    config = tiny.with_changes({"rewards.discriminator.options.learning_rate": 1e-2})
    members = []
    for painted in (np.full_like(pictures[:32], 255), pictures[:32]):
        engine = LocalEngine(config, pictures)
        assert engine.replay is not None and engine.rewards is not None
        engine.replay.add(Renders(np.full_like(pictures[:32], 255), None))
        for _ in range(30):
            engine.rewards.step("discriminator")
        engine.replay.add(Renders(painted, None))
        members.append(checkpoint(config, engine, tmp_path))
        engine.close()
    fitness = compare(members, members, held_out)
    assert fitness[1] > fitness[0] and fitness.sum() == pytest.approx(0.0, abs=1e-6)


def test_a_judge_judges_by_its_first_learned_reward_alone(tiny, tmp_path):
    pictures, held_out = load_pictures(tiny)
    config = tiny.with_changes({"rewards": [{"name": "blank"}, DISCRIMINATOR, DISCRIMINATOR]})
    config = config.with_changes({"rewards.discriminator.options.learning_rate": 1e-2})
    engine = LocalEngine(config, pictures)
    assert engine.replay is not None and engine.rewards is not None
    engine.replay.add(Renders(np.full_like(pictures[:32], 255), None))
    for _ in range(30):
        engine.rewards.step("discriminator")
    whole = checkpoint(config, engine, tmp_path)
    engine.close()
    first = {name: array for name, array in whole.part("rewards").items() if not name.startswith("discriminator-2/")}
    of_real = {"added": np.array([32]), "renders": pictures[:32]}
    members = [whole, replace(whole, parts={**whole.parts, "replay": of_real})]
    fitness = compare(members, [replace(whole, parts={"rewards": first})], held_out)
    assert fitness[1] > fitness[0]
    np.testing.assert_array_equal(fitness, compare(members, [whole], held_out))


def test_of_rewards_that_are_shared_those_count_that_have_learned_the_longest(tmp_path):
    def member(*versions: int) -> Checkpoint:
        arrays = {f"judge-{place}/version": np.array(version) for place, version in enumerate(versions)}
        return Checkpoint(tmp_path, {}, {"rewards": {**arrays, "judge-0/network/weight": np.full(3, 99)}})

    members = [member(4, 8), member(6, 12), member(5, 10)]
    assert newest_rewards(members) is members[1]


def test_nobody_is_judged_before_there_is_a_render(tiny_copying, tmp_path):
    pictures, held_out = load_pictures(tiny_copying)
    engine = LocalEngine(tiny_copying, pictures)
    engine.step(Phase("cloning", 0.0))
    members = [checkpoint(tiny_copying, engine, tmp_path)] * 2
    assert np.isnan(compare(members, members, held_out)).all()
    engine.close()


@pytest.mark.parametrize("added", [0, 3, 5, 12])
def test_the_newest_pictures_are_those_that_were_added_last(added):
    replay = MemoryReplay(5, (1, 1, 1), with_targets=True)
    for value in range(added):
        picture = np.full((1, 1, 1, 1), value, np.uint8)
        replay.add(Renders(picture, picture + 100))
    found = newest(replay.state(), 4)
    expected = list(range(max(0, added - 4), added))
    assert found.renders.ravel().tolist() == expected
    assert found.targets is not None and (found.targets.ravel() - 100).tolist() == expected


@pytest.mark.parametrize("name", PRESETS)
def test_a_level_moves_the_whole_schedule(name):
    config = preset(name)
    own, doubled = config.policy, member_config(config, 3, {p: 2 * v for p, v in levels_of(config).items()}).policy
    for start, end in (("learning_rate", "final_learning_rate"), ("entropy", "final_entropy")):
        for progress in (0.0, 0.3, 1.0):
            before, after = (on_the_way(getattr(p, start), getattr(p, end), progress) for p in (own, doubled))
            assert after == pytest.approx(2 * before)
    assert member_config(config, 3, levels_of(config)) == config.with_changes({"seed": config.seed + 3})


def test_first_levels_are_spread_around_the_presets_own(tiny):
    assert first_levels(tiny, 0) == levels_of(tiny)
    many = [first_levels(tiny, member) for member in range(1, 400)]
    for path, (low, high) in first_ranges(tiny).items():
        logs = np.log([levels[path] for levels in many])
        assert math.log(low) <= logs.min() and logs.max() <= math.log(high)
        middle, width = math.log(levels_of(tiny)[path]), math.log(high / low)
        assert logs.mean() == pytest.approx(middle, abs=0.05 * width)
        assert logs.std() == pytest.approx(width / math.sqrt(12), rel=0.1)
    assert first_levels(tiny, 1) == many[0] != first_levels(tiny.with_changes({"seed": 1}), 1)


@pytest.mark.parametrize(
    ("machines", "members", "asked", "room", "turns"),
    [
        ([2], 12, None, MemberResources(2, 1.0, 0.0), 6),
        ([16], 12, None, MemberResources(12, 1.333, 0.0), 1),
        ([4], 12, 1, MemberResources(1, 4.0, 0.0), 12),
        ([4, 4, 4], 12, None, MemberResources(12, 1.0, 0.0), 1),
        ([64], 3, None, MemberResources(3, 21.333, 0.0), 1),
        ([1], 5, 2, MemberResources(2, 0.5, 0.0), 3),
        ([2], 12, None, MemberResources(1, 2.0, 0.0, 1), 12),
        ([16], 12, None, MemberResources(5, 3.2, 0.0, 2), 3),
        ([64, 64], 4, None, MemberResources(4, 32.0, 0.0, 12), 1),
    ],
)
def test_members_share_the_cores_and_take_turns(monkeypatch, machines, members, asked, room, turns):
    nodes = [{"Alive": True, "Resources": {"CPU": float(cores)}} for cores in machines]
    monkeypatch.setattr("ray.nodes", lambda: [*nodes, {"Alive": False, "Resources": {}}])
    made = share_machines(members, asked, "cpu", room.workers)
    assert made == room and made.turns(members) == turns
    assert made.cores == max(1, int(room.cpus))


def test_a_member_on_ray_has_room_for_each_of_its_processes():
    assert MemberResources(2, 1.0, 0.5).bundles == [{"CPU": 1.0, "GPU": 0.5}]
    itself, policy, rewards, *workers = MemberResources(1, 4.0, 0.25, 3).bundles
    assert policy == rewards == itself | {"GPU": 0.25} and workers == [itself] * 3
    for at_a_time, count in itertools.product((1, 2, 5), (1, 2, 7)):
        needed = at_a_time * sum(bundle["CPU"] for bundle in MemberResources(at_a_time, 1.0, 0.0, count).bundles)
        assert needed <= room_for(at_a_time, count) < needed + 1


def test_a_cluster_without_room_for_what_is_asked_is_named(monkeypatch):
    monkeypatch.setattr("ray.nodes", lambda: [{"Alive": True, "Resources": {"CPU": 4.0}}])
    with pytest.raises(EngineError, match="2 members with --workers 3 need room for 6 cores, and the cluster has 4"):
        share_machines(8, 2, "cpu", 3)


def test_the_table_ranks_by_the_newest_fitness_and_tells_the_lineage(tiny, tmp_path):
    plan = Plan(tiny.with_changes({"agent.conditional": True}), Length(frames=1), 3, 2, "held_out")
    book = EventLog(tmp_path / "book.jsonl", 1)
    levels = {"policy.learning_rate": 1e-3, "policy.entropy": 1e-2}
    for round_, errors in ((1, [0.5, 0.4, 0.9]), (2, [0.2, 0.3, float("inf")])):
        for member, error in enumerate(errors):
            book.add({"event": "round", "round": round_, "member": member, "fitness": error, **levels})
        if round_ == 1:
            book.add({"event": "exploit", "round": 1, "member": 2, "source": 1, "before": levels, "after": levels})
    again = EventLog(tmp_path / "book.jsonl", 3)
    for read in (book, again):
        assert read.ranking(plan) == [0, 1, 2]
        assert read.fitness(plan) == {0: 0.2, 1: 0.3}, "who failed has none"
        assert read.lineage(2) == "2 < 1 (round 1)" and read.lineage(0) == "0"
        assert "none" in read.table(plan).splitlines()[3]
    assert [row["round"] for row in EventLog(tmp_path / "book.jsonl", 2).rows] == [1, 1, 1, 1], "a round begins anew"
