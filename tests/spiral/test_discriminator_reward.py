"""The discriminator as a reward: what it learns, with which loss, and what its scores become.

What it has in common with all rewards is in `test_reward_conformance.py` and `test_learned_reward_conformance.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from spiral.agent import as_pictures
from spiral.config import RewardTerm
from spiral.contracts import WeightsError
from spiral.descent import DivergedError
from spiral.losses import ADVERSARIAL_LOSSES
from spiral.rewards import build_reward, setting_of
from spiral.rewards.base import Context, Lesson
from spiral.rewards.discriminator import DiscriminatorReward
from spiral.rewards.distinct import distinct
from spiral.section import ConfigError
from spiral.state import network_arrays
from tests.tiny import CONDITIONAL, SHAPE, tiny_config, tiny_discriminator

FAST: dict[str, Any] = {"learning_rate": 2e-3}
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    **{loss: ({**FAST, "loss": loss}, {}) for loss in ADVERSARIAL_LOSSES},
    "reinked": ({**FAST, "loss": "logistic", "reink": True}, {}),
    "conditional": (FAST, CONDITIONAL),
    "complement": ({**FAST, "complement": True}, CONDITIONAL),
}
BOTH = pytest.mark.parametrize("changes", [{}, CONDITIONAL], ids=["unconditional", "conditional"])


def make(options: dict[str, Any], *changes: dict[str, Any], seed: int = 0) -> DiscriminatorReward:
    setting = setting_of(tiny_config(*changes), SHAPE, seed)
    reward = build_reward(RewardTerm.model_validate(tiny_discriminator(options)), setting)
    assert isinstance(reward, DiscriminatorReward)
    return reward


def pictures(low: int = 0, high: int = 256, count: int = 8, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(low, high, (count, *SHAPE), np.uint8)


def learn(reward: DiscriminatorReward, steps: int) -> list[dict[str, float]]:
    """What it measures while it learns that dark pictures are real, beside renders that are light."""
    dark, light, rng = pictures(0, 56, 32), pictures(200, 256, 32, seed=1), np.random.default_rng(0)
    measured = []
    for _ in range(steps):
        real, renders = (each[rng.integers(32, size=reward.batch_size)] for each in (dark, light))
        measured.append(reward.update(Lesson(real, renders, real if reward.setting.conditional else None)))
    return measured


@pytest.mark.parametrize(("options", "changes"), KINDS.values(), ids=KINDS)
def test_dark_and_light_are_soon_told_apart(options, changes):
    gaps = [measured["gap"] for measured in learn(make(options, changes), 60)]
    assert gaps[0] < 0.5 and np.mean(gaps[-5:]) > 1.5


@pytest.mark.parametrize(("options", "changes"), KINDS.values(), ids=KINDS)
def test_the_gap_is_that_of_the_mean_scores(options, changes):
    (measured,) = learn(make(options, changes), 1)
    assert measured["gap"] == pytest.approx(measured["real"] - measured["fake"], abs=1e-5)
    penalized = ADVERSARIAL_LOSSES[options.get("loss", "wgan-gp")].penalized
    assert ("penalty" in measured) == penalized, "spectral normalisation is in place of it"


@pytest.mark.parametrize("weight", [5.0, 10.0, 20.0])
def test_the_penalty_settles_where_it_balances_the_gap(weight):
    """With slope s, pictures at distance d give the loss −s·d + λ(s − 1)²: least where (s − 1)² = (d / 2λ)²."""
    measured = learn(make({"learning_rate": 1e-3, "gradient_penalty": weight}), 300)
    distance = 16 * (228 - 28) / 255  # 16² pixels, each on average so much lighter
    settled = np.mean([step["penalty"] for step in measured[-100:]])
    assert settled == pytest.approx((distance / 2 / weight) ** 2, rel=0.3)


def test_scores_are_held_near_zero_on_average():
    """A strong penalty on the mean score, so that a short test shows it; without one nothing holds the level."""
    middle = {}
    for penalty in (0.0, 10.0):
        reward = make({**FAST, "mean_score_penalty": penalty})
        with torch.no_grad():
            next(p for name, p in reward.network.named_parameters() if name == "score.bias").fill_(3.0)
        measured = learn(reward, 60)[-1]
        middle[penalty] = abs(measured["real"] + measured["fake"]) / 2
    assert middle[10.0] < 0.5 < middle[0.0]


def bars(upright: bool, edge: int) -> NDArray[np.uint8]:
    """Dark bars, three pixels wide, somewhere on white; `edge` is the grey beside them."""
    canvases = np.full((64, *SHAPE), 255, np.uint8)
    for canvas, middle in zip(canvases, np.random.default_rng(0).integers(4, 12, len(canvases)), strict=True):
        turned = canvas if upright else canvas.swapaxes(0, 1)
        turned[3:13, middle - 2 : middle + 3] = edge
        turned[3:13, middle - 1 : middle + 2] = 0
    return canvases


def gap_between(real: NDArray[np.uint8], fake: NDArray[np.uint8], reink: bool) -> float:
    """How far apart the scores of the two are after a short training, each picture as it is."""
    reward, rng = make({**FAST, "loss": "logistic", "reink": reink, "width": 8}), np.random.default_rng(0)
    for _ in range(150):
        reward.update(Lesson(real[rng.integers(64, size=8)], fake[rng.integers(64, size=8)], None))
    scores = [reward.score(pictures, Context(None, {})).mean() for pictures in (real, fake)]
    return float(scores[0] - scores[1])


def test_with_varied_ink_it_judges_shapes_and_not_the_ink():
    soft, hard, lying = bars(True, 128), bars(True, 255), bars(False, 128)
    ink, ink_varied = gap_between(soft, hard, False), gap_between(soft, hard, True)
    assert ink_varied < 0.5 * ink, "the same shapes in another ink"
    assert gap_between(soft, lying, True) > 2.0 * ink_varied, "other shapes in the same ink"


def faces(levels: NDArray[np.int64], seed: int) -> NDArray[np.uint8]:
    """Pictures of one grey level each, with grains that no two have alike."""
    grains = np.random.default_rng(seed).integers(-30, 31, (len(levels), *SHAPE))
    return (levels[:, None, None, None] + grains).astype(np.uint8)


def gap_to_copies(render_levels: NDArray[np.int64], complement: bool) -> float:
    """How far below targets of dark and light the scores of copies with other grains are after a short training."""
    reward = make({**FAST, "loss": "logistic", "width": 8, "complement": complement}, CONDITIONAL)
    rng = np.random.default_rng(0)
    targets, copies = faces(LEVELS, 1), faces(render_levels, 2)
    for _ in range(300):
        chosen = rng.integers(len(targets), size=8)
        reward.update(Lesson(targets[chosen], copies[chosen], targets[chosen]))
    unseen = faces(LEVELS, 3)
    scores = [reward.score(pictures, Context(unseen, {})) for pictures in (unseen, faces(render_levels, 4))]
    return float((scores[0] - scores[1]).mean())


LEVELS = np.repeat([60, 190], 128)


def test_the_complement_of_a_target_tells_wrong_copies_and_not_those_that_differ_in_a_pixel():
    alike, alike_seen_whole = gap_to_copies(LEVELS, True), gap_to_copies(LEVELS, False)
    wrong = gap_to_copies(LEVELS[::-1], True)
    assert wrong > 3.0, "light where dark belongs"
    assert abs(alike) < 0.2 * alike_seen_whole, "beside the whole target, other grains are enough to be told"
    assert abs(alike) < 0.2 * wrong


def test_no_place_of_a_target_is_seen_beside_the_same_place_of_the_copy():
    """Neither in a lesson nor in a score: of two white pictures the pair adds up to one."""
    reward = make({"complement": True}, CONDITIONAL)
    seen: list[tuple[torch.Tensor, ...]] = []
    reward.network.register_forward_pre_hook(lambda network, pair: seen.append(pair))
    white = np.full((2, *SHAPE), 255, np.uint8)
    reward.update(Lesson(white, white, white))
    reward.score(white, Context(white, {}))
    for renders, targets in seen:
        assert torch.equal(renders + targets, torch.ones_like(renders))
        assert float(renders.detach().mean()) == 0.5
    views = torch.cat([renders for renders, _ in seen[-4:]])
    assert len(views.unique(dim=0)) == 4, "left, right, upper and lower half"


def test_a_complement_needs_a_target():
    with pytest.raises(ConfigError, match=r"complement=true .* set agent\.conditional=true, or leave complement out"):
        make({"complement": True})


def test_bfloat16_learns_too():
    reward = make(FAST, {"precision": "bfloat16"})
    gaps = [measured["gap"] for measured in learn(reward, 60)]
    assert np.isfinite(gaps).all() and np.mean(gaps[-5:]) > 2.0
    assert reward.precision is not None and reward.precision.name == "bfloat16"
    assert all(parameter.dtype.itemsize == 4 for parameter in reward.network.parameters()), "weights stay float32"


def test_a_loss_that_is_no_number_stops_it_and_leaves_its_state():
    reward = make({})
    learn(reward, 1)
    with torch.no_grad():
        next(reward.network.parameters()).fill_(torch.nan)
    before = reward.weights()
    with pytest.raises(
        DivergedError, match=r"DiscriminatorReward at step 1: the loss is nan and its gradient nan; the last"
    ):
        learn(reward, 1)
    assert reward.version == 1
    np.testing.assert_equal(reward.weights(), before)


@BOTH
def test_its_score_is_that_of_the_weights_loaded_last(changes):
    reward = make({}, changes)
    renders, targets = pictures(count=4), pictures(count=4, seed=1)
    seen = [as_pictures(torch.from_numpy(array)) for array in (renders, targets)]
    for seed in (3, 4):
        network = make({}, changes, seed=seed).network
        expected = network(*seen[: 1 + reward.setting.conditional]).detach()
        reward.load_weights(network_arrays(network))
        torch.testing.assert_close(reward.score(renders, Context(targets, {})), expected)


def test_each_different_picture_is_seen_once():
    reward = make({}, CONDITIONAL)
    renders, targets = pictures(count=3)[[0, 1, 0, 2, 0, 1]], pictures(count=6, seed=1)
    targets[[2, 3]] = targets[[0, 1]]
    each = [reward.score(renders[i : i + 1], Context(targets[i : i + 1], {})) for i in range(6)]
    seen: list[int] = []
    reward.network.register_forward_pre_hook(lambda network, pictures: seen.append(len(pictures[0])))
    torch.testing.assert_close(reward.score(renders, Context(targets, {})), torch.cat(each))
    assert seen == [5], "only the third is like another, the first, in its target too"


def test_different_rows_are_found_where_they_are_met_first():
    rows = np.array([[1, 2], [3, 4], [1, 2], [3, 5], [3, 4]], np.uint8)
    assert distinct(rows) == ([0, 1, 3], [0, 1, 0, 2, 1])
    assert distinct(rows, np.arange(5, dtype=np.uint8)) == ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4])


def scores_of(reward: DiscriminatorReward) -> NDArray[np.float32]:
    scores: NDArray[np.float32] = reward.score(pictures(), Context(None, {})).numpy()
    return scores


def shifted(shift: float | None) -> NDArray[np.float32]:
    return scores_of(make({"loss": "logistic", "softplus_shift": shift}))


@pytest.mark.parametrize("shift", [-2.0, 0.0, 1.5])
def test_a_shifted_softplus_of_the_log_odds_is_rewarded_when_asked_for(shift):
    """log(1 + e^b p_real / p_render), where e^D is the ratio of the two."""
    assert shifted(shift) == pytest.approx(np.log1p(np.exp(shift) * np.exp(shifted(None))), rel=1e-4)


def test_the_shift_goes_from_odds_to_log_odds():
    """The rewards of the two Kullback-Leibler divergences are its limits, up to a scale and a constant."""
    log_odds = shifted(None)
    np.testing.assert_allclose(shifted(-8.0) * np.exp(8.0), np.exp(log_odds), rtol=2e-3)
    np.testing.assert_allclose(shifted(12.0) - 12.0, log_odds, atol=1e-3)


def test_targets_are_needed_where_there_are_such():
    reward, context = make({}, CONDITIONAL), Context(pictures(), {})
    with pytest.raises(ValueError, match="'discriminator' compares with a target"):
        reward.score(pictures(), replace(context, targets=None))
    assert not np.allclose(reward.score(pictures(), context), reward.score(pictures(), Context(pictures(seed=5), {})))


def test_weights_of_a_discriminator_of_another_width_or_with_other_inputs_are_refused():
    reward = make({})
    for other in (make({"width": 8}), make({"hidden": 4}), make({}, CONDITIONAL), make({"loss": "hinge"})):
        with pytest.raises(WeightsError, match="of another network"):
            reward.load_weights(other.weights())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"loss": "spectral-norm"},
            r"options\.loss: .*'logistic', 'hinge', 'least-squares' or 'relativistic'.*spectral",
        ),
        ({"softplus_shift": 1}, r"softplus_shift=1\.0 needs .*log-odds: set loss=logistic.*wgan-gp"),
        ({"softplus_shift": 1, "loss": "hinge"}, r"softplus_shift=1\.0 needs .*log-odds: set loss=logistic.*hinge"),
        (
            {"lerning_rate": 1},
            r"no setting 'rewards.discriminator.options.lerning_rate'; .* has loss, .*, width, hidden",
        ),
        ({"learning_rate": 0}, r"rewards\.discriminator\.options\.learning_rate: .*greater than 0"),
        ({"width": 0}, r"rewards\.discriminator\.options\.width: .*greater than or equal to 1"),
        ({"batch_size": 0}, r"rewards\.discriminator\.options\.batch_size: .*greater than or equal to 1"),
        ({"network": "resnet"}, "no discriminator network 'resnet'; there are dcgan, or module:Class of your own"),
        ({"network": "pathlib:Path"}, "pathlib has no class Path that is a torch.nn.modules.module.Module"),
    ],
)
def test_wrong_options_are_named_with_what_is_allowed(options, message):
    with pytest.raises(ConfigError, match=message):
        make(options)


def test_varied_ink_is_not_for_those_who_copy():
    """Render and real picture would be in another ink than the target beside them."""
    with pytest.raises(ConfigError, match=r"reink=true .* agent\.conditional=true copies: leave reink out"):
        make({"reink": True}, CONDITIONAL)


def test_the_optimiser_is_as_the_options_say():
    (group,) = make({"learning_rate": 3e-3, "beta1": 0.1, "beta2": 0.7}).optimizer.param_groups
    assert (group["lr"], group["betas"]) == (3e-3, (0.1, 0.7))
