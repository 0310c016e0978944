"""The losses are those of the paper, no channel carries more than its bound, and a translation learns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from spiral.methods.rift.baselines import Didd, Munit
from spiral.methods.rift.information import channel_information, read_information
from spiral.methods.rift.measures import Task, accuracies, manipulated, random_translation, relative_discrepancy
from spiral.methods.rift.model import (
    Translator,
    capacity_bound,
    capacity_loss,
    deception_loss,
    discriminator_loss,
    gaussian_capacity,
    guess_loss,
    guide_loss,
    heard,
    honesty_pairs,
    reconstruction_loss,
)
from spiral.methods.rift.networks import PatchDiscriminator, ResnetGenerator, instance_norm
from spiral.methods.rift.pictures import Domain
from spiral.methods.rift.reading import REAL, Reading, reading_loss
from spiral.methods.rift.training import Rift, RiftOptions
from tests.spiral.methods.noise import random

SMALL: dict[str, Any] = {"batch_size": 4, "side": 16, "width": 4, "blocks": 1, "stem": 3, "discriminator_width": 4}


# --- losses ---


def test_adversarial_losses_are_least_squares() -> None:
    real, drawn = random(3, 1, 2, 2), random(3, 1, 2, 2, seed=1)
    places = [(n, i, j) for n in range(3) for i in range(2) for j in range(2)]
    expected = sum((float(real[n, 0, i, j]) - 1) ** 2 + float(drawn[n, 0, i, j]) ** 2 for n, i, j in places) / 12
    assert float(discriminator_loss(real, drawn)) == pytest.approx(expected, rel=1e-5)
    expected = sum((float(drawn[n, 0, i, j]) - 1) ** 2 for n, i, j in places) / 12
    assert float(deception_loss(drawn)) == pytest.approx(expected, rel=1e-5)


def test_the_original_comes_first_where_it_should_and_who_cannot_tell_pays_a_quarter() -> None:
    pictures, again = random(4, 3, 2, 2), random(4, 3, 2, 2, seed=1)
    first = torch.tensor([True, False, False, True])
    pairs = honesty_pairs(pictures, again, first)
    for i in range(4):
        one, other = (pictures[i], again[i]) if first[i] else (again[i], pictures[i])
        assert torch.equal(pairs[i], torch.cat((one, other)))
    assert float(guess_loss(torch.full((4, 1, 3, 3), 0.5), first)) == pytest.approx(0.25)
    known = first.float()[:, None, None, None].expand(-1, 1, 3, 3)
    assert float(guess_loss(known, first)) == 0 and float(guess_loss(known, ~first)) == 1, "the more D knows, the worse"


def test_reconstruction_and_capacity_are_means_over_pixels() -> None:
    one, other = random(2, 3, 2, 2), random(2, 3, 2, 2, seed=1)
    expected = sum(abs(float(x) - float(y)) for x, y in zip(one.flatten(), other.flatten(), strict=True)) / 24
    assert float(reconstruction_loss(one, other)) == pytest.approx(expected, rel=1e-5)
    guides = random(5, 1, 4, 4)
    power = float(guides.square().sum((1, 2, 3)).mean())
    assert float(capacity_loss(guides)) == pytest.approx(power / 16, rel=1e-5), "L / dim(s)"


def test_noise_is_drawn_by_the_generator_with_its_deviation() -> None:
    signal = random(50, 1, 16, 16)
    one, same = (heard(signal, 0.3, torch.Generator().manual_seed(4)) - signal for _ in range(2))
    assert torch.equal(one, same) and float(one.std()) == pytest.approx(0.3, rel=0.02)


def test_what_of_a_guide_is_not_seen_again_counts_by_its_power() -> None:
    guides, again = random(3, 1, 4, 4), random(3, 1, 4, 4, seed=1)
    power = float(guides.square().mean())
    assert float(guide_loss(guides, guides, 0.1)) == 0
    assert float(guide_loss(guides, torch.zeros_like(guides), 0.1)) == pytest.approx(power / (power + 0.01), rel=1e-4)
    loud = guide_loss(guides, again, 0.0)
    torch.testing.assert_close(guide_loss(0.01 * guides, 0.01 * again, 0.0), loud)
    assert float(guide_loss(0.001 * guides, 0.001 * again, 0.1)) < 1e-3, "below the noise there is nothing to be seen"
    told, seen = guides.clone().requires_grad_(), again.clone().requires_grad_()
    guide_loss(told, seen, 0.1).backward()
    assert told.grad is None and seen.grad is not None, "a guide does not learn to say less"


# --- networks ---


def test_a_translator_reads_guides_without_one_and_hears_one() -> None:
    network, pictures = Translator(3, 8, 2, 5, 1), random(4, 3, 16, 16).clamp(-1, 1)
    drawn, guides = network(pictures)
    assert drawn.shape == pictures.shape and drawn.abs().max() <= 1 and guides.shape == (4, 1, 16, 16)
    assert torch.equal(guides, network(pictures, torch.zeros(4, 1, 16, 16))[1])
    assert not torch.equal(drawn, network(pictures, random(4, 1, 16, 16))[0]), "it hears a guide"
    alone = network(pictures[2:3])[0]
    torch.testing.assert_close(alone, drawn[2:3], rtol=1e-4, atol=1e-4)


def test_the_papers_sizes_can_be_had() -> None:
    paper = ResnetGenerator(4, 4, 64, 9, 7, 2)
    assert sum(weight.numel() for weight in paper.parameters()) == pytest.approx(11.4e6, rel=0.1), "as CycleGAN's"
    assert PatchDiscriminator(3, 64)(random(1, 3, 128, 128)).shape == (1, 1, 16, 16)


def test_a_patch_is_as_large_as_the_pictures_of_the_default() -> None:
    """Smaller ones do not see how large a thing is."""
    convolutions = [layer for layer in PatchDiscriminator(3, 4).modules() if isinstance(layer, nn.Conv2d)]
    patch = 1
    for layer in reversed(convolutions):
        patch = (patch - 1) * layer.stride[0] + layer.kernel_size[0]
    assert patch == 54 > RiftOptions().side


def test_instance_norm_takes_away_level_and_spread_of_each_map() -> None:
    maps = 3 * random(2, 4, 8, 8) + 5
    normed = instance_norm(4)(maps)
    torch.testing.assert_close(normed, torch.nn.functional.instance_norm(maps), rtol=1e-4, atol=1e-4)


# --- theorem 1 ---


def test_the_bounds_are_their_formulas() -> None:
    assert capacity_bound(5, 3.0, 1.0) == pytest.approx(5 * 2)
    assert gaussian_capacity(5, 15.0, 1.0) == pytest.approx(5 / 2 * 2)
    assert capacity_bound(7, 0.0, 0.5) == gaussian_capacity(7, 0.0, 0.5) == 0


def test_a_gaussian_code_carries_what_shannon_says() -> None:
    codes = random(1500, 1, seed=3).double()
    codes = (codes - codes.mean()) / codes.std(correction=0)
    bits = channel_information(codes, 1.0, torch.Generator().manual_seed(0))
    assert bits == pytest.approx(0.5, abs=0.02), "half a bit at a ratio of 1"


@pytest.mark.parametrize("deviation", [0.2, 0.7, 1.5])
def test_a_code_of_two_signs_carries_the_integral_of_its_entropy(deviation: float) -> None:
    """MI = h(Y) − h(ε) by numerical integration over y."""
    y = np.linspace(-12, 12, 48001)
    density = sum(np.exp(-((y - s) ** 2) / 2 / deviation**2) for s in (-1, 1)) / 2 / deviation / math.sqrt(2 * math.pi)
    entropy = -np.trapezoid(density * np.log2(np.maximum(density, 1e-300)), y)
    expected = entropy - math.log2(deviation * math.sqrt(2 * math.pi * math.e))
    codes = torch.tensor([[-1.0], [1.0]]).repeat(200, 1)
    bits = channel_information(codes, deviation, torch.Generator().manual_seed(0))
    assert bits == pytest.approx(expected, abs=0.03)


def code_sets() -> list[Tensor]:
    sparse = random(60, 30, seed=1) * (torch.rand(60, 30, generator=torch.Generator().manual_seed(2)) < 0.05)
    return [
        random(60, 30),
        0.01 * random(60, 30),
        20 * random(60, 30).sign(),
        sparse,
        torch.zeros(60, 30),
        random(60, 30) + 3,
        random(60, 1, seed=5).expand(-1, 30),
        random(4, 30).repeat(15, 1),
    ]


@pytest.mark.parametrize("codes", code_sets())
def test_no_code_carries_more_than_its_bound_or_its_number(codes: Tensor) -> None:
    power = float(codes.square().sum(1).mean())
    before = math.inf
    for deviation in (0.02, 0.1, 0.5, 1.0, 3.0, 10.0, 50.0):
        bits = channel_information(codes, deviation, torch.Generator().manual_seed(0))
        narrow, wide = (each(30, power, deviation) for each in (gaussian_capacity, capacity_bound))
        assert -0.01 <= bits <= min(narrow, math.log2(len(codes))) + 0.01 and narrow <= wide
        assert bits <= before + 0.02, "louder noise, fewer bits"
        before = bits


def test_what_is_read_is_counted_in_bits_beyond_those_of_chance() -> None:
    generator = torch.Generator().manual_seed(0)
    truth = torch.arange(800) % 8
    assert 2.8 < read_information(truth, truth, generator) <= 3
    assert read_information(truth, (truth + 3) % 8, generator) > 2.8, "another name for each class says as much"
    assert read_information(truth, torch.zeros_like(truth), generator) == 0
    assert read_information(truth, truth[torch.randperm(800, generator=generator)], generator) < 0.02


# --- measures ---


def test_accuracies_are_counted_as_the_formulas_say() -> None:
    drawn, wanted, other = torch.tensor([1.0, 2, 3, 1]), torch.tensor([1.0, 1, 3, 2]), torch.tensor([2.0, 2, 3, 1])
    assert manipulated(drawn, wanted, other, real=False) == pytest.approx(1 / 3), "the third says nothing"
    assert manipulated(wanted, wanted, wanted, real=False) is None
    near = [abs(d - w) <= abs(d - o) for d, w, o in zip(drawn.tolist(), wanted.tolist(), other.tolist(), strict=True)]
    assert manipulated(drawn, wanted, other, real=True) == pytest.approx(sum(near) / 4)


def test_relative_discrepancy_is_nothing_where_roles_change_nothing_and_100_where_they_decide() -> None:
    assert relative_discrepancy({"x": 40.0, "y": 90.0}, {"x": 40.0, "y": 90.0}) == 0
    assert relative_discrepancy({"x": 0.0, "y": 80.0}, {"x": 70.0, "y": 0.0}) == pytest.approx(100)
    assert relative_discrepancy({"x": 60.0, "y": 90.0}, {"x": 90.0, "y": 60.0}) == pytest.approx(20)
    assert relative_discrepancy({"x": 60.0}, {}) == 0


FACTORS = ("shared", "own a", "own b")


def coded(factors: dict[str, Tensor]) -> Domain:
    """Pictures whose three channels are three factors of eight classes, for which no reader has to learn."""
    images = torch.stack([factors[name] * 32 for name in FACTORS], 1).to(torch.uint8)
    return Domain(images[:, :, None, None].expand(-1, -1, 4, 4), {name: each.float() for name, each in factors.items()})


def coded_task(real: bool = False) -> Task:
    generator = torch.Generator().manual_seed(0)

    def some(own: str, count: int = 300) -> Domain:
        drawn = {name: torch.randint(8, (count,), generator=generator) for name in ("shared", own)}
        fixed = torch.full((count,), 3)
        return coded({name: drawn.get(name, fixed) for name in FACTORS})

    domains = some("own a"), some("own b"), some("own a"), some("own b")
    return Task("coded", *domains, ("shared",), ("own a",), ("own b",), dict.fromkeys(FACTORS, REAL if real else 8))


def decode(pictures: Tensor) -> Mapping[str, Tensor]:
    levels = ((pictures[:, :, 0, 0] + 1) * 127.5 / 32).round()
    return dict(zip(FACTORS, levels.unbind(1), strict=True))


def exact(pictures: Tensor, guides: Tensor, to_b: bool) -> Tensor:
    """The shared channel of the pictures, and the others as the guides have them."""
    return torch.cat((pictures[:, :1], guides[:, 1:]), 1)


@pytest.mark.parametrize("real", [False, True])
def test_who_translates_exactly_has_all_right_and_who_copies_only_what_it_copies(real: bool) -> None:
    task = coded_task(real)
    assert accuracies(task, exact, decode, 400, 0) == dict.fromkeys(FACTORS, 1.0)
    copied = accuracies(task, lambda pictures, guides, to_b: pictures, decode, 400, 0)
    assert copied["shared"] == 1 and copied["own a"] < 0.3 and copied["own b"] < 0.3
    guided = accuracies(task, lambda pictures, guides, to_b: guides, decode, 400, 0)
    assert guided["shared"] < 0.3 and guided["own a"] == guided["own b"] == 1


def test_who_draws_any_picture_is_right_by_chance() -> None:
    task = coded_task()
    found = accuracies(task, random_translation(task, 0), decode, 2000, 0)
    for name in FACTORS:
        assert found[name] == pytest.approx(1 / 8, abs=0.03), name


# --- training ---


def squares(own: str, count: int = 40, seed: int = 0) -> Domain:
    """A square whose column is shared, on a wall whose level varies in A; in B it is the square's own that does."""
    rng = np.random.default_rng(seed)
    images = np.full((count, 3, 16, 16), 90, np.uint8)
    columns = rng.integers(0, 10, count)
    for i in range(count):
        images[i] = rng.integers(20, 160) if own == "a" else 90
        images[i, :, 5:11, columns[i] : columns[i] + 6] = 250 if own == "a" else rng.integers(180, 256)
    return Domain(torch.from_numpy(images), {"column": torch.from_numpy(columns).float()})


