"""What every replay promises, checked on the in-memory form and on the one in a real Redis."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.on_redis.connection import RedisAddress
from cluster.on_redis.replay import RedisReplay
from learners.replay import MemoryReplay, ReplayError, newest
from spiral.contracts import EmptyReplayError, Renders
from spiral.program_space import ProgramSpace
from tests.tiny import SPEC

SHAPE = (4, 5, 3)
PROGRAMS = ProgramSpace(SPEC, 2)
MakeReplay = Callable[..., MemoryReplay | RedisReplay]


@pytest.fixture(params=["memory", "redis"])
def make(request: pytest.FixtureRequest) -> MakeReplay:
    """Makes replays of the form under test; those of Redis share their pictures, as two processes would."""
    if request.param == "memory":
        return MemoryReplay
    address: RedisAddress = request.getfixturevalue("address")
    return lambda *args: RedisReplay(address, *args)


def batch(first: int, count: int, with_targets: bool = False) -> Renders:
    """Pictures whose every pixel says which picture it is; the target is its negative."""
    numbers = np.arange(first, first + count, dtype=np.uint8)
    renders = np.broadcast_to(numbers[:, None, None, None], (count, *SHAPE)).copy()
    return Renders(renders, 255 - renders if with_targets else None)


def with_programs(pictures: Renders) -> Renders:
    """The same with a program for each, of two actions, which says which picture it is."""
    numbers = pictures.renders[:, 0, 0, 0].astype(np.int64)
    actions = np.zeros((len(pictures), *PROGRAMS.shape), np.int64)
    actions[:, 1, SPEC.index("control")] = numbers % 64
    return replace(pictures, actions=actions)


def held(replay: MemoryReplay | RedisReplay) -> list[int]:
    return sorted(replay.state()["renders"][:, 0, 0, 0].tolist())


def test_an_empty_replay_says_so(make):
    replay = make(8, SHAPE, False)
    assert replay.size == 0
    with pytest.raises(EmptyReplayError, match="add renders"):
        replay.sample(1, np.random.default_rng(0))


def test_the_oldest_pictures_make_room(make):
    replay = make(8, SHAPE, False)
    for first in (0, 3, 6, 9):
        replay.add(batch(first, 3))
    assert (replay.size, held(replay)) == (8, list(range(4, 12)))


def test_of_a_batch_above_the_capacity_the_last_pictures_stay(make):
    replay = make(4, SHAPE, False)
    replay.add(batch(0, 11))
    assert held(replay) == [7, 8, 9, 10]


def test_a_render_keeps_its_target(make):
    replay = make(16, SHAPE, True)
    replay.add(batch(0, 16, with_targets=True))
    sample = replay.sample(40, np.random.default_rng(1))
    assert sample.targets is not None
    np.testing.assert_array_equal(sample.targets, 255 - sample.renders)


def test_samples_are_uniform(make):
    replay = make(10, SHAPE, False)
    replay.add(batch(0, 10))
    drawn = replay.sample(5000, np.random.default_rng(2)).renders[:, 0, 0, 0]
    counts = np.bincount(drawn, minlength=10)
    chi_square = float(((counts - 500) ** 2 / 500).sum())
    assert chi_square < 27.9  # 99.9% of a chi-square distribution with 9 degrees of freedom


def test_two_forms_draw_the_same_pictures(address):
    forms = MemoryReplay(50, SHAPE, True), RedisReplay(address, 50, SHAPE, True)
    samples = []
    for replay in forms:
        replay.add(batch(0, 37, True))
        replay.add(batch(37, 37, True))
        samples.append(replay.sample(300, np.random.default_rng(3)))
    np.testing.assert_array_equal(samples[0].renders, samples[1].renders)
    np.testing.assert_array_equal(samples[0].targets, samples[1].targets)


@pytest.mark.parametrize(
    ("with_targets", "programs"), [(False, None), (True, None), (False, PROGRAMS), (True, PROGRAMS)]
)
def test_a_saved_replay_goes_on_where_it_was(make, with_targets, programs):
    kind = SHAPE, with_targets, programs
    replay = make(8, *kind)
    replay.add(with_programs(batch(0, 11, with_targets)))
    state = replay.state()
    other = MemoryReplay(8, *kind)
    other.load_state(state)
    replay.load_state(state)
    for each in (replay, other):
        each.add(with_programs(batch(11, 2, with_targets)))
    assert set(replay.state()) == {"added", "renders", *["targets"] * with_targets, *["actions"] * bool(programs)}
    for name, array in replay.state().items():
        np.testing.assert_array_equal(array, other.state()[name])


@pytest.mark.parametrize("with_targets", [False, True])
def test_a_render_keeps_its_program_where_programs_are_kept(make, with_targets):
    replay = make(16, SHAPE, with_targets, PROGRAMS)
    for first in (0, 16):
        replay.add(with_programs(batch(first, 16, with_targets)))
    sample = replay.sample(40, np.random.default_rng(1))
    assert sample.actions is not None and sample.actions.dtype == np.int64
    np.testing.assert_array_equal(sample.actions, with_programs(sample).actions)
    kept = newest(replay.state(), 5)
    np.testing.assert_array_equal(kept.actions, with_programs(kept).actions)


def test_programs_are_left_out_where_no_reward_reads_them(make):
    replay = make(16, SHAPE, True)
    replay.add(with_programs(batch(0, 16, with_targets=True)))
    assert replay.sample(4, np.random.default_rng(1)).actions is None


def test_a_program_takes_no_room_in_redis_where_it_is_not_kept(address):
    sizes = []
    for programs in (None, PROGRAMS):
        address.forget()
        RedisReplay(address, 4, SHAPE, True, programs).add(with_programs(batch(0, 4, with_targets=True)))
        sizes.append(address.connect().hstrlen(address.key("replay:slots"), "0"))
    assert sizes[1] - sizes[0] == 4 * 2 * len(SPEC.heads), "four bytes a number"


@pytest.mark.parametrize(
    "actions",
    [
        None,
        np.zeros((3, *PROGRAMS.shape), np.int64),
        np.zeros((2, 3, len(SPEC.heads)), np.int64),
        np.zeros((2, *PROGRAMS.shape), np.float32),
        np.full((2, *PROGRAMS.shape), -1),
        np.full((2, *PROGRAMS.shape), 64),
    ],
    ids=["none", "too many", "length", "type", "negative", "too large"],
)
def test_renders_without_their_programs_are_refused(make, actions):
    replay = make(8, SHAPE, False, PROGRAMS)
    with pytest.raises(ReplayError, match="a replay of renders with programs|takes renders with their programs, but"):
        replay.add(replace(batch(0, 2), actions=actions))
    assert replay.size == 0
    with pytest.raises(ReplayError, match="without programs were given"):
        replay.load_state({"added": np.array([2]), "renders": batch(0, 2).renders})


def test_a_saved_replay_of_another_capacity_is_refused(make):
    replay = make(8, SHAPE, False)
    replay.add(batch(0, 8))
    with pytest.raises(ReplayError, match="8 pictures of 8 ever added; a replay of 4"):
        make(4, SHAPE, False).load_state(replay.state())
    with pytest.raises(ReplayError, match="lacks"):
        replay.load_state({"renders": replay.state()["renders"]})


@pytest.mark.parametrize(
    "wrong",
    [
        Renders(np.zeros((2, 4, 5, 1), np.uint8), None),
        Renders(np.zeros((2, *SHAPE), np.float32), None),
        Renders(np.zeros((2, *SHAPE), np.uint8), np.zeros((2, *SHAPE), np.uint8)),
    ],
    ids=["shape", "type", "targets"],
)
def test_a_batch_of_another_kind_is_refused(make, wrong):
    replay = make(8, SHAPE, False)
    with pytest.raises(ReplayError, match="this replay|a replay of"):
        replay.add(wrong)
    assert replay.size == 0


def test_a_batch_of_no_pictures_changes_nothing(make):
    replay = make(8, SHAPE, True)
    replay.add(batch(0, 0, with_targets=True))
    with pytest.raises(EmptyReplayError):
        replay.sample(1, np.random.default_rng(0))
    replay.add(batch(5, 2, with_targets=True))
    replay.add(batch(0, 0, with_targets=True))
    assert (replay.size, held(replay)) == (2, [5, 6])


def test_a_replay_without_room_is_refused(make):
    with pytest.raises(ReplayError, match="1 or more"):
        make(0, SHAPE, False)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(capacity=st.integers(1, 12), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_a_ring_is_a_queue_of_bounded_length(address, capacity, sizes):
    forms = MemoryReplay(capacity, SHAPE, False), RedisReplay(address, capacity, SHAPE, False)
    address.forget()
    slow: deque[int] = deque(maxlen=capacity)
    first = 0
    for size in sizes:
        slow.extend(range(first, first + size))
        for replay in forms:
            replay.add(batch(first, size))
        first += size
    assert held(forms[0]) == held(forms[1]) == sorted(slow)
