"""The policy learner makes rewarded programs likelier, repeats exactly, refuses to go on with NaN, and publishes."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch

from actors.rollout import Rollout
from learners.policy_learner import PolicyLearner, on_the_way
from spiral.agent import TensorEpisodes
from spiral.descent import DivergedError
from spiral.rewards.base import LearnedReward
from spiral.state import network_arrays
from tests.learners.policy_learners import PASSES, make, paid, same
from tests.tiny import CONDITIONAL, SHAPE, SPEC, made_up, tiny_config, tiny_discriminator

ANCHORED: dict[str, Any] = {"policy": {"anchor": 0.5, "anchor_decay": 0.9}}
FAST: dict[str, Any] = {
    "policy": {"batch_size": 32, "learning_rate": 1e-2, "entropy": 0.0},
    "rewards": [{"name": "stroke_start"}],
}
KINDS = pytest.mark.parametrize(
    "changes", [{}, PASSES, CONDITIONAL, ANCHORED], ids=["one update", "passes", "conditional", "anchored"]
)


@pytest.mark.parametrize("changes", [FAST, {**FAST, "precision": "bfloat16"}], ids=["float32", "bfloat16"])
def test_an_agent_that_pays_for_starting_strokes_stops_starting_them(changes):
    config = tiny_config(changes)
    learner = make(config)
    rollout = Rollout(config, learner.weights, None, seed=0, batch_size=32)
    returns = [learner.step(rollout.collect(), 0.0)["policy/return"] for _ in range(30)]
    rollout.close()
    assert np.mean(returns[:3]) < -0.8 and np.mean(returns[-3:]) > -0.2


def test_a_copier_with_passes_and_a_clip_learns_to_leave_white_targets_white():
    settings = {"learning_rate": 3e-3, "entropy": 0.0, "batch_size": 32}
    rewards = [{"name": "squared_error", "weight": 0.1, "when": "step"}]
    config = tiny_config(CONDITIONAL, PASSES, {"policy": settings, "rewards": rewards})
    learner = make(config)
    white = np.full((4, *SHAPE), 255, np.uint8)
    rollout = Rollout(config, learner.weights, white, seed=0, batch_size=32)
    errors = [-learner.step(rollout.collect(), 0.0)["score/squared_error"] for _ in range(20)]
    rollout.close()
    assert np.mean(errors[-3:]) < 0.3 * np.mean(errors[:3])


def test_on_its_own_policy_the_ratio_is_one_and_the_lag_nothing():
    config = tiny_config()
    learner = make(config)
    rollout = Rollout(config, learner.weights, None, seed=0, batch_size=8)
    fresh = rollout.collect()
    measured = learner.step(fresh, 0.0)
    assert measured["policy/rho"] == pytest.approx(1.0, abs=1e-4)
    assert measured["policy/lag"] == 0.0
    assert learner.step(fresh, 0.0)["policy/lag"] == 1.0, "the weights have moved on by one step"
    assert learner.step(rollout.collect(), 0.0)["policy/lag"] == 0.0
    rollout.close()


def test_a_weight_on_entropy_alone_makes_decisions_more_random():
    config = tiny_config({"policy": {"entropy": 1.0, "learning_rate": 3e-3, "value": 0.0}})
    learner = make(config)
    learner.reward.terms = paid(0.0)
    with torch.no_grad():
        for parameter in learner.agent.parameters():
            parameter.mul_(2.0)
        learner.agent.value.weight.zero_()
        learner.agent.value.bias.zero_()  # so that no advantage speaks beside the entropy
        flag = dict(learner.agent.named_parameters())["decoder.heads.0.linear.bias"]
        flag.copy_(torch.tensor([1.5, -1.5]))  # it hardly ever paints
    rollout = Rollout(config, learner.weights, None, seed=0, batch_size=32)
    learner.publish()
    strokes, entropies = [], []
    for _ in range(25):
        played = rollout.collect()
        strokes.append(float(played.actions[..., learner.agent.spec.index("flag")].mean()))
        entropies.append(learner.step(played, 0.0)["policy/entropy"])
    rollout.close()
    assert np.mean(entropies[-5:]) > np.mean(entropies[:5]) + 1.0
    assert np.mean(strokes[:5]) < 0.3 and np.mean(strokes[-5:]) > 0.6, "a stroke has more to choose than a move"


def test_the_value_comes_to_expect_the_return():
    config = tiny_config({"policy": {"learning_rate": 5e-3, "entropy": 0.0}})
    learner = make(config)
    learner.reward.terms = paid(2.0)
    rollout = Rollout(config, learner.weights, None, seed=0, batch_size=8)
    for _ in range(60):
        learner.step(rollout.collect(), 0.0)
    episodes = TensorEpisodes.of(rollout.collect(), torch.device("cpu"))
    rollout.close()
    np.testing.assert_allclose(learner.agent.unroll(episodes).value.detach(), 2.0, atol=0.4)


def test_learning_rate_and_entropy_follow_the_progress():
    assert [on_the_way(4.0, 1.0, progress) for progress in (0.0, 0.5, 1.0)] == [4.0, 2.5, 1.0]
    assert on_the_way(4.0, None, 0.7) == 4.0
    config = tiny_config({"policy": {"learning_rate": 4e-3, "final_learning_rate": 2e-3}})
    learner = make(config)
    for progress, rate in ((0.0, 4e-3), (0.5, 3e-3), (1.0, 2e-3)):
        assert learner.step(made_up(config), progress)["policy/learning_rate"] == pytest.approx(rate)
        assert learner.optimizer.param_groups[0]["lr"] == pytest.approx(rate)


def test_at_a_learning_rate_of_zero_nothing_is_learned():
    config = tiny_config({"policy": {"final_learning_rate": 0.0}})
    learner = make(config)
    before = network_arrays(learner.agent)
    learner.step(made_up(config), progress=1.0)
    assert same(network_arrays(learner.agent), before)


def test_the_lag_is_the_mean_over_episodes_of_several_actors():
    config = tiny_config()
    learner = make(config)
    for version in range(4):
        learner.step(made_up(config, version=version), 0.0)
    mixed = replace(made_up(config), versions=np.array([4, 4, 4, 4, 2, 2, 1, 1]))
    assert learner.step(mixed, 0.0)["policy/lag"] == (4 * 0 + 2 * 2 + 2 * 3) / 8


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("changes", [{}, PASSES], ids=["one update", "passes"])
def test_a_reward_that_is_no_number_leaves_the_agent_as_it_was(value, changes):
    config = tiny_config(changes)
    learner = make(config)
    learner.step(made_up(config), 0.0)
    before = learner.state()
    learner.reward.terms = paid(value)
    with pytest.raises(
        DivergedError, match=r"policy at step 1: .*the last checkpoint is good: .* lower policy\.learning_rate"
    ):
        learner.step(made_up(config), 0.0)
    after = learner.state()
    after["rng"] = before["rng"]  # the order of the episodes was drawn
    assert same(after, before)
    assert learner.weights.version("agent") == 1


@KINDS
def test_the_same_seed_learns_the_same(changes):
    first, again, other = (make(tiny_config(changes, {"seed": seed})) for seed in (1, 1, 2))
    for learner in (first, again, other):
        for step in range(2):
            learner.step(made_up(learner.config, seed=step), 0.0)
    assert same(first.state(), again.state())
    assert not same(first.state(), other.state())


@KINDS
def test_another_learner_goes_on_from_the_state_bit_for_bit(changes):
    config = tiny_config(changes)
    learner = make(config)
    learner.step(made_up(config), 0.0)
    state = learner.state()
    other = make(tiny_config(changes, {"seed": 9}))
    other.load_state(state)
    assert same(other.state(), state)
    measured = [each.step(made_up(config, seed=1), 0.5) for each in (learner, other)]
    assert measured[0] == measured[1]
    assert same(learner.state(), other.state())
    assert same(learner.weights.fetch("agent")[1], other.weights.fetch("agent")[1])


def test_every_step_publishes_a_newer_version():
    config = tiny_config()
    learner = make(config)
    for version in range(3):
        newest, weights = learner.weights.fetch("agent")
        assert newest == learner.version == version
        assert same(weights, network_arrays(learner.agent))
        learner.step(made_up(config), 0.0)


def test_renders_are_scored_by_the_newest_discriminator():
    config = tiny_config({"rewards": [tiny_discriminator()]})
    learner = make(config)
    trajectory = made_up(config)
    reward = learner.reward.terms[0].reward
    assert isinstance(reward, LearnedReward)
    weights = {name: np.zeros_like(array) for name, array in reward.weights().items()}
    for version, bias in ((0, 3.0), (1, -2.0)):
        learner.weights.publish("discriminator", version, {**weights, "score.bias": np.full(1, bias, np.float32)})
        measured = learner.step(trajectory, 0.0)
        assert measured["score/discriminator"] == measured["policy/return"] == pytest.approx(bias)


def test_episodes_are_described():
    config = tiny_config()
    trajectory = made_up(config)
    measured = make(config).step(trajectory, 0.0)
    assert measured["episode/strokes"] == trajectory.counts["strokes"][-1].mean()
    assert measured["episode/disjoint_strokes"] == trajectory.counts["disjoint_strokes"][-1].mean()
    assert {"policy/loss", "policy/explained_variance", "policy/gradient_norm", "score/blank"} < set(measured)


def test_trajectories_from_a_shared_store_may_be_read_only():
    config = tiny_config(CONDITIONAL, {"rewards": [tiny_discriminator(when="step"), {"name": "l2"}]})
    trajectory = made_up(config)
    for field in fields(trajectory):
        value = getattr(trajectory, field.name)
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    learner = make(config)
    assert np.isfinite(learner.step(trajectory, 0.0)["policy/loss"])
    assert np.isfinite(learner.clone_step(replace(trajectory, versions=np.full(8, -1)))["cloning/loss"])


def test_weights_that_are_no_numbers_are_not_published():
    learner = make(tiny_config())
    torch.nn.init.constant_(learner.agent.value.bias, torch.nan)
    with pytest.raises(DivergedError, match=r"agent at step 0: value\.bias is not finite any more"):
        learner.publish()
    assert np.isfinite(learner.weights.fetch("agent")[1]["value.bias"]).all()


def test_a_learner_in_place_of_one_that_died_goes_on_from_its_state_above_its_versions():
    config = tiny_config()
    learner = make(config)
    learner.step(made_up(config), 0.0)
    kept = learner.state()
    for version in (1, 2):
        learner.step(made_up(config, seed=version, version=version), 0.0)
    heir = PolicyLearner(config, SPEC, SHAPE, learner.weights, kept, version=5)
    assert heir.version == learner.weights.version("agent") == 5
    assert same({**heir.state(), "version": kept["version"]}, kept)
    assert heir.step(made_up(config, version=3), 0.0)["policy/lag"] == 2, "of an agent that the lost learner made"
    anew = PolicyLearner(config, SPEC, SHAPE, learner.weights, version=9)
    assert anew.version == learner.weights.version("agent") == 9
