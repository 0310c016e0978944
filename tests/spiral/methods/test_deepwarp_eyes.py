"""DeepWarp: drawn eyes and their pairs, what is measured on them, and the baselines."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from spiral.methods.deepwarp import eyes as drawn
from spiral.methods.deepwarp.finding import QUADRUPLETS, found_share
from spiral.methods.deepwarp.forest import Forest, best_displacements
from spiral.methods.deepwarp.measures import (
    errors_by_bin,
    held_pairs,
    ordered_errors,
    unchanged,
)
from spiral.methods.deepwarp.model import (
    HEIGHT,
    WIDTH,
    sample,
)
from spiral.methods.deepwarp.pairs import BINS, HARD_TILT, DrawnPairs, bin_bounds, bin_of, drawn_pairs, some_pairs

CPU = torch.device("cpu")


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def looks(persons: int = 4, shots: int = 2, seed: int = 0) -> drawn.Looks:
    return drawn.random_looks(persons, shots, seed)


# Drawn eyes.


def test_pairs_are_exact() -> None:
    """The picture after is the same eye at the same place, looking where it was asked to."""
    who, before, angles = looks(), 10 * (rand(8, 2) - 0.5), 20 * (rand(8, 2, seed=1) - 0.5)
    pairs = drawn_pairs(who, before, angles)
    centre = drawn.middle(drawn.anchors(who, before), who)
    assert torch.equal(pairs.eyes, drawn.render(who, before, centre))
    assert torch.equal(pairs.truth, drawn.render(who, before + angles, centre))
    assert torch.equal(drawn_pairs(who, before, torch.zeros(8, 2)).truth, pairs.eyes)
    wide = drawn_pairs(who, before, angles, margin=3).truth
    torch.testing.assert_close(wide[..., 3:-3, 3:-3], pairs.truth, atol=1e-6, rtol=0)


def test_a_head_that_moves_by_a_pixel_shifts_the_picture_by_one() -> None:
    who = looks()
    still, moved = (
        drawn_pairs(who, torch.zeros(8, 2), torch.full((8, 2), 9.0), 3, torch.tensor((x, 0.0)).expand(8, 2)).truth
        for x in (0.0, 1 / WIDTH)
    )
    torch.testing.assert_close(moved[..., 1:], still[..., :-1], atol=1e-4, rtol=0)


@pytest.mark.parametrize("gaze", [(0.0, 0.0), (0.0, 15.0), (10.0, -10.0), (-8.0, 0.0)])
def test_the_pupil_moves_on_a_sphere_to_where_the_gaze_goes(gaze: tuple[float, float]) -> None:
    """Where the darkest pixels are, beside R · 0.43 · (sin right cos up, −sin up), in an eye without lids and glint."""
    who = dict(looks(1, 1)) | {"glint": torch.zeros(1), "lashes": torch.zeros(1), "tilt": torch.zeros(1)}
    who |= {"upper": torch.full((1,), 0.4), "lower": torch.full((1,), 0.4), "iris_lightness": torch.full((1,), 0.5)}
    picture = drawn.render(who, torch.tensor([gaze]), torch.zeros(1, 2))[0].mean(0)
    places = (picture < picture.min() + 0.05).nonzero().float().mean(0)
    up, right = (math.radians(angle) for angle in gaze)
    x = WIDTH * 0.43 * math.sin(right) * math.cos(up) + (WIDTH - 1) / 2
    y = -WIDTH * 0.43 * math.sin(up) + (HEIGHT - 1) / 2
    assert float(places[1]) == pytest.approx(x, abs=0.7)
    assert float(places[0]) == pytest.approx(y, abs=0.7)
    point = drawn.in_pixels(drawn.anchors(who, torch.tensor([gaze])), torch.zeros(1, 2))[0, 6]
    assert point.tolist() == pytest.approx([x, y], abs=1e-4)


def test_fifteen_bins_cover_all_corrections() -> None:
    bounds = [bin_bounds(number) for number in range(BINS)]
    assert len(bounds) == 15 and (bounds[0][0], bounds[-1][1]) == (-30, 30)
    assert all(a[1] == b[0] for a, b in pairwise(bounds))
    for degrees in np.linspace(-30, 30, 601):
        low, high = bounds[bin_of(float(degrees))]
        assert low - 1e-9 <= degrees <= high + 1e-9
    with pytest.raises(ValueError, match="31 degrees is in no bin"):
        bin_of(31)


def test_a_batch_is_of_some_bins_with_easy_and_hard_pairs() -> None:
    class Counted(DrawnPairs):
        tilts: list[float] = []

        def _drawn(self, low: float, high: float, indices: Tensor, generator: torch.Generator) -> Any:
            self.tilts += self.looks["tilt"][indices].tolist()
            return super()._drawn(low, high, indices, generator)

    source = Counted(looks(40, 3))
    pairs = some_pairs(source, 4, 6, 2, torch.Generator().manual_seed(0))
    assert len(pairs) == 32 and (pairs.angles[:, 1] == 0).all()
    for part in pairs.angles[:, 0].split(8):
        assert len({bin_of(angle) for angle in part.tolist()}) == 1
    hard = (torch.tensor(source.tilts).abs() >= HARD_TILT).view(4, 8)
    assert hard.tolist() == 4 * [6 * [False] + 2 * [True]]


def test_gazes_stay_within_reach() -> None:
    generator = torch.Generator().manual_seed(0)
    for axis in ("vertical", "horizontal", "both"):
        angles = DrawnPairs(looks(), axis).of_bin(14, 20, 0, generator).angles
        along = angles[:, 1 if axis == "horizontal" else 0]
        assert ((along >= 26) & (along <= 30)).all()


# What is measured, and the baselines.


def test_the_input_itself_has_errors_of_one() -> None:
    held = held_pairs(DrawnPairs(looks()), 2, 0)
    assert list(held) == list(range(15))
    assert torch.equal(ordered_errors(unchanged, held[12]), torch.ones(2))
    errors = errors_by_bin(unchanged, held)
    expected = [float((pairs.eyes - pairs.truth).square().mean()) for pairs in held.values()]
    assert errors == pytest.approx(expected, rel=1e-5)
    assert min(errors) == errors[7], "the least correction"


def test_the_best_displacements_are_found() -> None:
    eyes = rand(1, 3, HEIGHT, WIDTH)
    flow = torch.tensor((2.0, -7.0)).view(1, 2, 1, 1).expand(1, 2, HEIGHT, WIDTH)
    found = best_displacements(eyes, sample(eyes, flow))
    assert torch.equal(found[..., 9:-2, :-4], flow[..., 9:-2, :-4])


def test_the_forest_turns_eyes_by_its_angle() -> None:
    pairs = DrawnPairs(looks()).of_angle(15.0, 6, torch.Generator().manual_seed(0))
    forest = Forest(pairs, 0)
    assert float(ordered_errors(forest.redirect, pairs).mean()) < 0.5
    assert forest.size_in_bytes() > 50_000


def test_a_redirected_eye_is_found_when_it_stands_out_of_three() -> None:
    redirected, real = torch.tensor([3.0, 0.0, 2.5, 9.0, 1.0]), torch.tensor([1.0, 2.0, 0.5, 3.0, 1.5])
    found = 0
    for i in range(5):
        found += all(redirected[i] > real[(i + step) % 5] for step in (1, 2, 3))
    assert found_share(redirected, real) == pytest.approx(found / 5)
    chance = found_share(rand(4000), rand(4000, seed=1))
    assert QUADRUPLETS * chance == pytest.approx(10, abs=1.2)
