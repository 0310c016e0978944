"""The edge benchmark counts as the published one: by the largest matching, over thresholds, of edges one pixel wide."""

from __future__ import annotations

from itertools import pairwise
from math import hypot

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import label

from spiral.methods.n4_fields import benchmark
from spiral.methods.n4_fields.benchmark import (
    THRESHOLDS,
    average_precision,
    consensus,
    counted,
    evaluated,
    evaluated_by_pixel,
    f_measure,
    scored,
)
from spiral.methods.n4_fields.thinning import orientation, suppressed, thinned

Mask = NDArray[np.bool_]
EIGHT = np.ones((3, 3), int)


def masks(seed: int, *shape: int, share: float = 0.2) -> Mask:
    return np.asarray(np.random.default_rng(seed).random(shape) < share)


def most_pairs(found: list[tuple[int, int]], drawn: list[tuple[int, int]], reach: float) -> int:
    """How many of them can be paired, no pixel twice: tried out by augmenting one at a time (Kuhn)."""
    owner: dict[tuple[int, int], tuple[int, int]] = {}

    def settle(pixel: tuple[int, int], asked: set[tuple[int, int]]) -> bool:
        for other in drawn:
            if hypot(pixel[0] - other[0], pixel[1] - other[1]) <= reach and other not in asked:
                asked.add(other)
                if other not in owner or settle(owner[other], asked):
                    owner[other] = pixel
                    return True
        return False

    return sum(settle(pixel, set()) for pixel in found)


def pixels(mask: Mask) -> list[tuple[int, int]]:
    return [(int(y), int(x)) for y, x in np.argwhere(mask)]


@pytest.mark.parametrize("reach", [0.5, 1.0, 1.5, 2.3])
@pytest.mark.parametrize("seed", range(4))
def test_as_many_pixels_are_recalled_as_any_pairing_allows(seed: int, reach: float) -> None:
    edges = masks(seed, 12, 9).astype(np.float32)
    drawn = masks(seed + 100, 2, 12, 9)
    (counts,) = counted(edges, drawn, reach / hypot(12, 9), np.array([0.5]))
    kept = pixels(thinned(edges > 0))
    expected = [most_pairs(kept, pixels(mask), reach) for mask in drawn]
    assert counts[:2].tolist() == [sum(expected), int(drawn.sum())]
    assert max(expected) <= counts[2] <= sum(expected), "a found pixel that several people drew is right once"
    assert counts[3] == len(kept)


def test_a_pixel_is_right_once_however_many_drew_it() -> None:
    edges = np.zeros((7, 7), np.float32)
    edges[3] = 1
    drawn = np.stack([edges > 0, edges > 0, np.roll(edges > 0, 1, 0)])
    (counts,) = counted(edges, drawn, 1.1 / hypot(7, 7), np.array([0.5]))
    assert counts.tolist() == [21, 21, 7, 7]


def test_one_drawn_pixel_is_not_spent_twice() -> None:
    edges, drawn = np.zeros((5, 9), np.float32), np.zeros((1, 5, 9), bool)
    edges[2, (2, 4)] = 1
    drawn[0, 2, 3] = True
    (counts,) = counted(edges, drawn, 2 / hypot(5, 9), np.array([0.5]))
    assert counts.tolist() == [1, 1, 1, 2]


def test_counts_at_each_threshold_are_those_of_the_edges_above_it_alone() -> None:
    rng = np.random.default_rng(0)
    edges = (rng.random((14, 11)) * masks(0, 14, 11, share=0.5)).astype(np.float32)
    edges[edges > 0] = np.round(edges[edges > 0], 1)  # so that many thresholds leave the same
    drawn = masks(1, 3, 14, 11)
    together = counted(edges, drawn)
    for place in (0, 9, 10, 11, 50, 98):
        apart = counted((edges >= THRESHOLDS[place]).astype(np.float32), drawn, thresholds=np.array([0.5]))
        np.testing.assert_array_equal(together[place], apart[0])
    assert (np.diff(together[:, 1]) == 0).all(), "people drew what they drew"


def test_what_a_person_drew_is_found_perfectly_and_nothing_scores_nothing() -> None:
    drawn = np.zeros((1, 40, 40), bool)
    drawn[0, 10:30, 20] = drawn[0, 10, 8:14] = True
    perfect = evaluated([drawn[0].astype(np.float32)], [drawn])
    assert perfect.ods == perfect.ois == pytest.approx(1)
    nothing = evaluated([np.zeros((40, 40), np.float32)], [drawn])
    assert (nothing.ods, nothing.ois, nothing.ap) == (0, 0, 0)
    nobody = evaluated([drawn[0].astype(np.float32)], [np.zeros((1, 40, 40), bool)])
    assert nobody.ods == 0 and np.isfinite(nobody.ap)


def test_the_figures_are_those_of_their_definitions() -> None:
    # Two pictures at two thresholds: recalled, of so many; right, of so many.
    counts = np.array([[[8, 10, 8, 16], [4, 10, 4, 4]], [[2, 10, 2, 20], [2, 10, 2, 2]]])
    found = scored(counts, np.array([0.3, 0.6]))
    np.testing.assert_allclose(found.recall, [10 / 20, 6 / 20])
    np.testing.assert_allclose(found.precision, [10 / 36, 1])
    shares = np.linspace(0, 1, 101)
    recall, precision = 0.5 - 0.2 * shares, 10 / 36 + (1 - 10 / 36) * shares
    best = 2 * recall * precision / (recall + precision)
    assert found.ods == pytest.approx(best.max()) and found.threshold == pytest.approx(0.3 + 0.3 * best.argmax() / 100)
    # Of the first, F is 16/26 at the lower threshold and 8/14 at the higher; of the second 4/30 and 4/12.
    assert found.ois == pytest.approx(2 * (10 / 20) * (10 / 18) / (10 / 20 + 10 / 18))
    assert found.ois <= 1 and f_measure(np.zeros(1), np.zeros(1)) == 0


