"""RLlib's PPO learns in our environment, which a process of its own makes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from ray.rllib.algorithms.ppo import PPO

from examples import rllib_ppo
from examples.copying import SMALL, Task
from examples.rllib_painter import act

pytestmark = pytest.mark.usefixtures("ray_session")
FRAMES = 4 * 8  # in a batch of four episodes


@pytest.fixture(scope="module")
def algorithm(ray_session: None) -> Iterator[PPO]:
    algorithm = rllib_ppo.build(4 * FRAMES, seed=0, task=Task(SMALL.preset, episodes=4), env_runners=1)
    yield algorithm
    algorithm.stop()  # type: ignore[no-untyped-call]


def weights(algorithm: PPO) -> dict[str, np.ndarray]:
    module = algorithm.get_module()
    assert module is not None
    return {name: np.array(array) for name, array in module.get_state().items()}


def test_it_learns_from_whole_episodes(algorithm):
    before = weights(algorithm)
    assert [rllib_ppo.train(algorithm) for _ in range(2)] == [FRAMES, FRAMES]
    after = weights(algorithm)
    assert {"painter.eyes.encoder.stem.weight", "painter.pi.0.weight"} <= after.keys()
    assert all(np.isfinite(array).all() for array in after.values())
    assert not any(np.array_equal(before[name], after[name]) for name in after if name.endswith("weight"))


def test_it_copies_held_out_digits(algorithm):
    copies = SMALL.copy_held_out(partial(act, algorithm), count=3)
    assert copies.renders.shape == (3, 32, 32, 1)
    assert np.isfinite(copies.error_ratio) and copies.error_ratio != 1.0
