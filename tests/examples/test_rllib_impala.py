"""RLlib's IMPALA learns in our environment, and its frames are those that its loss was made of."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from ray.rllib.algorithms.impala import IMPALA
from ray.rllib.core import ALL_MODULES
from ray.rllib.utils.metrics import LEARNER_RESULTS, NUM_MODULE_STEPS_TRAINED_LIFETIME

from examples import rllib_impala
from examples.copying import SMALL, Task
from examples.rllib_painter import act

pytestmark = [
    pytest.mark.usefixtures("ray_session"),
    # Ray warns of settings of its own that it sets itself.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context"),
]
LENGTH = 8
FRAMES = 4 * LENGTH  # in a batch of four episodes


@pytest.fixture(scope="module")
def algorithm(ray_session: None) -> Iterator[IMPALA]:
    algorithm = rllib_impala.build(100 * FRAMES, seed=0, task=Task(SMALL.preset, episodes=4), env_runners=1)
    yield algorithm
    algorithm.stop()  # type: ignore[no-untyped-call]


def test_the_frames_that_count_are_those_of_its_losses(algorithm):
    total, steps = 0, 0
    while steps < 3:
        frames = rllib_impala.train(algorithm)
        assert frames % FRAMES == 0
        total, steps = total + frames, steps + frames // FRAMES
    assert rllib_impala.learned(algorithm) == total
    # RLlib's own count has one frame more for each episode, which is masked.
    own = algorithm.metrics.peek((LEARNER_RESULTS, ALL_MODULES, NUM_MODULE_STEPS_TRAINED_LIFETIME))
    assert own == total * (LENGTH + 1) // LENGTH


def test_it_copies_held_out_digits(algorithm):
    copies = SMALL.copy_held_out(partial(act, algorithm), count=3)
    assert copies.renders.shape == (3, 32, 32, 1)
    assert np.isfinite(copies.error_ratio) and copies.error_ratio != 1.0
