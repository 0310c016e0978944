"""What the tests of the policy learner are made of: one of a small agent, and rewards that are always the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from learners.policy_learner import PolicyLearner
from learners.weights import MemoryWeights
from spiral.config import RewardTerm, RunConfig
from spiral.contracts import Arrays
from spiral.rewards import Scored
from spiral.rewards.base import Context, Reward
from tests.tiny import SHAPE, SPEC

PASSES: dict[str, Any] = {
    "policy": {"clip_ratio": 0.2, "passes": 3, "minibatches": 2, "normalize_advantages": True},
}


def make(config: RunConfig) -> PolicyLearner:
    return PolicyLearner(config, SPEC, SHAPE, MemoryWeights())


def same(first: Arrays, second: Arrays) -> bool:
    return sorted(first) == sorted(second) and all(np.array_equal(first[name], second[name]) for name in first)


class FixedReward(Reward):
    """The same score for every picture."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def score(self, renders: np.ndarray, context: Context) -> Tensor:
        return torch.full((len(renders),), self.value)


def paid(value: float) -> list[Scored]:
    """The only term of a sum, which pays this for every episode."""
    return [Scored("blank", RewardTerm(name="blank"), FixedReward(value))]
