"""The plain loop learns what is trivially easy within seconds, and the seed decides everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import VectorEnv

import envs
from examples.plain_torch import learn, main


@pytest.fixture
def env() -> Iterator[VectorEnv[Any, Any, Any]]:
    env = gymnasium.make_vec(
        envs.PAINT_ID,
        32,
        canvas_size=16,
        grid_size=8,
        brush="classic/pen",
        brush_sizes=(1,),
        color=False,
        episode_length=4,
    )
    yield env
    env.close()


def dark_square() -> np.ndarray:
    """Nearly any stroke in it is right."""
    picture = np.full((1, 16, 16, 1), 255, np.uint8)
    picture[:, 2:14, 2:14] = 0
    return picture


def test_it_learns_to_fill_a_dark_square(env):
    returns = list(learn(env, dark_square(), frames=32 * 4 * 40, seed=0))
    assert len(returns) == 40
    assert np.mean(returns[-5:]) > 1.5 * np.mean(returns[:5]) > 0.0


def test_the_seed_decides_everything(env):
    returns = [list(learn(env, dark_square(), frames=32 * 4 * 3, seed=seed)) for seed in (0, 0, 1)]
    assert returns[0] == returns[1] != returns[2]
    assert np.isfinite(returns).all()


def test_the_command_tells_how_the_return_rises(capsys):
    main(frames=1, seed=0, num_envs=2)
    assert capsys.readouterr().out.startswith("0 frames, mean return ")
