"""Smoothed pictures are means of neighbours with random weights, and what is reduced comes to lie among them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from spiral.smooth import CLEAN_SHARE, MOST, smoothed


def pictures(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 5, 4, 3), np.uint8)


def test_it_is_the_filter_of_its_formula():
    given = pictures(6)
    rng = np.random.default_rng(3)
    taps = rng.uniform(0, MOST, (2, 2, 6))
    taps[:, :, rng.random(6) < CLEAN_SHARE] = 0
    for number, (picture, found) in enumerate(zip(given, smoothed(given, np.random.default_rng(3)), strict=True)):
        light = picture.astype(float)
        for axis in range(2):
            a, b = taps[axis, :, number]
            padded = np.pad(light, [(1, 1) if side == axis else (0, 0) for side in range(3)], mode="edge")
            before, after = (np.delete(padded, cut, axis) for cut in ([-1, -2], [0, 1]))
            light = a * before + (1 - a - b) * light + b * after
        np.testing.assert_allclose(found, light, atol=0.51)


def test_the_seed_decides_and_some_stay_as_they_are():
    given = pictures(400)
    first, again, other = (smoothed(given, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    untouched = (first == given).all(axis=(1, 2, 3)).mean()
    assert untouched == pytest.approx(CLEAN_SHARE, abs=0.06)


def test_what_has_no_edge_stays():
    flat = np.full((8, 6, 6, 1), 93, np.uint8)
    np.testing.assert_array_equal(smoothed(flat, np.random.default_rng(0)), flat)


def test_a_picture_that_was_made_smaller_is_near_one_of_them():
    """A box whose edges lie between pixels, drawn hard and drawn large and reduced."""
    large = Image.new("L", (128, 128), 255)
    large.paste(0, (37, 50, 82, 91))
    reduced = np.asarray(large.resize((16, 16), Image.Resampling.BILINEAR), float)
    hard = np.asarray(large.resize((16, 16), Image.Resampling.NEAREST))[None, ..., None]
    tried = smoothed(hard.repeat(500, axis=0), np.random.default_rng(0))[..., 0].astype(float)
    errors = np.square(tried - reduced).mean(axis=(1, 2))
    unsmoothed = np.square(hard[0, ..., 0].astype(float) - reduced).mean()
    assert errors.min() < 0.3 * unsmoothed, "not 0, since each edge was moved by another part of a pixel"
