"""Stable-Baselines3's PPO learns in our environment: its weights change, and the seed decides how."""

from __future__ import annotations

from functools import partial, partialmethod

import numpy as np
import torch

from examples import sb3_ppo
from examples.copying import SMALL, Task

FRAMES = 2 * 4 * 8  # two batches of four episodes


def weights(seed: int, frames: int) -> dict[str, torch.Tensor]:
    model = sb3_ppo.build(seed, num_envs=4)
    if frames:
        model.learn(frames)
        assert model.num_timesteps == frames
    return {name: tensor.clone() for name, tensor in model.policy.state_dict().items()}


def test_it_learns_and_the_seed_decides_everything():
    before, after, again = weights(0, 0), weights(0, FRAMES), weights(0, FRAMES)
    assert "features_extractor.eyes.encoder.stem.weight" in after
    for name, tensor in after.items():
        assert torch.equal(tensor, again[name]) and tensor.isfinite().all()
    assert not any(torch.equal(before[name], after[name]) for name in after if name.endswith("weight"))


def test_the_command_trains_and_shows_copies(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sb3_ppo, "build", partial(sb3_ppo.build, num_envs=4))
    monkeypatch.setattr(Task, "copy_held_out", partialmethod(Task.copy_held_out, count=3))
    sb3_ppo.main(frames=FRAMES, out=tmp_path / "copies.png", seed=1)
    assert f"Stable-Baselines3 PPO: {FRAMES} frames in" in capsys.readouterr().out
    assert (tmp_path / "copies.png").stat().st_size > 0


def test_actions_are_drawn_for_many_observations_at_once():
    model = sb3_ppo.build(0, num_envs=2)
    drawn = []

    def act(observation: dict[str, np.ndarray]) -> np.ndarray:
        drawn.append(sb3_ppo.act(model, observation))
        return drawn[-1]

    SMALL.copy_held_out(act, count=3)
    assert len(drawn) == 8 and all(model.action_space.contains(action) for actions in drawn for action in actions)
