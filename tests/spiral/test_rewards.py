"""Every reward keeps the same promises; each is worked out by hand; and terms add up at the end or step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from spiral.agent import as_pictures
from spiral.config import ConfigError, RewardTerm, RunConfig
from spiral.contracts import Arrays
from spiral.rewards import REWARDS, RewardSum, build_reward
from spiral.rewards.adversarial import DiscriminatorReward, build_discriminator, distinct
from spiral.rewards.base import Context, Reward
from tests.tiny import CONDITIONAL, SHAPE, made_up, tiny_config

BOTH = pytest.mark.parametrize("changes", [{}, CONDITIONAL], ids=["unconditional", "conditional"])
NEED_TARGETS = {"l2", "squared_error", "color_histogram"}


def some_context(batch: int, seed: int = 0, shape: tuple[int, int, int] = SHAPE) -> Context:
    rng = np.random.default_rng(seed)
    strokes = rng.integers(0, 9, batch)
    counts = {"strokes": strokes, "disjoint_strokes": strokes // 2}
    return Context(rng.integers(0, 256, (batch, *shape), np.uint8), counts)


def some_renders(batch: int, seed: int = 1, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (batch, *shape), np.uint8)


def part(context: Context, episodes: slice) -> Context:
    targets = None if context.targets is None else context.targets[episodes]
    return Context(targets, {name: count[episodes] for name, count in context.counts.items()})


def score(
    name: str, renders: NDArray[np.uint8], context: Context, changes: dict[str, Any] | None = None
) -> list[float]:
    torch.manual_seed(0)
    reward = build_reward(name, tiny_config(changes or {}), SHAPE)
    return [float(x) for x in reward.score(renders, context)]


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only copy, such as Ray's object store gives: writing to it raises, and PyTorch warns of sharing it."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy


@pytest.mark.parametrize("name", REWARDS)
@pytest.mark.parametrize("shape", [SHAPE, (16, 16, 3)], ids=["grey", "color"])
@pytest.mark.parametrize("loss", ["wgan-gp", "spectral-norm"])
@BOTH
def test_every_reward_keeps_its_promises(name, shape, loss, changes):
    config = tiny_config(changes, {"discriminator": {"loss": loss}})
    reward: Reward = build_reward(name, config, shape)
    renders, writable = frozen(some_renders(5, shape=shape)), some_context(5, shape=shape)
    assert writable.targets is not None
    context = Context(frozen(writable.targets), {name: frozen(count) for name, count in writable.counts.items()})
    scores = reward.score(renders, context)
    assert (scores.shape, scores.dtype, scores.device.type) == ((5,), torch.float32, "cpu")
    assert torch.isfinite(scores).all() and not scores.requires_grad
    assert torch.equal(reward.score(renders, context), scores), "the same pictures, the same scores"
    alone = [reward.score(renders[i : i + 1], part(context, slice(i, i + 1))) for i in range(5)]
    torch.testing.assert_close(torch.cat(alone), scores)


@pytest.mark.parametrize("name", REWARDS)
def test_a_reward_that_needs_targets_says_so(name):
    context = replace(some_context(2), targets=None)
    if name in NEED_TARGETS:
        with pytest.raises(ValueError, match=f"'{name}' compares with a target; set agent.conditional=true"):
            score(name, some_renders(2), context)
    else:
        assert len(score(name, some_renders(2), context)) == 2


def test_a_conditional_discriminator_needs_targets_too():
    with pytest.raises(ValueError, match="'discriminator' compares with a target"):
        score("discriminator", some_renders(2), replace(some_context(2), targets=None), CONDITIONAL)


def test_distances_by_hand():
    """Two pictures of 256 pixels: one is its target, the other differs by 3/5 in one pixel and by 4/5 in another."""
    targets = np.full((2, *SHAPE), 255, np.uint8)
    renders = targets.copy()
    renders[1, 3, 4, 0], renders[1, 5, 6, 0] = 255 - 153, 255 - 204
    context = replace(some_context(2), targets=targets)
    assert score("l2", renders, context) == pytest.approx([0.0, -1.0])
    assert score("squared_error", renders, context) == pytest.approx([0.0, -1.0])
    renders[1] = 0
    assert score("l2", renders, context) == pytest.approx([0.0, -16.0])
    assert score("squared_error", renders, context) == pytest.approx([0.0, -256.0])


def test_differences_of_dark_and_light_do_not_wrap_around():
    context = replace(some_context(1), targets=np.full((1, *SHAPE), 1, np.uint8))
    assert score("squared_error", np.zeros((1, *SHAPE), np.uint8), context) == pytest.approx([-256 / 255**2])


def test_a_canvas_is_blank_until_something_stands_out():
    renders = np.full((5, *SHAPE), 255, np.uint8)
    renders[1] = 0  # one tone is no drawing, whichever it is
    renders[2, 0, 0] = 255 - 25  # hardly visible
    renders[3, 0, 0] = 255 - 26  # 10 % of the range
    renders[4, :8] = 0
    assert score("blank", renders, some_context(5)) == [-1.0, -1.0, -1.0, 0.0, 0.0]


def test_a_coloured_canvas_is_blank_in_one_colour():
    renders = np.full((2, 16, 16, 3), (255, 0, 100), np.uint8)
    renders[1, 0, 0, 2] = 200
    reward = build_reward("blank", tiny_config(), (16, 16, 3))
    assert reward.score(renders, some_context(2, shape=(16, 16, 3))).tolist() == [-1.0, 0.0]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_distance_of_colors_is_the_earth_movers_of_each_channel(channels):
    """The slow reference sorts the pixels of each picture and channel (scipy); pictures are of few levels and many."""
    shape = (16, 16, channels)
    renders, context = some_renders(6, shape=shape), some_context(6, shape=shape)
    assert context.targets is not None
    renders[3:] //= 64
    renders[5] = 200
    expected = [
        -np.mean([wasserstein_distance(x[..., c].ravel() / 255, y[..., c].ravel() / 255) for c in range(channels)])
        for x, y in zip(renders, context.targets, strict=True)
    ]
    scores = build_reward("color_histogram", tiny_config(), shape).score(renders, context)
    assert scores.tolist() == pytest.approx(expected, abs=1e-6)


def test_where_the_colors_are_does_not_matter():
    rng = np.random.default_rng(0)
    context = some_context(3, shape=(16, 16, 3))
    assert context.targets is not None
    shuffled = rng.permuted(context.targets.reshape(3, -1, 3), axis=1).reshape(context.targets.shape)
    moved = rng.permutation(context.targets.reshape(3, -1, 3), axis=1).reshape(context.targets.shape)
    reward = build_reward("color_histogram", tiny_config(), (16, 16, 3))
    assert reward.score(moved, context).tolist() == [0.0] * 3
    assert reward.score(shuffled, context).tolist() == [0.0] * 3, "each channel for itself"
    black, white = np.zeros((1, *SHAPE), np.uint8), np.full((1, *SHAPE), 255, np.uint8)
    assert score("color_histogram", black, Context(white, {})) == [-1.0]
    black[0, :4] = 255
    assert score("color_histogram", black, Context(white, {})) == [-0.75]


def test_each_new_start_of_the_pen_costs_one():
    context = replace(some_context(3), counts={"disjoint_strokes": np.array([0, 1, 4])})
    assert score("stroke_start", some_renders(3), context) == [0.0, -1.0, -4.0]


def test_a_reward_on_what_is_not_counted_says_what_is():
    context = replace(some_context(2), counts={"objects": np.array([1, 2])})
    with pytest.raises(ValueError, match="'stroke_start' needs disjoint_strokes, but this environment counts objects"):
        score("stroke_start", some_renders(2), context)


def weights_of(config: RunConfig, seed: int) -> tuple[torch.nn.Module, Arrays]:
    torch.manual_seed(seed)
    network = build_discriminator(config, SHAPE)
    return network, {name: tensor.numpy() for name, tensor in network.state_dict().items()}


class Holding:
    """A store with these very weights of everything."""

    def __init__(self, version: int, weights: Arrays) -> None:
        self.held = version, weights
        self.refused = 0

    def publish(self, name: str, version: int, weights: Mapping[str, NDArray[np.generic]]) -> None:
        raise NotImplementedError

    def version(self, name: str) -> int:
        return self.held[0]

    def fetch(self, name: str) -> tuple[int, Arrays]:
        return self.held


@BOTH
def test_the_discriminators_score_is_that_of_the_weights_loaded_last(changes):
    config = tiny_config(changes)
    reward = DiscriminatorReward(config, SHAPE)
    renders, context = some_renders(4), some_context(4)
    pictures = as_pictures(torch.from_numpy(renders))
    targets = as_pictures(torch.from_numpy(context.targets)) if config.agent.conditional else None
    for version in (3, 4):
        network, weights = weights_of(config, seed=version)
        expected = network(pictures, targets).detach()
        reward.follow(Holding(version, {name: frozen(array) for name, array in weights.items()}))
        assert reward.version == version
        torch.testing.assert_close(reward.score(renders, context), expected)


def test_the_discriminator_sees_each_different_picture_once():
    reward = DiscriminatorReward(tiny_config(CONDITIONAL), SHAPE)
    renders, context = some_renders(3)[[0, 1, 0, 2, 0, 1]], part(some_context(6), slice(None))
    assert context.targets is not None
    context.targets[[2, 3]] = context.targets[[0, 1]]
    each = torch.cat([reward.score(renders[i : i + 1], part(context, slice(i, i + 1))) for i in range(6)])
    seen: list[int] = []
    reward.network.register_forward_pre_hook(lambda network, pictures: seen.append(len(pictures[0])))
    torch.testing.assert_close(reward.score(renders, context), each)
    assert seen == [5], "only the third is like another, the first, in its target too"


def test_different_rows_are_found_where_they_are_met_first():
    rows = np.array([[1, 2], [3, 4], [1, 2], [3, 5], [3, 4]], np.uint8)
    assert distinct(rows) == ([0, 1, 3], [0, 1, 0, 2, 1])
    assert distinct(rows, np.arange(5, dtype=np.uint8)) == ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4])


def test_loaded_weights_do_not_change_behind_the_rewards_back():
    config = tiny_config()
    reward = DiscriminatorReward(config, SHAPE)
    _, weights = weights_of(config, seed=0)
    reward.follow(Holding(0, weights))
    before = reward.score(some_renders(2), some_context(2))
    for array in weights.values():
        array[...] = 0
    assert torch.equal(reward.score(some_renders(2), some_context(2)), before)


def test_weights_of_another_network_are_left_alone():
    config = tiny_config()
    reward = DiscriminatorReward(config, SHAPE)
    _, weights = weights_of(config, seed=0)
    reward.follow(Holding(1, weights))
    before = reward.score(some_renders(2), some_context(2))
    name = next(iter(weights))
    damaged: list[Arrays] = [
        {},
        {key: array for key, array in weights.items() if key != name},
        weights | {"more": np.zeros(1, np.float32)},
        weights | {name: weights[name][..., None]},
        weights | {name: weights[name].astype(np.int64)},
    ]
    for version, arrays in enumerate(damaged, start=2):
        reward.follow(Holding(version, arrays))
        assert reward.version == 1
    assert torch.equal(reward.score(some_renders(2), some_context(2)), before)


@pytest.mark.parametrize("shift", [-2.0, 0.0, 1.5])
def test_a_shifted_softplus_of_the_log_odds_is_rewarded_when_asked_for(shift):
    """log(1 + e^b p_real / p_render), where e^D is the ratio of the two."""
    spectral = {"discriminator": {"loss": "spectral-norm"}}
    odds = np.exp(score("discriminator", some_renders(4), some_context(4), spectral))
    shaped = score("discriminator", some_renders(4), some_context(4), merged_shift(shift))
    assert shaped == pytest.approx(np.log1p(np.exp(shift) * odds), rel=1e-4)


def test_the_shift_goes_from_odds_to_log_odds():
    """The rewards of the two Kullback-Leibler divergences are its limits, up to a scale and a constant."""
    log_odds = np.array(score("discriminator", some_renders(4), some_context(4), merged_shift(None)))
    low = np.array(score("discriminator", some_renders(4), some_context(4), merged_shift(-8.0)))
    high = np.array(score("discriminator", some_renders(4), some_context(4), merged_shift(12.0)))
    np.testing.assert_allclose(low * np.exp(8.0), np.exp(log_odds), rtol=2e-3)
    np.testing.assert_allclose(high - 12.0, log_odds, atol=1e-3)


def merged_shift(shift: float | None) -> dict[str, Any]:
    return {"discriminator": {"loss": "spectral-norm", "softplus_shift": shift}}


def terms(*described: tuple[str, float, str]) -> list[RewardTerm]:
    return [RewardTerm(name=name, weight=weight, when=when) for name, weight, when in described]  # type: ignore[arg-type]


def test_a_term_at_the_end_is_the_weighted_score_of_the_final_render():
    config = tiny_config(CONDITIONAL)
    trajectory = made_up(config)
    rewards, means = RewardSum(terms(("l2", 0.5, "end")), config, SHAPE).of(trajectory)
    context = Context(trajectory.targets, {name: count[-1] for name, count in trajectory.counts.items()})
    final = build_reward("l2", config, SHAPE).score(trajectory.canvases[-1], context)
    torch.testing.assert_close(rewards[-1], 0.5 * final)
    assert rewards.shape == (4, 8) and not rewards[:-1].any()
    assert means == {"score/l2": pytest.approx(float(final.mean()))}


@pytest.mark.parametrize("name", REWARDS)
@BOTH
def test_differences_of_the_steps_add_up_to_what_the_episode_gained(name, changes):
    config = tiny_config(changes)
    if name in NEED_TARGETS and not config.agent.conditional:
        config = tiny_config(CONDITIONAL)
    trajectory = made_up(config)
    total = RewardSum(terms((name, 2.0, "step")), config, SHAPE)
    rewards, means = total.of(trajectory)
    reward = total.terms[0][1]
    score_at = [
        reward.score(
            trajectory.canvases[t],
            Context(trajectory.targets, {name: count[t] for name, count in trajectory.counts.items()}),
        )
        for t in range(5)
    ]
    torch.testing.assert_close(rewards.sum(dim=0), 2.0 * (score_at[4] - score_at[0]), rtol=1e-4, atol=1e-4)
    for t in range(4):
        torch.testing.assert_close(rewards[t], 2.0 * (score_at[t + 1] - score_at[t]), rtol=1e-4, atol=1e-4)
    assert means == {f"score/{name}": pytest.approx(float(score_at[4].mean()), rel=1e-4)}


def test_terms_add_up_with_their_weights():
    config = tiny_config(CONDITIONAL)
    trajectory = made_up(config)
    described = [("l2", 0.5, "step"), ("blank", 3.0, "end"), ("stroke_start", 0.1, "step")]
    together, means = RewardSum(terms(*described), config, SHAPE).of(trajectory)
    alone = [RewardSum(terms(term), config, SHAPE).of(trajectory)[0] for term in described]
    torch.testing.assert_close(together, torch.stack(alone).sum(dim=0))
    assert set(means) == {"score/l2", "score/blank", "score/stroke_start"}


def test_unknown_and_missing_rewards_are_refused_with_a_list_of_those_there_are():
    config = tiny_config()
    with pytest.raises(ConfigError, match="no reward 'l3'; there are blank, color_histogram, discriminator, l2, "):
        build_reward("l3", config, SHAPE)
    with pytest.raises(ConfigError, match="rewards is empty; name at least one of blank, color_histogram"):
        RewardSum([], config, SHAPE)
