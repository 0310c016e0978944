"""Settings are checked once, and say what is wrong, what is allowed, and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import envs
from envs.paint_settings import PaintSettings
from envs.program import Program
from envs.scene_settings import SceneSettings
from envs.settings import SettingsError

NOTHING = np.zeros((0, 8), np.int64)


def test_the_defaults_are_the_published_setting():
    assert PaintSettings().to_json() == {
        "canvas_size": 64,
        "grid_size": 32,
        "brush": "classic/dry_brush",
        "brush_sizes": [1, 2, 4, 8, 12, 24],
        "color": True,
        "episode_length": 20,
        "background": "white",
        "strokes": "curves",
        "render_size": None,
    }


def test_settings_survive_json():
    settings = PaintSettings(canvas_size=32, render_size=64, brush_sizes=(0.5, 2), color=False, background="#808080")
    assert PaintSettings.from_keywords(json.loads(json.dumps(settings.to_json()))) == settings


def test_numbers_of_numpy_become_plain_ones():
    settings = PaintSettings.from_keywords({"canvas_size": np.int32(32), "brush_sizes": [np.float32(0.5), np.int64(2)]})
    assert settings == PaintSettings(canvas_size=32, brush_sizes=(0.5, 2))
    assert json.dumps(settings.to_json())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"canvas_size": 0}, r"canvas_size is 0; give a whole number from 1 to 8192"),
        ({"canvas_size": 64.0}, r"canvas_size is 64\.0"),
        ({"canvas_size": True}, r"canvas_size is True"),
        ({"grid_size": 1}, r"grid_size is 1; give a whole number from 2"),
        ({"episode_length": 0}, r"episode_length is 0; give a whole number of 1 or more"),
        ({"brush_sizes": ()}, r"brush_sizes is \(\); give one radius"),
        ({"brush_sizes": 3}, r"brush_sizes is 3"),
        ({"brush_sizes": (1, 0)}, r"brush_sizes has 0; each is a radius in pixels"),
        ({"brush_sizes": (1, float("nan"))}, r"brush_sizes has nan"),
        ({"brush_sizes": (1, "2")}, r"brush_sizes has '2'"),
        ({"brush": ""}, r"brush is ''; give a brush's name"),
        ({"color": 1}, r"color is 1; give True or False"),
        ({"background": "wight"}, r"background is 'wight'; give 'white', 'black' or a colour"),
        ({"background": None}, r"background is None"),
        ({"strokes": "bezier"}, r"strokes is 'bezier'; give 'curves' or 'splines'"),
        ({"strokes": ["splines"]}, r"strokes is \('splines',\)"),
        ({"background": "#+12345"}, r"background is '#\+12345'"),
        ({"background": "black", "color": False}, r"strokes are black on grey; give 'white'"),
        ({"render_size": 32}, r"render_size is 32; give a whole number from 64"),
        ({"render_size": 200}, r"render_size is 200; it must be a multiple of canvas_size, 64, such as 192"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(SettingsError, match=message):
        PaintSettings(**wrong)


def test_another_size_is_painted_at_that_size_with_brushes_in_proportion():
    settings = PaintSettings(canvas_size=32, render_size=64, brush_sizes=(0.5, 2))
    assert settings.drawn_size == 64
    large = settings.at_size(1024)
    assert (large.canvas_size, large.drawn_size, large.brush_sizes) == (1024, 1024, (16, 64))
    assert settings.at_size(32) == settings
    assert settings.at_size(8192).brush_sizes == (128, 512)
    assert PaintSettings(brush_sizes=(24,)).at_size(8192).brush_sizes == (1000,), "the engine's largest radius"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"brush": Path("classic") / "pen"}, {"brush": "classic/pen"}),
        (
            {"brush": np.str_("classic/pen"), "background": np.str_("black")},
            {"brush": "classic/pen", "background": "black"},
        ),
        ({"brush_sizes": np.array([1, 2, 4])}, {"brush_sizes": (1, 2, 4)}),
        ({"brush_sizes": np.array([0.5, 2], np.float32)}, {"brush_sizes": (0.5, 2.0)}),
        ({"brush_sizes": range(1, 4)}, {"brush_sizes": (1, 2, 3)}),
        ({"color": np.bool_(False)}, {"color": False}),
        ({"color": np.array(True)}, {"color": True}),
        ({"canvas_size": np.array(32), "grid_size": np.uint8(16)}, {"canvas_size": 32, "grid_size": 16}),
        ({"render_size": np.int64(128), "episode_length": np.uint16(5)}, {"render_size": 128, "episode_length": 5}),
    ],
)
def test_paths_and_arrays_are_taken_and_become_plain_values(given, meant):
    settings = PaintSettings(**given)
    assert settings == PaintSettings(**meant) and hash(settings) == hash(PaintSettings(**meant))
    assert json.loads(json.dumps(settings.to_json())) == PaintSettings(**meant).to_json()
    program = Program(envs.PAINT_ID, given, NOTHING)
    assert json.loads(json.dumps(program.to_json())) == Program(envs.PAINT_ID, meant, NOTHING).to_json()
    made: list[Any] = [gymnasium.make(envs.PAINT_ID, **given), gymnasium.make_vec(envs.PAINT_ID, **given)]
    assert all(env.unwrapped.settings == settings for env in made)


def test_scenes_take_numbers_of_numpy_too():
    given: dict[str, Any] = {"canvas_size": np.int16(32), "most_objects": np.array(3), "grid_size": np.uint8(8)}
    assert SceneSettings(**given) == SceneSettings(canvas_size=32, most_objects=3, grid_size=8)
    assert json.dumps(SceneSettings(**given).to_json())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"brush_sizes": np.array([[1, 2]])}, r"brush_sizes has \(1, 2\); each is a radius"),
        ({"brush_sizes": np.array([])}, r"brush_sizes is \(\); give one radius"),
        ({"brush_sizes": np.array([True])}, r"brush_sizes has True"),
        ({"canvas_size": np.array([32])}, r"canvas_size is \(32,\); give a whole number"),
        ({"canvas_size": np.bool_(True)}, r"canvas_size is True"),
        ({"color": np.int64(1)}, r"color is 1; give True or False"),
        ({"brush": Path()}, r"brush .* was not found|brush is"),
    ],
)
def test_arrays_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(envs.PAINT_ID, **wrong)
