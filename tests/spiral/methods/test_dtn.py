"""The losses are those of the paper's formulas, f stays frozen, a transfer learns, and its judge scores by it."""

from __future__ import annotations

import itertools
import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from spiral.config import RewardTerm
from spiral.contracts import WeightsError
from spiral.data import DatasetError
from spiral.methods.dtn.digits import TABLE_1, TABLE_3
from spiral.methods.dtn.drawn_faces import draw_faces
from spiral.methods.dtn.measures import nearest_read, ranks
from spiral.methods.dtn.model import (
    Discriminator,
    Generator,
    Perception,
    as_inputs,
    baseline_risk,
    constancy_loss,
    deception_loss,
    discriminator_loss,
    identity_loss,
    kind_loss,
    variation_loss,
)
from spiral.methods.dtn.pixels import Pixels, read_digits
from spiral.methods.dtn.reading import BEND, PATCH, Reading, TransferOptions, bent, erased, rate_at, recolored
from spiral.methods.dtn.recognizing import Recognizing, another_picture, recognition_loss
from spiral.methods.dtn.reward import Dtn, DtnOptions, judgement_of
from spiral.methods.dtn.style import activations, gram, restyle
from spiral.methods.dtn.transfer import Baseline, Terms, Transfer
from spiral.methods.fitting import read_fit, read_results
from spiral.methods.judgement import read_judgement
from spiral.methods.vgg import read_vgg, vgg_file
from spiral.rewards import build_reward
from spiral.rewards.base import Context, Setting
from spiral.section import ConfigError, parse_section
from tests.spiral.methods import tiny_fits
from tests.spiral.methods.faces_folder import save_faces

CPU = torch.device("cpu")
TINY: dict[str, Any] = {
    "steps": 6,
    "perception_steps": 4,
    "batch_size": 8,
    "pictures": 24,
    "perception_width": 4,
    "width": 4,
}
DIGITS = {**TINY, "source": "mnist5k", "target": "mnist5k"}


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def probability(logits: Tensor, picture: int, kind: int) -> float:
    """D_kind of one picture, written out."""
    powers = [math.exp(float(logit)) for logit in logits[picture]]
    return powers[kind] / sum(powers)


def mean_log(logits: Tensor, kind: int) -> float:
    return sum(math.log(probability(logits, i, kind)) for i in range(len(logits))) / len(logits)


def test_the_losses_of_d_and_g_are_equations_3_and_4() -> None:
    transferred, redrawn, real = (random(5, 3, seed=seed) for seed in range(3))
    expected = -mean_log(transferred, 0) - mean_log(redrawn, 1) - mean_log(real, 2)
    assert float(discriminator_loss(transferred, redrawn, real)) == pytest.approx(expected, rel=1e-5)
    expected = -mean_log(transferred, 2) - mean_log(redrawn, 2)
    assert float(deception_loss(transferred, redrawn)) == pytest.approx(expected, rel=1e-5)


def test_a_d_that_cannot_tell_costs_log_3_a_kind_and_one_that_can_costs_nothing() -> None:
    nothing = torch.zeros(4, 3)
    assert float(discriminator_loss(nothing, nothing, nothing)) == pytest.approx(3 * math.log(3))
    assert float(deception_loss(nothing, nothing)) == pytest.approx(2 * math.log(3))
    sure = 50 * torch.eye(3).unsqueeze(1).expand(-1, 4, -1)
    assert float(discriminator_loss(*sure)) == pytest.approx(0, abs=1e-6)
    assert float(deception_loss(sure[2], sure[2])) == pytest.approx(0, abs=1e-6)
    assert float(deception_loss(sure[0], sure[1])) == pytest.approx(100, rel=1e-5)


