"""What every reward that learns keeps to, whoever wrote it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from learners.weights import MemoryWeights
from spiral.contracts import Arrays, WeightsError
from spiral.losses import ADVERSARIAL_LOSSES
from spiral.rewards import RewardSum, reward_class
from spiral.rewards.base import Context, LearnedReward
from tests.spiral.reward_cases import (
    LEARNED,
    NAMES,
    USERS,
    VARIANTS,
    assert_same,
    frozen,
    learner,
    lesson,
    pictures,
    setting,
    some_context,
    term_of,
)


@LEARNED
def test_scoring_leaves_a_learned_reward_as_it_was_and_learning_goes_on_alike(name, options, conditional):
    scored, unscored = (learner(name, options, conditional) for _ in range(2))
    for step in range(2):
        before = {key: array.copy() for key, array in scored.state().items()}
        scored.score(pictures(1), some_context())
        assert_same(scored.state(), before)
        measured = [each.update(lesson(conditional, seed=step)) for each in (scored, unscored)]
        assert measured[0] == measured[1]
    assert_same(scored.state(), unscored.state())


@LEARNED
def test_an_update_is_measured_in_numbers_and_raises_the_version(name, options, conditional):
    reward = learner(name, options, conditional)
    for version in (1, 2):
        measured = reward.update(lesson(conditional))
        assert measured and all(type(value) is float and np.isfinite(value) for value in measured.values())
        assert reward.version == version == int(reward.state()["version"])
    assert reward.batch_size > 0


@LEARNED
def test_learning_widens_the_gap_between_real_and_painted(name, options, conditional):
    reward = learner(name, options, conditional)
    shown = lesson(conditional, seed=50)
    context = Context(shown.targets, {}, shown.actions)

    def gap() -> float:
        return float((reward.score(shown.real, context) - reward.score(shown.renders, context)).mean())

    before = gap()
    for step in range(60):
        reward.update(lesson(conditional, seed=step))
    assert gap() > before + 0.2, "pictures that it has not seen"


@LEARNED
def test_the_seed_decides_all_that_is_learned(name, options, conditional):
    rewards = [learner(name, options, conditional, seed=seed) for seed in (1, 1)]
    torch.manual_seed(99)  # nothing is drawn from the state that all share
    for reward in rewards:
        for step in range(2):
            reward.update(lesson(conditional, seed=step))
            torch.rand(3)
    assert_same(rewards[0].state(), rewards[1].state())


@LEARNED
def test_another_goes_on_from_the_state_bit_for_bit(name, options, conditional):
    reward, other = (learner(name, options, conditional, seed=seed) for seed in (1, 2))
    for step in range(2):
        reward.update(lesson(conditional, seed=step))
    state = {key: frozen(array) for key, array in reward.state().items()}
    other.load_state(state)
    assert_same(other.state(), state)
    for step in (2, 3):
        assert reward.update(lesson(conditional, seed=step)) == other.update(lesson(conditional, seed=step))
    assert_same(reward.state(), other.state())
    assert int(state["version"]) == 2, "a state is no view of what goes on"
    assert torch.equal(reward.score(pictures(1), some_context()), other.score(pictures(1), some_context()))


@LEARNED
def test_a_state_never_lowers_the_version(name, options, conditional):
    reward = learner(name, options, conditional)
    state = reward.state()
    reward.update(lesson(conditional))
    reward.load_state(state)
    assert reward.version == 1


@LEARNED
def test_scores_follow_the_weights_in_a_store(name, options, conditional):
    """As a run does it: one copy learns and publishes, another one scores, here through what a policy learner has."""
    store, reward = MemoryWeights(), learner(name, options, conditional, seed=5)
    total = RewardSum([term_of(name, options)], setting(conditional))
    (scored,) = total.terms
    assert isinstance(scored.reward, LearnedReward) and scored.reward.version == -1, "fresh weights are nobody's"
    total.follow(store)
    assert scored.reward.version == -1
    for step in range(3):
        store.publish(scored.key, reward.version, reward.weights())
        total.follow(store)
        assert scored.reward.version == reward.version
        assert_same(scored.reward.weights(), reward.weights())
        expected = reward.score(pictures(1), some_context())
        assert torch.equal(scored.reward.score(pictures(1), some_context()), expected)
        reward.update(lesson(conditional, seed=step))


@LEARNED
def test_weights_of_something_else_are_refused_and_change_nothing(name, options, conditional):
    reward = learner(name, options, conditional)
    before = reward.weights()
    first = next(iter(before))
    wrong: list[Arrays] = [
        {},
        {key: array for key, array in before.items() if key != first},
        before | {"more": np.zeros(1, np.float32)},
        before | {first: before[first][..., None]},
    ]
    for arrays in wrong:
        with pytest.raises(WeightsError):
            reward.load_weights(arrays)
    assert_same(reward.weights(), before)


@LEARNED
def test_loaded_weights_are_a_copy(name, options, conditional):
    reward = learner(name, options, conditional)
    weights = learner(name, options, conditional, seed=7).weights()
    reward.load_weights(weights)
    before = reward.score(pictures(1), some_context())
    for array in weights.values():
        array[...] = 0
    assert torch.equal(reward.score(pictures(1), some_context()), before)


def test_every_reward_that_learns_is_tried_with_every_loss():
    tried = {options.get("loss") for options in VARIANTS["discriminator"]}
    assert set(ADVERSARIAL_LOSSES) < tried
    assert {name for name in NAMES if reward_class(name).learns} >= {"discriminator", *USERS}
