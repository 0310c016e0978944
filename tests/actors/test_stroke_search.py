"""Demonstrations of a search with the real brush, and episodes that begin on canvases painted in part."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from actors.actor import Actor
from actors.rollout import Rollout
from actors.stroke_search import StrokeSearch
from envs.paint_settings import PaintSettings
from learners.policy_learner import PolicyLearner
from learners.weights import MemoryWeights
from spiral.section import ConfigError

from ..tiny import CONDITIONAL, tiny_config

COLOR: dict[str, Any] = {
    "canvas_size": 16, "grid_size": 8, "brush": "deevad/brush", "brush_sizes": [1, 2, 4], "color": True,
    "episode_length": 6,
}  # fmt: skip
SEARCH: dict[str, Any] = {
    "environment": {"settings": COLOR},
    "data": {"begun": True},
    "agent": {"level": True},
    "cloning": {"demonstrations": "search", "share": 0.5, "passes": 2},
    "rewards": [{"name": "squared_error", "when": "step"}],
}


def targets(count: int) -> np.ndarray:
    """Two halves of one colour each."""
    rng = np.random.default_rng(5)
    colors = rng.integers(0, 256, (count, 2, 1, 1, 3), np.uint8)
    return np.concatenate([np.broadcast_to(colors[:, half], (count, 16, 8, 3)) for half in range(2)], axis=2)


def test_every_stroke_of_a_search_brings_the_canvas_nearer():
    settings = PaintSettings.from_keywords(COLOR)
    wanted, starts = targets(4), np.full((4, 16, 16, 3), 255, np.uint8)
    programs = StrokeSearch(settings, 4).programs(wanted, starts, np.random.default_rng(0))
    settings.action_spec.check(programs)
    assert programs.shape == (4, 6, 8) and (programs[:, 0, 2] == 0).all() and (programs[..., 2] == 1).any()
    rollout = Rollout(tiny_config(CONDITIONAL, SEARCH, {"policy": {"batch_size": 4}}), MemoryWeights(), None, 0, 4)
    rollout.begin_programs(programs, wanted, starts)
    canvases = rollout.unroll().canvases.astype(float)
    errors = np.square(canvases - wanted).sum(axis=(2, 3, 4))
    assert (errors[-1] < 0.5 * errors[0]).all()
    # Of every other pixel, at which strokes are compared.
    seen = np.square(canvases - wanted)[:, :, ::2, ::2].sum(axis=(2, 3, 4))
    assert (np.diff(seen, axis=0) <= 0).all()


def test_the_seed_repeats_a_search():
    settings = PaintSettings.from_keywords(COLOR)
    wanted = targets(2)
    search = StrokeSearch(settings, 2)
    once, again = (search.programs(wanted, wanted[::-1].copy(), np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(once, again)


@pytest.mark.parametrize("settings", [PaintSettings(color=False), PaintSettings(strokes="splines")])
def test_a_search_needs_curves_in_colour(settings):
    with pytest.raises(ConfigError, match='set color=true and strokes="curves"'):
        StrokeSearch(settings, 1)


def test_episodes_begin_on_the_canvases_and_the_agent_is_told_the_level():
    config = tiny_config(CONDITIONAL, SEARCH)
    weights = MemoryWeights()
    actor = Actor(config, weights, targets(20), 0, 8)
    learner = PolicyLearner(config, actor.rollout.spec, actor.rollout.canvas_shape, weights)
    for phase in ("cloning", "learning"):
        played = actor.play(phase).trajectory
        assert played.noise.shape == (8, 1) and set(played.noise[:, 0]) <= {0, 1, 2, 3}
        white = (played.canvases[0] == 255).all(axis=(1, 2, 3))
        np.testing.assert_array_equal(white, played.noise[:, 0] == 0)
        assert white.any() and not white.all()
    assert learner.clone_step(actor.play("cloning").trajectory)["cloning/loss"] > 0
    measured = learner.step(actor.play("learning").trajectory, 0.5)
    assert np.isfinite(measured["policy/return"])
