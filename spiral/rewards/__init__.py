"""Rewards by name, and their weighted sum over a trajectory.

A term counts at the end of the episode, r_{T−1} = w·s(x_T) as in the thesis, or at every step as the difference that
the step made, r_t = w·(s(x_{t+1}) − s(x_t)) as in SPIRAL++ (Mellor et al., 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spiral.config import ConfigError, RewardTerm, RunConfig
from spiral.rewards.adversarial import DiscriminatorReward
from spiral.rewards.base import Context, Reward
from spiral.rewards.colors import ColorHistogram
from spiral.rewards.pixels import L2, BlankPenalty, SquaredError
from spiral.rewards.strokes import StrokeStartPenalty
from spiral.trajectory import Trajectory

REWARDS: dict[str, Callable[[RunConfig, tuple[int, int, int]], Reward]] = {
    "discriminator": DiscriminatorReward,
    "l2": lambda config, shape: L2(),
    "squared_error": lambda config, shape: SquaredError(),
    "color_histogram": lambda config, shape: ColorHistogram(),
    "blank": lambda config, shape: BlankPenalty(),
    "stroke_start": lambda config, shape: StrokeStartPenalty(),
}


def build_reward(name: str, config: RunConfig, canvas_shape: tuple[int, int, int]) -> Reward:
    """The reward called `name`.

    Raises:
        ConfigError: when there is none of that name.
    """
    if name not in REWARDS:
        raise ConfigError(f"no reward {name!r}; there are {', '.join(sorted(REWARDS))}")
    return REWARDS[name](config, canvas_shape)


def score_end(reward: Reward, trajectory: Trajectory) -> Tensor:
    """Scores of the final renders, [B]."""
    context = Context(trajectory.targets, {name: count[-1] for name, count in trajectory.counts.items()})
    return reward.score(trajectory.canvases[-1], context)


def score_steps(reward: Reward, trajectory: Trajectory) -> Tensor:
    """Scores of every canvas, [T+1, B]."""
    times = trajectory.length + 1
    targets = None if trajectory.targets is None else np.tile(trajectory.targets, (times, 1, 1, 1))
    context = Context(targets, {name: count.reshape(-1) for name, count in trajectory.counts.items()})
    return reward.score(trajectory.canvases.reshape(-1, *trajectory.canvases.shape[2:]), context).view(times, -1)


class RewardSum:
    """The weighted sum of the terms that the settings name."""

    def __init__(self, terms: Sequence[RewardTerm], config: RunConfig, canvas_shape: tuple[int, int, int]) -> None:
        if not terms:
            raise ConfigError(f"rewards is empty; name at least one of {', '.join(sorted(REWARDS))}")
        self.terms = [(term, build_reward(term.name, config, canvas_shape)) for term in terms]

    def check(self, canvas: NDArray[np.uint8], context: Context) -> None:
        """Refuses an environment that a term cannot score, by the canvas [B, H, W, C] after a reset.

        Raises:
            ValueError: a term needs what `context` does not have.
        """
        for _, reward in self.terms:
            reward.score(canvas, context)

    def of(self, trajectory: Trajectory) -> tuple[Tensor, dict[str, float]]:
        """Rewards [T, B] of a trajectory, and the mean score of each term on the final renders."""
        rewards = torch.zeros(trajectory.length, trajectory.batch_size)
        means = {}
        for term, reward in self.terms:
            if term.when == "step":
                scores = score_steps(reward, trajectory)
                rewards += term.weight * scores.diff(dim=0)
                final = scores[-1]
            else:
                final = score_end(reward, trajectory)
                rewards[-1] += term.weight * final
            means[f"score/{term.name}"] = float(final.mean())
        return rewards, means
