"""Every reward keeps the same promises: all in the table, those of the methods, and a user's own.

The suite goes over `REWARDS`, `METHODS` and `ADVERSARIAL_LOSSES`, so that what is added there is covered.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from spiral.config import RewardTerm
from spiral.methods import METHODS
from spiral.methods.judgement import is_shipped
from spiral.rewards import REWARDS, RewardSum, build_reward, reward_class
from spiral.rewards.base import Context, FittedReward
from tests.spiral.reward_cases import (
    COLOR,
    EVERY,
    NAMES,
    USERS,
    assert_same,
    make,
    part,
    pictures,
    setting,
    some_context,
    term_of,
)
from tests.tiny import CONDITIONAL, SHAPE, made_up, tiny_config
from tests.untrained_fits import FITS


def test_every_reward_that_needs_a_fit_takes_one_of_the_package_or_is_refused_without():
    assert {name for name in METHODS if reward_class(name).fit == "required"} == set(FITS)
    for name in FITS:
        terms = (RewardTerm(name=name), RewardTerm.model_validate({"name": name, "from": "shipped"}))
        if is_shipped(name):
            left_out, named = (build_reward(term, setting(conditional=True)) for term in terms)
            assert isinstance(left_out, FittedReward) and isinstance(named, FittedReward)
            assert_same(left_out.weights(), named.weights())
            continue
        for term in terms:
            with pytest.raises(ValueError, match=f"'{name}' needs what its method has learned, and no fit .* run `"):
                build_reward(term, setting(conditional=True))


@EVERY
@pytest.mark.parametrize("shape", [SHAPE, COLOR], ids=["grey", "color"])
def test_scores_are_one_number_for_each_render_by_itself(name, options, conditional, shape):
    reward = make(name, options, conditional, shape=shape)
    renders, context = pictures(1, shape=shape), some_context(shape=shape)
    scores = reward.score(renders, context)
    assert (scores.shape, scores.dtype, scores.device.type) == ((5,), torch.float32, "cpu")
    assert torch.isfinite(scores).all() and not scores.requires_grad
    assert torch.equal(reward.score(renders, context), scores), "the same pictures, the same scores"
    alone = [reward.score(renders[i : i + 1], part(context, i)) for i in range(5)]
    torch.testing.assert_close(torch.cat(alone), scores)


@EVERY
def test_scoring_draws_nothing_and_another_of_the_same_seed_scores_alike(name, options, conditional):
    first, again = (make(name, options, conditional, seed=3) for _ in range(2))
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    expected = torch.rand(3), np.random.random(3)  # noqa: NPY002
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    scores = first.score(pictures(1), some_context())
    assert torch.equal(torch.rand(3), expected[0])
    assert np.array_equal(np.random.random(3), expected[1])  # noqa: NPY002
    assert torch.equal(again.score(pictures(1), some_context()), scores)


@EVERY
def test_what_a_render_has_no_answer_to_is_refused_by_name_or_not_needed(name, options, conditional):
    """A reward that compares says what there is nothing of; in the score of any other it has no part."""
    reward, context = make(name, options, conditional), some_context()
    short = name.split(":")[-1]
    for lacking in (replace(context, targets=None), replace(context, counts={}), replace(context, actions=None)):
        try:
            scores = reward.score(pictures(1), lacking)
        except ValueError as error:
            assert f"'{short}'" in str(error) and "leave it out" in str(error)
        else:
            assert torch.equal(scores, reward.score(pictures(1), context))


@EVERY
def test_pictures_of_another_shape_are_refused_by_name_or_scored_all_the_same(name, options, conditional):
    """Another size, and colour beside grey, which numpy would compare channel by channel."""
    reward, context = make(name, options, conditional), some_context()
    for shape in ((8, 8, 1), COLOR):
        try:
            scores = reward.score(pictures(1, shape=shape), context)
        except ValueError as error:
            if name not in USERS:
                assert f"'{name}' scores pictures of shape" in str(error) and str((5, *shape)) in str(error)
        else:
            assert name in USERS or not reward_class(name).learns
            alone = reward.score(pictures(1, shape=shape), replace(context, targets=None))
            assert torch.equal(scores, alone), "the target has no part in it"


@EVERY
def test_a_reward_is_paid_at_the_end_at_each_step_or_after_so_many_commands(name, options, conditional):
    """For whatever there is: the differences of the steps add up, and each sum is of the reward's own scores."""
    config = tiny_config(CONDITIONAL if conditional else {})
    counted = {name: np.arange(40).reshape(5, 8) // 3 for name in ("stroke_length", "objects")}
    trajectory = replace(made_up(config), targets=pictures(8, 8), counts=made_up(config).counts | counted)
    reward = make(name, options, conditional)
    programs = trajectory.actions.swapaxes(0, 1)
    at = [
        reward.score(
            trajectory.canvases[t],
            Context(
                trajectory.targets,
                {name: count[t] for name, count in trajectory.counts.items()},
                programs,
                np.full(8, t),
            ),
        )
        for t in range(5)
    ]
    for when in ("end", "step", 2):
        term = term_of(name, options, weight=2.0, when=when)
        rewards, means = RewardSum([term], setting(conditional)).of(trajectory)
        expected = torch.zeros(4, 8)
        if when == "step":
            expected = 2.0 * torch.stack(at).diff(dim=0)
        else:
            expected[3 if when == "end" else 1] = 2.0 * at[4 if when == "end" else 2]
        torch.testing.assert_close(rewards, expected, rtol=1e-4, atol=1e-4)
        assert means == {f"score/{name}": pytest.approx(float(at[4].mean()), rel=1e-4, abs=1e-4)}


@pytest.mark.parametrize("name", [name for name in REWARDS if not REWARDS[name].learns])
def test_a_fixed_reward_can_be_had_without_a_run(name):
    made = REWARDS[name]()
    assert torch.equal(made.score(pictures(1), some_context()), make(name, {}, True).score(pictures(1), some_context()))


@pytest.mark.parametrize("name", NAMES)
def test_options_that_a_reward_does_not_have_are_named(name):
    with pytest.raises(ValueError, match="no setting 'rewards.*options.no_such'; rewards.*options has "):
        make(name, {"no_such": 1}, False)
