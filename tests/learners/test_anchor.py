"""Leaving the average of the policies so far costs what it should, and holds a policy back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from actors.rollout import Rollout
from learners.anchor import START, Anchor
from learners.policy_learner import PolicyLearner
from learners.weights import MemoryWeights
from spiral.agent import Agent, TensorEpisodes
from spiral.state import network_arrays
from tests.tiny import SHAPE, SPEC, made_up, tiny_config

CPU = torch.device("cpu")


def agent(seed: int) -> Agent:
    torch.manual_seed(seed)
    return Agent(SPEC, SHAPE, tiny_config().agent)


def test_the_distance_is_the_difference_of_log_probabilities():
    episodes = TensorEpisodes.of(made_up(tiny_config()), CPU)
    ours, average = agent(0), agent(1)
    log_prob = ours.unroll(episodes).log_prob.detach()
    expected = log_prob - average.unroll(episodes).log_prob.detach()
    torch.testing.assert_close(Anchor(average, 0.9).distance(episodes, log_prob, "float32"), expected)
    assert Anchor(ours, 0.9).distance(episodes, log_prob, "float32").abs().max() < 1e-5


def test_the_average_follows_slowly_and_at_first_more_quickly():
    """x̄ ← d x̄ + (1 − d) x, with d = (1 + n) / (20 + n) until that is more than the decay."""
    anchor, other = Anchor(agent(0), 0.5), agent(1)
    expected, newest = ({name: p.detach() for name, p in each.named_parameters()} for each in (agent(0), other))
    for version in (1, 2, 100):
        anchor.follow(other, version)
        decay = min(0.5, (1 + version) / (START + version))
        expected = {name: decay * value + (1 - decay) * newest[name] for name, value in expected.items()}
    for name, value in anchor.state().items():
        torch.testing.assert_close(torch.from_numpy(value), expected[name])


def test_an_agent_is_not_changed_by_its_average():
    ours = agent(0)
    before = network_arrays(ours)
    anchor = Anchor(ours, 0.5)
    anchor.follow(agent(1), 1)
    assert all(np.array_equal(before[name], value) for name, value in network_arrays(ours).items())


@pytest.mark.parametrize("seed", [0, 1])
def test_a_policy_with_an_anchor_goes_less_far(seed, monkeypatch):
    monkeypatch.setattr("learners.anchor.START", 1)  # the average is slow from the first step on

    def distance_gone(anchor: float) -> float:
        policy = {"anchor": anchor, "anchor_decay": 0.99, "batch_size": 32, "learning_rate": 1e-2, "entropy": 0.0}
        config = tiny_config({"policy": policy, "rewards": [{"name": "stroke_start"}], "seed": seed})
        learner = PolicyLearner(config, SPEC, SHAPE, MemoryWeights())
        rollout = Rollout(config, learner.weights, None, seed=seed, batch_size=32)
        measured = [learner.step(rollout.collect(), 0.0) for _ in range(15)]
        rollout.close()
        return float(np.mean([step["policy/anchor_distance"] for step in measured]))

    assert distance_gone(anchor=1.0) < 0.5 * distance_gone(anchor=1e-6)
