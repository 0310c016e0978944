"""Cloning makes the demonstrated programs likelier."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from actors.actor import Actor
from learners.cloning import cloning_loss
from learners.policy_learner import PolicyLearner
from learners.weights import MemoryWeights
from spiral.agent import TensorEpisodes
from spiral.config import RunConfig
from spiral.descent import DivergedError
from spiral.trajectory import Trajectory
from tests.tiny import CONDITIONAL, SHAPE, SPEC, tiny_config

CLONING = {**CONDITIONAL, "cloning": {"share": 0.5, "learning_rate": 3e-3}}


def make(config: RunConfig) -> PolicyLearner:
    return PolicyLearner(config, SPEC, SHAPE, MemoryWeights())


def demonstrations(config: RunConfig, seed: int = 0) -> Trajectory:
    actor = Actor(config, MemoryWeights(), None, seed, batch_size=8)
    trajectory = actor.play("cloning").trajectory
    actor.close()
    return trajectory


def test_the_loss_is_the_mean_surprise_of_a_command():
    config = tiny_config(CLONING)
    agent = make(config).agent
    for parameter in agent.parameters():
        torch.nn.init.zeros_(parameter)  # every choice is as likely as the others
    shown = demonstrations(config)
    surprise = (SPEC.mask(shown.actions) * np.log(SPEC.nvec)).sum(axis=-1).mean()
    loss = cloning_loss(agent, TensorEpisodes.of(shown, torch.device("cpu")))
    assert float(loss.detach()) == pytest.approx(surprise)


def test_programs_that_are_shown_again_and_again_are_learned():
    config = tiny_config(CLONING)
    learner, shown = make(config), demonstrations(config)
    losses = [learner.clone_step(shown)["cloning/loss"] for _ in range(60)]
    assert losses[-1] < 0.5 * losses[0]


def test_minibatches_are_updates_of_one_step():
    config = tiny_config(CLONING, {"cloning": {"minibatches": 4}})
    learner = make(config)
    learner.clone_step(demonstrations(config))
    assert {int(array) for name, array in learner.state().items() if name.endswith("/step")} == {4}
    assert learner.version == learner.weights.version("agent") == 1


def test_cloning_has_a_learning_rate_of_its_own():
    config = tiny_config(CLONING)
    learner, shown = make(config), demonstrations(config)
    learner.clone_step(shown)
    assert learner.optimizer.param_groups[0]["lr"] == 3e-3
    learner.step(shown, 0.0)
    assert learner.optimizer.param_groups[0]["lr"] == config.policy.learning_rate


def test_weights_that_are_no_numbers_are_noticed():
    config = tiny_config(CLONING)
    learner = make(config)
    learner.clone_step(demonstrations(config))
    torch.nn.init.constant_(learner.agent.lstm.gates.bias, torch.nan)
    with pytest.raises(DivergedError, match="policy at step 1: the loss is nan and its gradient nan"):
        learner.clone_step(demonstrations(config))
