"""What codes hold is measured as the closed forms have it, and a − b + c is what it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from spiral.methods.vlae.arithmetic import Trait, blended, some_triples
from spiral.methods.vlae.figures import ACROSS, traversal
from spiral.methods.vlae.measures import frechet, mutual_information, stroke_width, told_by
from spiral.methods.vlae.training import encoded
from tests.spiral.methods.noise import random
from tests.spiral.methods.vlae_toys import bars, made


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


def test_width_is_that_of_drawn_bars() -> None:
    ink = np.zeros((4, 32, 32), np.float32)
    for place, width in enumerate((2, 4, 6)):
        ink[place, 2:30, 12 : 12 + width] = 1
    widths = stroke_width(ink)
    assert widths[:3] == pytest.approx([2, 4, 6], rel=0.25) and widths[0] < widths[1] < widths[2] and widths[3] == 0


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
