"""LRMF as a reward."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from spiral.config import RewardTerm
from spiral.contracts import WeightsError
from spiral.methods.lrmf.reward import LikelihoodRatio
from spiral.rewards import build_reward
from spiral.rewards.base import Context, Lesson, Setting
from spiral.section import ConfigError
from tests.spiral.methods.lrmf_toys import SMALL, shaken

SHAPE = (32, 32, 1)
SETTING = Setting(SHAPE, conditional=False, device=torch.device("cpu"), precision="float32", seed=3)


def drawn(count: int, seed: int, vertical: bool) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Pictures of a bar of ink, upright or level."""
    generator = np.random.default_rng(seed)
    pictures = np.full((count, *SHAPE), 255, np.uint8)
    for picture, place in zip(pictures, generator.integers(8, 22, count), strict=True):
        picture[(slice(6, 26), slice(place, place + 3)) if vertical else (slice(place, place + 3), slice(6, 26))] = 0
    return pictures


def lesson(seed: int) -> Lesson:
    return Lesson(drawn(16, seed, vertical=True), drawn(16, seed + 1000, vertical=False), None)


def reward(seed: int = 3, shape: tuple[int, int, int] = SHAPE, **options: Any) -> LikelihoodRatio:
    small = {"features": 8, "batch_size": 16, "flow": SMALL.model_dump(), **options}
    made = build_reward(RewardTerm(name="lrmf", options=small), replace(SETTING, seed=seed, canvas_shape=shape))
    assert isinstance(made, LikelihoodRatio)
    return made


NOTHING = Context(None, {})


def test_the_score_is_the_ratio_of_two_likelihoods() -> None:
    judge = reward()
    shaken(judge.network)
    renders = drawn(3, 1, vertical=True)
    scores = judge.score(renders, NOTHING)
    small = renders[..., 0].reshape(3, 16, 2, 16, 2).mean(axis=(2, 4)).reshape(3, -1) / 255
    seen = torch.from_numpy(small.astype(np.float32)) @ judge.network.projection / math.sqrt(1 + 1e-5)
    with torch.no_grad():
        ratio = judge.network.real.flow().log_prob(seen) - judge.network.shared.flow().log_prob(seen)
    expected = [min(float(r), math.log(2)) if r > 0 else -math.log1p(-float(r)) for r in ratio]
    assert scores.tolist() == pytest.approx(expected, abs=1e-3)
    assert min(expected) < 0, "so that the logarithm was tried"


def test_learning_tells_real_pictures_from_renders_and_lowers_both_losses() -> None:
    judge = reward(learning_rate=5e-3)
    measured = [judge.update(lesson(step)) for step in range(150)]
    for name in ("private_loss", "shared_loss"):
        first, last = (np.mean([each[name] for each in part]) for part in (measured[:10], measured[-10:]))
        assert last < first - 1
    real = judge.score(drawn(40, 7, vertical=True), NOTHING)
    fake = judge.score(drawn(40, 8, vertical=False), NOTHING)
    assert float(fake.mean()) < -1.5
    assert float(real.mean()) > 0.3
    assert float(real.max()) <= math.log(2) + 1e-6


def test_alike_pictures_are_worth_nothing() -> None:
    judge = reward(learning_rate=5e-3)
    for step in range(150):
        judge.update(Lesson(drawn(16, step, vertical=True), drawn(16, step + 1000, vertical=True), None))
    assert abs(float(judge.score(drawn(200, 7, vertical=True), NOTHING).mean())) < 0.5


@pytest.mark.parametrize("shape", [(32, 32, 1), (24, 40, 3), (64, 64, 3), (8, 8, 1)])
def test_pictures_of_any_shape_are_scored_alike_each_time(shape: tuple[int, int, int]) -> None:
    judge = reward(shape=shape)
    pictures = np.random.default_rng(0).integers(0, 256, (5, *shape)).astype(np.uint8)
    judge.update(Lesson(pictures, pictures[::-1].copy(), None))
    before = {name: array.copy() for name, array in judge.state().items()}
    scores = judge.score(pictures, NOTHING)
    assert scores.shape == (5,)
    assert scores.dtype == torch.float32
    assert scores.isfinite().all()
    assert not scores.requires_grad
    assert torch.equal(scores, judge.score(pictures, NOTHING))
    assert all(np.array_equal(before[name], array) for name, array in judge.state().items())


def test_weights_travel_and_a_state_goes_on_bit_for_bit() -> None:
    judge, other, copy = reward(), reward(seed=9), reward(seed=11)
    judge.update(lesson(0))
    pictures = drawn(4, 1, vertical=True)
    other.load_weights(judge.weights())
    assert torch.equal(judge.score(pictures, NOTHING), other.score(pictures, NOTHING))
    copy.load_state(judge.state())
    assert judge.update(lesson(1)) == copy.update(lesson(1))
    assert copy.version == judge.version == 2
    assert torch.equal(judge.score(pictures, NOTHING), copy.score(pictures, NOTHING))
    with pytest.raises(WeightsError, match="another network"):
        other.load_weights(reward(features=6).weights())


def test_what_it_cannot_take_is_refused_and_changes_nothing() -> None:
    judge = reward()
    judge.update(lesson(0))
    before = judge.state()
    good, other = drawn(4, 1, vertical=True), np.zeros((4, 16, 16, 1), np.uint8)
    with pytest.raises(ValueError, match="'lrmf' scores pictures of shape"):
        judge.score(other, NOTHING)
    with pytest.raises(ValueError, match="'lrmf' takes 1 pictures or more here, but got 0"):
        judge.score(good[:0], NOTHING)
    with pytest.raises(ValueError, match="'lrmf' takes pictures of uint8, but got float32"):
        judge.score(np.full((4, *SHAPE), np.nan, np.float32), NOTHING)
    wrong: list[tuple[Any, Any, str]] = [
        (good[:0], good, "2 pictures or more here, but got 0"),
        (good, good[:1], "2 pictures or more here, but got 1"),
        (good, other, "scores pictures of shape"),
        (good.astype(np.float32) * np.nan, good, "pictures of uint8"),
    ]
    for real, renders, message in wrong:
        with pytest.raises(ValueError, match=message):
            judge.update(Lesson(real, renders, None))
    assert all(np.array_equal(before[name], array) for name, array in judge.state().items())


def test_an_agent_that_copies_is_told_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"set agent\.conditional=false, or take l2"):
        build_reward(RewardTerm(name="lrmf"), replace(SETTING, conditional=True))


def test_the_reward_is_known_by_its_name_and_needs_no_fit() -> None:
    judge = build_reward(RewardTerm(name="lrmf", options={"features": 4}), SETTING)
    assert isinstance(judge, LikelihoodRatio)
    assert judge.score(drawn(2, 0, vertical=True), NOTHING).shape == (2,)