def test_constancy_and_identity_are_mean_squares_as_equations_5_and_6() -> None:
    one, other = random(3, 7), random(3, 7, seed=1)
    expected = sum(float((one[i, j] - other[i, j]) ** 2) for i in range(3) for j in range(7)) / 21
    assert float(constancy_loss(one, other)) == pytest.approx(expected, rel=1e-5)
    pictures, redrawn = random(2, 1, 3, 4), random(2, 1, 3, 4, seed=1)
    places = [(i, y, x) for i in range(2) for y in range(3) for x in range(4)]
    expected = sum(float((pictures[i, 0, y, x] - redrawn[i, 0, y, x]) ** 2) for i, y, x in places) / 24
    assert float(identity_loss(pictures, redrawn)) == pytest.approx(expected, rel=1e-5)


def test_variation_is_equation_7() -> None:
    z = random(2, 3, 4, 5)
    expected = sum(
        math.hypot(float(z[n, c, i, j + 1] - z[n, c, i, j]), float(z[n, c, i + 1, j] - z[n, c, i, j]))
        for n in range(2)
        for c in range(3)
        for i in range(3)
        for j in range(4)
    )
    assert float(variation_loss(z)) == pytest.approx(expected / 2, rel=1e-4)
    edge = torch.zeros(1, 1, 6, 6)
    edge[..., 3:] = 2
    assert float(variation_loss(edge)) == pytest.approx(2 * 5, abs=0.01), "as high as the edge is, a row each"
    flat = torch.zeros(1, 1, 6, 6, requires_grad=True)
    variation_loss(flat).backward()
    assert flat.grad is not None and flat.grad.isfinite().all()


def test_the_risk_of_the_baseline_is_equation_1_and_log_a_quarter_where_nothing_can_be_told() -> None:
    transferred, real = random(4, 1), random(4, 1, seed=1)

    def d(logit: Tensor) -> float:
        return 1 / (1 + math.exp(-float(logit)))

    expected = sum(math.log(1 - d(x)) for x in transferred) / 4 + sum(math.log(d(x)) for x in real) / 4
    assert float(baseline_risk(transferred, real)) == pytest.approx(expected, rel=1e-5)
    assert float(baseline_risk(torch.zeros(3, 1), torch.zeros(3, 1))) == pytest.approx(math.log(0.25))


def test_the_networks_are_the_papers() -> None:
    f = Perception(64)
    assert [layer.out_channels for layer in f.layers if isinstance(layer, nn.Conv2d)] == [64, 128, 256, 128]
    pictures = random(2, 1, 32, 32)
    assert f(pictures).shape == (2, 128)
    torch.testing.assert_close(f(pictures), f(pictures.repeat(1, 3, 1, 1)))
    assert f(pictures).abs().max() <= 1
    faint = f(0.5 * pictures + 0.3)
    assert (faint - f(pictures)).norm() < 0.1 * f(pictures).norm(), "faint ink is seen like bold"
    drawn = Generator(128, 4, 3)(f(pictures))
    assert drawn.shape == (2, 3, 32, 32) and drawn.abs().max() <= 1
    assert Discriminator(3, 4)(drawn).shape == (2, 3)


def test_pictures_are_bent_a_little_and_each_in_its_own_way() -> None:
    x = torch.linspace(-1, 1, 32).expand(1, 1, 32, 32)
    pictures = torch.cat((x, x.transpose(2, 3))).repeat(20, 1, 1, 1)
    changed = bent(pictures, torch.Generator().manual_seed(0))
    assert torch.equal(changed, bent(pictures, torch.Generator().manual_seed(0)))
    inside = (changed - pictures)[..., 4:-4, 4:-4]  # of a slope, by how much its places have moved
    assert inside.abs().max() < 1.5 * BEND and inside.abs().mean() > 0.2 * BEND
    assert abs(inside.mean()) < 0.1 * BEND, "nowhere in particular"
    assert (changed[::2].std(0) > 0.1 * BEND)[..., 4:-4, 4:-4].all()
    assert inside.diff(dim=3).abs().max() < BEND, "smoothly"


