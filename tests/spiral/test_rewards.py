"""Each fixed reward is worked out by hand; terms add up at the end, at each step or after so many commands."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import wasserstein_distance
from torch import Tensor

from learners.weights import MemoryWeights
from spiral.config import RewardTerm, RunConfig
from spiral.rewards import RewardSum, build_reward, keyed, learned_terms, reward_class, setting_of
from spiral.rewards.base import Context, Reward
from spiral.rewards.colors import ColorHistogram
from spiral.rewards.pixels import L2, BlankPenalty, SquaredError
from spiral.section import ConfigError
from tests.tiny import CONDITIONAL, SHAPE, made_up, tiny_config, tiny_discriminator


def some_context(batch: int, seed: int = 0, shape: tuple[int, int, int] = SHAPE) -> Context:
    rng = np.random.default_rng(seed)
    strokes = rng.integers(0, 9, batch)
    counts = {"strokes": strokes, "disjoint_strokes": strokes // 2, "stroke_length": strokes * 300}
    return Context(rng.integers(0, 256, (batch, *shape), np.uint8), counts)


def some_renders(batch: int, seed: int = 1, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (batch, *shape), np.uint8)


def score(name: str, renders: NDArray[np.uint8], context: Context, **options: Any) -> list[float]:
    reward = build_reward(RewardTerm(name=name, options=options), setting_of(tiny_config(), SHAPE))
    return reward.score(renders, context).tolist()


@pytest.mark.parametrize(
    ("name", "needs"),
    [("l2", True), ("squared_error", True), ("color_histogram", True), ("blank", False)]
    + [(name, False) for name in ("stroke_start", "stroke_length")],
)
def test_a_reward_that_needs_targets_says_so(name, needs):
    context = replace(some_context(2), targets=None)
    if needs:
        with pytest.raises(ValueError, match=f"'{name}' compares with a target; set agent.conditional=true"):
            score(name, some_renders(2), context)
    else:
        assert len(score(name, some_renders(2), context)) == 2


@pytest.mark.parametrize("name", ["l2", "squared_error", "color_histogram"])
def test_grey_is_not_compared_with_each_of_the_colors(name):
    with pytest.raises(
        ValueError, match=rf"'{name}' scores pictures of shape \(2, 16, 16, 3\) here, .* \(2, 16, 16, 1"
    ):
        score(name, some_renders(2), some_context(2, shape=(16, 16, 3)))


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


@pytest.mark.parametrize("blur", [0.7, 3.0])
def test_with_blur_both_pictures_are_seen_through_a_gaussian(blur):
    """The slow reference blurs each picture by itself; nothing passes from picture to picture or colour to colour."""
    shape = (16, 16, 3)
    renders, context = some_renders(3, shape=shape), some_context(3, shape=shape)
    assert context.targets is not None

    def seen(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
        channels = [gaussian_filter(picture[..., c] / 255, blur, mode="nearest") for c in range(3)]
        return np.stack(channels, axis=-1)

    squares = [np.square(seen(x) - seen(y)).sum() for x, y in zip(renders, context.targets, strict=True)]
    options = {"blur": blur}
    assert score("squared_error", renders, context, **options) == pytest.approx([-x for x in squares], rel=1e-4)
    assert score("l2", renders, context, **options) == pytest.approx([-np.sqrt(x) for x in squares], rel=1e-4)
    assert score("l2", renders, replace(context, targets=renders), **options) == [0.0, 0.0, 0.0]


def test_blur_cares_less_about_where_a_dot_is():
    targets = np.full((1, *SHAPE), 255, np.uint8)
    renders = targets.copy()
    targets[0, 8, 8], renders[0, 8, 9] = 0, 0
    sharp, soft = (score("l2", renders, Context(targets, {}), blur=blur)[0] for blur in (0.0, 2.0))
    assert sharp == pytest.approx(-np.sqrt(2)) and -0.2 < soft < 0.0


def test_a_blur_that_is_none_is_refused():
    with pytest.raises(ConfigError, match=r"rewards\.l2\.options\.blur: .*greater than or equal to 0 \(given: -1\)"):
        score("l2", some_renders(1), some_context(1), blur=-1)


def test_fixed_rewards_can_be_had_by_themselves():
    renders, context = some_renders(3), some_context(3)
    for name, made in (("l2", L2), ("squared_error", SquaredError)):
        assert made().score(renders, context).tolist() == score(name, renders, context)


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
    assert BlankPenalty().score(renders, some_context(2, shape=(16, 16, 3))).tolist() == [-1.0, 0.0]


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
    scores = ColorHistogram().score(renders, context)
    assert scores.tolist() == pytest.approx(expected, abs=1e-6)


def test_where_the_colors_are_does_not_matter():
    rng = np.random.default_rng(0)
    context = some_context(3, shape=(16, 16, 3))
    assert context.targets is not None
    shuffled = rng.permuted(context.targets.reshape(3, -1, 3), axis=1).reshape(context.targets.shape)
    moved = rng.permutation(context.targets.reshape(3, -1, 3), axis=1).reshape(context.targets.shape)
    reward = ColorHistogram()
    assert reward.score(moved, context).tolist() == [0.0] * 3
    assert reward.score(shuffled, context).tolist() == [0.0] * 3, "each channel for itself"
    black, white = np.zeros((1, *SHAPE), np.uint8), np.full((1, *SHAPE), 255, np.uint8)
    assert score("color_histogram", black, Context(white, {})) == [-1.0]
    black[0, :4] = 255
    assert score("color_histogram", black, Context(white, {})) == [-0.75]


def test_each_new_start_of_the_pen_costs_one():
    context = replace(some_context(3), counts={"disjoint_strokes": np.array([0, 1, 4])})
    assert score("stroke_start", some_renders(3), context) == [0.0, -1.0, -4.0]


def test_each_side_of_the_canvas_that_the_brush_goes_along_costs_one():
    context = replace(some_context(3), counts={"stroke_length": np.array([0, 250, 4000])})
    assert score("stroke_length", some_renders(3), context) == [0.0, -0.25, -4.0]


def test_a_reward_on_what_is_not_counted_says_what_is():
    context = replace(some_context(2), counts={"objects": np.array([1, 2])})
    with pytest.raises(ValueError, match="'stroke_start' needs disjoint_strokes, but this environment counts objects"):
        score("stroke_start", some_renders(2), context)


def terms(*described: tuple[str, float, str | int]) -> list[RewardTerm]:
    return [RewardTerm(name=name, weight=weight, when=when) for name, weight, when in described]


def sum_of(config: RunConfig, *described: tuple[str, float, str | int]) -> RewardSum:
    return RewardSum(terms(*described), setting_of(config, SHAPE))


def test_a_term_at_the_end_is_the_weighted_score_of_the_final_render():
    config = tiny_config(CONDITIONAL)
    trajectory = made_up(config)
    rewards, means = sum_of(config, ("l2", 0.5, "end")).of(trajectory)
    final = L2().score(trajectory.canvases[-1], Context(trajectory.targets, {}))
    torch.testing.assert_close(rewards[-1], 0.5 * final)
    assert rewards.shape == (4, 8) and not rewards[:-1].any()
    assert means == {"score/l2": pytest.approx(float(final.mean()))}


@pytest.mark.parametrize("after", [1, 3, 4])
def test_a_term_after_so_many_commands_is_the_weighted_score_of_the_canvas_then(after):
    """The last of them is paid, with what the environment had counted by then; measured is the final render still."""
    config = tiny_config(CONDITIONAL)
    trajectory = made_up(config)
    for name in ("l2", "stroke_start"):
        rewards, means = sum_of(config, (name, 0.5, after)).of(trajectory)
        counts = {name: count[after] for name, count in trajectory.counts.items()}
        reward = reward_class(name)()
        then = reward.score(trajectory.canvases[after], Context(trajectory.targets, counts))
        torch.testing.assert_close(rewards[after - 1], 0.5 * then)
        assert not np.delete(rewards.numpy(), after - 1, axis=0).any()
        assert means == sum_of(config, (name, 1.0, "end")).of(trajectory)[1]


def test_a_term_after_more_commands_than_an_episode_has_is_refused():
    total, context = sum_of(tiny_config(CONDITIONAL), ("l2", 1.0, 5)), some_context(2)
    total.check(some_renders(2), context, episode_length=5)
    with pytest.raises(ConfigError, match=r"rewards\.l2\.when=5, but an episode has 4 commands: give a smaller number"):
        total.check(some_renders(2), context, episode_length=4)
    with pytest.raises(ValueError, match="'l2' compares with a target"):
        total.check(some_renders(2), replace(context, targets=None), episode_length=5)


def test_differences_of_the_steps_add_up_to_what_the_episode_gained():
    config = tiny_config(CONDITIONAL)
    trajectory = made_up(config)
    rewards, means = sum_of(config, ("squared_error", 2.0, "step")).of(trajectory)
    context = Context(trajectory.targets, {})
    score_at = [SquaredError().score(trajectory.canvases[t], context) for t in range(5)]
    torch.testing.assert_close(rewards.sum(dim=0), 2.0 * (score_at[4] - score_at[0]), rtol=1e-4, atol=1e-4)
    for t in range(4):
        torch.testing.assert_close(rewards[t], 2.0 * (score_at[t + 1] - score_at[t]), rtol=1e-4, atol=1e-4)
    assert means == {"score/squared_error": pytest.approx(float(score_at[4].mean()), rel=1e-4)}


def test_terms_add_up_with_their_weights():
    config = tiny_config(CONDITIONAL)
    trajectory = made_up(config)
    described = [("l2", 0.5, "step"), ("blank", 3.0, "end"), ("stroke_start", 0.1, "step"), ("l2", 7.0, 2)]
    together, means = sum_of(config, *described).of(trajectory)  # type: ignore[arg-type]
    alone = [sum_of(config, term).of(trajectory)[0] for term in described]  # type: ignore[arg-type]
    torch.testing.assert_close(together, torch.stack(alone).sum(dim=0))
    assert set(means) == {"score/l2", "score/blank", "score/stroke_start", "score/l2-2"}


class Watching(Reward):
    """The number of the command that a render was taken after, and what it was told on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[NDArray[np.uint8], Context]] = []

    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        self.told.append((renders, context))
        assert context.steps is not None
        return torch.from_numpy(context.steps.astype(np.float32))