def test_average_precision_is_the_area_and_does_not_guess_beyond_its_ends() -> None:
    assert average_precision(np.array([1.0, 0.5, 0.0]), np.array([0.5, 0.5, 0.5])) == pytest.approx(0.5, abs=0.006)
    assert average_precision(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(0.5, abs=0.006)
    assert average_precision(np.array([0.4, 0.2]), np.array([1.0, 1.0])) == pytest.approx(0.2, abs=0.011)


def test_a_wider_tolerance_never_finds_less() -> None:
    edges, drawn = masks(3, 30, 30).astype(np.float32), masks(4, 2, 30, 30)
    scores = [evaluated([edges], [drawn], tolerance, thresholds=3).ods for tolerance in (0.01, 0.03, 0.05, 0.08)]
    assert all(one <= other for one, other in pairwise(scores)) and scores[0] < scores[-1]


def test_consensus_is_what_all_others_drew_too() -> None:
    drawn = np.zeros((3, 20, 20), bool)
    drawn[0, 5] = drawn[0, 15] = True
    drawn[1, 6] = drawn[1, 15] = True
    drawn[2, 5] = True
    agreed = consensus(drawn, 1 / hypot(20, 20))
    assert agreed.shape == (1, 20, 20) and agreed[0, 5].all() and agreed.sum() == 20


def test_vessels_are_counted_pixel_by_pixel_inside_alone() -> None:
    drawn = masks(5, 1, 16, 16, share=0.4)
    inside = masks(6, 16, 16, share=0.6)
    perfect = evaluated_by_pixel([np.where(inside, drawn[0], ~drawn[0]).astype(np.float32)], [drawn], [inside])
    assert perfect.ods == pytest.approx(1)
    everything = evaluated_by_pixel([np.ones((16, 16), np.float32)], [drawn], [inside])
    share = drawn[0][inside].mean()
    assert everything.ods == pytest.approx(2 * share / (1 + share))


@pytest.mark.parametrize("seed", range(6))
def test_thinning_keeps_pieces_and_holes_and_takes_nothing_from_what_is_thin(seed: int) -> None:
    mask = label(masks(seed, 24, 24, share=0.55), EIGHT)[0] > 0
    thin = thinned(mask)
    assert (thin <= mask).all()
    np.testing.assert_array_equal(thinned(thin), thin)
    assert label(thin, EIGHT)[1] == label(mask, EIGHT)[1], "as many pieces"
    holes = [label(np.pad(~each, 1, constant_values=True))[1] for each in (mask, thin)]
    assert holes[0] == holes[1], "as many holes"
    pieces = label(mask, EIGHT)[0]
    assert set(pieces[thin]) == set(range(1, pieces.max() + 1))


def test_thick_lines_become_lines_of_one_pixel_each_mask_by_itself() -> None:
    bar = np.zeros((2, 15, 30), bool)
    bar[0, 5:10, 4:26] = True
    bar[1, 2:13, 14] = True
    thin = thinned(bar)
    assert thin[0].sum(0).max() == 1 and thin[0, 7, 8:22].all()
    np.testing.assert_array_equal(thin[1], bar[1])
    np.testing.assert_array_equal(thinned(bar[0]), thin[0])


@pytest.mark.parametrize("turn", [0.0, 0.3, 0.8, 1.2, np.pi / 2, 2.0, 2.8])
def test_the_angle_across_a_ridge_is_that_at_which_it_falls(turn: float) -> None:
    y, x = np.indices((41, 41)) - 20
    across = np.cos(turn) * x + np.sin(turn) * y
    angle = orientation(np.exp(-(across**2) / 8).astype(np.float32))[20, 20]
    assert abs(np.sin(angle - turn)) < np.sin(np.radians(13))


@pytest.mark.parametrize("turn", [0.0, 0.5, np.pi / 4, np.pi / 2, 2.2])
def test_of_a_broad_ridge_its_crest_is_left(turn: float) -> None:
    y, x = np.indices((41, 41)) - 20
    across = np.cos(turn) * x + np.sin(turn) * y
    ridge = np.exp(-(across**2) / 8).astype(np.float32)
    kept = suppressed(ridge)[6:-6, 6:-6]
    inner, distance = ridge[6:-6, 6:-6], np.abs(across[6:-6, 6:-6])
    assert (distance[kept > 0] < 1.2).all() and (kept > 0).sum() >= 29
    np.testing.assert_array_equal(kept[kept > 0], inner[kept > 0])


def test_edges_at_the_rim_are_weakened_and_small_pictures_do_no_harm() -> None:
    flat = suppressed(np.ones((30, 30), np.float32))
    assert flat[15, 15] == 1 and (flat[0] == 0).all() and flat[15, 2] == pytest.approx(2 / 5)
    for shape in ((1, 1), (1, 8), (3, 2)):
        assert np.isfinite(suppressed(np.ones(shape, np.float32))).all()
    assert benchmark.TOLERANCE == 0.0075 and len(THRESHOLDS) == 99
