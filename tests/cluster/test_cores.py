"""How a run shares the cores: every process has a thread, and the policy learner has what is left."""

from __future__ import annotations

import pytest

from cluster.run.cores import Threads, default_workers, share_cores


@pytest.mark.parametrize(
    ("cores", "workers", "threads"),
    [
        (1, 1, Threads(policy=1, rewards=1, worker=1)),
        (2, 1, Threads(policy=1, rewards=1, worker=1)),
        (4, 1, Threads(policy=2, rewards=1, worker=1)),
        (16, 4, Threads(policy=8, rewards=4, worker=1)),
    ],
)
def test_the_policy_learner_has_most_of_the_cores(cores, workers, threads):
    assert default_workers(cores) == workers
    assert share_cores(cores, workers, on_gpu=False) == threads


def test_with_the_networks_on_a_gpu_the_cores_paint():
    assert share_cores(16, 4, on_gpu=True) == Threads(policy=1, rewards=1, worker=3)
    assert share_cores(2, 1, on_gpu=True).worker == 1