@pytest.mark.parametrize(("when", "steps"), [("end", [[4]]), (2, [[4], [2]]), ("step", [[0, 1, 2, 3, 4]])])
def test_a_reward_is_told_the_whole_program_and_after_which_command_each_render_was_taken(when, steps):
    config = tiny_config(CONDITIONAL)
    trajectory, total, watching = made_up(config), sum_of(config, ("blank", 1.0, when)), Watching()
    total.terms = [replace(total.terms[0], reward=watching)]
    rewards, _ = total.of(trajectory)
    assert rewards[:, 0].tolist() == {"end": [0, 0, 0, 4], 2: [0, 2, 0, 0], "step": [1, 1, 1, 1]}[when]
    for (renders, context), after in zip(watching.told, steps, strict=True):
        assert context.steps is not None and context.actions is not None and context.targets is not None
        assert context.steps.tolist() == [step for step in after for _ in range(8)]
        assert len(context.actions) == len(renders) == len(context.targets) == 8 * len(after)
        for i, step in enumerate(context.steps):
            episode = i % 8
            np.testing.assert_array_equal(renders[i], trajectory.canvases[step, episode])
            np.testing.assert_array_equal(context.actions[i], trajectory.actions[:, episode])
            assert trajectory.targets is not None
            np.testing.assert_array_equal(context.targets[i], trajectory.targets[episode])
            assert context.counts["strokes"][i] == trajectory.counts["strokes"][step, episode]


