"""The ladder is built as the paper says, its losses and measures are the formulas, and it judges rung by rung."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from spiral.config import RewardTerm
from spiral.contracts import WeightsError
from spiral.data import data_root
from spiral.methods import find_experiment
from spiral.methods.fitting import Fit, begin, read_fit, read_results
from spiral.methods.vlae.arithmetic import Trait, blended, some_triples
from spiral.methods.vlae.blending import read_autoencoder
from spiral.methods.vlae.eyes import Vgg
from spiral.methods.vlae.figures import ACROSS, traversal
from spiral.methods.vlae.measures import frechet, mutual_information, slant, stroke_width, told_by
from spiral.methods.vlae.model import LadderAutoencoder, Layout, as_inputs, divergence, kernel, mmd
from spiral.methods.vlae.reward import Vlae, VlaeRewardOptions, judgement_of
from spiral.methods.vlae.training import Sampled, Training, VlaeOptions, encoded
from spiral.rewards import build_reward
from spiral.rewards.base import Context, Lesson, Setting
from spiral.section import ConfigError, parse_section
from tests.spiral.methods import tiny_fits
from tests.spiral.methods.noise import random

CPU = torch.device("cpu")
TINY: dict[str, Any] = {"steps": 6, "batch_size": 8, "pictures": 60, "measured": 40, "triples": 5, "width": 4}
DIGITS = {**TINY, "data": "mnist5k"}


def made(seed: int = 0, **layout: Any) -> LadderAutoencoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LadderAutoencoder(Layout(**{"width": 4, **layout})).eval()


def bars(count: int = 64, side: int = 16) -> Tensor:
    """Dark bars on white, uint8 [N, 1, side, side]: where they are and how wide differs."""
    pictures = torch.full((count, 1, side, side), 255, dtype=torch.uint8)
    for i in range(count):
        left = 2 + i % (side - 8)
        pictures[i, :, 3:-3, left : left + 2 + i % 3] = 0
    return pictures


def test_the_layers_are_the_papers() -> None:
    digits, faces = Layout(width=64), Layout(side=64, channels=3, ladders=4, latents=10, convolutions=4, width=64)
    for layout, channels in ((digits, [64, 128]), (faces, [64, 128, 256, 512])):
        encoder = LadderAutoencoder(layout).encoder
        convolutions = [layer for layer in encoder.modules() if isinstance(layer, nn.Conv2d)]
        assert [layer.out_channels for layer in convolutions] == channels
        assert all((layer.kernel_size, layer.stride) == ((4, 4), (2, 2)) for layer in convolutions)
        assert encoder.heads[-1].in_features == 1024 and len(encoder.heads) == layout.ladders
    gates = [value for name, value in made().named_parameters() if name.endswith("gate")]
    assert [tuple(gate.shape) for gate in gates] == [(8, 8, 8), (4, 16, 16)]
    assert all((gate == 0.1).all() for gate in gates)
    assert not [name for name, _ in made(merge="concatenation").named_parameters() if name.endswith("gate")]


@pytest.mark.parametrize("ladders", [1, 2, 3])
@pytest.mark.parametrize("merge", ["gated-addition", "concatenation"])
def test_pictures_become_a_code_for_each_ladder_and_come_back(ladders: int, merge: str) -> None:
    network = made(ladders=ladders, merge=merge, channels=3, side=16)
    pictures = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    drawn, codes, means, deviations = network(pictures, torch.Generator().manual_seed(0))
    assert drawn.shape == pictures.shape and drawn.min() >= 0 and drawn.max() <= 1
    assert [code.shape for code in codes] == [(5, 2)] * ladders
    noise = torch.Generator().manual_seed(0)
    for code, mean, deviation in zip(codes, means, deviations, strict=True):
        assert deviation.min() > 1e-3 and deviation.max() < 0.301
        torch.testing.assert_close(code, mean + deviation * torch.randn(5, 2, generator=noise))
    assert (torch.cat(means) < 0).any(), "linear"


def test_low_codes_see_little_of_the_picture_and_high_ones_come_through_more_layers() -> None:
    network = made()
    depths = [
        sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in step.modules()) for step in network.encoder.steps
    ]
    assert depths == [1, 1, 1]
    codes = [random(4, 2, seed=ladder) for ladder in range(3)]
    before = network.decoder(codes)
    for ladder in range(3):
        others = [code + (1.0 if at == ladder else 0.0) for at, code in enumerate(codes)]
        assert not torch.allclose(network.decoder(others), before), "every ladder has a part in the picture"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"side": 30}, "side=30 cannot be halved convolutions=2 times: give a multiple of 4"),
        ({"ladders": 4}, "ladders=4 is more than convolutions=2 can carry: give at most 3 ladders"),
    ],
)
def test_a_layout_that_cannot_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_section(Layout, wrong)


def test_the_discrepancy_is_the_sum_over_all_pairs() -> None:
    a, b = random(4, 3), random(6, 3, seed=1)

    def k(x: Tensor, y: Tensor) -> float:
        return math.exp(-sum(float(p - q) ** 2 for p, q in zip(x, y, strict=True)) / 3**2)

    def mean(some: Tensor, others: Tensor) -> float:
        return sum(k(x, y) for x in some for y in others) / (len(some) * len(others))

    assert float(mmd(a, b)) == pytest.approx(mean(a, a) + mean(b, b) - 2 * mean(a, b), rel=1e-4)
    assert float(mmd(a, a)) == pytest.approx(0, abs=1e-6)
    far = float(mmd(a, a + 100))
    assert far == pytest.approx(2 * mean(a, a), rel=1e-4), "sets that have nothing in common"
    assert kernel(a, a).diagonal().tolist() == [1.0] * 4


def test_the_discrepancy_of_normal_codes_is_that_of_the_closed_form() -> None:
    """E k(x, y) = (1 + 2 (s² + t²) / d²)^(−d/2) for x, y ~ N(0, s²), N(0, t²) in d dimensions."""
    many, s = 3000, 0.4
    found = float(mmd(s * random(many, 2), random(many, 2, seed=1)))

    def expected(s: float, t: float) -> float:
        return (1 + (s * s + t * t) / 2) ** -1

    assert found == pytest.approx(expected(s, s) + expected(1, 1) - 2 * expected(s, 1), abs=0.01)


def test_the_divergence_is_that_of_torch() -> None:
    mean, deviation = random(5, 3), 0.1 + random(5, 3, seed=1).abs()
    normal, prior = torch.distributions.Normal(mean, deviation), torch.distributions.Normal(0.0, 1.0)
    expected = torch.distributions.kl_divergence(normal, prior).sum(1).mean()
    assert float(divergence(mean, deviation)) == pytest.approx(float(expected), rel=1e-5)
    assert float(divergence(torch.zeros(2, 3), torch.ones(2, 3))) == 0


@pytest.mark.parametrize("form", ["mmd", "kl"])
def test_a_loss_is_made_of_its_terms(form: Any) -> None:
    options = VlaeOptions(**{**TINY, "side": 16, "reconstruction": 3.0, "regularization": 5.0, "scale": 0.5})
    part = Training(options, Sampled(bars(), {}), form, 0)
    loss, terms = part.loss(part.pictures.inputs(slice(8)))
    error, apart, nats = (float(terms[name].detach()) for name in ("error", "MMD", "KL"))
    expected = 3 * error + 5 * apart if form == "mmd" else error * 256 / 0.5 + nats
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("form", "most"), [("mmd", 0.3), ("kl", 1.0)])
def test_a_code_with_mmd_cannot_be_noise_alone_and_one_with_kl_can(form: Any, most: float) -> None:
    """Of a deviation of 1 and no mean, samples are those of the prior, and MMD finds no fault with them."""
    part = Training(VlaeOptions(**{**TINY, "side": 16}), Sampled(bars(), {}), form, 0)
    for head in part.network.encoder.heads:
        nn.init.zeros_(head.get_parameter("weight"))
        nn.init.constant_(head.get_parameter("bias")[2:], 99.0)
    with torch.no_grad():
        _, codes, _, deviations = part.network(part.pictures.inputs(), torch.Generator().manual_seed(0))
    assert all(float(deviation.max()) == pytest.approx(most + 1e-3) for deviation in deviations)
    prior = random(len(codes[0]), 2, seed=5)
    assert all((mmd(code, prior) > 0.1) == (form == "mmd") for code in codes)


@pytest.mark.parametrize("form", ["mmd", "kl"])
def test_both_forms_learn_to_redraw_and_the_one_with_mmd_towards_the_prior(form: Any) -> None:
    options = VlaeOptions(**{**TINY, "side": 16, "batch_size": 32, "learning_rate": 5e-3})
    part = Training(options, Sampled(bars(), {}), form, 0)
    measured = [part.step(0.0) for _ in range(80)]
    first, last = measured[0], {name: np.mean([row[name] for row in measured[-5:]]) for name in measured[0]}
    assert last["loss"] < 0.5 * first["loss"] and last["error"] < 0.5 * first["error"]
    if form == "mmd":
        assert last["MMD"] < 0.5 * max(row["MMD"] for row in measured)


def test_what_is_mirrored_is_learned_from_both_ways_and_everything_else_as_it_is() -> None:
    pictures = Sampled(torch.arange(3 * 16 * 16, dtype=torch.int64).remainder(251).byte().reshape(3, 1, 16, 16), {})
    for mirrored in (False, True):
        part = Training(VlaeOptions(**{**TINY, "side": 16, "mirrored": mirrored}), pictures, "mmd", 0)
        seen: list[Tensor] = []
        part.network.register_forward_pre_hook(lambda _, inputs, seen=seen: seen.append(inputs[0]))
        for _ in range(4):
            part.step(0.0)
        known = pictures.inputs()
        ways = {
            turned: sum(bool((each == picture).all()) for each in torch.cat(seen) for picture in of)
            for turned, of in ((False, known), (True, known.flip(3)))
        }
        assert sum(ways.values()) == 4 * part.options.batch_size
        assert (ways[True] > 0) == mirrored and ways[False] > 0


def test_low_codes_know_an_eighth_of_the_side() -> None:
    for side, places in ((16, 2), (32, 4), (64, 8)):
        layout = Layout(side=side, width=4)
        assert [layout.coarse(level)[1] for level in (1, 2)] == [min(places, side // 2), min(places, side // 4)]
        assert LadderAutoencoder(layout).encoder.heads[0].in_features == 4 * places * places


def test_the_frechet_distance_is_the_closed_form_of_gaussians() -> None:
    """For diagonal covariances it is ‖m − m'‖² + Σ (s − s')²."""
    a, b = random(40000, 3) * torch.tensor([1.0, 2.0, 0.5]), random(40000, 3, seed=1) + torch.tensor([2.0, 0, 0])
    assert frechet(a, b) == pytest.approx(4 + 0 + 1 + 0.25, abs=0.1)
    assert frechet(a, a) == pytest.approx(0, abs=1e-6)
    assert frechet(a[:5], b[:4]) >= 0, "fewer than there are features"


def test_mutual_information_is_nothing_all_or_that_of_a_channel_with_noise() -> None:
    nothing, sharp, noisy = torch.zeros(500, 2), random(500, 2), random(500, 1, seed=2)
    ones = torch.ones(500, 2)
    found = mutual_information([nothing, sharp], [ones, 1e-4 * ones], 0)
    assert found == pytest.approx([0, math.log(500), math.log(500)], abs=1e-3)
    (one, whole) = mutual_information([noisy], [torch.full((500, 1), 0.5)], 0)
    assert one == whole == pytest.approx(0.5 * math.log(1 + 1 / 0.25), abs=0.15)


def test_codes_tell_what_they_hold() -> None:
    codes, held_out = random(400, 2), random(200, 2, seed=1)
    assert told_by(codes, codes[:, 0], held_out, held_out[:, 0]) > 0.9
    assert told_by(codes, random(400, seed=5), held_out, random(200, seed=6)) < 0.2
    assert told_by(codes, (codes[:, 0] > 0).long(), held_out, (held_out[:, 0] > 0).long()) > 0.9


def test_width_and_slant_are_those_of_drawn_bars() -> None:
    ink = np.zeros((4, 32, 32), np.float32)
    for place, width in enumerate((2, 4, 6)):
        ink[place, 2:30, 12 : 12 + width] = 1
    widths = stroke_width(ink)
    assert widths[:3] == pytest.approx([2, 4, 6], rel=0.25) and widths[0] < widths[1] < widths[2] and widths[3] == 0
    y, x = np.mgrid[:32, :32]
    leaning = np.stack([(np.abs(x - 16 + lean * (y - 16)) < 2) * 1.0 for lean in (-0.5, 0.0, 0.5)])
    assert slant(leaning) == pytest.approx([-0.5, 0, 0.5], abs=0.06), "above 0 is to the right"


def test_triples_are_as_asked_for() -> None:
    kept, changed = torch.tensor([0, 0, 1, 1, -1, 1, 0]), torch.tensor([3, 5, 3, 5, 3, 7, -1])
    triples = some_triples(Trait.of_classes(kept), Trait.of_classes(changed), 50, 0)
    assert len(triples.a) == 50 and 4 not in torch.cat((triples.a, triples.b, triples.c))
    for a, b, c in zip(triples.a, triples.b, triples.c, strict=True):
        assert changed[a] == changed[b] != changed[c] and kept[a] != kept[b] == kept[c]
    alone, unclear, many = (
        Trait.of_classes(kinds) for kinds in (torch.zeros(4), torch.full((4,), -1), torch.arange(4))
    )
    assert len(some_triples(alone, many, 50, 0).a) == len(some_triples(unclear, many, 50, 0).a) == 0, "there are none"


def test_a_frequent_class_is_in_no_more_triples_than_a_rare_one() -> None:
    kept = Trait.of_classes(torch.tensor([0, 1] * 20))
    changed = Trait.of_classes(torch.tensor([0, 0] * 18 + [1, 1] * 2))
    triples = some_triples(kept, changed, 400, 0)
    rare = (changed.kinds[triples.a] == 1).float().mean()
    assert 0.4 < rare < 0.6


def test_b_has_as_much_as_a_of_the_one_and_as_c_of_the_other() -> None:
    kept, changed = Trait.of_thirds(random(90)), Trait.of_thirds(random(90, seed=1))
    triples = some_triples(kept, changed, 20, 0)
    for a, b, c in zip(triples.a, triples.b, triples.c, strict=True):
        apart = changed.distance(torch.arange(90), a) + kept.distance(torch.arange(90), c)
        could = (kept.kinds == kept.kinds[c]) & (changed.kinds == changed.kinds[a])
        assert could[b] and apart[b] == apart[could].min()


def test_what_is_clear() -> None:
    assert Trait.of_thirds(torch.tensor([0.1, 0.5, 0.9])).kinds.tolist() == [0, -1, 1]
    assert Trait.between(torch.tensor([0.1, 0.11, 0.9]), 0.1, 0.9).kinds.tolist() == [0, -1, 1]


def test_a_minus_a_plus_c_is_c_drawn_again() -> None:
    network, pictures = made(side=16), bars(6)
    means, _ = encoded(network, pictures)
    torch.testing.assert_close(blended(network, pictures[:2], pictures[:2], pictures[2:4]), network.decoder(
        [mean[2:4] for mean in means]
    ))  # fmt: skip


def test_a_traversal_moves_one_ladder_alone() -> None:
    network = made(side=16)
    for ladder in range(3):
        tiles = traversal(network, ladder, 5)
        assert tiles.shape == (ACROSS, ACROSS, 1, 16, 16)
        assert float(tiles.std((0, 1)).max()) > 0
    wide = traversal(made(side=16, latents=10), 0, 5)
    assert wide.shape == (10, ACROSS, 1, 16, 16)
    middle = ACROSS // 2
    torch.testing.assert_close(wide[0, middle], wide[7, middle]), "0 in every number"


fit_tiny = partial(tiny_fits.fit_tiny, "vlae")


def test_a_fit_ends_with_its_tables_pictures_and_judge_and_resumed_with_the_same_numbers(tmp_path: Path) -> None:
    fit_tiny("digits", DIGITS, tmp_path / "whole")
    fit_tiny("digits", DIGITS, tmp_path / "resumed", 9)
    tables = read_results(tmp_path / "whole")
    assert tables == read_results(tmp_path / "resumed")
    assert [len(table.rows) for table in tables] == [3, 6, 4, 6]
    pictures = {path.name for path in (tmp_path / "whole").glob("*.png")}
    assert pictures >= {"ladder-1.png", "ladder-3.png", "reconstructions.png", "samples.png", "slant.png"}
    whole, resumed = (read_fit(tmp_path / name)[1] for name in ("whole", "resumed"))
    for name, array in whole.items():
        np.testing.assert_array_equal(array, resumed[name], err_msg=name)
    network = read_autoencoder(tmp_path / "whole")
    weight = network.state_dict()["decoder.top.0.weight"]
    assert torch.equal(weight, torch.from_numpy(whole["mmd/networks/autoencoder/decoder.top.0.weight"]))
    reward = build_reward(RewardTerm.model_validate({"name": "vlae", "from": str(tmp_path / "whole")}), setting())
    assert reward.score(noise(1, 3), Context(noise(2, 3), {})).shape == (3,)


def test_faces_in_four_ladders_end_with_their_tables(tmp_path: Path) -> None:
    for part in ("faces/faces128.zip", "weights/vgg16_features.safetensors"):
        if not (data_root() / part).is_file():
            pytest.skip(f"needs {data_root() / part}")
    fit_tiny("faces", {**TINY, "steps": 1, "pictures": 100, "measured": 40, "reader_steps": 1}, tmp_path)
    tables = read_results(tmp_path)
    assert [len(table.rows) for table in tables[:3]] == [3, 8, 5]
    assert [row[0] for row in tables[-1].rows] == ["light", "warm", "smile", "woman"]
    assert [row[1] for row in tables[-1].rows[:2]] == [1, 1], "what is measured of photos says what is wanted of them"
    assert tables[1].columns == ("ladder", "light", "warm", "smile", "woman")
    assert {path.name for path in tmp_path.glob("ladder-*.png")} == {f"ladder-{at}.png" for at in range(1, 5)}


def test_a_set_that_is_not_of_digits_is_refused(tmp_path: Path) -> None:
    for place in range(11):
        Image.new("L", (8, 8), place).save(tmp_path / f"{place}.png")
    _, kind = find_experiment("vlae", "digits")
    with pytest.raises(ConfigError, match="is not labelled from 0 to 9: name one of digits"):
        kind(parse_section(kind.Options, {**TINY, "data": f"folder:{tmp_path}"}), 0, CPU)


def test_a_fit_of_another_method_or_one_that_is_not_done_is_no_autoencoder(tmp_path: Path) -> None:
    begin(tmp_path / "other", Fit("lrmf", "digits", 0, {}))
    with pytest.raises(ConfigError, match="is a fit of lrmf, not of vlae"):
        read_autoencoder(tmp_path / "other")
    begin(tmp_path / "begun", Fit("vlae", "digits", 0, {}))
    with pytest.raises(ConfigError, match="fit to the end first"):
        read_autoencoder(tmp_path / "begun")


def noise(seed: int, count: int = 8, shape: tuple[int, int, int] = (16, 16, 1)) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def setting(conditional: bool = True, shape: tuple[int, int, int] = (16, 16, 1)) -> Setting:
    return Setting(shape, conditional, CPU, "float32", 0)


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


def test_vgg_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="photos are compared by VGG-16, whose weights are not in"):
        Vgg(tmp_path / "none.safetensors", CPU)
