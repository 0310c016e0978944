"""DTN as a judge: its score is the formula's, each render by itself, and what it cannot score is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from spiral.config import RewardTerm
from spiral.contracts import WeightsError
from spiral.methods.dtn.model import (
    as_inputs,
)
from spiral.methods.dtn.reward import Dtn, DtnOptions, judgement_of
from spiral.methods.dtn.transfer import Transfer
from spiral.rewards import build_reward
from spiral.rewards.base import Context, Setting
from spiral.section import ConfigError, parse_section
from tests.spiral.methods import tiny_fits
from tests.spiral.methods.dtn_toys import CPU, DIGITS, toy

SHAPE = (32, 32, 3)


def setting(shape: tuple[int, int, int] = SHAPE) -> Setting:
    return Setting(shape, True, CPU, "float32", 0)


def judge(part: Transfer, shape: tuple[int, int, int] = SHAPE, **options: float) -> Dtn:
    found = judgement_of(part)
    made = Dtn(setting(shape), parse_section(DtnOptions, {**found.options, **options}))
    made.load_weights(found.weights)
    return made


def pixels(seed: int, count: int = 4, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def learned(steps: int = 40) -> Transfer:
    part = toy()
    assert isinstance(part, Transfer)
    for _ in range(steps):
        part.step(0)
    return part


def test_the_score_is_minus_constancy_plus_log_d3_minus_identity() -> None:
    part = learned()
    squares = part.target.images[10:12].repeat(1, 1, 1, 3).numpy()
    shown, painted = np.concatenate((pixels(0, 2), squares)), pixels(1)
    made = judge(part, constancy=2.0, realism=0.5, identity=3.0)
    x, z = as_inputs(torch.from_numpy(shown)), as_inputs(torch.from_numpy(painted))
    of_source, of_target, d = part.f_of("source"), part.f_of("target"), part.discriminator.eval()
    with torch.no_grad():
        realism = d(z.mean(1, keepdim=True)).softmax(1)[:, 2].log()
        changed = (part.average(of_target(x))[:, 0] - x.mean(1)).square().mean((1, 2))
        between = float(changed.sort().values[:2].mean())  # one of them is kept as it is
        kept = changed < between
        seen = torch.where(kept[:, None], of_target(x), of_source(x))
        constancy = (seen - of_target(z)).square().mean(1)
    made.load_weights(made.weights() | {"tolerance": np.array(between, np.float32)})
    scores = made.score(painted, Context(shown, {}))
    for i in range(4):
        identity = float((x[i].mean(0) - z[i].mean(0)).square().mean()) if kept[i] else 0.0
        expected = -2.0 * float(constancy[i]) + 0.5 * float(realism[i]) - 3.0 * identity
        assert float(scores[i]) == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_nearly_all_of_the_target_counts_as_left_as_it_is() -> None:
    part = learned(3)
    changed = (part.transferred(part.target, "target") - part.target.inputs()).square().mean((1, 2, 3))
    kept = (changed <= float(judgement_of(part).weights["tolerance"])).float().mean()
    assert 0.9 <= float(kept) < 1


def test_what_says_the_same_and_looks_like_the_target_scores_best() -> None:
    """What G draws of a picture is better than what it draws of another."""
    part = learned(60)
    made, shown = judge(part), part.source.where(torch.arange(8))
    drawn = ((part.transferred(shown) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).expand(-1, -1, -1, 3).numpy()
    context = Context(shown.images.numpy(), {})
    own = made.score(drawn, context)
    assert float(own.mean()) > float(made.score(np.roll(drawn, 1, axis=0), context).mean())


@pytest.mark.parametrize("shape", [(32, 32, 3), (64, 64, 1), (16, 16, 3), (20, 24, 1)])
def test_renders_of_any_shape_are_scored_each_by_itself_and_alike(shape: tuple[int, int, int]) -> None:
    made = judge(learned(2), shape)
    renders, targets = pixels(0, 5, shape), pixels(1, 5, shape)
    renders[3], targets[4] = renders[1], targets[1]
    for array in (renders, targets):
        array.flags.writeable = False
    before = made.weights()
    scores = made.score(renders, Context(targets, {}))
    assert (scores.shape, scores.dtype, scores.device.type) == ((5,), torch.float32, "cpu")
    assert scores.isfinite().all() and not scores.requires_grad
    assert torch.equal(made.score(renders, Context(targets, {})), scores)
    alone = [made.score(renders[i : i + 1], Context(targets[i : i + 1], {})) for i in range(5)]
    torch.testing.assert_close(torch.cat(alone), scores)
    assert all(np.array_equal(before[name], array) for name, array in made.weights().items())


def test_what_cannot_be_scored_is_refused_by_name() -> None:
    made = judge(learned(1))
    for renders in (pixels(0, 4, (16, 16, 3)), pixels(0, 4, (32, 32, 1))):
        with pytest.raises(ValueError, match="'dtn' scores pictures of shape"):
            made.score(renders, Context(renders, {}))
    with pytest.raises(ValueError, match="'dtn' compares with a target; .*leave it out"):
        made.score(pixels(0), Context(None, {}))
    empty = pixels(0, 0)
    with pytest.raises(ValueError, match="'dtn' scores one picture or more of uint8"):
        made.score(empty, Context(empty, {}))
    nothing = np.full((2, *SHAPE), np.nan, np.float32)
    with pytest.raises(ValueError, match="'dtn' scores one picture or more of uint8, but was given float32"):
        made.score(nothing, Context(nothing, {}))  # type: ignore[arg-type]


def test_weights_are_taken_over_alike_and_damaged_ones_are_refused() -> None:
    made, other = judge(learned(2)), judge(learned(1))
    context = Context(pixels(1), {})
    assert not torch.equal(made.score(pixels(0), context), other.score(pixels(0), context))
    weights = made.weights()
    other.load_weights(weights)
    assert torch.equal(made.score(pixels(0), context), other.score(pixels(0), context))
    with pytest.raises(WeightsError, match="of another network"):
        other.load_weights({name: array for name, array in weights.items() if name != "tolerance"})
    with pytest.raises(WeightsError, match="not finite"):
        other.load_weights(weights | {"tolerance": np.array(np.nan, np.float32)})


def test_a_fit_judges_by_one_line_of_the_settings(tmp_path: Path) -> None:
    tiny_fits.fit_tiny("dtn", "digits", DIGITS, tmp_path)
    term = RewardTerm.model_validate({"name": "dtn", "from": str(tmp_path), "options": {"identity": 0.5}})
    made = build_reward(term, setting((64, 64, 1)))
    assert isinstance(made, Dtn) and made.options.identity == 0.5 and made.options.perception_width == 4
    shown = pixels(1, shape=(64, 64, 1))
    assert made.score(pixels(0, shape=(64, 64, 1)), Context(shown, {})).isfinite().all()
    with pytest.raises(ConfigError, match="needs what its method has learned"):
        build_reward(RewardTerm(name="dtn"), setting())
    assert json.loads((tmp_path / "results.json").read_text())[0]["title"] == "mnist5k to mnist5k"
