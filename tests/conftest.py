"""What all tests share: the same examples in every run, one real Ray, and nothing of the machine's screen or habits."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

# Set before anything imports matplotlib, Ray or torch. The nets of the tests are too small to gain by threads, and
# threads that wait for each other lose much on cores that are busy otherwise.
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# Ray's processes have the priority of the tests, as those of a run have the command's (`cluster/on_ray/start.py`).
os.environ.setdefault("RAY_worker_niceness", "0")

# What a user has of his own is no business of the tests: a cluster to join, a Redis to use.
for name in ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS", "SPIRAL_REDIS"):
    os.environ.pop(name, None)

# A shell lets what it starts in the background ignore Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Seeds the global random states before a test's fixtures are made, those of modules too.

    Layers of networks draw their weights from torch's; libraries from the others. Without it, what an untrained agent
    paints is decided by the tests that the process took before.
    """
    import random

    import numpy as np
    import torch

    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    import ray

    ray.init(
        "local",
        num_cpus=4,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=128 * 2**20,
    )
    yield
    ray.shutdown()