def test_each_domain_is_normalised_by_itself_and_in_other_colours_it_is_the_same_picture() -> None:
    part = toy()
    for f, pixels in ((part.f_of("source"), part.source), (part.f_of("target"), part.target)):
        units: list[Tensor] = []
        f.layers[-2].register_forward_hook(lambda layer, given, made, kept=units: kept.append(made.detach()))
        f(pixels.inputs())
        assert units[0].mean(0).abs().max() < 0.01 and (units[0].var(0, correction=0) - 1).abs().max() < 0.1
    pictures = random(40, 3, 8, 8)
    changed = recolored(pictures, torch.Generator().manual_seed(0))
    for before, after in zip(pictures, changed, strict=True):
        orders = [sign * before[list(order)] for sign in (1, -1) for order in itertools.permutations(range(3))]
        assert sum(torch.equal(after, other) for other in orders) == 1
    assert (
        len({(float(after[0, 0, 0] / before[0, 0, 0]) > 0) for before, after in zip(pictures, changed, strict=True)})
        == 2
    )


def test_of_a_share_of_the_pictures_a_patch_is_missing_and_the_rest_is_as_it_was() -> None:
    pictures = random(400, 3, 32, 32)
    changed = erased(pictures, torch.Generator().manual_seed(0), 0.5)
    assert torch.equal(changed, erased(pictures, torch.Generator().manual_seed(0), 0.5))
    missing = (changed != pictures).any(1)
    assert 0.4 < missing.flatten(1).any(1).float().mean() < 0.6
    for picture, before, where in zip(changed, pictures, missing, strict=True):
        rows, columns = where.any(1).nonzero()[:, 0], where.any(0).nonzero()[:, 0]
        if len(rows):
            assert where.sum() == len(rows) * len(columns), "one patch"
            assert all(PATCH[0] <= len(side) <= PATCH[1] for side in (rows, columns))
            border = (
                before[:, 0].mean(1) + before[:, -1].mean(1) + before[:, :, 0].mean(1) + before[:, :, -1].mean(1)
            ) / 4
            torch.testing.assert_close(picture[:, rows[0], columns[0]], border)
    covered = missing.float().mean(0)
    assert covered[16, 16] > covered[0, 0] > 0, "anywhere"
    assert torch.equal(erased(pictures, torch.Generator().manual_seed(0), 0), pictures)


def some_pixels(channels: int = 3, count: int = 24, seed: int = 0) -> Pixels:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 32, 32, channels), np.uint8)
    return Pixels(torch.from_numpy(images), torch.arange(count) % 10)


