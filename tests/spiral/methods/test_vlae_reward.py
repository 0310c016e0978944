"""It judges rung by rung, or by the witness of its codes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from spiral.contracts import WeightsError
from spiral.methods.vlae.model import Layout, as_inputs
from spiral.methods.vlae.reward import Vlae, VlaeRewardOptions, judgement_of
from spiral.rewards.base import Context, Lesson
from spiral.section import ConfigError, parse_section
from tests.spiral.methods.vlae_toys import made, noise, setting


def judge(conditional: bool, **options: Any) -> Vlae:
    network = made(side=16)
    reward = Vlae(setting(conditional), VlaeRewardOptions(side=16, width=4, **options))
    reward.load_weights(judgement_of(network, network.layout, torch.from_numpy(noise(9)).permute(0, 3, 1, 2)).weights)
    return reward


def test_a_copy_costs_nothing_and_each_ladder_what_it_weighs() -> None:
    targets, renders = noise(1), noise(2)
    assert judge(True).score(targets, Context(targets, {})).tolist() == [0] * 8
    each = [judge(True, weights=[float(at == ladder) for at in range(3)]) for ladder in range(3)]
    alone = [reward.score(renders, Context(targets, {})) for reward in each]
    mixed = judge(True, weights=[1.0, 0.0, 3.0]).score(renders, Context(targets, {}))
    torch.testing.assert_close(mixed, (alone[0] + 3 * alone[2]) / 4)
    network = made(side=16)
    own, other = (
        network.encoder(as_inputs(torch.from_numpy(pixels), network.layout))[0][2] for pixels in (renders, targets)
    )
    distance = torch.tensor(
        [math.dist(one, another) for one, another in zip(own.tolist(), other.tolist(), strict=True)]
    )
    torch.testing.assert_close(-alone[2] * float(each[2].weights()["yardsticks"][2]), distance, rtol=1e-4, atol=1e-5)


def test_the_yardsticks_follow_the_targets_of_the_run() -> None:
    reward, targets = judge(True), noise(5)
    reward.update(Lesson(targets, noise(6), targets))
    scores = reward.score(np.roll(targets, 1, axis=0), Context(targets, {}))
    assert float(scores.mean()) == pytest.approx(-1, rel=1e-4), "of another's target"


def test_the_witness_is_the_difference_of_the_mean_kernels() -> None:
    reward = judge(False, weights=[0, 0, 1])
    assert reward.score(noise(1), Context(None, {})).tolist() == [0] * 8, "nothing is known yet"
    dark, light = noise(3) // 4, 255 - noise(4) // 4
    measured = reward.update(Lesson(dark, light, None))
    arrays = reward.weights()
    codes, real, renders = (
        made(side=16).encoder(as_inputs(torch.from_numpy(pixels), Layout(side=16)))[0][2].tolist()
        for pixels in (noise(1), dark, light)
    )
    np.testing.assert_allclose(arrays["real"][:, 2].astype(np.float64), real, atol=1e-5)
    width = float(arrays["widths"][2])

    def near(code: list[float], others: list[list[float]]) -> float:
        return sum(math.exp(-((math.dist(code, other) / width) ** 2)) for other in others) / len(others)

    expected = [near(code, real) - near(code, renders) for code in codes]
    torch.testing.assert_close(reward.score(noise(1), Context(None, {})), torch.tensor(expected), rtol=1e-3, atol=1e-4)
    assert measured["MMD"] == pytest.approx(measured["real"] - measured["fake"]) and measured["MMD"] > 0


def test_the_distance_to_real_pictures_is_found_anew_until_it_is_nothing() -> None:
    reward, dark = judge(False), noise(3) // 4
    far = reward.update(Lesson(dark, 255 - dark, None))["MMD"]
    near = reward.update(Lesson(dark, dark, None))["MMD"]
    assert far > 0.2 and near == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("shape", [(24, 24, 3), (40, 32, 1)])
def test_pictures_of_any_size_and_colour_are_judged(shape: tuple[int, int, int]) -> None:
    network = made(side=16)
    reward = Vlae(setting(True, shape), VlaeRewardOptions(side=16, width=4))
    reward.load_weights(judgement_of(network, network.layout, torch.from_numpy(noise(9)).permute(0, 3, 1, 2)).weights)
    assert reward.score(noise(1, shape=shape), Context(noise(2, shape=shape), {})).isfinite().all()


@pytest.mark.parametrize("conditional", [True, False])
def test_what_is_no_picture_is_refused_by_name(conditional: bool) -> None:
    reward = judge(conditional)
    wrong: Any
    for wrong in (noise(1, 0), noise(1).astype(np.float32) * np.nan):
        with pytest.raises(ValueError, match="the reward 'vlae' takes one uint8 picture or more"):
            reward.score(wrong, Context(wrong, {}))
    with pytest.raises(ValueError, match="the reward 'vlae' scores pictures of shape"):
        reward.score(noise(1, shape=(8, 8, 1)), Context(noise(1), {}))
    with pytest.raises(WeightsError, match="not finite"):
        reward.load_weights(reward.weights() | {"yardsticks": np.full(3, np.nan, np.float32)})


@pytest.mark.parametrize("weights", [[1.0, 2.0], [0.0, 0.0, 0.0], [1.0, -1.0, 1.0]])
def test_weights_that_are_not_for_these_ladders_are_refused(weights: list[float]) -> None:
    with pytest.raises(ConfigError, match=r"rewards.vlae.options.weights=\[.*\]: give 3 numbers, one for each ladder"):
        parse_section(VlaeRewardOptions, {"weights": weights})
