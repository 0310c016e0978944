"""DANN as a judge: of renders and real pictures, or of copies by what domains have in common."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from spiral.config import RewardTerm
from spiral.contracts import Arrays, WeightsError
from spiral.methods import METHODS
from spiral.methods.dann.model import (
    NetworkOptions,
    deep,
)
from spiral.methods.dann.reward import Dann, DannOptions, fitted_judge, judgement_of, spread
from spiral.rewards import build_reward
from spiral.rewards.base import Context, Lesson, Setting

CPU = torch.device("cpu")


def setting(conditional: bool, shape: tuple[int, int, int] = (16, 16, 1), seed: int = 0) -> Setting:
    return Setting(shape, conditional, CPU, "float32", seed)


def judge(conditional: bool, shape: tuple[int, int, int] = (16, 16, 1), seed: int = 0, **options: object) -> Dann:
    small = {"width": 0.25, "batch_size": 8, "learning_rate": 2e-3}
    term = RewardTerm(name="dann", options={**small, **options})
    made = build_reward(term, setting(conditional, shape, seed))
    assert isinstance(made, Dann)
    return made


def from_fit(conditional: bool, shape: tuple[int, int, int] = (16, 16, 1), alike: bool = False) -> Dann:
    """With the features of a network that was not trained, as a fit of domains that are alike or not gives them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        options = NetworkOptions(width=0.25)
        shown, painted = (torch.from_numpy(pictures(seed, 12, (3, 28, 28))) for seed in (9, 9 if alike else 10))
        given = judgement_of(options, fitted_judge(options, deep(options, 10), shown, painted // (1 if alike else 3)))
    made = Dann(setting(conditional, shape), DannOptions.model_validate(given.options | {"learning_rate": 1e-2}))
    made.load_weights(given.weights)
    return made


def pictures(
    seed: int, count: int, shape: tuple[int, ...] = (16, 16, 1), low: int = 0, high: int = 256
) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(low, high, (count, *shape), np.uint8)


def lesson(seed: int, conditional: bool, shape: tuple[int, int, int] = (16, 16, 1)) -> Lesson:
    real = pictures(seed, 8, shape, high=56)
    return Lesson(real, pictures(seed + 100, 8, shape, low=200), real if conditional else None)


def test_it_is_in_the_table() -> None:
    assert METHODS["dann"].reward is Dann and list(METHODS["dann"].experiments)[0] == "mnist-m"


@pytest.mark.parametrize("shape", [(16, 16, 1), (20, 24, 3), (28, 28, 3)])
@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("make", [judge, from_fit])
def test_a_score_is_one_number_for_each_render(make: object, conditional: bool, shape: tuple[int, int, int]) -> None:
    made = make(conditional, shape)  # type: ignore[operator]
    renders, context = pictures(1, 5, shape), Context(pictures(2, 5, shape), {})
    before = made.state()
    scores = made.score(renders, context)
    assert (scores.shape, scores.dtype) == ((5,), torch.float32) and torch.isfinite(scores).all()
    assert torch.equal(made.score(renders, context), scores) and not scores.requires_grad
    assert all(np.array_equal(array, before[name]) for name, array in made.state().items())
    alone = made.score(renders[:1], Context(pictures(2, 5, shape)[:1], {}))
    torch.testing.assert_close(alone, scores[:1], rtol=1e-3, atol=1e-4)


def test_where_domains_are_alike_a_copy_is_the_best_and_the_target_of_another_is_minus_one() -> None:
    made, targets = from_fit(True, (28, 28, 3), alike=True), pictures(9, 12, (3, 28, 28)).transpose(0, 2, 3, 1)
    assert float(made.score(targets, Context(targets, {})).abs().max()) < 1e-4
    others = made.score(np.roll(targets, 1, 0), Context(targets, {}))
    assert float(others.mean()) == pytest.approx(-1, abs=1e-3)


def test_targets_are_seen_as_the_one_domain_of_the_fit_and_renders_as_the_other() -> None:
    made, light = from_fit(True, (28, 28, 3)), pictures(9, 12, (3, 28, 28)).transpose(0, 2, 3, 1)
    dark = light // 3  # as the fit's target is
    right = made.score(dark, Context(light, {})).mean()
    made.options = made.options.model_copy(update={"shown": "target"})
    wrong, other_way = made.score(dark, Context(light, {})).mean(), made.score(light, Context(dark, {})).mean()
    assert right > 0.3 * wrong and other_way > 0.3 * wrong, "each normalised by itself, they look the same"


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("make", [judge, from_fit])
def test_learning_lowers_the_loss_and_leaves_features_of_a_fit_alone(make: object, conditional: bool) -> None:
    made = make(conditional)  # type: ignore[operator]
    before = {name: value.clone() for name, value in made.network.extractor.state_dict().items()}
    losses = [made.update(lesson(seed, conditional))["loss"] for seed in range(40)]
    assert losses[-1] < 0.7 * losses[0] and made.version == 40
    same = [torch.equal(value, before[name]) for name, value in made.network.extractor.state_dict().items()]
    assert all(same) if made.options.frozen else not all(same)


def test_without_a_target_what_is_real_scores_higher() -> None:
    made = judge(False)
    for seed in range(40):
        made.update(lesson(seed, False))
    shown, context = lesson(99, False), Context(None, {})
    assert float(made.score(shown.real, context).min()) > float(made.score(shown.renders, context).max())


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("make", [judge, from_fit])
def test_another_goes_on_from_the_state_and_scores_by_the_weights(make: object, conditional: bool) -> None:
    made, other, scorer = (make(conditional) for _ in range(3))  # type: ignore[operator]
    made.update(lesson(0, conditional))
    other.load_state(made.state())
    assert made.update(lesson(1, conditional)) == other.update(lesson(1, conditional))
    scorer.load_weights(made.weights())
    context = Context(pictures(2, 5), {})
    assert torch.equal(scorer.score(pictures(1, 5), context), other.score(pictures(1, 5), context))
    weights = made.weights()
    others: list[Arrays] = [{}, weights | {"more": np.zeros(1)}, weights | {"yardstick": np.zeros(3, np.float32)}]
    for wrong in others:
        with pytest.raises(WeightsError):
            scorer.load_weights(wrong)


@pytest.mark.parametrize("make", [judge, from_fit])
def test_what_is_no_batch_of_pictures_is_refused_by_name(make: object) -> None:
    made, context = make(True), Context(pictures(2, 5), {})  # type: ignore[operator]
    batches: list[Any] = [pictures(1, 0), np.full((5, 16, 16, 1), np.nan, np.float32)]
    for wrong in batches:
        with pytest.raises(ValueError, match="the reward 'dann' takes one uint8 picture or more, but was given"):
            made.score(wrong, Context(wrong, {}))
        with pytest.raises(ValueError, match="the reward 'dann' takes one uint8 picture or more"):
            made.update(replace(lesson(0, True), real=wrong, targets=wrong))
    with pytest.raises(ValueError, match="the reward 'dann' scores pictures of shape"):
        made.score(pictures(1, 5, (8, 8, 1)), context)
    with pytest.raises(ValueError, match="the reward 'dann' compares with a target"):
        made.score(pictures(1, 5), Context(None, {}))


def test_the_spread_is_the_mean_distance_of_neighbours() -> None:
    assert float(spread(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))) == 5