def toy(kind: str = "rift", **changes: Any) -> Rift | Munit | Didd:
    options = RiftOptions(**{**SMALL, "steps": 40, **changes})
    if kind == "rift":
        return Rift(options, squares("a"), squares("b"), 0)
    return (Munit if kind == "munit" else Didd)(options, 40, squares("a"), squares("b"), 0)


@pytest.mark.parametrize(("kind", "lower"), [("rift", "cycle"), ("munit", "same"), ("didd", "same")])
def test_all_networks_learn_and_pictures_come_back_better(kind: str, lower: str) -> None:
    part = toy(kind, learning_rate=3e-3)
    before = {name: [each.clone() for each in network.parameters()] for name, network in part.networks.items()}
    rows = [part.step(0) for _ in range(40)]
    assert all(math.isfinite(value) for row in rows for value in row.values())
    assert np.mean([row[lower] for row in rows[-5:]]) < 0.8 * np.mean([row[lower] for row in rows[:5]])
    for name, network in part.networks.items():
        assert all(each.requires_grad for each in network.parameters())
        after = zip(before[name], network.parameters(), strict=True)
        assert all(not torch.equal(old, new) for old, new in after if old.dim() > 1), name
    drawn = part.translated(part.a.inputs(), part.b.inputs(), True)
    assert drawn.shape == (40, 3, 16, 16) and drawn.abs().max() <= 1 and not drawn.requires_grad


