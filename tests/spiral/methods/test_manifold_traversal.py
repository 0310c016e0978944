"""Every formula of Deep Manifold Traversal beside one that is written out, and which pictures are of which kind."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from spiral.data.pictures import Pictures
from spiral.methods.manifold_traversal.features import DEEP, SHALLOW, Features
from spiral.methods.manifold_traversal.inverting import Inversion, constancy, invert, total_variation
from spiral.methods.manifold_traversal.kinds import ATTRIBUTES, extremes, inside
from spiral.methods.manifold_traversal.model import (
    Witness,
    gaussian,
    half_width,
    principal,
    traverse,
    witness_between,
)
from spiral.methods.vgg import Vgg
from spiral.section import ConfigError
from tests.spiral.methods.noise import random

VGG_19 = [[64] * 2, [128] * 2, [256] * 4, [512] * 4, [512] * 4]


doubles = partial(random, dtype=torch.float64)


def some_features(seed: int = 0) -> Features:
    """Of a network that has learned nothing."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        features = Features(Vgg([[4, 4], [4, 4], [6, 6], [6, 6], [6]]))
    features.normalize(some_pictures(3))
    return features


def some_pictures(count: int, side: int = 16, seed: int = 0) -> Tensor:
    rough = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(rough, (side, side), mode="bilinear")


def slope_by_differences(function: Callable[[Tensor], Tensor], at: Tensor, small: float = 1e-6) -> Tensor:
    """The gradient of a function of [N] numbers, in float64."""
    moves = small * torch.eye(len(at), dtype=torch.float64)
    return torch.stack([(function(at + move) - function(at - move)) / (2 * small) for move in moves])


# --- the manifold, the witness and the way ---


