"""A third of the targets look as pictures do that people bring; what they show stays in its place."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from envs.program import Program
from envs.random_scenes import random_scenes
from envs.scene_settings import ScenesV1Settings
from spiral import varied as module
from spiral.varied import NOISE, SHARE, SHIFT, varied


def changed(given: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Which pictures are not as they were given."""
    return np.asarray((given != found).any(axis=(1, 2, 3)))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_seed_decides_and_a_third_is_changed(channels):
    given = np.random.default_rng(0).integers(0, 256, (1000, 8, 8, channels), np.uint8)
    kept = given.copy()
    first, again, other = (varied(given, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == given.shape and first.dtype == np.uint8
    np.testing.assert_array_equal(given, kept)
    for found in (first, other):
        assert changed(given, found).mean() == pytest.approx(SHARE, abs=0.05)
    assert (changed(given, first) != changed(given, other)).any()


def test_what_has_no_edge_takes_nothing_but_the_noise():
    flat = np.full((300, 16, 16, 3), 93, np.uint8)
    found = varied(flat, np.random.default_rng(0))
    found = found[changed(flat, found)]
    deviations = (found.astype(float) - 93).std(axis=(1, 2, 3))
    assert deviations.max() < 1.2 * NOISE and deviations.min() < NOISE / 4
    np.testing.assert_allclose(found.mean(axis=(1, 2, 3)), 93, atol=1)


def test_what_is_shown_moves_by_half_a_pixel_at_most():
    spot = np.zeros((400, 24, 24, 1), np.uint8)
    spot[:, 9:14, 11:16] = 200
    found = varied(spot, np.random.default_rng(0))
    light = found[changed(spot, found)][..., 0].astype(float)
    light[light < 20] = 0  # the noise
    rows, columns = np.indices((24, 24))
    total = light.sum(axis=(1, 2))
    for places, middle in ((rows, 11), (columns, 13)):
        moved = (light * places).sum(axis=(1, 2)) / total - middle
        assert np.abs(moved).max() < SHIFT + 0.1 and moved.max() > 0.3 and moved.min() < -0.3


def test_a_scene_that_came_in_another_size_and_a_little_moved_is_near_one_of_them(monkeypatch):
    monkeypatch.setattr(module, "NOISE", 0.0)
    settings = ScenesV1Settings(episode_length=5)
    actions = random_scenes(settings.action_spec, 1, 5, np.random.default_rng(4), (5, 5))[0]
    program = Program("spiral/Scenes-v1", settings.to_json(), actions)
    larger = Image.fromarray(np.roll(program.render(256), (2, -1), axis=(0, 1)))
    came = np.asarray(larger.resize((64, 64), Image.Resampling.BILINEAR), float)
    plain = program.replay()[None]
    tried = varied(plain.repeat(300, axis=0), np.random.default_rng(0)).astype(float)
    errors = np.square(tried - came).mean(axis=(1, 2, 3))
    assert errors.min() < 0.3 * np.square(plain[0] - came).mean()


def test_the_smallest_canvas_can_be_varied():
    one = np.full((30, 1, 1, 3), 10, np.uint8)
    assert varied(one, np.random.default_rng(0)).shape == one.shape
