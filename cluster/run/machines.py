"""Where a run works: in this process, or on Ray with a Redis, on this machine or a cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Machines:
    """Where a run works; all but the first and the last are for a run on Ray.

    Attributes:
        engine: `local` is this process alone.
        redis_url: the Redis for replay and live feed; None starts one of our own.
        address: of a Ray cluster to join; None is `$RAY_ADDRESS`, or else this machine alone.
        workers: how many rollout workers; None decides by the cores.
        policy_learners: how many share each batch.
        gpus_per_learner: the part of a GPU that a learner asks for; None shares all that there are.
        checkpoints: the URL of copies of the run's checkpoints, if there are to be any.
    """

    engine: Literal["ray", "local"] = "ray"
    redis_url: str | None = field(default=None, repr=False)  # it may hold a password
    address: str | None = None
    workers: int | None = None
    policy_learners: int = 1
    gpus_per_learner: float | None = None
    checkpoints: str | None = None
