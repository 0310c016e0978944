"""The losses are those of the paper's formulas, f stays frozen, and a transfer learns."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from spiral.methods.dtn.model import (
    Discriminator,
    Generator,
    Perception,
    baseline_risk,
    constancy_loss,
    deception_loss,
    discriminator_loss,
    identity_loss,
    kind_loss,
    variation_loss,
)
from spiral.methods.dtn.pixels import Pixels
from spiral.methods.dtn.reading import BEND, PATCH, Reading, TransferOptions, bent, erased, rate_at, recolored
from spiral.methods.dtn.transfer import Terms
from tests.spiral.methods.dtn_toys import TINY, some_pixels, toy
from tests.spiral.methods.noise import random


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