def test_of_a_part_of_an_episode_a_reward_is_told_the_place_and_no_program():
    config = tiny_config()
    part = replace(made_up(config), first=np.array([0, 4, 8] + [12] * 5), episode_length=16)
    for when, told in (("end", [[16] * 5]), (9, [[16] * 5, [9]]), ("step", [[0, 4, 8], [4, 8, 12]])):
        total, watching = sum_of(config, ("blank", 1.0, when)), Watching()
        total.terms = [replace(total.terms[0], reward=watching)]
        total.of(part)
        assert all(context.actions is None for _, context in watching.told)
        steps = [context.steps.tolist() for _, context in watching.told if context.steps is not None]
        if when == "step":
            assert [steps[0][:3], steps[0][-8:-5]] == told
        else:
            assert steps == told


class Counting(Reward):
    """How many commands the program of each render has."""

    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        return torch.full((len(renders),), float(context.actions.shape[1]))  # type: ignore[union-attr]


def test_a_reward_of_whole_programs_is_refused_where_unrolls_are_parts_of_them():
    total, context = sum_of(tiny_config(), ("blank", 1.0, "end")), some_context(2)
    total.terms = [replace(total.terms[0], reward=Counting())]
    total.check(some_renders(2), replace(context, actions=np.zeros((2, 0, 5), np.int64)), episode_length=4)
    with pytest.raises(
        ConfigError, match=r"'blank' does not score a part of a program .*leave out policy\.unroll_length"
    ):
        total.check(some_renders(2), context, episode_length=4)


