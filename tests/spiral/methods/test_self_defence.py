"""The losses and figures are those of the slides, no pair is learned from, all learn, and the judge guesses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import jaccard_score, recall_score
from torch import Tensor, nn

from spiral.config import RewardTerm
from spiral.contracts import WeightsError
from spiral.methods import find_experiment
from spiral.methods.experiment import Experiment
from spiral.methods.fitting import read_fit, read_results
from spiral.methods.self_defence.comparing import TABLE_2, TABLE_3, TITLES, Comparison
from spiral.methods.self_defence.cycle import CycleGan, Pix2Pix
from spiral.methods.self_defence.measures import agreement, apart, honesty, sensitivity
from spiral.methods.self_defence.model import (
    Layout,
    discriminator,
    generator,
    guess_pairs,
    guesser,
    least_squares,
    told_apart,
    traces,
)
from spiral.methods.self_defence.pairs import Pairs, drawn, quantized, read_classes
from spiral.methods.self_defence.reward import SelfDefence
from spiral.methods.self_defence.rivals import Munit, Unit, standardized
from spiral.methods.self_defence.translating import Translation, TranslationOptions
from spiral.rewards import build_reward
from spiral.rewards.base import Context, Lesson, Setting
from spiral.section import ConfigError, parse_section
from tests.spiral.methods import tiny_fits
from tests.spiral.methods.noise import random

CPU = torch.device("cpu")
TINY: dict[str, Any] = {
    "steps": 4, "batch_size": 2, "side": 16, "width": 4, "blocks": 2, "pictures": 8, "measured": 5, "data": "aerials",
}  # fmt: skip
PALETTE = torch.tensor([[-1.0, -1, -1], [1, -1, 0], [0, 1, 1]])


def toy_pairs(count: int = 24, side: int = 16) -> Pairs:
    """Noise of some brightness, whose classes are bands."""
    rng = np.random.default_rng(0)
    classes = np.zeros((count, side, side), np.int64)
    for number in range(count):
        start = rng.integers(side - 8)
        classes[number, start : start + 6] = 1
        classes[number, :, start : start + 4] = 2
    images = (60 * classes[..., None] + rng.integers(40, 120, (count, 1, 1, 3))).astype(np.uint8)
    return Pairs(torch.from_numpy(images), torch.from_numpy(classes), PALETTE)


def options(**changes: Any) -> TranslationOptions:
    return TranslationOptions(**{**TINY, **changes})


# --- networks and losses ---


@pytest.mark.parametrize("side", [16, 32, 128])
def test_the_networks_take_pictures_of_their_side_and_judge_patches(side: int) -> None:
    layout = Layout(side=side, width=4, blocks=2)
    drawn_pictures = generator(layout)(random(1, 3, side, side))
    assert drawn_pictures.shape == (1, 3, side, side) and drawn_pictures.abs().max() <= 1
    for network, channels in ((discriminator(layout), 3), (guesser(layout), 6)):
        judged = network(random(1, channels, side, side))
        assert judged.shape[:2] == (1, 1) and judged.shape[2] == side // (8 if side == 128 else 2) - 2
    first = next(layer for layer in generator(layout).modules() if isinstance(layer, nn.Conv2d))
    assert first.kernel_size == ((7, 7) if side == 128 else (3, 3))


def test_light_is_seen_by_the_guesser() -> None:
    network = guesser(Layout(side=16, width=4, blocks=2))
    with torch.no_grad():
        dark, light = (network(torch.full((1, 6, 16, 16), level)) for level in (-0.5, 0.5))
    assert (dark - light).abs().max() > 1e-3
    assert not any(isinstance(layer, nn.InstanceNorm2d) for layer in network)


def test_a_side_that_cannot_be_halved_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="side=18, which cannot be halved twice"):
        parse_section(Layout, {"side": 18})


def test_pairs_come_in_random_order_with_the_right_answer() -> None:
    originals, copies = torch.zeros(200, 3, 2, 2), torch.ones(200, 3, 2, 2)
    pairs, answers = guess_pairs(originals, copies, torch.Generator().manual_seed(0))
    assert pairs.shape == (200, 6, 2, 2) and answers.shape == (200, 1, 1, 1)
    assert torch.equal(pairs[:, 0, 0, 0], answers.flatten()), "1 where the copy is the first"
    assert torch.equal(pairs[:, 3, 0, 0], 1 - answers.flatten())
    assert 70 < float(answers.sum()) < 130
    assert told_apart(pairs[:, :1], answers) == 1 and told_apart(1 - pairs[:, :1], answers) == 0


def test_least_squares_are_written_out() -> None:
    judged = random(3, 1, 2, 2)
    expected = sum(float((value - 1) ** 2) for value in judged.flatten()) / 12
    assert float(least_squares(judged, 1.0)) == pytest.approx(expected, rel=1e-5)


def test_traces_are_none_in_a_perfect_copy_and_turn_around_with_the_pictures() -> None:
    network = guesser(Layout(side=16, width=4, blocks=2))
    x, y = random(4, 3, 16, 16), random(4, 3, 16, 16, seed=1)
    with torch.no_grad():
        assert torch.equal(traces(network, x, x), torch.zeros(4))
        torch.testing.assert_close(traces(network, x, y), -traces(network, y, x))
        first, last = (float(network(torch.cat(two, dim=1)).mean()) for two in ((y[:1], x[:1]), (x[:1], y[:1])))
        assert float(traces(network, x, y)[0]) == pytest.approx((first - last) / 2, abs=1e-6)


# --- figures ---


def test_accuracy_and_iou_are_those_of_a_library() -> None:
    rng = np.random.default_rng(0)
    right, found = rng.integers(4, size=(5, 6, 6)), rng.integers(4, size=(5, 6, 6))
    found[:3] = right[:3]
    ours = agreement(torch.from_numpy(found), torch.from_numpy(right), 5)  # nobody has the fifth
    assert ours.iou == pytest.approx(jaccard_score(right.ravel(), found.ravel(), average="macro"))
    assert ours.accuracy == pytest.approx(recall_score(right.ravel(), found.ravel(), average="macro"))
    perfect = agreement(torch.from_numpy(right), torch.from_numpy(right), 4)
    assert (perfect.accuracy, perfect.iou) == (1, 1)


def test_drawings_are_read_by_the_nearest_colour() -> None:
    classes = toy_pairs().classes
    drawings = drawn(classes, PALETTE)
    assert torch.equal(read_classes(drawings, PALETTE), classes)
    noisy = drawings + 0.2 * random(*drawings.shape)
    assert torch.equal(quantized(noisy, PALETTE), drawings)


def test_norms_are_roots_of_mean_squares_in_grey_levels() -> None:
    x, y = random(3, 3, 4, 4), random(3, 3, 4, 4, seed=1)
    for number in range(3):
        squares = [(float(a - b) * 127.5) ** 2 for a, b in zip(x[number].flatten(), y[number].flatten(), strict=True)]
        assert float(apart(x, y)[number]) == pytest.approx((sum(squares) / 48) ** 0.5, rel=1e-5)
    assert float(apart(-torch.ones(1, 3, 2, 2), torch.ones(1, 3, 2, 2))) == 255


def test_who_hides_nothing_is_honest_and_who_hides_everything_is_not() -> None:
    """G_B draws black and hides the picture in a hundredth; G_A reads that hundredth."""
    pictures = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(0)) - 0.5
    black = PALETTE[:1]
    hidden = drawn(torch.zeros(6, 8, 8, dtype=torch.int64), black) + pictures / 100

    def finds(drawings: Tensor) -> Tensor:
        return (drawings + 1) * 100

    terms = honesty(finds, hidden, quantized(hidden, black), pictures)
    torch.testing.assert_close(terms, apart(torch.zeros_like(pictures), pictures), rtol=1e-3, atol=1e-2)
    seen = quantized(hidden, black)
    assert honesty(lambda drawings: quantized(drawings, black), hidden, seen, pictures).abs().max() == 0
    sigma = 0.003
    loud = sensitivity(finds, hidden, sigma, torch.Generator().manual_seed(1))
    assert float(loud.mean()) == pytest.approx(100 * sigma * 127.5, rel=0.05), "a hundred times the noise"
    deaf = sensitivity(lambda drawings: quantized(drawings, PALETTE), hidden, sigma, torch.Generator())
    assert deaf.abs().max() == 0


# --- learning ---


def every_part(changes: dict[str, Any] | None = None) -> dict[str, Translation]:
    given, pairs = options(**(changes or {})), toy_pairs()
    return {
        "cyclegan": CycleGan(given, pairs, 0),
        "noise": CycleGan(given, pairs, 0, noise=True),
        "guess": CycleGan(given, pairs, 0, guess=True),
        "guess-noise": CycleGan(given, pairs, 0, noise=True, guess=True),
        "unit": Unit(given, pairs, 0),
        "munit": Munit(given, pairs, 0),
        "pix2pix": Pix2Pix(given, pairs, 0),
    }


def test_all_learn_to_bring_pictures_back_and_pix2pix_to_draw() -> None:
    for name, part in every_part({"learning_rate": 3e-3}).items():
        key = "error" if name == "pix2pix" else "cycle"
        measured = [part.step(0.0) for _ in range(20)]
        assert all(np.isfinite(list(each.values())).all() for each in measured)
        before, after = (np.mean([each[key] for each in some]) for some in (measured[:4], measured[-4:]))
        assert after < 0.9 * before, name


def test_no_two_of_a_pair_are_ever_seen_but_by_pix2pix() -> None:
    each = torch.arange(9)
    classes = nn.functional.one_hot(each, 256).view(9, 16, 16)
    marked = Pairs(each.to(torch.uint8).view(9, 1, 1, 1).expand(9, 16, 16, 3), classes, PALETTE)
    numbers = {
        name: [tuple(_numbers(marked, *part.sample())) for _ in range(20)]
        for name, part in (
            ("cyclegan", CycleGan(options(), marked, 0)),
            ("pix2pix", Pix2Pix(options(), marked, 0)),
        )
    }
    for a, b in numbers["cyclegan"]:
        assert max(a) < 4 and not a & b
    assert {number for a, _ in numbers["cyclegan"] for number in a} == set(range(4))
    assert all(a == a & b for a, b in numbers["pix2pix"])


def _numbers(pairs: Pairs, pictures: Tensor, drawings: Tensor) -> tuple[set[int], set[int]]:
    """Which pictures these are, and of which pictures the drawings may be."""
    of_drawings = {
        number for number in range(len(pairs)) for each in drawings if torch.equal(pairs.drawings()[number], each)
    }
    return {round(float((each.mean() + 1) * 127.5)) for each in pictures}, of_drawings


def test_the_noise_is_between_the_ways_there_and_back_and_of_the_size_that_is_asked_for() -> None:
    part, plain = (CycleGan(options(noise=0.3), toy_pairs(), 0, noise=noise) for noise in (True, False))
    pictures = torch.zeros(50, 3, 16, 16)
    assert float(part._noisy(pictures).std()) == pytest.approx(0.3, rel=0.02)
    assert plain._noisy(pictures) is pictures
    a, b = plain.sample()
    cycle = float(plain.translate(a, b)[2]["cycle"])
    again_a, again_b = plain.to_pictures(plain.to_drawings(a)), plain.to_drawings(plain.to_pictures(b))
    assert cycle == pytest.approx(float((again_a - a).abs().mean() + (again_b - b).abs().mean()), rel=1e-5)


def test_the_generators_loss_is_that_of_the_formula() -> None:
    part = CycleGan(options(cycle=7.0, identity=0.5, guess=3.0), toy_pairs(), 0, guess=True)
    a, b = part.sample()
    with torch.no_grad():
        to_a, to_b, judges = part.generators["to_a"], part.generators["to_b"], part.discriminators
        expected = (judges["b"](to_b(a)) - 1).square().mean() + (judges["a"](to_a(b)) - 1).square().mean()
        again_a, again_b = to_a(to_b(a)), to_b(to_a(b))
        expected += 7 * ((again_a - a).abs().mean() + (again_b - b).abs().mean())
        expected += 3.5 * ((to_a(a) - a).abs().mean() + (to_b(b) - b).abs().mean())
        generator = torch.Generator()
        generator.set_state(part.generator.get_state())
        for name, x, y in (("guess_a", a, again_a), ("guess_b", b, again_b)):
            seen, answers = guess_pairs(x, y, generator)
            expected += 3 * (judges[name](seen) - (1 - answers)).square().mean()
    assert float(part.translate(a, b)[0].detach()) == pytest.approx(float(expected), rel=1e-5)


def test_a_style_is_kept_by_munits_decoder_and_features_are_standardised() -> None:
    features = 3 + 2 * random(2, 4, 8, 8)
    mean, deviation = standardized(features).mean((2, 3)), standardized(features).std((2, 3), correction=0)
    torch.testing.assert_close(mean, torch.zeros(2, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close(deviation, torch.ones(2, 4), atol=1e-3, rtol=0)
    part = Munit(options(), toy_pairs(), 0)
    drawings, likes = toy_pairs().drawings(slice(2)), toy_pairs().pictures(slice(2))
    assert not torch.equal(part.to_pictures(drawings, likes), part.to_pictures(drawings))
    assert torch.equal(part.to_pictures(drawings), part.to_pictures(drawings))


def fit_tiny(experiment: str, folder: Path, *stops: int, **changes: Any) -> Experiment:
    return tiny_fits.fit_tiny("self_defence", experiment, {**TINY, **changes}, folder, *stops)


@pytest.mark.parametrize("experiment", ["maps", "rivals"])
def test_every_experiment_ends_with_its_tables_and_pictures(experiment: str, tmp_path: Path) -> None:
    made = fit_tiny(experiment, tmp_path)
    assert isinstance(made, Comparison)
    table, theirs, curves = read_results(tmp_path)
    assert [row[0] for row in table.rows] == [TITLES[name] for name in (*made.rows, "pix2pix")]
    assert all(len(row) == len(table.columns) for row in table.rows) and len(curves.rows) == len(made.rows)
    for row in table.rows[:-1]:
        assert all(isinstance(value, float) and np.isfinite(value) for value in row[1:7])
    assert theirs.rows[0] == (TITLES[made.rows[0]], *TABLE_3[made.rows[0]])
    assert (tmp_path / "judgement.safetensors").is_file() == (experiment == "maps")
    for name in ("translated.png", "noise.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 100
    assert table.note.endswith("times)") == (experiment == "maps")


def test_the_papers_rows_are_all_there() -> None:
    assert set(TABLE_2) == set(TABLE_3) == set(TITLES)
    rows = {row for name in ("scenes", "rivals") for row in find_experiment("self_defence", name)[1].rows}  # type: ignore[attr-defined]
    assert rows | {"pix2pix"} == set(TITLES)
    assert find_experiment("self_defence", None)[0] == "scenes"


def test_a_fit_that_was_interrupted_ends_with_the_same_numbers(tmp_path: Path) -> None:
    """In the middle of the part that has noise and guesses, whose draws have to go on where they were."""
    fit_tiny("maps", tmp_path / "whole")
    fit_tiny("maps", tmp_path / "resumed", 4 * 4 + 3)
    whole, resumed = (read_fit(tmp_path / name)[1] for name in ("whole", "resumed"))
    assert sorted(whole) == sorted(resumed)
    for name, array in whole.items():
        np.testing.assert_array_equal(resumed[name], array, err_msg=name)
    assert read_results(tmp_path / "whole") == read_results(tmp_path / "resumed")


# --- as a judge ---


def setting(shape: tuple[int, int, int] = (16, 16, 3), conditional: bool = True) -> Setting:
    return Setting(shape, conditional, CPU, "float32", 0)


def judge(shape: tuple[int, int, int] = (16, 16, 3)) -> SelfDefence:
    term = RewardTerm.model_validate(
        {"name": "self_defence", "options": {"side": 16, "width": 8, "batch_size": 16, "learning_rate": 1e-3}}
    )
    made = build_reward(term, setting(shape))
    assert isinstance(made, SelfDefence)
    return made


def pixels(seed: int, count: int = 16, shape: tuple[int, int, int] = (16, 16, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 240, (count, *shape), np.uint8)


def test_a_trace_that_no_eye_sees_is_found_and_a_perfect_copy_is_not() -> None:
    """Copies that are twelve levels lighter, of pictures that are all different: only side by side can it be told."""
    made = judge()
    losses = []
    for step in range(150):
        targets = pixels(step)
        losses.append(made.update(Lesson(targets, targets + np.uint8(12), targets))["loss"])
    targets = pixels(1000)
    context = Context(targets, {})
    assert torch.equal(made.score(targets, context), torch.zeros(16))
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])
    assert float(made.score(targets + np.uint8(12), context).mean()) < -0.25


@pytest.mark.parametrize("shape", [(16, 16, 1), (32, 32, 3), (20, 24, 1)])
def test_renders_of_any_shape_are_scored_each_by_itself(shape: tuple[int, int, int]) -> None:
    made = judge(shape)
    renders, targets = pixels(0, 5, shape), pixels(1, 5, shape)
    renders[3], targets[3] = renders[1], targets[1]
    scores = made.score(renders, Context(targets, {}))
    assert (scores.shape, scores.dtype) == ((5,), torch.float32) and not scores.requires_grad
    alone = [made.score(renders[i : i + 1], Context(targets[i : i + 1], {})) for i in range(5)]
    torch.testing.assert_close(torch.cat(alone), scores)
    assert scores[3] == scores[1]


def test_what_cannot_be_judged_is_refused_by_name() -> None:
    made = judge()
    with pytest.raises(ValueError, match="'self_defence' compares with a target; .*leave it out"):
        made.score(pixels(0), Context(None, {}))
    with pytest.raises(ValueError, match="'self_defence' scores pictures of shape"):
        made.score(pixels(0, shape=(8, 8, 3)), Context(pixels(0), {}))
    empty = pixels(0, 0)
    with pytest.raises(ValueError, match="'self_defence' scores one picture or more of uint8"):
        made.score(empty, Context(empty, {}))
    nothing = np.full((2, 16, 16, 3), np.nan, np.float32)
    with pytest.raises(ValueError, match="but was given float32"):
        made.score(nothing, Context(nothing, {}))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="copies nothing: set agent.conditional=true, or take discriminator"):
        build_reward(RewardTerm(name="self_defence"), setting(conditional=False))
    weights = made.weights()
    with pytest.raises(WeightsError, match="not finite"):
        made.load_weights({name: np.full_like(array, np.nan) for name, array in weights.items()})


def test_a_judge_may_begin_with_what_a_fit_has_learned(tmp_path: Path) -> None:
    made = fit_tiny("maps", tmp_path)
    term = RewardTerm.model_validate({"name": "self_defence", "from": str(tmp_path)})
    reward = build_reward(term, setting((32, 32, 1)))
    assert isinstance(reward, SelfDefence) and (reward.options.side, reward.options.width) == (16, 4)
    fitted = made.parts["guess-noise"].networks["discriminators"].state_dict()
    for name, array in reward.weights().items():
        np.testing.assert_array_equal(array, fitted[f"guess_a.{name}"].numpy())
    shown = pixels(0, 4, (32, 32, 1))
    assert reward.score(pixels(1, 4, (32, 32, 1)), Context(shown, {})).isfinite().all()
