"""What all tests share: the same examples in every run, and nothing that depends on the machine's screen or habits."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# Set before anything imports matplotlib, Ray or torch. The nets of the tests are too small to gain by threads, and
# threads that wait for each other lose much on cores that are busy otherwise.
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Seeds the global random states, for libraries that draw from them; our own code takes generators."""
    import random

    import numpy as np

    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
