"""A pixel of the smaller picture is the rounded mean of those that it covers."""

from __future__ import annotations

import numpy as np
import pytest

from envs.area_means import area_means


@pytest.mark.parametrize("factor", [1, 2, 3, 16, 32])
def test_it_is_the_mean_of_each_block(factor):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 3 * factor, 2 * factor, 3), np.uint8)
    pictures[0] = 255
    blocks = pictures.reshape(2, 3, factor, 2, factor, 3).astype(float).mean(axis=(2, 4))
    np.testing.assert_array_equal(area_means(pictures, factor), np.floor(blocks + 0.5))
    np.testing.assert_array_equal(area_means(pictures[1, ::-1], factor), np.floor(blocks[1, ::-1] + 0.5))


def test_halves_are_rounded_up():
    assert area_means(np.array([0, 1, 0, 1], np.uint8).reshape(2, 2, 1), 2).item() == 1
