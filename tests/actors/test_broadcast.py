"""What a rollout shows of its episodes: a bounded share, in time, and nothing that changes what is learned from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from actors.actor import Actor
from actors.broadcast import LARGEST, MOST_AT_ONCE, MOST_COMMANDS, Broadcast, reduced, shown_shape
from actors.recorder import Recorder
from learners.weights import MemoryWeights
from spiral.agent import Agent
from spiral.state import network_arrays
from tests.shown import Shown
from tests.tiny import CONDITIONAL, SHAPE, SPEC, tiny_config


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def play(broadcast: Broadcast, clock: Clock, length: int, seconds: float, batch: int = 16) -> Recorder:
    """A batch of episodes, each command of which takes so long."""
    recorder = Recorder(length, batch, SHAPE, SPEC, 0, length)
    rng = np.random.default_rng(0)

    def observation() -> dict[str, np.ndarray]:
        return {
            "canvas": rng.integers(0, 256, (batch, *SHAPE), np.uint8),
            "action_mask": np.ones((batch, len(SPEC.heads)), np.int8),
        }

    recorder.start(observation(), {})
    broadcast.begin(batch)
    for _ in range(length):
        clock.now += seconds
        actions = rng.integers(0, SPEC.nvec, (batch, len(SPEC.heads)))
        recorder.record(actions, np.zeros(batch), (observation(), None, None, None, {}))
        broadcast.follow(recorder, None, version=3)
    return recorder


@pytest.mark.parametrize("workers", [1, 7, 200])
def test_all_rollouts_together_show_as_many_episodes_a_second_whatever_their_number(workers):
    feed, clock = Shown(), Clock()
    rollouts = [Broadcast(feed, worker, 4.0 / workers, clock=clock) for worker in range(workers)]
    first_second = None
    for _ in range(240):
        begun = clock.now
        for rollout in rollouts:
            rollout.begin(16)
            play_nothing = rollout._episodes
            feed.glimpses += [None] * len(play_nothing)  # type: ignore[list-item]
        clock.now = begun + 0.5
        first_second = len(feed.glimpses) if clock.now == 101.0 else first_second
    assert len(feed.glimpses) == pytest.approx(4.0 * 120, abs=workers / 2 + MOST_AT_ONCE)
    assert first_second is not None and first_second <= 4 + MOST_AT_ONCE, "they do not all begin at once"


def test_a_rollout_that_waited_for_long_shows_no_flood():
    feed, clock = Shown(), Clock()
    broadcast = Broadcast(feed, 0, 4.0, clock=clock)
    clock.now += 3600
    play(broadcast, clock, length=2, seconds=0.01)
    assert len({glimpse.episode for glimpse in feed.glimpses}) == MOST_AT_ONCE


def test_a_fast_episode_is_one_message_and_a_slow_one_a_message_a_command():
    for seconds, messages in ((0.01, 1), (0.1, 2), (0.6, 5)):
        feed, clock = Shown(), Clock()
        broadcast = Broadcast(feed, 0, 4.0, clock=clock)
        clock.now += 0.25
        recorder = play(broadcast, clock, length=5, seconds=seconds)
        assert len(feed.glimpses) == messages
        assert feed.glimpses[-1].last and not any(glimpse.last for glimpse in feed.glimpses[:-1])
        np.testing.assert_array_equal(np.concatenate([g.actions for g in feed.glimpses]), recorder.actions[:, 0])
        for glimpse in feed.glimpses:
            expected = recorder.canvases[glimpse.first : glimpse.first + len(glimpse.actions) + 1, 0]
            np.testing.assert_array_equal(glimpse.canvases, expected)
            assert (glimpse.version, glimpse.length) == (3, 5)


def test_a_long_episode_is_shown_in_pieces_of_bounded_size():
    feed, clock = Shown(), Clock()
    broadcast = Broadcast(feed, 0, 4.0, clock=clock)
    clock.now += 0.25
    play(broadcast, clock, length=2 * MOST_COMMANDS + 5, seconds=0.0)
    assert [len(glimpse.actions) for glimpse in feed.glimpses] == [MOST_COMMANDS, MOST_COMMANDS, 5]


@pytest.mark.parametrize("shape", [(16, 16, 1), (128, 128, 3), (129, 200, 3), (512, 512, 1)])
def test_large_canvases_are_shown_smaller(shape):
    picture = np.full((2, *shape), 7, np.uint8)
    picture[1] = 200
    small = reduced(picture)
    assert small.shape[1:] == shown_shape(shape) and max(small.shape[1:3]) <= LARGEST
    assert (small[0] == 7).all() and (small[1] == 200).all()
    assert small is picture or max(shape) > LARGEST


@pytest.mark.parametrize("changes", [{}, CONDITIONAL], ids=["unconditional", "conditional"])
def test_showing_changes_nothing_of_what_is_learned_from(changes):
    config = tiny_config(changes)
    targets = np.random.default_rng(1).integers(0, 256, (20, *SHAPE), np.uint8)
    feed, weights = Shown(), MemoryWeights()
    torch.manual_seed(0)
    weights.publish("agent", 0, network_arrays(Agent(SPEC, SHAPE, config.agent)))
    played = []
    for broadcast in (None, Broadcast(feed, 0, 1e6)):
        actor = Actor(config, weights, targets, 5, 8, broadcast=broadcast)
        played.append([actor.play(phase).trajectory for phase in ("learning", "cloning", "learning")])
        actor.close()
    for alone, shown in zip(*played, strict=True):
        np.testing.assert_array_equal(alone.actions, shown.actions)
        np.testing.assert_array_equal(alone.canvases, shown.canvases)
    finals = {glimpse.episode: glimpse for glimpse in feed.glimpses if glimpse.last}
    assert len(finals) == 24, "all, at such a rate"
    painted = [glimpse.canvases[-1] for glimpse in finals.values()]
    expected = np.concatenate([trajectory.canvases[-1] for trajectory in played[1]])
    np.testing.assert_array_equal(painted, expected)
    if config.agent.conditional:
        given = np.concatenate([trajectory.targets for trajectory in played[1]])
        np.testing.assert_array_equal([glimpse.target for glimpse in finals.values()], given)
    else:
        assert all(glimpse.target is None for glimpse in finals.values() if glimpse.version >= 0)
