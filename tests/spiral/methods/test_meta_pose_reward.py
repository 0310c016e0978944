"""MetaPose as a judge: beside all assignments tried one after the other, and on scenes that are known."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from spiral.config import RewardTerm
from spiral.contracts import WeightsError
from spiral.methods.meta_pose.detecting import Found
from spiral.methods.meta_pose.reward import MetaPoseOptions, cost
from spiral.rewards import build_reward
from spiral.rewards.base import Context, Setting
from tests.untrained_fits import FITS

OPTIONS = MetaPoseOptions(cutoff=0.6, color=0.3)


def found(positions: Any, colors: Any = None) -> Found:
    where = np.array(positions, np.float32).reshape(-1, 3)
    return Found(where, np.zeros_like(where) if colors is None else np.array(colors, np.float32))


def some(count: int, seed: int) -> Found:
    rng = np.random.default_rng(seed)
    return found(rng.uniform(-0.5, 0.5, (count, 3)), rng.random((count, 3)))


def judge(folder: Path, shape: tuple[int, int, int] = (64, 64, 3), **options: Any) -> Any:
    folder.mkdir(exist_ok=True)
    FITS["meta_pose"]().save(folder)
    term = RewardTerm.model_validate({"name": "meta_pose", "options": options, "from": str(folder)})
    return build_reward(term, Setting(shape, conditional=True, device=torch.device("cpu"), precision="float32", seed=0))


def noise(seed: int, count: int = 4, shape: tuple[int, ...] = (64, 64, 3)) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


@pytest.mark.parametrize(("built", "shown"), [(3, 3), (2, 4), (4, 1), (0, 3), (0, 0)])
def test_the_cost_is_the_least_of_all_assignments(built: int, shown: int) -> None:
    """Every way to give each object another one or none, as the definition says."""
    a, b = some(built, 1), some(shown, 2)
    best = np.inf
    slots: list[int | None] = [*range(shown), *([None] * built)]
    for chosen in set(permutations(slots, built)):
        total, taken = 0.0, [place for place in chosen if place is not None]
        for i, j in enumerate(chosen):
            if j is not None:
                squares = ((a.positions[i] - b.positions[j]) ** 2).sum()
                squares += OPTIONS.color**2 / 3 * ((a.colors[i] - b.colors[j]) ** 2).sum()
                total += min(float(np.sqrt(squares)), OPTIONS.cutoff)
        best = min(best, total + OPTIONS.cutoff / 2 * (built + shown - 2 * len(taken)))
    assert cost(a, b, OPTIONS) == pytest.approx(best, abs=1e-6)


def test_the_cost_is_a_distance() -> None:
    sets = [some(count, seed) for seed, count in enumerate((2, 3, 3, 5))]
    for a in sets:
        assert cost(a, a, OPTIONS) == pytest.approx(0, abs=1e-6)
        for b in sets:
            assert cost(a, b, OPTIONS) == pytest.approx(cost(b, a, OPTIONS))
            for c in sets:
                assert cost(a, c, OPTIONS) <= cost(a, b, OPTIONS) + cost(b, c, OPTIONS) + 1e-6


def test_an_object_at_the_right_place_is_worth_most_and_a_far_one_nothing() -> None:
    target = found([(0, 0, 0.1), (0.5, 0.5, 0.1)])
    costs = [cost(found([(0, 0, 0.1), (0.5 + off, 0.5, 0.1)]), target, OPTIONS) for off in (0.0, 0.1, 0.3, 0.6, 5.0)]
    np.testing.assert_allclose(costs, (0, 0.1, 0.3, 0.6, 0.6), atol=1e-6)
    assert cost(found([(0, 0, 0.1)]), target, OPTIONS) == pytest.approx(0.3)
    black, white = found([(0, 0, 0)]), found([(0, 0, 0)], [(1, 1, 1)])
    assert cost(black, white, OPTIONS) == pytest.approx(0.3)


def test_a_copy_scores_best_and_the_worse_the_more_differs(tmp_path: Path) -> None:
    reward = judge(tmp_path)
    targets = noise(0)
    assert len(reward.find(targets)[0].positions) > 0, "there is something to be compared"
    assert reward.score(targets, Context(targets, {})).abs().max() < 1e-6
    mixed = np.where(np.arange(64)[:, None, None] < 16, noise(1), targets)
    assert (reward.score(noise(1), Context(targets, {})) < reward.score(mixed, Context(targets, {}))).all()


def test_weights_travel_and_broken_ones_are_refused(tmp_path: Path) -> None:
    reward, other = judge(tmp_path / "a"), judge(tmp_path / "b")
    weights = reward.weights()
    for array in other.network.state_dict().values():
        array.zero_()
    context = Context(noise(2), {})
    assert not torch.equal(other.score(noise(1), context), reward.score(noise(1), context))
    other.load_weights(weights)
    assert torch.equal(other.score(noise(1), context), reward.score(noise(1), context))
    first = next(iter(weights))
    with pytest.raises(WeightsError, match="fit it anew"):
        reward.load_weights(weights | {first: np.full_like(weights[first], np.nan)})
    with pytest.raises(WeightsError):
        reward.load_weights({name: array for name, array in weights.items() if name != first})


@pytest.mark.parametrize("shape", [(64, 64, 1), (32, 32, 3), (50, 50, 3), (128, 128, 3)])
def test_pictures_of_any_size_are_judged(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    scores = judge(tmp_path, shape).score(noise(1, shape=shape), Context(noise(2, shape=shape), {}))
    assert scores.shape == (4,) and scores.dtype == torch.float32 and torch.isfinite(scores).all()


def test_what_cannot_be_judged_is_refused_by_name(tmp_path: Path) -> None:
    reward = judge(tmp_path)
    with pytest.raises(ValueError, match="'meta_pose' scores pictures of shape"):
        reward.score(noise(1, shape=(32, 32, 3)), Context(noise(2, shape=(32, 32, 3)), {}))
    with pytest.raises(ValueError, match="'meta_pose' compares with a target"):
        reward.score(noise(1), Context(None, {}))
    with pytest.raises(ValueError, match="'meta_pose' scores one picture or more"):
        reward.score(noise(1)[:0], Context(noise(2)[:0], {}))
    with pytest.raises(ValueError, match="uint8"):
        reward.score(noise(1).astype(np.float32), Context(noise(2), {}))