def test_a_loss_that_is_left_out_is_not_learned() -> None:
    whole = {"D", "GAN", "cycle", "capacity", "honesty", "identity", "stay", "guide"}
    assert set(toy().step(0)) == whole
    for name in ("honesty", "identity", "stay", "guide"):
        without: dict[str, Any] = {name: 0.0}
        assert set(toy(**without).step(0)) == whole - {name}
    part = toy(honesty=0.0)
    assert isinstance(part, Rift)
    before = [each.clone() for each in part.discriminators["honest"].parameters()]
    part.step(0)
    assert all(torch.equal(*each) for each in zip(before, part.discriminators["honest"].parameters(), strict=True))


def test_a_dear_guide_says_less() -> None:
    powers = []
    for capacity in (0.0, 200.0):
        part = toy(capacity=capacity, learning_rate=3e-3)
        assert isinstance(part, Rift)
        for _ in range(25):
            part.step(0)
        powers.append(part.power(part.a))
    assert powers[1] < 0.2 * powers[0]


def test_a_translation_is_the_guide_that_was_read_and_the_seed_decides_it() -> None:
    one, same = toy(), toy()
    assert isinstance(one, Rift) and isinstance(same, Rift)
    for part in (one, same):
        torch.manual_seed(99)
        part.step(0)
    a, b = one.a.inputs(slice(5)), one.b.inputs(slice(5))
    assert torch.equal(one.translated(a, b, True), same.translated(a, b, True))
    said = one.generators["b2a"](b)[1]
    assert torch.equal(one.translate(a, b, True), one.generators["a2b"](a, said)[0])


