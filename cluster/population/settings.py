"""What a population varies: the learning rate and the entropy cost of the policy learner (thesis A.3).

Each member has its own *level* of both, which evolution multiplies. The schedules of the preset stay relative to the
level: where the preset lets a value fall to a tenth, it falls to a tenth of whatever the member has. So a mutation by
1.2 makes the present value 1.2 times as large at any time of the run, and the fall over the run is not evolution's to
find.

The first levels are log-uniform around the preset's own values and as far apart as those of SPIRAL++ (Mellor et al.,
2019): 1e-5 to 3e-4 for the learning rate, 2e-3 to 1e-1 for the entropy cost. Its numbers themselves are for its
networks and its loss; the small presets learn with a clipped ratio and larger steps. The first member has the preset's
own values, so that a population knows what it has to beat.
"""

from __future__ import annotations

import math

import numpy as np

from spiral.config import MOST_SEED, RunConfig
from spiral.section import ConfigError

SPREAD = {"policy.learning_rate": 3e-4 / 1e-5, "policy.entropy": 1e-1 / 2e-3}
Levels = dict[str, float]


def levels_of(config: RunConfig) -> Levels:
    """The levels in a run's settings, by dotted path."""
    return {"policy.learning_rate": config.policy.learning_rate, "policy.entropy": config.policy.entropy}


def check_levels(config: RunConfig) -> None:
    """Refuses settings that cannot be varied.

    Raises:
        ConfigError: naming the one that is zero.
    """
    for path, level in levels_of(config).items():
        if level == 0:
            raise ConfigError(f"{path}=0 stays 0 by whatever it is multiplied: give more with --set {path}=0.01")


def first_ranges(config: RunConfig) -> dict[str, tuple[float, float]]:
    """The lowest and the highest first level of each setting."""
    return {
        path: (level / math.sqrt(SPREAD[path]), level * math.sqrt(SPREAD[path]))
        for path, level in levels_of(config).items()
    }


def first_levels(config: RunConfig, member: int) -> Levels:
    """The levels with which a member begins; the seed of the settings decides them."""
    if member == 0:
        return levels_of(config)
    rng = np.random.default_rng((config.seed, 4, member))
    return {path: math.exp(rng.uniform(*np.log(bounds))) for path, bounds in first_ranges(config).items()}


def member_config(config: RunConfig, member: int, levels: Levels) -> RunConfig:
    """The settings of a member: those of the population with its levels, the same relative schedules, its own seed."""
    changes: dict[str, float | int] = {"seed": (config.seed + member) % (MOST_SEED + 1)}
    for path, level in levels.items():
        section, _, name = path.partition(".")
        final = getattr(config.policy, f"final_{name}")
        changes[path] = level
        if final is not None:
            changes[f"{section}.final_{name}"] = final * level / getattr(config.policy, name)
    return config.with_changes(changes)
