"""Every reward keeps the same promises: all in the table, those of the methods, and a user's own.

The suite goes over `REWARDS`, `METHODS` and `ADVERSARIAL_LOSSES`, so that what is added there is covered.
"""

from __future__ import annotations

import atexit
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from learners.weights import MemoryWeights
from spiral.config import RewardTerm
from spiral.contracts import Arrays, WeightsError
from spiral.losses import ADVERSARIAL_LOSSES
from spiral.methods import METHODS
from spiral.rewards import REWARDS, RewardSum, build_reward, reward_class, setting_of
from spiral.rewards.base import Context, LearnedReward, Lesson, Reward, Setting
from spiral.section import Section
from tests.tiny import CONDITIONAL, SHAPE, SPEC, made_up, tiny_config
from tests.untrained_fits import FITS

COLOR = (16, 16, 3)


class Lightness(LearnedReward):
    """A user's: learns whether light or dark pictures are real, by one weight on the mean of the pixels."""

    class Options(Section):
        """Its own settings."""

        learning_rate: float = 0.1

    batch_size = 4

    def __init__(self, setting: Setting, options: Options) -> None:
        super().__init__(setting, options)
        self.network = nn.Linear(1, 1).to(setting.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), options.learning_rate)

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        scores: Tensor = self.network(self._mean(renders))[:, 0].cpu()
        return scores

    def update(self, lesson: Lesson) -> dict[str, float]:
        gap = (self.network(self._mean(lesson.real)) - self.network(self._mean(lesson.renders))).mean()
        loss = -gap + sum(weight.square().sum() for weight in self.network.parameters())
        self.descend(loss)
        return {"gap": float(gap.detach())}

    def _mean(self, pictures: NDArray[np.uint8]) -> Tensor:
        means = pictures.reshape(len(pictures), -1).mean(axis=1, dtype=np.float32, keepdims=True) / 255
        return torch.from_numpy(means).to(self.setting.device)


class Average(LearnedReward):
    """A user's without any network: minus the distance from the average of the real pictures so far."""

    def __init__(self, setting: Setting, options: Any) -> None:
        super().__init__(setting, options)
        self.mean = np.full(setting.canvas_shape, 0.5)

    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        distance = np.abs(renders / 255 - self.mean).mean(axis=(1, 2, 3))
        return -torch.from_numpy(distance.astype(np.float32))

    def update(self, lesson: Lesson) -> dict[str, float]:
        self.mean = 0.8 * self.mean + 0.2 * lesson.real.mean(axis=0) / 255
        self.version += 1
        return {"level": float(self.mean.mean())}

    def weights(self) -> Arrays:
        return {"mean": self.mean.copy()}

    def load_weights(self, arrays: Arrays) -> None:
        if {name: array.shape for name, array in arrays.items()} != {"mean": self.mean.shape}:
            raise WeightsError("no average of such pictures")
        self.mean = arrays["mean"].astype(np.float64)

    def state(self) -> Arrays:
        return self.weights() | {"version": np.array(self.version)}

    def load_state(self, arrays: Arrays) -> None:
        self.load_weights({"mean": arrays["mean"]})
        self.version = max(self.version, int(arrays["version"]))


class OneLayer(nn.Module):
    """A user's network for the discriminator, with an option of its own."""

    class Options(Section):
        """Its own settings."""

        gain: float = 1.0

    def __init__(self, canvas_shape: tuple[int, int, int], conditional: bool, spectral: bool, options: Options) -> None:
        super().__init__()
        self.gain = options.gain
        self.layer = nn.Linear(int(np.prod(canvas_shape)) * (1 + conditional), 1)

    def forward(self, pictures: Tensor, targets: Tensor | None = None) -> Tensor:
        seen = pictures if targets is None else torch.cat((pictures, targets), dim=1)
        scores: Tensor = self.layer(seen.flatten(1) - 0.5)[:, 0]
        return self.gain * scores


USERS = [f"{__name__}:Lightness", f"{__name__}:Average"]
NAMES = [*REWARDS, *METHODS, *USERS]
# The options that a reward is tried with, where its own would take long to learn, or where there are several kinds.
SMALL = {"width": 4, "batch_size": 8, "learning_rate": 2e-3}
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "discriminator": [
        *({**SMALL, "loss": loss} for loss in ADVERSARIAL_LOSSES),
        {**SMALL, "loss": "logistic", "hidden": 5, "softplus_shift": 1.0},
        {**SMALL, "loss": "logistic", "reink": True},
        *({**SMALL, "loss": loss, "complement": True} for loss in ("wgan-gp", "logistic")),
        {"network": f"{__name__}:OneLayer", "gain": 2.0, "learning_rate": 2e-3, "batch_size": 8},
    ],
    "joint_discriminator": [
        SMALL,
        {**SMALL, "loss": "hinge"},
        {**SMALL, "loss": "logistic", "hidden": 5, "softplus_shift": 1.0},
    ],
    "l2": [{}, {"blur": 1.5}],
    "squared_error": [{}, {"blur": 1.5}],
    "dual_distance": [{"batch_size": 8, "side": 8}],
    "puppet_gan": [{}, {"value": 0.2}],
    "vlae": [{"batch_size": 8}, {"weights": [0.0, 0.5, 2.0]}],
    "self_defence": [{**SMALL, "side": 16}],
}
WITHOUT_TARGETS = ("lrmf",)  # a copy has no density
ONLY_WITH_TARGETS = ("self_defence", "joint_discriminator")  # what is told apart is a copy and its target