def test_the_components_are_those_of_a_singular_value_decomposition() -> None:
    features = (doubles(9, 40) @ doubles(40, 40, seed=1)).float()
    manifold, places = principal([features[:4], features[4:]], 5)
    centred = (features - features.mean(0)).double()
    _, lengths, directions = torch.linalg.svd(centred, full_matrices=False)
    cosines = (manifold.basis.double() * directions[:5]).sum(1).abs()
    torch.testing.assert_close(cosines, torch.ones(5, dtype=torch.float64), rtol=0, atol=1e-5)
    torch.testing.assert_close(places.norm(dim=0).double(), lengths[:5], rtol=1e-4, atol=0)
    torch.testing.assert_close(manifold.coordinates(features), places, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(manifold.basis @ manifold.basis.T, torch.eye(5), rtol=0, atol=1e-5)


def test_as_many_components_as_there_are_say_everything() -> None:
    features = doubles(6, 30).float()
    manifold, places = principal([features], 100)
    assert places.shape == (6, 5), "six points lie in five dimensions about their mean"
    torch.testing.assert_close(manifold.mean + manifold.shift(places), features, rtol=1e-4, atol=1e-4)
    with pytest.raises(ConfigError, match="the 3 pictures of the manifold look alike: give others, or more of them"):
        principal([torch.ones(3, 30)], 2)


def slow_witness(witness: Witness, point: Tensor) -> float:
    def mean_kernel(points: Tensor) -> float:
        near = [math.exp(-sum((float(a) - float(b)) ** 2 for a, b in zip(point, other, strict=True))
                         / (2 * witness.width**2)) for other in points]  # fmt: skip
        return sum(near) / len(near)

    return mean_kernel(witness.source) - mean_kernel(witness.target)


def test_the_witness_is_the_mean_kernel_of_the_source_less_that_of_the_target() -> None:
    witness, points = Witness(doubles(5, 3), doubles(7, 3, seed=1) + 1, 1.3), doubles(4, 3, seed=2)
    torch.testing.assert_close(witness(points).tolist(), [slow_witness(witness, point) for point in points])
    assert float(witness(witness.source).mean()) > 0 > float(witness(witness.target).mean())
    assert float(Witness(witness.source, witness.source, 1.0)(points).abs().max()) == 0, "of the same there is nothing"


def test_the_width_makes_the_kernel_a_half_in_the_mean() -> None:
    points = doubles(12, 4)
    width = half_width(points)
    kernel = gaussian(points, points, width)
    pairs = [float(kernel[i, j]) for i in range(12) for j in range(i)]
    assert sum(pairs) / len(pairs) == pytest.approx(0.5, abs=1e-6)
    assert half_width(7 * points + 3) == pytest.approx(7 * width, rel=1e-5)
    two = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    assert half_width(two) == pytest.approx(5 / math.sqrt(2 * math.log(2)), rel=1e-6)
    with pytest.raises(ConfigError, match="half of the pictures of source and target are the same"):
        half_width(torch.cat((torch.zeros(9, 2), torch.ones(1, 2))))


def kinds_apart() -> tuple[Witness, Tensor]:
    """A witness, and a place in the middle of the source."""
    source, target = doubles(20, 3).float() - 0.8, doubles(20, 3, seed=1).float() + 0.8
    return witness_between(source, target), source.mean(0)


@pytest.mark.parametrize("penalty", [1.0, 0.2, 0.02])
def test_a_traversal_ends_where_witness_and_budget_are_in_balance(penalty: float) -> None:
    witness, place = kinds_apart()

    def objective(delta: Tensor) -> Tensor:
        cost = penalty * float(delta.square().sum()) / (2 * witness.width**2)
        return torch.tensor(slow_witness(witness, place.double() + delta) + cost, dtype=torch.float64)

    delta = traverse(witness, place, penalty).double()
    assert slope_by_differences(objective, delta, 1e-4).abs().max() < 1e-4 / witness.width
    nearby = [objective(delta + 0.05 * doubles(3, seed=seed)) for seed in range(20)]
    assert float(objective(delta)) <= min(map(float, nearby)) and objective(delta) < objective(torch.zeros(3))
    torch.testing.assert_close(float(witness.cost(delta[None], penalty)), float(objective(delta)) - slow_witness(
        witness, place.double() + delta), rtol=1e-4, atol=1e-6)  # fmt: skip


def test_a_smaller_penalty_allows_more_and_a_huge_one_nothing() -> None:
    witness, place = kinds_apart()
    ends = [traverse(witness, place, penalty) for penalty in (1e4, 1.0, 0.5, 0.2, 0.1, 0.01)]
    lengths, seen = (
        [float(each) for each in found] for found in (torch.stack(ends).norm(dim=1), witness(place + torch.stack(ends)))
    )
    assert lengths[0] < 1e-3 and lengths == sorted(lengths) and seen == sorted(seen, reverse=True)
    assert seen[-1] < float(witness(witness.target).mean())


# --- features and the way back to a picture ---


def test_the_deep_features_are_as_many_as_in_the_paper() -> None:
    with torch.device("meta"):
        assert Features(Vgg(VGG_19)).size(125) == 425_984
        assert Features(Vgg([[64] * 2, [128] * 2, [256] * 3, [512] * 3, [512] * 3])).size(125) == 425_984
    for side in (16, 21):
        features = some_features()
        assert features(some_pictures(2, side))[0].shape == (2, features.size(side))


def test_every_layer_counts_by_its_mean_activation() -> None:
    features, pictures = some_features(), some_pictures(3)
    deep, shallow = features(pictures)
    layers = [features.vgg(pictures, [name])[name] for name in SHALLOW + DEEP]
    for scale, layer in zip(features.scales, layers, strict=True):
        assert float(scale) == pytest.approx(float(layer.mean()), rel=1e-5)
    torch.testing.assert_close(deep, torch.cat([layer.flatten(1) / layer.mean() for layer in layers[2:]], dim=1))
    for found, layer in zip(shallow, layers[:2], strict=True):
        torch.testing.assert_close(found, layer / layer.mean())


def test_the_variation_is_that_of_the_paper_and_its_slope_too() -> None:
    picture = doubles(1, 2, 4, 5)
    for beta in (1.0, 2.0, 3.0):
        expected = sum(
            float((picture[0, c, i, j + 1] - picture[0, c, i, j]) ** 2
                  + (picture[0, c, i + 1, j] - picture[0, c, i, j]) ** 2) ** (beta / 2)
            for c in range(2) for i in range(3) for j in range(4)
        )  # fmt: skip
        assert float(total_variation(picture, beta)) == pytest.approx(expected)
    asked = picture.clone().requires_grad_()
    (slope,) = torch.autograd.grad(total_variation(asked), asked)
    by_differences = slope_by_differences(lambda flat: total_variation(flat.view_as(picture)), picture.flatten())
    torch.testing.assert_close(slope.flatten(), by_differences, rtol=1e-6, atol=1e-6)


def test_what_should_stay_counts_by_its_strength_at_each_place() -> None:
    now, before = [doubles(1, 2, 4, 4), doubles(1, 3, 2, 2, seed=1)], [doubles(1, 2, 4, 4, seed=2), doubles(1, 3, 2, 2)]
    strength = doubles(4, 4, seed=3).abs()
    expected = 0.0
    for one, other, factor in zip(now, before, (1, 2), strict=True):
        for i in range(one.shape[2]):
            for j in range(one.shape[3]):
                here = float(strength[factor * i : factor * (i + 1), factor * j : factor * (j + 1)].mean())
                expected += here * float((one[0, :, i, j] - other[0, :, i, j]).square().sum()) / 2
    assert float(constancy(now, before, strength)) == pytest.approx(expected)
    masked = strength.clone()
    masked[:, 2:] = 0
    asked = [each.clone().requires_grad_() for each in now]
    slopes = torch.autograd.grad(constancy(asked, before, masked), asked)
    assert slopes[0][..., 2:].abs().max() == slopes[1][..., 1:].abs().max() == 0
    by_differences = slope_by_differences(
        lambda flat: constancy([flat.view_as(now[0]), now[1]], before, masked), now[0].flatten()
    )
    torch.testing.assert_close(slopes[0].flatten(), by_differences, rtol=1e-6, atol=1e-6)


def loss_of(
    features: Features, picture: Tensor, wanted: Tensor, source: Tensor, region: Tensor, how: Inversion
) -> float:
    """Equation 8, written out."""
    deep, shallow = features(picture[None])
    _, kept = features(source[None])
    total = (deep[0] - wanted).square().sum() / 2 + how.variation * total_variation(255 * picture[None])
    for now, before in zip(shallow, kept, strict=True):
        places = torch.nn.functional.adaptive_avg_pool2d(region[None, None], now.shape[2:])
        strength = how.kept * places + how.kept_outside * (1 - places)
        total = total + (strength * (now - before).square()).sum() / 2
    return float(total)


def test_an_inversion_makes_the_objective_smaller_the_longer_it_goes_on() -> None:
    features, (source, other) = some_features(), some_pictures(2, seed=4)
    region, (_, wanted) = (
        torch.from_numpy(inside((0.5, 0.5, 0.4, 0.4), 16)),
        features.deep(torch.stack((source, other))),
    )
    ends = [source]
    for iterations in (2, 8, 40):
        ends.append(invert(features, wanted, source, region, Inversion(0.02, 0.2, 1e-5, iterations)))
    how = Inversion(0.02, 0.2, 1e-5)
    losses = [loss_of(features, end, wanted, source, region, how) for end in ends]
    assert losses == sorted(losses, reverse=True) and losses[-1] < 0.7 * losses[0]
    assert all(end.min() >= 0 and end.max() <= 1 for end in ends)
    assert float((features.deep(ends[-1][None])[0] - wanted).norm()) < float(
        (features.deep(source[None])[0] - wanted).norm()
    )


def test_a_picture_whose_own_features_are_wanted_stays_and_outside_the_region_less_changes() -> None:
    features, (source, other) = some_features(), some_pictures(2, seed=4)
    whole, own = torch.ones(16, 16), features.deep(source[None])[0]
    assert float((invert(features, own, source, whole, Inversion(variation=0.0)) - source).abs().max()) < 1e-3
    region, wanted = torch.zeros(16, 16), features.deep(other[None])[0]
    region[:, :8] = 1

    def moved(kept_outside: float) -> tuple[float, float]:
        change = (invert(features, wanted, source, region, Inversion(0.0, kept_outside, 0.0)) - source).abs().mean(0)
        return float(change[:, :7].mean()), float(change[:, 9:].mean())

    (_, free), (within, outside) = moved(0.0), moved(50.0)
    assert outside < 0.3 * free and outside < 0.5 * within
    held = invert(features, wanted, source, region, Inversion(0.0, 0.0, 0.0, held=True))
    torch.testing.assert_close(held[..., 8:], source[..., 8:], rtol=0, atol=1e-6)
    assert float((held - source)[..., :8].abs().mean()) > 0.1 * within


# --- kinds of pictures ---


def labelled(count: int = 6) -> Pictures:
    images = np.full((count, 32, 32, 3), 100, np.uint8)
    for i in range(count):
        images[i, 2:5, 11:21] = 20 * i  # hair
        images[i, 18:22] = 250 - 20 * i  # cheeks
    rising = np.linspace(0, 1, count, dtype=np.float32)
    moods: dict[str, Any] = {name: (1 - rising) / 4 for name in ("neutral", "sad", "surprised", "angry")}
    return Pictures(images, None, {"happy": rising, "age": 80 - 70 * rising, **moods})


@pytest.mark.parametrize(
    ("more", "less"),
    [("smile", "frown"), ("younger", "older"), ("fair-hair", "dark-hair"), ("dark-skin", "fair-skin")],
)
def test_attributes_are_read_from_labels_or_where_faces_have_them(more: Any, less: Any) -> None:
    pictures = labelled()
    amounts = ATTRIBUTES[more].of(pictures)
    assert np.isfinite(amounts).all() and (np.diff(amounts) > 0).all()
    np.testing.assert_array_equal(ATTRIBUTES[less].of(pictures), -amounts)
    source, target = extremes(amounts, 2)
    assert source.tolist() == [0, 1] and target.tolist() == [5, 4]
    with pytest.raises(ConfigError, match="need 8, and there are 6: give a set_size of 3 or less, or more pictures"):
        extremes(amounts, 4)


def test_a_label_that_pictures_lack_is_named_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match="no label 'happy', but none: name a data set with it such as faces, or an"):
        ATTRIBUTES["smile"].of(Pictures(labelled().images))


def test_a_region_is_an_ellipse() -> None:
    assert inside((0.5, 0.5, 0.5, 0.5), 64).mean() == pytest.approx(math.pi / 4, abs=0.01)
    small = inside((0.25, 0.75, 0.1, 0.2), 40)
    ys, xs = np.nonzero(small)
    assert (xs.mean(), ys.mean()) == pytest.approx((9.5, 29.5)) and np.ptp(ys) > np.ptp(xs)
