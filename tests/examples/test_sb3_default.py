"""PPO and A2C of Stable-Baselines3 learn with the library's own policy, and what they cannot take is said."""

from __future__ import annotations

from typing import Any

import gymnasium
import pytest
import torch
from stable_baselines3 import DQN, PPO, SAC
from stable_baselines3.common.torch_layers import CombinedExtractor, NatureCNN

import envs
from examples import sb3_default
from examples.sketching import SETTINGS

QUICK = {"ppo": {"n_steps": 4, "batch_size": 4, "n_epochs": 1}, "a2c": {"n_steps": 4}}


@pytest.mark.parametrize("algorithm", ["ppo", "a2c"])
def test_the_default_policy_learns_and_the_seed_decides_everything(algorithm):
    weights = []
    for _ in range(2):
        model = sb3_default.build(algorithm, seed=0, num_envs=2, **QUICK[algorithm])
        before = {name: tensor.clone() for name, tensor in model.policy.state_dict().items()}
        model.learn(8)
        weights.append(model.policy.state_dict())
    extractor = model.policy.features_extractor
    assert isinstance(extractor, CombinedExtractor) and isinstance(extractor.extractors["canvas"], NatureCNN)
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in before)
    assert any(not torch.equal(before[name], weights[0][name]) for name in before if "action_net" in name)


def test_the_command_says_what_was_learned(monkeypatch, capsys):
    monkeypatch.setattr(sb3_default, "evaluate_policy", lambda model, env, deterministic: (-1.5, 0.0))
    sb3_default.main("a2c", frames=1)
    assert capsys.readouterr().out == "a2c: 40 frames, mean return -1.50 before, -1.50 after\n"


def test_a_canvas_that_is_too_small_for_convolutions_is_learned_from_as_a_row_of_numbers():
    env: Any = gymnasium.wrappers.FlattenObservation(gymnasium.make(envs.PAINT_ID, canvas_size=16, episode_length=4))
    assert PPO("MlpPolicy", env, n_steps=4, batch_size=4, n_epochs=1, seed=0, device="cpu").learn(4).num_timesteps == 4


@pytest.mark.parametrize("algorithm", [DQN, SAC])
def test_algorithms_for_other_actions_say_so_themselves(algorithm):
    with pytest.raises(AssertionError, match="MultiDiscrete"):
        algorithm("MultiInputPolicy", gymnasium.make(envs.PAINT_ID, **SETTINGS.to_json()))
