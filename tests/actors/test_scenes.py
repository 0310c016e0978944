"""Objects are matched as a person would, and the search is the Metropolis–Hastings that it is said to be."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from actors.scene_evaluation import judge_scenes, match, objects_of
from actors.scene_search import PRIMITIVES, VARIANCE, search
from envs.random_scenes import random_scenes
from envs.scene_objects import CHANGE
from envs.scene_settings import SceneSettings
from envs.scenes import ScenesVector

SETTINGS = SceneSettings(episode_length=6)
SPEC = SETTINGS.action_spec


def programs(count: int, seed: int = 0) -> np.ndarray:
    return random_scenes(SPEC, count, 6, np.random.default_rng(seed), objects=(1, 4))


def test_the_objects_of_a_program_are_those_that_the_environment_has():
    some = programs(8)
    some[::2, 3, SPEC.index("kind")] = CHANGE
    vector = ScenesVector(8, episode_length=6)
    vector.draw(some)
    for index, actions in enumerate(some):
        assert objects_of(SETTINGS, actions) == vector.objects(index)
    vector.close()


def test_the_matching_is_the_best_of_all():
    for seed in range(20):
        copy, original = (objects_of(SETTINGS, p) for p in programs(2, seed))
        few, many = sorted((copy, original), key=len)
        apart = [[np.hypot(a.row - b.row, a.column - b.column) for b in many] for a in few]
        best = min(sum(apart[i][j] for i, j in enumerate(order)) for order in permutations(range(len(many)), len(few)))
        assert sum(distance for *_, distance in match(copy, original)) == pytest.approx(best)
    assert match([], objects_of(SETTINGS, programs(1)[0])) == []


def test_a_report_by_hand():
    first, second = (objects_of(SETTINGS, p) for p in programs(2, seed=5))
    moved = [replace(first[0], row=first[0].row + 3, column=first[0].column + 4), *first[1:]]
    renders = np.zeros((2, 4, 4, 3), np.uint8)
    targets = renders.copy()
    renders[0, 0, 0, 0] = 255
    bare = np.full((4, 4, 3), 255, np.uint8)
    report = judge_scenes(renders, targets, [moved, second[1:]], [first, second], bare)
    matched = len(first) + len(second) - 1
    assert (report.right_count, report.missed, report.invented) == (0.5, 0.5, 0.0)
    assert report.position_error == pytest.approx(5 / matched)
    assert report.right_attributes == 1.0
    assert (report.error, report.bare_error) == pytest.approx((1 / 96, 1.0))
    assert report.relative_error == pytest.approx(1 / 96)


def test_the_search_improves_on_the_bare_platform_and_knows_its_error():
    vector = ScenesVector(4, episode_length=6)
    targets = vector.draw(programs(4, seed=2))
    vector.close()
    found = search(targets, 150, np.random.default_rng(0))
    assert found.actions.shape == (4, PRIMITIVES, len(SPEC.heads))
    assert found.errors[-1].mean() < found.errors[0].mean()
    vector = ScenesVector(4, episode_length=PRIMITIVES)
    np.testing.assert_array_equal(vector.draw(found.actions), found.renders)
    difference = (found.renders.astype(float) - targets) / 255
    vector.close()
    np.testing.assert_allclose(found.errors[-1], np.square(difference).mean(axis=(1, 2, 3)), rtol=1e-5)


def test_a_worse_scene_is_accepted_as_often_as_the_likelihoods_say():
    """Steps up in error are rarer the larger they are: none that e^(−Δ‖·‖²/2σ²) makes rarer than one in a million."""
    vector = ScenesVector(8, episode_length=6)
    targets = vector.draw(programs(8, seed=3))
    vector.close()
    errors = search(targets, 100, np.random.default_rng(1)).errors
    worse = np.diff(errors, axis=0) * targets[0].size / (2 * VARIANCE)
    assert (worse > 0).any() and worse.max() < 14
    again = search(targets, 100, np.random.default_rng(1)).errors
    np.testing.assert_array_equal(again, errors)
