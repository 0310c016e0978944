"""DeepWarp as a judge: beside all warps tried one after the other, and what it forgives."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from spiral.config import RewardTerm
from spiral.methods.deepwarp.reward import DeepWarpOptions, warp_costs
from spiral.rewards import build_reward
from spiral.rewards.base import Context, Setting
from spiral.section import ConfigError

CPU = torch.device("cpu")


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def stroke(x: int, y: int, side: int = 32) -> np.ndarray[Any, np.dtype[np.uint8]]:
    picture = np.full((1, side, side, 1), 255, np.uint8)
    picture[:, y : y + 12, x : x + 4] = 0
    return picture


def judge(options: dict[str, Any] | None = None, shape: tuple[int, int, int] = (32, 32, 1)) -> Any:
    term = RewardTerm.model_validate({"name": "deepwarp", "options": options or {}})
    return build_reward(term, Setting(shape, conditional=True, device=CPU, precision="float32", seed=0))


def score(render: Any, target: Any, **options: Any) -> float:
    return float(judge(options).score(render, Context(target, {}))[0])


def test_the_cost_is_that_of_the_best_of_all_warps() -> None:
    """Every shift of the whole, with every shift of each cell on top of it, one after the other."""
    options = DeepWarpOptions(side=4, cells=2, coarse=1, fine=1, shift=0.3, bend=0.7)
    renders, targets = rand(2, 1, 4, 4), rand(2, 1, 4, 4, seed=1)
    found = warp_costs(renders, targets, options)
    steps = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    for b in range(2):
        best = math.inf
        for dy, dx in steps:
            total = 0.0
            for cell_y in (0, 2):
                for cell_x in (0, 2):
                    costs = []
                    for ry, rx in steps:
                        left = 0.0
                        for y in (cell_y, cell_y + 1):
                            for x in (cell_x, cell_x + 1):
                                at = min(max(y + dy + ry, 0), 3), min(max(x + dx + rx, 0), 3)
                                left += (float(renders[b, 0, at[0], at[1]]) - float(targets[b, 0, y, x])) ** 2 / 4
                        costs.append(left + 0.7 * (ry**2 + rx**2) / 16)
                    total += min(costs) / 4
            best = min(best, total + 0.3 * (dy**2 + dx**2) / 16)
        assert float(found[b]) == pytest.approx(best, rel=1e-5)


def test_a_misplaced_stroke_costs_less_than_a_missing_one_and_a_copy_nothing() -> None:
    target, white = stroke(12, 10), np.full((1, 32, 32, 1), 255, np.uint8)
    costs = [-score(stroke(12 + away, 10), target) for away in range(9)]
    missing = -score(white, target)
    assert costs[0] == 0
    assert all(a < b for a, b in pairwise(costs)), "the farther, the dearer"
    assert costs[2] < 0.1 * missing and costs[5] < 0.5 * missing < costs[8]
    assert all(costs[away] < 0.3 * by_pixels(stroke(12 + away, 10), target) for away in range(1, 7))


def by_pixels(render: Any, target: Any) -> float:
    return float(np.square((render / 255.0) - (target / 255.0)).mean())


def test_without_warps_the_squared_error_is_left() -> None:
    render, target = stroke(4, 4), stroke(12, 10)
    assert -score(render, target, coarse=0, fine=0) == pytest.approx(by_pixels(render, target), rel=1e-5)
    assert score(stroke(8, 12), target) > -by_pixels(stroke(8, 12), target)


def test_larger_warps_cost_more_only_by_their_weights() -> None:
    render, target = stroke(14, 10), stroke(12, 10)
    free, cheap, dear = (score(render, target, fine=0, shift=weight) for weight in (0.0, 1.0, 1000.0))
    assert free == 0
    assert cheap == pytest.approx(-((2 / 32) ** 2), abs=1e-6), "two pixels of 32"
    assert dear == pytest.approx(-by_pixels(render, target), rel=1e-5), "it is not worth it"


def test_what_cannot_be_judged_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="cells=5 do not divide side=32"):
        judge({"cells": 5})
    reward = judge()
    with pytest.raises(ValueError, match="'deepwarp' scores one picture or more"):
        reward.score(np.zeros((0, 32, 32, 1), np.uint8), Context(np.zeros((0, 32, 32, 1), np.uint8), {}))
    with pytest.raises(ValueError, match="set agent.conditional=true or leave it out"):
        reward.score(stroke(1, 1), Context(None, {}))
    colored = judge(shape=(16, 24, 3))
    picture = np.random.default_rng(0).integers(0, 256, (3, 16, 24, 3), np.uint8)
    assert torch.equal(colored.score(picture, Context(picture, {})), torch.zeros(3))
