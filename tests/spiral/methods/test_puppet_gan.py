"""Demonstrations, measures and losses are what they say, every model learns, and the judge scores by E and R."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from spiral.config import RewardTerm
from spiral.contracts import WeightsError
from spiral.data import DatasetError
from spiral.data.fonts import font_files
from spiral.methods.dtn.pixels import Pixels
from spiral.methods.fitting import read_fit, read_results
from spiral.methods.puppet_gan.comparing import MODELS, Model
from spiral.methods.puppet_gan.demonstrations import Demonstrations
from spiral.methods.puppet_gan.digits import Rotation, Size
from spiral.methods.puppet_gan.measures import correlation, jeffreys, rest_variance, size_of, slant_of
from spiral.methods.puppet_gan.model import (
    Code,
    Decoder,
    Discriminator,
    Encoder,
    Layout,
    apart,
    deception_loss,
    discrimination_loss,
    joined,
    noisy,
)
from spiral.methods.puppet_gan.posing import Poses, posed, typeset, typeset_digits, write
from spiral.methods.puppet_gan.puppet import PuppetGan
from spiral.methods.puppet_gan.reward import Puppeteer, PuppetGanOptions, between, judgement_of
from spiral.methods.puppet_gan.training import Batch, ManipulationOptions, Training
from spiral.rewards import build_reward
from spiral.rewards.base import Context, Setting
from spiral.section import ConfigError
from tests.spiral.methods import tiny_fits
from tests.spiral.methods.faces_folder import save_labelled

CPU = torch.device("cpu")
TINY: dict[str, Any] = {
    **{"side": 16, "width": 4, "rest_size": 6, "steps": 3, "batch_size": 6, "pictures": 40},
    **{"rests": 5, "levels": 3, "measured": 12, "references": 3},
}
DIGITS = {**TINY, "data": "mnist5k", "reader_epochs": 1}
ALL = list(get_args(Model))


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def bars(lengths: Tensor, angles: Tensor, side: int = 32) -> Tensor:
    """Bars of ink that stand upright and are a tenth wide before they are posed, as networks take them."""
    upright = torch.zeros(1, 1, 200, 200)
    upright[..., 50:150, 90:110] = 1
    drawn = posed(upright.expand(len(lengths), -1, -1, -1), 2 * lengths, angles, side)
    return 2 * drawn.permute(0, 3, 1, 2).float() / 255 - 1


def test_size_and_slant_are_those_of_a_bar() -> None:
    angles = torch.tensor([0.0, 0.3, -0.5, 0.1])
    lengths = torch.tensor([0.5, 0.5, 0.4, 0.25])
    pictures = bars(lengths, angles, 64)
    assert size_of(pictures).tolist() == pytest.approx((lengths / math.sqrt(12)).tolist(), rel=0.03)
    thickness = (0.2 / 1) ** 2  # of the bar's width and length, squared: a bar that is as thick as long has no slant
    expected = angles.tan() * (1 - thickness) / (1 + angles.tan().square() * thickness)
    assert slant_of(pictures).tolist() == pytest.approx(expected.tolist(), abs=0.02)
    assert slant_of(pictures)[1] > 0, "it leans to the right: its upper end does"
    upper = (1 - pictures[1, 0, :32]).sum(0) @ torch.arange(64.0)
    lower = (1 - pictures[1, 0, 32:]).sum(0) @ torch.arange(64.0)
    assert upper > lower


def test_a_blank_picture_has_neither_size_nor_slant() -> None:
    blank = torch.ones(2, 3, 16, 16)
    assert size_of(blank).tolist() == slant_of(blank).tolist() == [0, 0]


def test_correlation_is_pearsons_and_0_where_nothing_varies() -> None:
    one, other = random(50), random(50, seed=1) + random(50)
    assert correlation(one, other) == pytest.approx(float(np.corrcoef(one, other)[0, 1]), abs=1e-6)
    assert correlation(one, 3 - 2 * one) == pytest.approx(-1)
    assert correlation(one, torch.ones(50)) == 0


def test_jeffreys_is_both_divergences_between_gaussians() -> None:
    one, other = 0.5 * random(4000).double() + 0.2, random(4000, seed=1).double()
    assert jeffreys(one, one) == pytest.approx(0)
    assert jeffreys(one, other) == pytest.approx(jeffreys(other, one))
    x = torch.linspace(-9, 9, 20001).double()
    p, q = (torch.distributions.Normal(each.mean(), each.std(correction=0)).log_prob(x) for each in (one, other))
    expected = torch.trapezoid((p.exp() - q.exp()) * (p - q), x)
    assert jeffreys(one, other) == pytest.approx(float(expected), rel=1e-4)


def test_v_rest_sees_what_changes_with_the_rest_and_not_what_changes_with_the_value() -> None:
    values = random(2, 1, 4, 1, 5, 5).expand(-1, 3, -1, -1, -1, -1)
    assert rest_variance(values) == pytest.approx(0)
    drawn = random(2, 3, 4, 1, 5, 5)
    expected = np.mean(
        [
            np.var(drawn[n, :, k, 0, y, x].numpy())
            for n in range(2)
            for k in range(4)
            for y in range(5)
            for x in range(5)
        ]
    )
    assert rest_variance(drawn) == pytest.approx(float(expected), rel=1e-4)
    assert rest_variance(drawn + values) == pytest.approx(float(expected), rel=1e-4)


def test_a_triple_shows_the_rest_of_one_with_the_value_of_another() -> None:
    rests, levels = torch.arange(7), torch.arange(5)
    images = torch.zeros(7, 5, 4, 4, 3, dtype=torch.uint8)
    images[..., 0], images[..., 1] = rests.view(7, 1, 1, 1), levels.view(1, 5, 1, 1)
    table = Demonstrations(images, 10.0 * levels, rests.float())
    *pictures, value = table.triples(200, torch.Generator().manual_seed(0))
    b1, b2, b3 = (((1 + each[:, :2, 0, 0]) * 127.5).round() for each in pictures)
    assert torch.equal(b3[:, 0], b2[:, 0]) and torch.equal(b3[:, 1], b1[:, 1])
    assert not torch.equal(b1[:, 0], b2[:, 0]) and len(b1.unique(dim=0)) > 30
    assert value.tolist() == pytest.approx(((b1[:, 1] - 2) / math.sqrt(2)).tolist()), "in spreads from the mean"


def test_digits_are_posed_by_what_is_known_of_them() -> None:
    glyphs = typeset_digits()
    assert (
        len(glyphs) == 10 * len(font_files())
        and glyphs.shape[1:] == (1, 64, 64)
        and len(glyphs.flatten(1).unique(dim=0)) > 150
    )
    longer = torch.stack([(glyphs.amax((1, dim)) > 0.05).sum(1) for dim in (2, 3)]).amax(0)
    assert (longer.float() / 64 - 20 / 28).abs().max() < 0.05, "as long as the digits of MNIST"
    whole = posed(glyphs[:3], torch.ones(3), torch.zeros(3), 32)
    reduced = nn.functional.avg_pool2d(glyphs[:3], 2)
    assert (whole.permute(0, 3, 1, 2).float() / 255 - (1 - reduced)).abs().max() < 0.01
    for attribute in ("size", "rotation"):
        table = typeset(attribute, Poses((0.5, 1.0), (-0.5, 0.5)), 9, 4, 32, 3)
        assert table.images.shape == (9, 4, 32, 32, 1)
        measured = (size_of if attribute == "size" else slant_of)(table.inputs()).view(9, 4)
        assert (measured.diff(dim=1) > 0).float().mean() > 0.9, "the values rise"
    assert torch.equal(table.images, typeset("rotation", Poses((0.5, 1.0), (-0.5, 0.5)), 9, 4, 32, 3).images)


def test_the_demonstrations_of_the_dagger_are_further_off() -> None:
    for made, measure, least in ((Size, size_of, 0.5), (Rotation, size_of, 20)):
        near, far = (typeset(made.changed, poses, 40, 6, 32, 0).inputs() for poses in (made.poses, made.further))
        assert jeffreys(measure(near), measure(far)) > least


def test_written_digits_are_in_range_and_decided_by_the_seed() -> None:
    rng = np.random.default_rng(0)
    pixels = Pixels(torch.from_numpy(rng.integers(0, 256, (30, 32, 32, 1), np.uint8)), torch.arange(30) % 10)
    poses = Poses((0.5, 0.9), (0.1, 0.4))
    made = write(pixels, poses, 16, 1)
    assert made.pixels.images.shape == (30, 16, 16, 1) and torch.equal(made.pixels.labels, pixels.labels)
    assert made.sizes.min() >= 0.5 and made.sizes.max() <= 0.9 and made.angles.min() >= 0.1
    assert torch.equal(made.pixels.images, write(pixels, poses, 16, 1).pixels.images)
    assert not torch.equal(made.pixels.images, write(pixels, poses, 16, 2).pixels.images)
    assert torch.equal(posed(made.ink, made.sizes, made.angles, 16), made.pixels.images)


def test_the_losses_are_mean_differences_and_least_squares() -> None:
    one, other = random(3, 1, 4, 4), random(3, 1, 4, 4, seed=1)
    expected = sum(abs(float(x - y)) for x, y in zip(one.flatten(), other.flatten(), strict=True)) / 48
    assert float(apart(one, other)) == pytest.approx(expected, rel=1e-5)
    expected = sum((float(x) - 1) ** 2 for x in one.flatten()) / 48 + sum(float(y) ** 2 for y in other.flatten()) / 48
    assert float(discrimination_loss(one, other)) == pytest.approx(expected, rel=1e-5)
    expected = sum((float(x) - 1) ** 2 for x in one.flatten()) / 48
    assert float(deception_loss(one)) == pytest.approx(expected, rel=1e-5)
    assert float(discrimination_loss(torch.ones(2), torch.zeros(2))) == float(deception_loss(torch.ones(2))) == 0
    noise = noisy(one, 0.2, torch.Generator().manual_seed(0)) - one
    assert torch.equal(noisy(one, 0.0, torch.Generator()), one) and 0.1 < float(noise.std()) < 0.3


def test_the_networks_are_the_papers_at_its_width_and_take_every_side() -> None:
    assert Layout(width=64).widths == [64, 128, 256, 512, 512]
    for side in (16, 32, 64, 128):
        layout = Layout(side=side, channels=3, width=2, rest_size=5)
        pictures = random(2, 3, side, side)
        encoder = Encoder(layout)
        code = encoder(pictures)
        assert code.attribute.shape == (2, 2) and code.rest.shape == (2, 5)
        drawn = Decoder(layout)(code)
        assert drawn.shape == pictures.shape and drawn.abs().max() <= 1
        assert Discriminator(layout)(drawn).shape == (2, 1, side // 8, side // 8)
        alone = encoder(pictures[:1])
        torch.testing.assert_close(alone.rest, code.rest[:1], rtol=1e-3, atol=1e-4)  # others have no part in it


def test_codes_are_joined_parted_and_exchanged() -> None:
    one, other = Code(random(3, 2), random(3, 4)), Code(random(3, 2, seed=1), random(3, 4, seed=1))
    mixed = one.with_attribute_of(other)
    assert mixed.attribute is other.attribute and mixed.rest is one.rest
    for before, after in zip((one, other), joined((one, other)).parts(2), strict=True):
        assert all(torch.equal(x, y) for x, y in zip(before, after, strict=True))


def toy(kind: Model = "puppet_gan", **options: Any) -> Training:
    """Slanted bars: real ones are thick and of any length and slant; demonstrations are thin and show the slant."""
    generator = torch.Generator().manual_seed(0)
    values = torch.linspace(-0.6, 0.6, 4)

    def draw(lengths: Tensor, angles: Tensor) -> Tensor:
        return ((1 + bars(lengths, angles, 16)) * 127.5).byte().permute(0, 2, 3, 1).contiguous()

    lengths = 0.4 + 0.5 * torch.rand(30, generator=generator)
    real = Pixels(draw(lengths, 1.2 * torch.rand(30, generator=generator) - 0.6), torch.zeros(30).long())
    rests = torch.linspace(0.4, 0.9, 5)
    images = draw(rests.repeat_interleave(4), values.repeat(5)).unflatten(0, (5, 4))
    chosen = ManipulationOptions(**{**TINY, "width": 6, "batch_size": 8, "learning_rate": 3e-3, **options})
    return MODELS[kind][1](chosen, real, Demonstrations(images, values, rests), 0)


def batch_of(training: Training) -> Batch:
    a = training.real.inputs(torch.arange(4))
    return Batch(a, *training.demonstrations.triples(4, torch.Generator().manual_seed(5)))


def test_the_terms_are_the_equations_one_by_one() -> None:
    training = toy(noise=0.0)
    assert isinstance(training, PuppetGan)
    net, batch = training.network, batch_of(training)

    def alpha(pictures: Tensor) -> Tensor:
        seen: Tensor = net.encoder(pictures).attribute
        return seen

    def rho(pictures: Tensor) -> Tensor:
        seen: Tensor = net.encoder(pictures).rest
        return seen

    def real(attribute: Tensor, rest: Tensor) -> Tensor:
        drawn: Tensor = net.real(Code(attribute, rest))
        return drawn

    def synthetic(attribute: Tensor, rest: Tensor) -> Tensor:
        drawn: Tensor = net.synthetic(Code(attribute, rest))
        return drawn

    def error(drawn: Tensor, wanted: Tensor) -> float:
        return float((drawn - wanted).abs().mean())

    with torch.no_grad():
        terms, drawn = training.learn(batch, 0.0)
        a, b1, b2, b3 = batch.a, batch.b1, batch.b2, batch.b3
        as_synthetic, as_real = synthetic(alpha(a), rho(a)), real(alpha(b1), rho(b1))
        puppet, other_puppet = real(alpha(b1), rho(a)), synthetic(alpha(a), rho(b1))
        expected = {
            "reconstruction": error(real(alpha(a), rho(a)), a) + error(synthetic(alpha(b1), rho(b1)), b1),
            "disentanglement": error(synthetic(alpha(b1), rho(b2)), b3),
            "cycle": error(real(alpha(as_synthetic), rho(as_synthetic)), a)
            + error(synthetic(alpha(as_real), rho(as_real)), b1),
            "attribute, synthetic": error(synthetic(alpha(puppet), rho(b2)), b3),
            "attribute, real": error(real(alpha(other_puppet), rho(a)), a),
            "rest, real": error(real(alpha(a), rho(puppet)), a),
        }
    assert {name: float(value) for name, (_, value) in terms.items()} == pytest.approx(expected, rel=1e-4)
    assert [weight for weight, _ in terms.values()] == [10, 10, 10, 5, 3, 10]
    torch.testing.assert_close(drawn["real"], torch.cat((puppet, as_real)))
    torch.testing.assert_close(drawn["synthetic"], torch.cat((as_synthetic, other_puppet)))


def test_the_ablation_lacks_the_compositional_losses_alone() -> None:
    kept = {"reconstruction", "disentanglement", "cycle"}
    judged = {"deception, real", "deception, synthetic", "discrimination"}
    assert set(toy("without-composition").step(0)) == kept | judged
    assert set(toy().step(0)) == kept | judged | {"attribute, synthetic", "attribute, real", "rest, real"}


@pytest.mark.parametrize("kind", ALL)
def test_every_model_learns_and_draws_each_picture_after_each_reference(kind: Model) -> None:
    training = toy(kind)
    before = {name: value.clone() for name, value in training.network.named_parameters()}
    measured = [training.step(0) for _ in range(8)]
    assert all(math.isfinite(value) for row in measured for value in row.values())
    unused = {"cycle-vae", "dida"}  # nobody judges there
    assert ("discrimination" in measured[0]) == (kind not in unused)
    moved = [not torch.equal(before[name], value) for name, value in training.network.named_parameters()]
    assert all(moved)
    real, references = training.real.inputs(slice(0, 3)), training.demonstrations.inputs()[:5]
    drawn = training.manipulated(real, references)
    assert drawn.shape == (3, 5, 1, 16, 16) and not drawn.requires_grad
    torch.testing.assert_close(drawn[1:2, 2:4], training.manipulated(real[1:2], references[2:4]))
    assert torch.equal(drawn[0], drawn[1]) == (kind == "cyclegan"), "it draws the reference alone"


def test_puppet_gan_learns_to_reconstruct_to_disentangle_and_to_compose() -> None:
    training = toy()
    measured = [training.step(0) for _ in range(50)]
    for name in ("reconstruction", "disentanglement", "attribute, synthetic"):
        first, last = (np.mean([row[name] for row in rows]) for rows in (measured[:5], measured[-5:]))
        assert last < 0.6 * first, name


fit_tiny = partial(tiny_fits.fit_tiny, "puppet_gan")


def numbers(row: tuple[str | float | None, ...]) -> list[float]:
    """What was measured in a row: the paper's figures, and names, are left out."""
    return [value for value in row[1 : (len(row) + 1) // 2] if isinstance(value, float)]


@pytest.mark.parametrize("experiment", ["size", "rotation"])
def test_every_row_of_the_table_is_measured(experiment: str, tmp_path: Path) -> None:
    fit_tiny(f"{experiment}-table", DIGITS, tmp_path)
    table, discrepancies = read_results(tmp_path)
    assert [row[0] for row in table.rows[:-2]] == [MODELS[name][0] for name in ALL]
    assert table.rows[0][5:] == (*((0.73, 0.85, 0.02, 0.02) if experiment == "size" else (0.97, 0.40, 0.11, 0.01)),)
    _, correlated, leaked, varying = numbers(table.rows[-2])
    assert correlated > 0.3 and leaked < 1e-3 and varying < 1e-6, "the truth takes over the attribute alone"
    assert numbers(table.rows[-1])[1:] == pytest.approx([0, 0, 0], abs=1e-3)
    assert all(value >= 0 for row in discrepancies.rows for value in numbers(row))
    for name in ALL:
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.width > 32


def test_a_fit_that_was_interrupted_ends_with_the_same_numbers(tmp_path: Path) -> None:
    """Within the second model."""
    fit_tiny("size", DIGITS, tmp_path / "whole")
    fit_tiny("size", DIGITS, tmp_path / "resumed", stop_after=4)
    assert read_results(tmp_path / "whole") == read_results(tmp_path / "resumed")
    whole, resumed = (read_fit(tmp_path / name)[1] for name in ("whole", "resumed"))
    assert sorted(whole) == sorted(resumed)
    for name, array in whole.items():
        np.testing.assert_array_equal(resumed[name], array, err_msg=name)


def add_landmarks(root: Path, count: int) -> None:
    """Every mouth is open by a tenth of the distance of the eyes for each ten faces."""
    points = [[(1.0, 1.0)] * 68 for _ in range(count)]
    for i, face in enumerate(points):
        face[36], face[45], face[62], face[66] = (8.0, 10.0), (24.0, 10.0), (16.0, 20.0), (16.0, 20.0 + 0.16 * i)
        face[39], face[42] = (14.0, 10.0), (18.0, 10.0)
    file = root / "faces" / "labels.csv"
    first, *rows = file.read_text().splitlines()
    told = [";".join(f"{x},{y}" for x, y in face) for face in points]
    lines = [f"{first},landmarks", *(f'{row},"{one}"' for row, one in zip(rows, told, strict=True))]
    file.write_text("\n".join(lines) + "\n")


def test_photos_open_their_mouths_after_drawn_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_labelled(tmp_path, 40)
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    options = {**TINY, "side": 32, "models": ["puppet_gan"]}
    with pytest.raises(DatasetError, match="landmarks"):
        fit_tiny("mouth", options, tmp_path / "without")
    add_landmarks(tmp_path, 40)
    made = fit_tiny("mouth", options, tmp_path / "run")
    table, _ = read_results(tmp_path / "run")
    assert [row[0] for row in table.rows] == ["PuppetGAN", "real pictures as they are"]
    assert table.rows[1][1] == 1.0, "everyone is found in their own photo"
    shown = made.near.asked.images.float()  # type: ignore[attr-defined]
    changed = (shown[:, -1] - shown[:, 0]).abs().mean((0, 2, 3))
    assert changed[16:].max() > 0 and changed[:16].max() == 0, "the mouth changes, and nothing else"


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
