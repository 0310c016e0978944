"""How the processes of a run share the cores of a machine.

The policy learner is what a run waits for: its step costs about three times what playing the batch does. So it may use
all cores while there are few, and the rollout workers, who are ahead of it anyway, have a lower priority in the
operating system.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

ROLLOUT_NICENESS = 5


@dataclass(frozen=True)
class Threads:
    """Threads in each process of a kind."""

    policy: int
    discriminator: int
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
        return Threads(policy=1, discriminator=1, worker=max(1, (cores - 2) // workers))
    return Threads(policy=min(cores, max(2, cores - workers - 1)), discriminator=max(1, cores // 4), worker=1)
