"""PPO in one file learns, and the seed decides everything."""

from __future__ import annotations

import numpy as np

from examples import cleanrl_ppo
from examples.cleanrl_ppo import learn
from examples.sketching import SETTINGS


def test_the_seed_decides_everything():
    returns = [list(learn(2 * 2 * 16, seed, num_envs=2, num_steps=16)) for seed in (0, 0, 1)]
    assert returns[0] == returns[1] != returns[2]
    assert len(returns[0]) == 2 and np.isfinite(returns).all() and all(np.array(returns[0]) != 0.0)


def test_an_agent_sees_canvas_and_target():
    env = cleanrl_ppo.make_env()
    pictures, _ = env.reset(seed=0)
    assert pictures in env.observation_space
    canvas, target = pictures
    assert (canvas == 255).all() and target.min() < 255
    assert canvas.shape == (SETTINGS.canvas_size, SETTINGS.canvas_size)


def test_the_command_tells_how_the_return_rises(capsys):
    cleanrl_ppo.main(frames=1, num_envs=1)
    assert capsys.readouterr().out.startswith("64 frames, mean return ")
