"""How the processes of a run share the cores of a machine.

Threads of one network wait for each other at every layer, so that one which has to share its core holds up the others:
on two busy cores, two threads in the policy learner were measured to be ten times slower than one. So no more threads
than cores are given out, but for the one that every process has, and most of them to the policy learner, whose step
costs about three times what playing the batch does.
"""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Threads:
    """Threads in each process of a kind."""

    policy: int
    rewards: int
    worker: int


def processors() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_workers(cores: int) -> int:
    """One rollout worker for every four cores: more would only make the policy lag behind."""
    return max(1, cores // 4)


def share_cores(cores: int, workers: int, on_gpu: bool) -> Threads:
    """The threads of each process beside so many workers; with the networks on a GPU, the cores are for painting."""
    if on_gpu:
        return Threads(policy=1, rewards=1, worker=max(1, (cores - 2) // workers))
    rewards = max(1, cores // 4)
    return Threads(policy=max(1, cores - workers - rewards), rewards=rewards, worker=1)