@cache
def fitted_in(name: str) -> str:
    """The folder of a fit."""
    folder = Path(mkdtemp(prefix="spiral-fit-"))
    atexit.register(shutil.rmtree, folder)
    FITS[name]().save(folder)
    return str(folder)


def cases(learned: bool | None = None) -> list[Any]:
    """Every reward with its variants, for agents without targets and with them; all, or those that learn or do not."""
    found = []
    for name in NAMES:
        if learned not in (None, reward_class(name).learns):
            continue
        for options in VARIANTS.get(name, [{}]):
            for conditional in (False, True):
                barred = WITHOUT_TARGETS if conditional else ONLY_WITH_TARGETS
                kept_out = options.get("reink") if conditional else options.get("complement")
                if not kept_out and name not in barred:
                    kind = "-".join(f"{key}={value}" for key, value in options.items() if key not in SMALL)
                    called = f"{name.split('.')[-1]}-{kind}-{'conditional' if conditional else 'unconditional'}"
                    found.append(pytest.param(name, options, conditional, id=called))
    return found


EVERY = pytest.mark.parametrize(("name", "options", "conditional"), cases())
LEARNED = pytest.mark.parametrize(("name", "options", "conditional"), cases(learned=True))


def setting(conditional: bool, shape: tuple[int, int, int] = SHAPE, seed: int = 0) -> Setting:
    return setting_of(tiny_config(CONDITIONAL if conditional else {}), shape, seed, SPEC)


def make(name: str, options: dict[str, Any], conditional: bool, seed: int = 0, shape: Any = SHAPE) -> Reward:
    return build_reward(term_of(name, options), setting(conditional, shape, seed))


def term_of(name: str, options: dict[str, Any], **others: Any) -> RewardTerm:
    source = {"from": fitted_in(name)} if reward_class(name).fit == "required" else {}
    return RewardTerm.model_validate({"name": name, "options": options, **source, **others})


def learner(name: str, options: dict[str, Any], conditional: bool, seed: int = 0) -> LearnedReward:
    reward = make(name, options, conditional, seed)
    assert isinstance(reward, LearnedReward)
    return reward


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only copy, such as Ray's object store gives: writing to it raises, and PyTorch warns of sharing it."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def pictures(seed: int, count: int = 5, low: int = 0, high: int = 256, shape: Any = SHAPE) -> NDArray[np.uint8]:
    return frozen(np.random.default_rng(seed).integers(low, high, (count, *shape), np.uint8))


def some_context(count: int = 5, shape: tuple[int, int, int] = SHAPE) -> Context:
    rng = np.random.default_rng(0)
    strokes = rng.integers(0, 9, count)
    names = ("strokes", "disjoint_strokes", "stroke_length", "objects")
    counts = {name: frozen(strokes * (1 + place)) for place, name in enumerate(names)}
    actions = frozen(rng.integers(0, 2, (count, 4, 5)))
    return Context(pictures(8, count, shape=shape), counts, actions, frozen(rng.integers(0, 5, count)))


def part(context: Context, at: int) -> Context:
    """What is known of one render."""
    one = slice(at, at + 1)
    assert context.targets is not None and context.actions is not None and context.steps is not None
    counts = {name: count[one] for name, count in context.counts.items()}
    return Context(context.targets[one], counts, context.actions[one], context.steps[one])


def lesson(conditional: bool, seed: int = 0, count: int = 8) -> Lesson:
    """Dark is real, and light are the renders, whose targets, if there are any, are dark as well."""
    real = pictures(seed, count, high=56)
    programs = frozen(np.random.default_rng(seed).integers(0, 2, (count, 4, 5)))
    return Lesson(real, pictures(seed + 100, count, low=200), real if conditional else None, programs)


def assert_same(first: Arrays, second: Arrays) -> None:
    assert sorted(first) == sorted(second)
    for name, array in first.items():
        np.testing.assert_array_equal(second[name], array, err_msg=name)


def test_every_reward_that_needs_a_fit_is_tried_with_one_and_refused_without():
    assert {name for name in METHODS if reward_class(name).fit == "required"} == set(FITS)
    for name in FITS:
        with pytest.raises(ValueError, match=f"the reward '{name}' needs what its method has learned: run `spiral fit"):
            build_reward(RewardTerm(name=name), setting(conditional=True))


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