def test_the_rate_falls_over_the_second_half() -> None:
    part = toy()
    for progress, share in ((0.0, 1.0), (0.5, 1.0), (0.75, 0.5), (0.9, 0.2)):
        part.step(progress)
        assert part.optimizers["generators"].param_groups[0]["lr"] == pytest.approx(share * 2e-3)


def test_the_power_of_guides_is_cheap_and_becomes_what_the_options_say() -> None:
    part = toy(capacity=4.0)
    assert isinstance(part, Rift)
    at = [part.capacity_at(progress) for progress in (0, 0.35, 0.7, 1)]
    assert at == pytest.approx([0.2, 0.894, 4, 4], rel=1e-3)


def test_translations_stay_near_their_pictures_at_first() -> None:
    part = toy(stay=2.0)
    assert isinstance(part, Rift)
    assert [part.stay_at(progress) for progress in (0, 0.125, 0.25, 1)] == [2, 1, 0, 0]
    assert "stay" in part.step(0.0)
    assert "stay" not in part.step(0.5)


def test_a_generator_cannot_tell_by_the_noise_which_way_it_goes() -> None:
    """It heard guides on the way back alone, where pictures were noisy, and ignored them where they were clean."""
    part = toy(picture_noise=0.1)
    assert isinstance(part, Rift)
    seen: list[Tensor] = []
    part.generators["a2b"].register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    part.step(0.0)
    guided, there, back = seen
    walls = [pictures[:4, :, 12:].flatten(1) for pictures in (guided, there, back)]
    spread = [float((wall - wall.mean(1, keepdim=True)).std()) for wall in walls]
    assert spread[0] < 0.01 < 0.03 < min(spread[1:]), "only guides are read in clean pictures"