def toy(kind: str = "transfer", noise: float = 0.0, **changes: Any) -> Transfer | Baseline:
    """A transfer of dark squares on noise into light ones on black, with an f of random weights."""
    changed = {"perception_width": 8, "width": 8, "learning_rate": 5e-3, "alpha": 1, "noise": noise}
    options = TransferOptions(**{**TINY, **changed})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        f = Perception(8)
    images = torch.zeros(24, 32, 32, 1, dtype=torch.uint8)
    for i in range(24):
        images[i, i // 2 : i // 2 + 12, 4:20] = 255
    target = Pixels(images, torch.zeros(24, dtype=torch.int64))
    if kind == "baseline":
        return Baseline(options, f, some_pixels(), target, 0, through_f=False)
    return Transfer(options, f, some_pixels(), target, 0, **changes)


@pytest.mark.parametrize("kind", ["transfer", "baseline"])
@pytest.mark.parametrize("through_f", [True, False])
def test_f_stays_as_it_is_while_the_rest_learns(kind: str, through_f: bool) -> None:
    part = toy(kind) if kind == "baseline" else toy(through_f=through_f)
    before = {name: value.clone() for name, value in part.perception.state_dict().items()}
    weights = [value.clone() for network in part.networks.values() for value in network.parameters()]
    for _ in range(2):
        assert all(math.isfinite(value) for value in part.step(0).values())
    assert all(torch.equal(part.perception.state_dict()[name], value) for name, value in before.items())
    assert all(weight.grad is None for weight in part.perception.parameters())
    after = [value for network in part.networks.values() for value in network.parameters()]
    assert all(not torch.equal(old, new) for old, new in zip(weights, after, strict=True))


def test_a_transfer_learns_to_leave_the_target_as_it_is_and_to_keep_what_f_sees() -> None:
    part = toy()
    measured = [part.step(0) for _ in range(60)]
    for name in ("TID", "CONST"):
        first, last = (np.mean([row[name] for row in rows]) for rows in (measured[:5], measured[-5:]))
        assert last < 0.6 * first, name
    drawn = part.transferred(part.target, "target")
    assert float((drawn - part.target.inputs()).square().mean()) < 0.5, "also by what the batches were normalised with"


def test_a_term_that_is_left_out_is_not_learned() -> None:
    assert set(toy().step(0)) == {"D", "GANG", "CONST", "TID"}
    assert set(toy(terms=Terms(identity=False)).step(0)) == {"D", "GANG", "CONST"}
    assert set(toy(terms=Terms(constancy=False)).step(0)) == {"D", "GANG", "TID"}
    part = toy(terms=Terms(adversarial=False))
    before = [value.clone() for value in part.discriminator.parameters()]
    assert set(part.step(0)) == {"CONST", "TID"}
    assert all(torch.equal(old, new) for old, new in zip(before, part.discriminator.parameters(), strict=True))
    assert set(toy("baseline").step(0)) == {"GAN", "CONST"}


def test_what_draws_is_the_average_of_the_last_steps() -> None:
    part = toy()
    weight, expected = part.mapping.get_parameter("1.layers.0.weight"), None
    for count in range(30):
        part.step(0)
        decay = min(0.99, (1 + count) / (10 + count))
        expected = weight.detach().clone() if expected is None else decay * expected + (1 - decay) * weight.detach()
    torch.testing.assert_close(part.average.get_parameter("module.1.layers.0.weight"), expected)
    drawn = part.average(part.f_of("source")(part.source.inputs()))
    torch.testing.assert_close(part.transferred(part.source), drawn)


def test_kinds_are_kept_where_f_has_a_classifier_and_it_learns_nothing_from_that() -> None:
    reading = Reading(TransferOptions(**{**TINY, "perception_width": 8}), some_pixels(), 0)
    part = toy(kinds=reading.kinds)
    before = {name: value.clone() for name, value in reading.classifier.state_dict().items()}
    losses = [part.step(0)["KIND"] for _ in range(40)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    assert all(torch.equal(reading.classifier.state_dict()[name], value) for name, value in before.items())
    assert all(weight.grad is None for weight in reading.classifier.parameters())
    assert set(toy(terms=Terms(constancy=False), kinds=reading.kinds).step(0)) == {"D", "GANG", "TID"}


def test_the_loss_of_kinds_is_the_cross_entropy_of_what_was_told_before() -> None:
    logits, after = random(5, 4), random(5, 4, seed=1)
    told, then = ([[math.exp(x) for x in row] for row in both.tolist()] for both in (logits, after))
    expected = [
        -sum(p / sum(a) * math.log(q / sum(b)) for p, q in zip(a, b, strict=True))
        for a, b in zip(told, then, strict=True)
    ]
    assert float(kind_loss(logits, after)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_g_is_g_of_f_or_has_eyes_of_its_own() -> None:
    pixels = some_pixels(count=3)
    through, own = toy(), toy(through_f=False)
    for domain in ("source", "target"):
        seen = through.f_of(domain)(pixels.inputs())
        torch.testing.assert_close(through.transferred(pixels, domain), through.average(seen))
    torch.testing.assert_close(own.transferred(pixels), own.average(pixels.inputs()))


def test_g_learns_from_what_f_sees_through_noise_and_draws_without_it() -> None:
    part = toy(noise=0.1)
    taken: list[Tensor] = []
    for mapping in (part.mapping, part.average):
        mapping.register_forward_pre_hook(lambda mapping, given: taken.append(given[0].detach()))
    part.transferred(part.source)
    clean = taken.pop()
    for _ in range(20):
        part.step(0)
    learned_from = torch.cat([both[: TINY["batch_size"]] for both in taken])
    off = torch.cdist(learned_from, clean).min(1).values / math.sqrt(clean.shape[1])
    assert off.mean() == pytest.approx(part.options.noise, rel=0.1)
    assert torch.equal(part.transferred(part.source), part.transferred(part.source))


def test_a_classifier_learns_at_a_rate_that_rises_and_falls() -> None:
    assert rate_at(0.0) < 0.05 and rate_at(0.1) == pytest.approx(1, abs=0.02) and rate_at(0.999) < 0.01
    striped = (torch.arange(32) % 8 < 4).mul(255).byte().expand(32, 32)
    pictures = torch.stack([striped] * 12 + [striped.T] * 12).unsqueeze(-1).expand(-1, -1, -1, 3).contiguous()
    pixels = Pixels(pictures, (torch.arange(24) >= 12).long())
    part = Reading(TransferOptions(**{**TINY, "perception_rate": 1e-2}), pixels, 0)
    for step in range(30):
        part.step(step / 30)
    assert part.accuracy(pixels) == part.accuracy_on(pixels.inputs(), pixels.labels) == 1


def test_the_nearest_and_the_ranks_are_as_counted_by_hand() -> None:
    known, labels = torch.tensor([[0.0, 0.0], [4.0, 0.0]]), torch.tensor([3, 7])
    asked = torch.tensor([[1.0, 0.0], [3.0, 1.0], [2.5, 0.0]])
    assert nearest_read(known, labels, asked, torch.tensor([3, 7, 3])) == pytest.approx(2 / 3)
    gallery, probes = random(20, 5), random(6, 5, seed=1)
    places = torch.tensor([0, 3, 5, 7, 11, 19])
    cosine = torch.nn.functional.cosine_similarity(probes[:, None], gallery[None], dim=2)
    expected = [1 + sum(float(c) > float(cosine[i, place]) for c in cosine[i]) for i, place in enumerate(places)]
    assert ranks(probes, gallery, places).tolist() == expected
    assert ranks(gallery, gallery, torch.arange(20)).tolist() == [1] * 20


def test_recognition_costs_log_n_where_all_look_alike_and_next_to_nothing_where_each_is_known() -> None:
    assert float(recognition_loss(torch.ones(8, 4), torch.ones(8, 4))) == pytest.approx(math.log(8))
    known = torch.eye(8)
    assert float(recognition_loss(known, 3 * known)) == pytest.approx(math.log(1 + 7 * math.exp(-5)), rel=1e-4)


def test_another_picture_of_somebody_is_drawn_by_the_seed_and_stays_a_picture() -> None:
    pictures = as_inputs(torch.from_numpy(draw_faces(6, 32, 0)))
    first, again = (another_picture(pictures, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again) and first.abs().max() <= 1
    assert float((first - pictures).abs().mean()) > 0.02


def test_drawn_faces_are_decided_by_the_seed_and_all_differ() -> None:
    faces = draw_faces(12, 32, 5)
    assert faces.shape == (12, 32, 32, 3) and np.array_equal(faces, draw_faces(12, 32, 5))
    assert len(np.unique(faces.reshape(12, -1), axis=0)) == 12
    assert not np.array_equal(faces, draw_faces(12, 32, 6))


fit_tiny = partial(tiny_fits.fit_tiny, "dtn")


@pytest.mark.parametrize(
    ("experiment", "tables", "rows"),
    [("digits", 2, 6), ("ablations", 1, len(TABLE_1) + 1), ("left-out", 1, len(TABLE_3)), ("reverse", 1, 3)],
)
def test_every_experiment_with_digits_ends_with_its_tables_and_pictures(
    experiment: str, tables: int, rows: int, tmp_path: Path
) -> None:
    fit_tiny(experiment, DIGITS, tmp_path)
    found = read_results(tmp_path)
    assert len(found) == tables and len(found[0].rows) == rows
    assert all(
        0 <= value <= 1 for table in found for row in table.rows for value in row[1:] if isinstance(value, float)
    )
    with Image.open(tmp_path / "transferred.png") as picture:
        assert picture.width > 32


def test_a_digit_that_is_left_out_is_shown_nowhere_that_it_should_not_be(tmp_path: Path) -> None:
    made = fit_tiny("left-out", {**DIGITS, "digit": 7, "steps": 1, "perception_steps": 1}, tmp_path)
    transfers: dict[str, Transfer] = made.transfers  # type: ignore[attr-defined]
    seen = {name: (7 in part.source.labels, 7 in part.target.labels) for name, part in transfers.items()}
    assert seen == {
        "dtn": (True, True),
        "not-in-s": (False, True),
        "not-in-t": (True, False),
        "not-in-both": (False, False),
        "not-in-f": (False, False),
    }
    assert transfers["not-in-f"].perception is not transfers["dtn"].perception
    assert set(made.shown.labels.tolist()) == {7}  # type: ignore[attr-defined]


@pytest.mark.parametrize("stop_after", [2, 7])
def test_a_fit_that_was_interrupted_ends_with_the_same_numbers(stop_after: int, tmp_path: Path) -> None:
    """While f learns, and while G does."""
    fit_tiny("digits", DIGITS, tmp_path / "whole")
    fit_tiny("digits", DIGITS, tmp_path / "resumed", stop_after)
    assert read_results(tmp_path / "whole") == read_results(tmp_path / "resumed")
    whole, resumed = (read_fit(tmp_path / name)[1] for name in ("whole", "resumed"))
    assert sorted(whole) == sorted(resumed)
    for name, array in whole.items():
        np.testing.assert_array_equal(resumed[name], array, err_msg=name)


def test_faces_are_drawn_and_sought_among_all(tmp_path: Path) -> None:
    options = {**TINY, "source": save_faces(tmp_path), "drawings": 16}
    made = fit_tiny("faces", options, tmp_path / "run")
    assert isinstance(made.parts["f"], Recognizing)
    (table,) = read_results(tmp_path / "run")
    assert table.rows[0][0] == "median rank" and "among 24 photos" in table.title
    assert read_judgement(tmp_path / "run", "dtn").options["drawn_channels"] == 3
    assert (tmp_path / "run" / "faces.png").is_file()


def test_style_is_transferred_by_vgg_16() -> None:
    path = vgg_file()
    if not path.is_file():
        pytest.skip(f"needs the weights of VGG-16 in {path}")
    vgg = read_vgg(path, ("conv5_1",))
    photo, drawing = as_inputs(torch.from_numpy(draw_faces(2, 32, 0))).split(1)
    before, after = photo, restyle(photo, drawing, vgg, 3, 1e4)

    def style(picture: Tensor) -> Tensor:
        with torch.no_grad():
            return gram(activations(vgg, picture)["conv1_1"])

    assert after.abs().max() <= 1
    assert (style(after) - style(drawing)).norm() < (style(before) - style(drawing)).norm()


def test_a_set_without_digits_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="the data set folder:.* has no labels and not the ten digits: give digits"):
        read_digits(save_faces(tmp_path), "train", True, 10, CPU)


def test_a_digit_that_nobody_shows_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="digit=4, but none of the 2 held-out .*: .*give more than pictures=2"):
        fit_tiny("left-out", {**DIGITS, "pictures": 2, "digit": 4}, tmp_path)


# --- as a judge ---

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
    fit_tiny("digits", DIGITS, tmp_path)
    term = RewardTerm.model_validate({"name": "dtn", "from": str(tmp_path), "options": {"identity": 0.5}})
    made = build_reward(term, setting((64, 64, 1)))
    assert isinstance(made, Dtn) and made.options.identity == 0.5 and made.options.perception_width == 4
    shown = pixels(1, shape=(64, 64, 1))
    assert made.score(pixels(0, shape=(64, 64, 1)), Context(shown, {})).isfinite().all()
    with pytest.raises(ConfigError, match="needs what its method has learned"):
        build_reward(RewardTerm(name="dtn"), setting())
    assert json.loads((tmp_path / "results.json").read_text())[0]["title"] == "mnist5k to mnist5k"
