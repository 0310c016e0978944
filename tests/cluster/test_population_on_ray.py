"""Members that are whole runs on Ray: rollout workers, learners and replay of their own, round after round."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import ray
from numpy.typing import NDArray

from cluster.on_redis.feed import RedisFeedReader
from cluster.population.folder import Plan, PopulationFolder
from cluster.population.live_feed import introduce
from cluster.population.member import Work, play_round
from cluster.population.resources import MemberResources, Room
from cluster.population.run import begin
from cluster.population.settings import levels_of
from cluster.run.folder import RunError
from cluster.run.launch import load_pictures
from cluster.run.logbook import read_lines, read_rows
from cluster.run.plan import Length
from cluster.run.progress import progress_in
from learners.checkpoint import latest_checkpoint, load_checkpoint
from spiral.config import RunConfig
from spiral.contracts import Arrays
from tests.patience import wait_until

from .conftest import FRAMES
from .feeds import read_until

ROUNDS, MEMBERS = 2, 2


@pytest.fixture(scope="module")
def plan(tiny: RunConfig) -> Plan:
    copying = tiny.with_changes({"agent.conditional": True, "agent.noise": 0})
    return Plan(copying, Length(frames=2 * ROUNDS * FRAMES), MEMBERS, ROUNDS, "held_out")


def weights(arrays: Arrays) -> list[NDArray[np.generic]]:
    """All weights of a discriminator."""
    return [array for name, array in arrays.items() if name.startswith("discriminator/network/")]


def free_cores() -> float:
    resources: dict[str, float] = ray.available_resources()  # type: ignore[no-untyped-call]
    return resources.get("CPU", 0.0)


def test_a_member_is_a_whole_run_and_the_least_fit_goes_on_as_a_copy(plan, ray_session, redis_server, tmp_path, quick):
    folder, free = PopulationFolder(tmp_path / "pop"), free_cores()
    text = begin(plan, folder.path, room=Room(redis_server.url, at_a_time=1, workers=1))
    rows = [row for row in read_lines(folder.events) if row["event"] == "round"]
    assert sorted((row["round"], row["member"]) for row in rows) == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert all(row["frames"] >= 2 * row["round"] * FRAMES for row in rows), text
    (copy,) = [row for row in read_lines(folder.events) if row["event"] == "exploit"]
    fitness = {row["member"]: row["fitness"] for row in rows if row["round"] == 1}
    assert fitness[copy["member"]] >= fitness[copy["source"]] and copy["member"] != copy["source"]
    for member in range(MEMBERS):
        parts = load_checkpoint(latest_checkpoint(folder.member(member).checkpoints)).parts
        assert {"agent", "policy", "rewards", "replay", "rollout-0"} == set(parts)
        assert len(parts["replay"]["renders"]) and all(
            np.isfinite(array).all() for array in parts["agent"].values() if array.dtype.kind == "f"
        )
        assert {row["member"] for row in read_rows(folder.member(member))} == {member}
    wait_until(lambda: free_cores() >= free, "the room of all members is free again")


def test_what_one_process_began_workers_go_on_with_and_show_under_its_number(
    plan, ray_session, tmp_path, quick, monkeypatch, address
):
    monkeypatch.setattr("cluster.population.member.EPISODES_SHOWN_PER_S", 1e6)
    folder, pictures = PopulationFolder(tmp_path), load_pictures(plan.config)
    work = Work(folder, plan, MemberResources(1, 1.0, 0.0), 1, address, introduce(address, plan, folder))
    begun = play_round(work, *pictures, 1, levels_of(plan.config), 1)
    reader = RedisFeedReader(address)
    on_ray = replace(work, resources=MemberResources(1, 1.0, 0.0, workers=1))
    row = play_round(on_ray, *pictures, 1, levels_of(plan.config), 2)
    assert row["complete"] and row["frames"] >= 2 * begun["frames"] == 4 * FRAMES
    news = read_until(reader, lambda seen: bool(seen.glimpses) and len(seen.rows) >= 2)
    assert {glimpse.member for glimpse in news.glimpses} == {row["member"] for row in news.rows} == {1}
    assert news.description is not None and news.description.folder == str(tmp_path.resolve())
    reader.close()


def test_members_at_work_at_once_have_one_learner_of_shared_rewards(plan, ray_session, redis_server, tmp_path, quick):
    sharing = replace(plan, shared_rewards=True, rounds=1, length=Length(frames=2 * FRAMES))
    folder, free = PopulationFolder(tmp_path / "pop"), free_cores()
    with pytest.raises(RunError, match="all work at the same time: leave out --at-a-time 1"):
        begin(sharing, folder.path, room=Room(workers=1, at_a_time=1))
    text = begin(sharing, folder.path, room=Room(redis_server.url, workers=1))
    left = [load_checkpoint(latest_checkpoint(folder.member(member).checkpoints)) for member in range(MEMBERS)]
    counted = [progress_in(checkpoint).counters.reward_steps["discriminator"] for checkpoint in left]
    kept = [checkpoint.part("rewards") for checkpoint in left]
    newest = max(int(arrays["discriminator/version"]) for arrays in kept)
    assert newest >= sum(counted) > max(counted) > 0, f"it took the steps that both asked for: {text}"
    of_one, of_other = (np.concatenate([array.ravel() for array in weights(arrays)]) for arrays in kept)
    # Learners of their own would have begun with other weights: members have other seeds.
    assert np.abs(of_one - of_other).max() < 0.1 < np.abs(of_one).max(), "the same network, a few steps apart"
    wait_until(lambda: free_cores() >= free, "the room of all members and of the learner is free again")