def test_terms_of_one_name_are_told_apart():
    names = ["l2", "blank", "l2", "discriminator", "l2", "discriminator"]
    described = [RewardTerm(name=name) for name in names]
    keys = [key for key, _ in keyed(described)]
    assert keys == ["l2", "blank", "l2-2", "discriminator", "l2-3", "discriminator-2"]
    assert list(learned_terms(described)) == ["discriminator", "discriminator-2"]
    assert learned_terms([RewardTerm(name="l2")]) == {}


def test_each_of_two_discriminators_follows_its_own_weights():
    config = tiny_config({"rewards": [tiny_discriminator(), tiny_discriminator({"width": 8}, weight=2.0)]})
    total = RewardSum(config.rewards, setting_of(config, SHAPE))
    store, trained = MemoryWeights(), RewardSum(config.rewards, setting_of(config, SHAPE, seed=9))
    for scored in trained.terms:
        store.publish(scored.key, 4, scored.reward.weights())  # type: ignore[attr-defined]
    total.follow(store)
    trajectory = made_up(config)
    context = Context(None, {})
    first, second = (scored.reward.score(trajectory.canvases[-1], context) for scored in trained.terms)
    rewards, means = total.of(trajectory)
    torch.testing.assert_close(rewards[-1], first + 2.0 * second)
    assert list(means) == ["score/discriminator", "score/discriminator-2"]
    assert not torch.allclose(first, second)


OWN = """
import torch
from spiral.section import Section
from spiral.rewards.base import Reward

class Options(Section):
    factor: float = 1.0

class Ink(Reward):
    Options = Options

    def score(self, renders, context):
        return self.options.factor * torch.from_numpy(255 - renders).float().mean(dim=(1, 2, 3)) / 255

class NoReward:
    pass
"""


def test_a_reward_of_the_users_own_is_found_in_the_current_folder(tmp_path: Path, monkeypatch):
    (tmp_path / "own_reward.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    black = np.zeros((2, *SHAPE), np.uint8)
    assert score("own_reward:Ink", black, some_context(2), factor=2.5) == [2.5, 2.5]
    with pytest.raises(ConfigError, match=r"no setting 'rewards.own_reward:Ink.options.factr'; .* has factor"):
        score("own_reward:Ink", black, some_context(2), factr=2.5)
    for name in ("Missing", "NoReward", "OWN"):
        with pytest.raises(ConfigError, match=f"own_reward has no class {name} that is a spiral.rewards.base.Reward"):
            reward_class(f"own_reward:{name}")
    monkeypatch.delitem(sys.modules, "own_reward")


@pytest.mark.parametrize(
    ("text", "why"),
    [("import no_such_module", "No module named"), ("1 / 0", "ZeroDivisionError"), ("(", "SyntaxError")],
)
def test_a_module_that_cannot_be_imported_is_explained(tmp_path: Path, monkeypatch, text, why):
    (tmp_path / "broken_reward.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(ConfigError, match=f"'broken_reward:Ink': broken_reward cannot be imported .*{why}.*PYTHONPATH"):
        reward_class("broken_reward:Ink")


@pytest.mark.parametrize("name", ["no_such_module:Ink", ":Ink", "..:Ink"])
def test_a_module_that_is_not_there_is_explained(name):
    with pytest.raises(ConfigError, match="cannot be imported .*; run this in the folder of "):
        reward_class(name)


def test_unknown_and_missing_rewards_are_refused_with_a_list_of_those_there_are():
    setting = setting_of(tiny_config(), SHAPE)
    with pytest.raises(
        ConfigError,
        match="no reward 'l3'; there are blank, color_histogram, discriminator, joint_discriminator, l2, .*module:",
    ):
        build_reward(RewardTerm(name="l3"), setting)
    with pytest.raises(ConfigError, match="rewards is empty; name at least one of blank, color_histogram"):
        RewardSum([], setting)
