"""PuppetGAN as a judge, which scores by E and R."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from spiral.config import RewardTerm
from spiral.contracts import WeightsError
from spiral.methods.puppet_gan.model import (
    Code,
)
from spiral.methods.puppet_gan.puppet import PuppetGan
from spiral.methods.puppet_gan.reward import Puppeteer, PuppetGanOptions, between, judgement_of
from spiral.rewards import build_reward
from spiral.rewards.base import Context, Setting
from spiral.section import ConfigError
from tests.spiral.methods.puppet_toys import bars, toy

CPU = torch.device("cpu")


SETTING = Setting((24, 24, 3), True, CPU, "auto", 0)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a judgement of a toy."""
    training = toy()
    for _ in range(60):
        training.step(0)
    assert isinstance(training, PuppetGan)
    folder = tmp_path_factory.mktemp("fit")
    judgement_of(training).save(folder)
    return folder


def judge(folder: Path, setting: Setting = SETTING, **options: Any) -> Puppeteer:
    term = RewardTerm.model_validate({"name": "puppet_gan", "from": str(folder), "options": options})
    made = build_reward(term, setting)
    assert isinstance(made, Puppeteer)
    return made


def drawn_bars(lengths: list[float], angles: list[float]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return ((1 + bars(torch.tensor(lengths), torch.tensor(angles), 16)) * 127.5).byte().permute(0, 2, 3, 1).numpy()


def test_the_score_is_that_of_the_equation(fitted: Path) -> None:
    setting = replace(SETTING, canvas_shape=(16, 16, 1))
    reward = judge(fitted, setting, value=0.2, attribute=0.5, rest=2.0, picture=3.0)
    shown, painted = drawn_bars([0.8, 0.5], [-0.5, 0.3]), drawn_bars([0.7, 0.9], [0.4, 0.1])
    scores = reward.score(painted, Context(shown, {}))
    net = reward.network
    x, z = ((torch.from_numpy(each).permute(0, 3, 1, 2) / 127.5 - 1) for each in (shown, painted))
    with torch.no_grad():
        for i in range(2):
            seen, found = net.encoder(x[i : i + 1]), net.encoder(z[i : i + 1])
            wanted = between(net.seen, (-0.6, -0.2, 0.2, 0.6), 0.2)
            puppet = net.real(Code(wanted[None], seen.rest))
            squares = [(found.attribute - wanted), (found.rest - seen.rest), (z[i : i + 1] - puppet)]
            parts = [float(each.square().mean()) for each in squares]
            expected = -sum(w * p / float(s) for w, p, s in zip((0.5, 2.0, 3.0), parts, net.scales, strict=True))
            assert float(scores[i]) == pytest.approx(expected, rel=1e-3)


def test_a_judge_prefers_what_leans_as_the_reference_does(fitted: Path) -> None:
    setting = replace(SETTING, canvas_shape=(16, 16, 1))
    shown = drawn_bars([0.7] * 4, [-0.5] * 4)
    angles = [-0.6, -0.2, 0.2, 0.6]
    painted = drawn_bars([0.7] * 4, angles)
    best = [
        int(judge(fitted, setting, value=value, rest=0, picture=0).score(painted, Context(shown, {})).argmax())
        for value in angles
    ]
    assert best == sorted(best) and best[0] == 0 and best[-1] == 3
    kept = judge(fitted, setting).score(shown, Context(shown, {}))
    assert (kept > judge(fitted, setting).score(painted, Context(shown, {}))[1:].max()).all(), "its own reference"


def test_a_reference_can_be_a_picture_in_a_file(fitted: Path, tmp_path: Path) -> None:
    path = tmp_path / "leaning.png"
    Image.fromarray(drawn_bars([0.6], [0.6])[0, ..., 0]).resize((64, 64)).convert("RGBA").save(path)
    shown, painted = (np.random.default_rng(seed).integers(0, 256, (3, 24, 24, 3), np.uint8) for seed in (0, 1))
    by_picture = judge(fitted, reference=str(path))
    scores = by_picture.score(painted, Context(shown, {}))
    assert scores.shape == (3,) and torch.isfinite(scores).all()
    assert torch.equal(judge(fitted, reference=str(path)).score(painted, Context(shown, {})), scores)
    assert not torch.equal(judge(fitted, value=-0.6).score(painted, Context(shown, {})), scores)
    (tmp_path / "no.png").write_bytes(b"nothing of the kind")
    for wrong in ("no.png", "missing.png"):
        with pytest.raises(ConfigError, match=rf"rewards\.puppet_gan\.options\.reference.*{wrong}"):
            judge(fitted, reference=str(tmp_path / wrong))


def test_references_that_cannot_be_are_refused_by_name(fitted: Path) -> None:
    with pytest.raises(ConfigError, match=r"value=0\.7, but -0\.6 to 0\.6 was demonstrated"):
        judge(fitted, value=0.7)
    with pytest.raises(ConfigError, match=r"value=0\.1 and reference='a\.png': give one of the two"):
        judge(fitted, value=0.1, reference="a.png")
    with pytest.raises(ConfigError, match="value"):
        judge(fitted, value=math.nan)
    for end in (-0.6, 0.6):
        assert judge(fitted, value=end).options.value == end


def test_a_value_between_two_that_were_shown_is_seen_between_them() -> None:
    seen, values = torch.tensor([[0.0, 1.0], [2.0, 0.0], [2.0, 4.0]]), (-1.0, 0.0, 2.0)
    for value, expected in ((-1.0, (0, 1)), (-0.5, (1, 0.5)), (0.0, (2, 0)), (1.0, (2, 2)), (2.0, (2, 4))):
        assert between(seen, values, value).tolist() == pytest.approx(expected)


def test_what_the_judge_cannot_score_is_refused(fitted: Path) -> None:
    reward, pictures = judge(fitted), np.zeros((2, 24, 24, 3), np.uint8)
    with pytest.raises(ValueError, match="'puppet_gan' compares with a target"):
        reward.score(pictures, Context(None, {}))
    with pytest.raises(ValueError, match="'puppet_gan' scores one picture or more"):
        reward.score(pictures[:0], Context(pictures[:0], {}))
    with pytest.raises(ValueError, match="'puppet_gan' scores pictures of shape"):
        reward.score(pictures[:, 1:], Context(pictures[:, 1:], {}))
    broken = reward.weights()
    broken["scales"][0] = np.nan
    with pytest.raises(WeightsError, match="not finite"):
        reward.load_weights(broken)
    other = Puppeteer(SETTING, PuppetGanOptions(width=8))
    with pytest.raises(WeightsError):
        other.load_weights(reward.weights())
