"""PuppetGAN: demonstrations, measures, losses and networks are what they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from spiral.data.fonts import font_files
from spiral.methods.dtn.pixels import Pixels
from spiral.methods.puppet_gan.demonstrations import Demonstrations
from spiral.methods.puppet_gan.digits import Rotation, Size
from spiral.methods.puppet_gan.measures import correlation, jeffreys, rest_variance
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
from spiral.moments import ink_of, length_of, slant_of
from tests.spiral.methods.noise import random

CPU = torch.device("cpu")


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
        measured = (length_of if attribute == "size" else slant_of)(ink_of(table.inputs())).view(9, 4)
        assert (measured.diff(dim=1) > 0).float().mean() > 0.9, "the values rise"
    assert torch.equal(table.images, typeset("rotation", Poses((0.5, 1.0), (-0.5, 0.5)), 9, 4, 32, 3).images)


def test_the_demonstrations_of_the_dagger_are_further_off() -> None:
    for made, least in ((Size, 0.5), (Rotation, 20)):
        near, far = (typeset(made.changed, poses, 40, 6, 32, 0).inputs() for poses in (made.poses, made.further))
        assert jeffreys(length_of(ink_of(near)), length_of(ink_of(far))) > least


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