def test_some_pictures_have_more_noise_than_others() -> None:
    deviations = torch.linspace(0, 2, 5)[:, None, None, None]
    spread = heard(torch.ones(5, 1, 64, 64), deviations, torch.Generator().manual_seed(0)).flatten(1).std(1)
    assert spread.tolist() == pytest.approx(deviations.flatten().tolist(), rel=0.05, abs=1e-6)


# --- the reader ---


def test_a_reader_learns_classes_and_numbers() -> None:
    generator = torch.Generator().manual_seed(0)
    kinds, levels = torch.randint(2, (128,), generator=generator), torch.rand(128, generator=generator)
    images = (255 * levels)[:, None, None, None].expand(-1, 3, 16, 16).clone()
    images[kinds == 1, :, 4:9] = 0
    domain = Domain(images.to(torch.uint8), {"kind": kinds.float(), "level": levels})
    part = Reading(40, domain, {"kind": 2, "level": REAL}, 0)
    for step in range(40):
        part.step(step / 40)
    found = part.accuracy(domain)
    assert found["kind"] > 0.95 and found["level"] > 0.9
    read = part.read(domain.inputs())
    assert read["kind"].shape == read["level"].shape == (128,)


def test_reading_costs_cross_entropy_or_a_square() -> None:
    assert float(reading_loss(torch.zeros(4, 5), torch.tensor([0.0, 1, 2, 3]))) == pytest.approx(math.log(5))
    assert float(reading_loss(torch.tensor([[1.0], [3.0]]), torch.tensor([0.0, 1.0]))) == pytest.approx(2.5)
