"""One reward learner for several runs: it draws from all of them, and none can end it or set it back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import ray

from cluster.on_ray.shared_rewards import (
    ReplaysOfAll,
    SharedLearner,
    SharedRewards,
    Sharer,
    WeightsOfSharer,
    shared_rewards,
)
from cluster.on_redis.connection import RedisAddress
from cluster.on_redis.replay import RedisReplay
from cluster.run.launch import load_pictures
from learners.replay import MemoryReplay, sample_evenly
from learners.weights import MemoryWeights
from spiral.config import RunConfig
from spiral.contracts import Arrays, EmptyReplayError, Renders

SHAPE = (16, 16, 1)
KEY = "discriminator"


def painted(value: int, count: int = 4) -> Renders:
    return Renders(np.full((count, *SHAPE), value, np.uint8), None)


def filled(value: int) -> MemoryReplay:
    replay = MemoryReplay(8, SHAPE, with_targets=False)
    replay.add(painted(value))
    return replay


def values_of(batch: Renders) -> list[float]:
    """The share of each value among the pictures, in the order of the values."""
    _, counts = np.unique(batch.renders[:, 0, 0, 0], return_counts=True)
    return list(counts / len(batch))


def test_replays_are_drawn_from_alike_however_much_they_hold():
    large = MemoryReplay(64, SHAPE, with_targets=False)
    large.add(painted(1, 64))
    drawn = sample_evenly([filled(0).sample, large.sample, filled(2).sample], 3000, np.random.default_rng(0))
    assert values_of(drawn) == pytest.approx([1 / 3] * 3, abs=0.04)
    assert drawn.targets is None and drawn.actions is None


def test_a_run_is_drawn_from_once_it_has_painted_until_it_ends_and_anew_when_it_begins_anew():
    replays, rng = ReplaysOfAll(), np.random.default_rng(0)
    empty = MemoryReplay(8, SHAPE, with_targets=False)
    with pytest.raises(EmptyReplayError, match="no run has painted yet"):
        replays.sample(1, rng)
    first, second = Sharer(0, "a", lambda: empty), Sharer(1, "b", lambda: filled(1))
    for sharer in (first, second, first):
        replays.admit(sharer)
    assert values_of(replays.sample(100, rng)) == [1.0], "the other has nothing yet"
    empty.add(painted(0))
    assert values_of(replays.sample(1000, rng)) == pytest.approx([0.5, 0.5], abs=0.06)
    again = Sharer(0, "c", lambda: filled(2))
    replays.admit(again)
    replays.dismiss(first)  # too late: it has begun anew
    assert set(np.unique(replays.sample(100, rng).renders)) == {1, 2}
    replays.dismiss(again)
    assert values_of(replays.sample(100, rng)) == [1.0]


def test_what_any_of_the_replays_refused_is_counted_once():
    replays, one, other = ReplaysOfAll(), filled(0), filled(1)
    for number, replay in enumerate((one, other)):
        replays.admit(Sharer(number, "run", lambda replay=replay: replay))  # type: ignore[misc]
        replay.refused = 2 + number
    assert replays.refused == 5
    replays.refused = 0
    assert one.refused == other.refused == replays.refused == 0


def test_a_run_has_the_agent_for_itself_and_the_rewards_with_the_others():
    own, shared = MemoryWeights(), MemoryWeights()
    weights = WeightsOfSharer(own, shared, frozenset({KEY}))
    weights.publish("agent", 3, {"w": np.ones(1)})
    weights.publish(KEY, 5, {"w": np.zeros(1)})
    assert (own.version("agent"), own.version(KEY), shared.version(KEY), weights.version(KEY)) == (3, -1, 5, 5)
    assert weights.fetch("agent")[0] == 3 and weights.fetch(KEY)[1]["w"] == 0


class Kept:
    """What checkpoints hold; a file, since the process that reads it is another one."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self) -> Arrays | None:
        if not os.path.exists(self.path):
            return None
        with np.load(self.path) as arrays:
            return dict(arrays)


@pytest.fixture
def kept(tmp_path: Any) -> Kept:
    return Kept(str(tmp_path / "rewards.npz"))


@pytest.fixture
def shared(tiny: RunConfig, ray_session: None, kept: Kept) -> Iterator[SharedRewards]:
    with shared_rewards(tiny, load_pictures(tiny)[0], cpus=0.5, gpus=0.0, recover=kept) as shared:
        yield shared


def run_of(shared: SharedRewards, address: RedisAddress, number: int) -> tuple[SharedLearner, RedisReplay]:
    """A run that has painted."""
    own = RedisAddress(address.url, f"{address.run_id}-{number}")
    make_replay = partial(RedisReplay, own, 32, SHAPE, False)
    replay = make_replay()
    replay.add(painted(number))
    return SharedLearner(shared.process, Sharer(number, own.run_id, make_replay)), replay


def process_of(shared: SharedRewards) -> int:
    number: int = ray.get(shared.process.__ray_call__.remote(lambda _: os.getpid()))
    return number


def steps(learner: SharedLearner, count: int) -> int:
    """How many steps were taken when so many were asked for."""
    learner.ask("steps", {KEY: count}, steps=count)
    answer = learner.take(timeout=None)
    assert answer is not None
    taken: int = answer[1].reward_steps[KEY]
    return taken


def test_it_takes_the_steps_of_all_runs_and_none_sets_it_back(shared, address):
    one, _ = run_of(shared, address, 0)
    other, _ = run_of(shared, address, 1)
    assert steps(one, 2) == 2
    early = one.call("state")
    assert steps(other, 3) == 3
    one.load_state(early)
    assert (
        one.call("state")[f"{KEY}/version"] == other.call("state")[f"{KEY}/version"] == shared.weights.version(KEY) == 5
    )
    one.close()
    assert steps(other, 1) == 1, "the others go on"


def test_killed_it_begins_again_from_what_was_kept_above_all_versions(shared, address, kept):
    one, _ = run_of(shared, address, 0)
    assert steps(one, 2) == 2
    state = one.call("state")
    np.savez(kept.path, **state)
    assert steps(one, 2) == 2
    before, pid = shared.weights.version(KEY), process_of(shared)
    os.kill(pid, signal.SIGKILL)
    assert steps(one, 1) == 1, "the run that asks is admitted again"
    after = one.call("state")
    assert process_of(shared) != pid
    assert shared.weights.version(KEY) > before
    assert after.keys() == state.keys()
