"""An episode in several unrolls is the same episode: as it is painted, as it is judged, and as it is paid."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from actors.actor import Actor
from actors.broadcast import Broadcast
from actors.evaluation import paint
from actors.rollout import Rollout
from learners.policy_learner import PolicyLearner
from learners.weights import MemoryWeights
from spiral.agent import Agent, Judgement, TensorEpisodes
from spiral.config import RunConfig
from spiral.contracts import Glimpse
from spiral.rewards import RewardSum, setting_of
from spiral.section import ConfigError
from spiral.state import network_arrays
from spiral.trajectory import Trajectory, joined
from spiral.vtrace import vtrace
from tests.shown import Shown
from tests.tiny import CONDITIONAL, SHAPE, SPEC, tiny_config, tiny_discriminator

LENGTH, PART = 6, 2
LONG: dict[str, Any] = {"environment": {"settings": {"episode_length": LENGTH}}}
PLANES: dict[str, Any] = {"agent": {"location_planes": True, "location_read": True}}
BEGUN: dict[str, Any] = {
    "agent": {"conditional": True, "noise": 0, "level": True},
    "data": {"begun": True, "smooth": True, "varied": True},
}
# Agents without a target imitate what comes whole.
KINDS = pytest.mark.parametrize(
    ("phase", "changes"),
    [
        ("learning", {}),
        ("learning", PLANES),
        ("learning", CONDITIONAL),
        ("learning", BEGUN),
        ("cloning", CONDITIONAL),
        ("cloning", BEGUN),
    ],
    ids=["unconditional", "planes", "conditional", "begun", "programs", "programs seen through filters"],
)
CPU = torch.device("cpu")


def in_unrolls(config: RunConfig, length: int = PART) -> RunConfig:
    return config.with_changes({"policy.unroll_length": length})


def published(config: RunConfig) -> tuple[MemoryWeights, Agent]:
    """A fresh agent, made more decided so that what it sees and remembers matters, and a store that has it."""
    torch.manual_seed(1)
    agent, weights = Agent(SPEC, SHAPE, config.agent), MemoryWeights()
    with torch.no_grad():
        for parameter in agent.parameters():
            parameter.mul_(2.0)
    weights.publish("agent", 0, network_arrays(agent))
    return weights, agent


def targets() -> NDArray[np.uint8]:
    return np.random.default_rng(4).integers(0, 256, (12, *SHAPE), np.uint8)


def make(config: RunConfig, seed: int = 3, batch: int = 5) -> Rollout:
    return Rollout(config, published(config)[0], targets(), seed, batch)


def acting(config: RunConfig, seed: int = 3, broadcast: Broadcast | None = None) -> Actor:
    """What plays for every phase of a run."""
    return Actor(config, published(config)[0], targets(), seed, 5, broadcast=broadcast)


def both(config: RunConfig, phase: str, episodes: int = 1) -> tuple[list[Trajectory], list[list[Trajectory]]]:
    """So many batches of the same episodes: whole, and in unrolls."""
    whole, parts = acting(config), acting(in_unrolls(config))
    wholes = [whole.play(phase).trajectory for _ in range(episodes)]
    unrolls = [[parts.play(phase).trajectory for _ in range(LENGTH // PART)] for _ in range(episodes)]
    for actor in (whole, parts):
        actor.close()
    return wholes, unrolls


def judge(agent: Agent, trajectory: Trajectory) -> tuple[Judgement, Tensor]:
    """What the agent thinks of each command, and what it expects after the last."""
    episodes = TensorEpisodes.of(trajectory, CPU)
    with torch.no_grad():
        judged = agent.unroll(episodes)
        return judged, agent.outlook(episodes, judged.state)


@KINDS
def test_the_unrolls_of_an_episode_are_the_whole_episode_bit_for_bit(phase, changes):
    for whole, parts in zip(*both(tiny_config(LONG, changes), phase, episodes=2), strict=True):
        for number, part in enumerate(parts):
            begin = number * PART
            steps, times = slice(begin, begin + PART), slice(begin, begin + PART + 1)
            for name in ("actions", "log_probs"):
                np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[steps])
            for name in ("canvases", "action_masks"):
                np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[times])
            for name in ("noise", "targets", "views", "versions"):
                np.testing.assert_array_equal(getattr(part, name), getattr(whole, name))
            for name, count in whole.counts.items():
                np.testing.assert_array_equal(part.counts[name], count[times])
            expected = whole.actions[begin - 1] if begin else np.zeros_like(whole.actions[0])
            np.testing.assert_array_equal(part.previous, expected)
            assert (part.first == begin).all() and part.episode_length == LENGTH
            assert (part.ended == (number == 2)).all()
            assert part.state.any() == bool(begin), "only a new episode begins with nothing in mind"


@KINDS
def test_the_learner_judges_every_unroll_by_itself_as_it_judges_the_whole(phase, changes):
    config = tiny_config(LONG, changes)
    (whole,), (parts,) = both(config, phase)
    _, agent = published(config)
    of_whole, after_all = judge(agent, whole)
    assert (after_all == 0).all(), "nothing is to come after the end"
    for number, part in enumerate(parts):
        steps = slice(number * PART, number * PART + PART)
        judged, outlook = judge(agent, part)
        torch.testing.assert_close(judged.log_prob, of_whole.log_prob[steps], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(judged.value, of_whole.value[steps], rtol=1e-4, atol=1e-5)
        if number < 2:
            torch.testing.assert_close(outlook, of_whole.value[steps.stop], rtol=1e-4, atol=1e-5)
            assert outlook.abs().min() > 1e-3
        else:
            assert (outlook == 0).all()


def mixed(parts: list[Trajectory]) -> Trajectory:
    """A batch of workers that are at different places in their episodes."""
    return joined([part.select(np.arange(number, number + 2)) for number, part in enumerate(parts)], 6)


def test_what_is_expected_after_an_unroll_goes_by_each_episode():
    config = tiny_config(LONG)
    (whole,), (parts,) = both(config, "learning")
    _, agent = published(config)
    value = judge(agent, whole)[0].value
    expected = torch.cat((value[2, 0:2], value[4, 1:3], torch.zeros(2)))
    torch.testing.assert_close(judge(agent, mixed(parts))[1], expected, rtol=1e-4, atol=1e-5)


TERMS: dict[str, list[dict[str, Any]]] = {
    "end": [{"name": "squared_error"}, {"name": "blank", "weight": 3.0}],
    "step": [{"name": "squared_error", "when": "step"}, {"name": "stroke_start", "weight": 0.5, "when": "step"}],
    "after 1": [{"name": "l2", "when": 1}],
    "after 2": [{"name": "l2", "when": 2}, {"name": "stroke_start", "when": 2}],
    "after 5": [{"name": "l2", "when": 5}],
    "learned": [tiny_discriminator(when="step"), tiny_discriminator(weight=2.0, when="end")],
}


@pytest.mark.parametrize("terms", TERMS.values(), ids=TERMS)
def test_unrolls_are_paid_what_the_whole_episode_is_paid_at_the_same_commands(terms):
    config = tiny_config(LONG, CONDITIONAL, {"rewards": terms})
    (whole,), (parts,) = both(config, "learning")
    total = RewardSum(config.rewards, setting_of(config, SHAPE))
    expected, means = total.of(whole)
    assert expected.any()
    found = [total.of(part) for part in parts]
    torch.testing.assert_close(torch.cat([rewards for rewards, _ in found]), expected)
    torch.testing.assert_close(sum(rewards.sum(dim=0) for rewards, _ in found), expected.sum(dim=0))
    assert [measured for _, measured in found[:-1]] == [{}, {}], "no final render, no score of one"
    assert found[-1][1] == pytest.approx(means)
    rewards, measured = total.of(mixed(parts))
    torch.testing.assert_close(rewards, torch.cat((expected[0:2, 0:2], expected[2:4, 1:3], expected[4:6, 2:4]), dim=1))
    assert set(measured) == set(means)


def test_rewards_at_the_end_are_paid_in_the_last_unroll_alone():
    config = tiny_config(LONG, CONDITIONAL, {"rewards": [{"name": "l2"}]})
    _, (parts,) = both(config, "learning")
    total = RewardSum(config.rewards, setting_of(config, SHAPE))
    paid = [total.of(part)[0] for part in parts]
    assert not paid[0].any() and not paid[1].any() and not paid[2][0].any() and (paid[2][1] < 0).all()


def test_only_last_unrolls_have_final_renders():
    (whole,), (parts,) = both(tiny_config(LONG, CONDITIONAL), "learning")
    assert [len(part.final_renders) for part in parts] == [0, 0, 5]
    assert all(part.final_renders.actions is None for part in parts), "nobody has the whole program"
    np.testing.assert_array_equal(parts[2].final_renders.renders, whole.canvases[-1])
    few = mixed(parts)
    assert few.ended.tolist() == [False] * 4 + [True] * 2
    np.testing.assert_array_equal(few.final_renders.renders, whole.canvases[-1, 2:4])
    np.testing.assert_array_equal(few.final_renders.targets, whole.targets[2:4])  # type: ignore[index]
    np.testing.assert_array_equal(few.final_counts["strokes"], whole.counts["strokes"][-1, 2:4])


@pytest.mark.parametrize("length", [6, 600])
def test_an_unroll_takes_as_much_memory_whatever_the_length_of_the_episode(length):
    config = in_unrolls(tiny_config(CONDITIONAL, {"environment": {"settings": {"episode_length": length}}}))
    rollout = make(config)
    rollout.collect()
    trajectory = rollout.collect()
    rollout.close()
    arrays = [getattr(trajectory, field.name) for field in fields(trajectory)]
    size = sum(array.nbytes for array in (*arrays, *trajectory.counts.values()) if isinstance(array, np.ndarray))
    pixels = (PART + 1 + 1) * 5 * 256  # canvases and targets
    assert pixels < size < pixels + 5 * 600


def test_every_unroll_is_played_with_the_newest_weights():
    config = in_unrolls(tiny_config(LONG))
    weights, agent = published(config)
    rollout = Rollout(config, weights, None, 0, 4)
    versions = []
    for version in (1, 2, 3):
        weights.publish("agent", version, network_arrays(agent))
        versions.append(set(rollout.collect().versions))
    rollout.close()
    assert versions == [{1}, {2}, {3}]


@pytest.mark.parametrize("first", ["learning", "cloning"])
def test_demonstrations_and_the_agents_own_episodes_do_not_go_on_with_each_other(first):
    actor = acting(in_unrolls(tiny_config(LONG, CONDITIONAL)))
    second = "cloning" if first == "learning" else "learning"
    for phase in (first, second, first):
        begun, going_on = actor.play(phase).trajectory, actor.play(phase).trajectory
        assert (begun.canvases[0] == 255).all() and not begun.first.any() and not begun.state.any()
        np.testing.assert_array_equal(going_on.canvases[0], begun.canvases[-1])
    actor.close()


@KINDS
@pytest.mark.parametrize("done", [1, 2, 3])
def test_another_actor_goes_on_from_the_state_in_the_middle_of_an_episode(phase, changes, done):
    config = in_unrolls(tiny_config(LONG, changes))
    actor, other = acting(config, seed=1), acting(config, seed=2)
    for _ in range(done):
        actor.play(phase)
    other.play("learning")
    other.load_state(actor.state())
    for _ in range(4):
        first, second = actor.play(phase).trajectory, other.play(phase).trajectory
        for field in fields(first):
            np.testing.assert_equal(getattr(first, field.name), getattr(second, field.name), err_msg=field.name)
    for each in (actor, other):
        each.close()


def test_a_rollout_with_more_episodes_begins_new_ones():
    config = in_unrolls(tiny_config(LONG))
    rollout, larger = make(config), make(config, batch=7)
    rollout.collect()
    larger.load_state(rollout.state())
    assert not larger.collect().first.any()
    for each in (rollout, larger):
        each.close()


@pytest.mark.parametrize("changes", [{}, CONDITIONAL], ids=["unconditional", "conditional"])
def test_a_finished_agent_paints_the_same_in_unrolls(changes):
    config = tiny_config(LONG, changes)
    given = targets() if config.agent.conditional else None
    weights, _ = published(config)
    whole, parts = (paint(c, weights, given, 7, seed=2, temperature=1.0) for c in (config, in_unrolls(config)))
    np.testing.assert_array_equal(whole.actions, parts.actions)
    np.testing.assert_array_equal(whole.renders, parts.renders)
    np.testing.assert_array_equal(whole.empty, parts.empty)


@pytest.mark.parametrize("phase", ["learning", "cloning"])
def test_what_is_shown_of_an_episode_goes_on_from_unroll_to_unroll(phase):
    feed = Shown()
    actor = acting(in_unrolls(tiny_config(LONG, CONDITIONAL)), broadcast=Broadcast(feed, 0, 1e6))
    parts = [actor.play(phase).trajectory for _ in range(3)]
    actor.close()
    films: dict[int, list[Glimpse]] = {}
    for glimpse in feed.glimpses:
        films.setdefault(glimpse.episode, []).append(glimpse)
    assert len(films) == 5
    for index, film in enumerate(films.values()):
        assert [glimpse.first for glimpse in film] == np.cumsum([0, *(len(g.actions) for g in film)])[:-1].tolist()
        assert all(glimpse.length == LENGTH for glimpse in film) and [g.last for g in film][-1]
        actions = np.concatenate([part.actions[:, index] for part in parts])
        np.testing.assert_array_equal(np.concatenate([glimpse.actions for glimpse in film]), actions)
        np.testing.assert_array_equal(film[-1].canvases[-1], parts[-1].canvases[-1, index])


def test_a_length_that_does_not_divide_the_episode_is_refused_in_one_line():
    with pytest.raises(ConfigError) as error:
        make(in_unrolls(tiny_config(LONG), 4))
    assert str(error.value) == (
        "policy.unroll_length=4 does not divide an episode of 6 commands: give one of 1, 2, 3, 6, or null for whole "
        "episodes"
    )


POLICIES: dict[str, dict[str, Any]] = {
    "one update": {},
    "passes": {"clip_ratio": 0.2, "passes": 2, "minibatches": 4, "normalize_advantages": True, "anchor": 0.05},
}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_an_agent_learns_from_unrolls_of_which_only_the_last_is_paid(policy):
    """What starting strokes costs at the end reaches the first unroll through what is expected after it."""
    settings = {"batch_size": 32, "learning_rate": 1e-2, "entropy": 0.0, "unroll_length": 2, **policy}
    config = tiny_config({"policy": settings, "rewards": [{"name": "stroke_start"}]})
    learner = PolicyLearner(config, SPEC, SHAPE, MemoryWeights())
    rollout = Rollout(config, learner.weights, None, seed=0, batch_size=32)
    scores = []
    for _ in range(80):
        measured = learner.step(rollout.collect(), 0.0)
        scores += [measured["score/stroke_start"]] if "score/stroke_start" in measured else []
    rollout.close()
    assert len(scores) == 40
    assert np.mean(scores[:3]) < -0.8 and np.mean(scores[-3:]) > -0.2


def test_the_learner_bootstraps_with_what_it_expects_itself(monkeypatch):
    """V-trace is given the value after every unroll, without gradient, and 0 after the last."""
    config = in_unrolls(tiny_config(LONG))
    learner = PolicyLearner(config, SPEC, SHAPE, MemoryWeights())
    rollout = Rollout(config, learner.weights, None, seed=0, batch_size=8)
    given = []

    def spy(log_rhos: Tensor, rewards: Tensor, values: Tensor, **settings: float) -> Any:
        given.append(values)
        return vtrace(log_rhos, rewards, values, **settings)

    monkeypatch.setattr("learners.policy_learner.vtrace", spy)
    expected = []
    for _ in range(3):
        part = rollout.collect()
        judged, outlook = judge(learner.agent, part)
        expected.append(torch.cat((judged.value, outlook[None])))
        learner.step(part, 0.0)
    rollout.close()
    for values, wanted in zip(given, expected, strict=True):
        assert not values.requires_grad
        torch.testing.assert_close(values, wanted)
    assert given[1][-1].all() and not given[2][-1].any()
