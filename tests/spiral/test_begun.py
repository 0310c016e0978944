"""Canvases to begin on: empty ones, and mosaics of the target."""

from __future__ import annotations

import numpy as np
import pytest

from spiral.begun import LEVELS, begun, mosaic
from spiral.section import ConfigError

from ..tiny import CONDITIONAL, tiny_config

EMPTY = np.full((16, 16, 3), 255, np.uint8)


def test_level_0_is_empty_and_the_others_come_nearer_to_the_target():
    y, x = np.mgrid[:16, :16]
    target = np.stack((8 * y, 8 * x, 4 * (x + y)), axis=-1).astype(np.uint8)
    canvases, levels = begun(np.repeat(target[None], 400, axis=0), EMPTY, np.random.default_rng(0))
    assert set(levels) == set(range(LEVELS))
    np.testing.assert_array_equal(canvases[levels == 0], np.broadcast_to(EMPTY, canvases[levels == 0].shape))
    errors = [np.square(canvases[levels == level] - target.astype(float)).mean() for level in range(LEVELS)]
    assert errors == sorted(errors, reverse=True)


def test_a_mosaic_has_so_many_colours():
    target = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    found = mosaic(target, 7, np.random.default_rng(2))
    assert 1 < len(np.unique(found.reshape(-1, 3), axis=0)) <= 7 and found.dtype == np.uint8


def test_the_seed_repeats_them():
    targets = np.random.default_rng(1).integers(0, 256, (5, 16, 16, 3), np.uint8)
    (one, levels), (other, same) = (begun(targets, EMPTY, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(levels, same)


def test_what_is_begun_needs_a_target():
    with pytest.raises(ConfigError, match=r"data\.begun"):
        tiny_config({"data": {"begun": True}})
    assert tiny_config(CONDITIONAL, {"data": {"begun": True}}).data.begun
