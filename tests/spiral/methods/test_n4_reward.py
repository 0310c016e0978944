"""N4-Fields as a judge: a line drawing is paid, and what it cannot score is refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from spiral.config import RewardTerm
from spiral.contracts import WeightsError
from spiral.methods.judgement import Judgement
from spiral.methods.n4_fields import reward as judging
from spiral.methods.n4_fields.encoding import as_bits
from spiral.methods.n4_fields.field import Dictionary
from spiral.methods.n4_fields.reward import N4Fields, judgement_of
from spiral.methods.n4_fields.sampling import Patches
from spiral.rewards import build_reward
from spiral.rewards.base import Context, Setting
from spiral.section import ConfigError
from tests.spiral.methods.n4_toys import CPU, NARROW, network, two_halves


def judgement(seed: int = 0) -> Judgement:
    """One whose dictionary is right for two halves: its codes are a network's, fresh as it is."""
    patches = Patches([two_halves()], thin=False, device=CPU)
    net = network(seed=seed)
    sample = patches.draw(24, torch.Generator().manual_seed(2))
    with torch.no_grad():
        codes = net(sample.crops).permute(0, 2, 3, 1).flatten(0, 2).numpy()
    return judgement_of(net, Dictionary(codes, as_bits(sample.marks)), patches.mean, NARROW, 0.3, 8)


def edge_judge(shape: tuple[int, int, int], seed: int = 0) -> N4Fields:
    """Such a judge."""
    made = judgement(seed)
    setting = Setting(shape, conditional=True, device=CPU, precision="float32", seed=0)
    judge = N4Fields(setting, N4Fields.Options(**made.options))
    judge.load_weights(made.weights)
    return judge


def test_a_line_drawing_is_paid_more_than_anything_else() -> None:
    halves = two_halves(96)
    target = halves.image[None]
    judge = edge_judge((96, 96, 3))
    ink = judge.edges(target[0])
    assert 48 < ink.sum() < 300
    right = np.repeat(np.where(ink, 0, 255)[None, ..., None], 3, -1).astype(np.uint8)
    renders = [right, np.roll(right, 2, 2), np.roll(right, 30, 2), np.full_like(right, 255), 0 * right, target]
    context = Context(np.repeat(target, 6, 0), {})
    exact, near, far, blank, black, photograph = judge.score(np.concatenate(renders), context).tolist()
    assert exact == pytest.approx(1) and near > 0.9
    assert near > max(far, blank, black, photograph)


def test_a_picture_has_the_same_edges_in_any_company_and_grey_is_colour_without() -> None:
    judge, grey = edge_judge((64, 64, 3)), edge_judge((64, 64, 1))
    rng = np.random.default_rng(0)
    targets = rng.integers(256, size=(3, 64, 64, 1), dtype=np.uint8)
    renders = rng.integers(256, size=(3, 64, 64, 1), dtype=np.uint8)
    scores = grey.score(renders, Context(targets, {}))
    alone = [grey.score(renders[n : n + 1], Context(targets[n : n + 1], {})) for n in range(3)]
    assert torch.equal(scores, torch.cat(alone)) and scores.dtype == torch.float32
    colored = judge.score(np.repeat(renders, 3, -1), Context(np.repeat(targets, 3, -1), {}))
    torch.testing.assert_close(colored, scores)


def test_a_picture_that_is_smaller_than_two_patches_is_looked_at_enlarged() -> None:
    small = np.ascontiguousarray(two_halves(96).image[::3, ::3])
    twice = np.asarray(Image.fromarray(small).resize((64, 64), Image.Resampling.BILINEAR))
    judge = edge_judge((32, 32, 3))
    edges = judge.edges(small)
    assert edges.shape == (32, 32) and edges.any()
    assert np.array_equal(edges, judge.edges(twice).reshape(32, 2, 32, 2).any((1, 3)))


def test_edges_that_are_known_are_not_found_again_and_memory_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "REMEMBERED", 2)
    judge, asked = edge_judge((16, 16, 3)), list[int]()
    found = judge._found

    def ask(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
        asked.append(1)
        return found(picture)

    monkeypatch.setattr(judge, "_found", ask)
    pictures = np.random.default_rng(0).integers(256, size=(3, 16, 16, 3), dtype=np.uint8)
    for order, times in (((0, 1, 0, 1), 2), ((2,), 3), ((1, 2), 3), ((0,), 4)):
        for place in order:
            judge.edges(pictures[place])
        assert len(asked) == times


def test_the_reward_says_what_it_lacks(tmp_path: Path) -> None:
    judge = edge_judge((16, 16, 3))
    pictures = np.zeros((2, 16, 16, 3), np.uint8)
    with pytest.raises(ValueError, match=r"'n4_fields'.*conditional=true"):
        judge.score(pictures, Context(None, {}))
    with pytest.raises(ValueError, match="n4_fields"):
        judge.score(pictures[:, :8], Context(pictures, {}))
    with pytest.raises(ValueError, match="one picture or more"):
        judge.score(pictures[:0], Context(pictures[:0], {}))
    weights = judge.weights()
    for name in ("codes", "annotations", "mean", "first.weight"):
        with pytest.raises(WeightsError):
            judge.load_weights({key: array for key, array in weights.items() if key != name})
    with pytest.raises(WeightsError, match="dictionary"):
        judge.load_weights({**weights, "codes": weights["codes"][:-1]})
    with pytest.raises(WeightsError, match="finite"):
        judge.load_weights({**weights, "mean": np.full(3, np.nan, np.float32)})
    with pytest.raises(ConfigError, match="n4_fields"):
        build_reward(RewardTerm.model_validate({"name": "n4_fields"}), judge.setting)
    judgement().save(tmp_path)
    term = RewardTerm.model_validate({"name": "n4_fields", "from": str(tmp_path)})
    first, second = (build_reward(term, judge.setting) for _ in range(2))
    context = Context(pictures, {})
    assert torch.equal(first.score(pictures + 9, context), second.score(pictures + 9, context))
