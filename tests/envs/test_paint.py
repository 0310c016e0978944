"""What the actions of `spiral/Paint-v0` mean. Ink is looked for where a stroke must and must not be."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

import envs
from envs.paint import Paint
from envs.paint_settings import PaintSettings
from envs.pymypaint import BrushNotFoundError, Canvases, CanvasSizeError
from envs.random_programs import random_programs
from envs.settings import SettingsError
from envs.strokes import StrokeTable

GRID = 32
PEN: dict[str, Any] = {"brush": "classic/pen", "brush_sizes": (2.0,), "color": False}


def paint(**settings: Any) -> Any:
    env = gymnasium.make(envs.PAINT_ID, **settings).unwrapped
    env.reset()
    return env


def cell(row: int, column: int) -> int:
    """The location index of a cell."""
    return row * GRID + column


def stroke(env: Any, end: int, control: int | None = None, **chosen: int) -> np.ndarray:
    """A painting action, with straight strokes and full pressure unless told."""
    values = {"control": end if control is None else control, "end": end, "flag": 1, "pressure": 9, **chosen}
    return np.array([values.get(head.name, 0) for head in env.action_spec.heads])


def move(env: Any, end: int) -> np.ndarray:
    return stroke(env, end, control=0, flag=0, pressure=0)


def ink(canvas: np.ndarray, row: int, column: int, reach: int = 1) -> int:
    """How dark the darkest pixel near (row, column) is, 0 to 255."""
    patch = canvas[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1]
    return 255 - int(patch.min())


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, ["control", "end", "flag", "pressure", "size", "red", "green", "blue"]),
        ({"brush_sizes": (3,)}, ["control", "end", "flag", "pressure", "red", "green", "blue"]),
        ({"color": False}, ["control", "end", "flag", "pressure", "size"]),
        (PEN, ["control", "end", "flag", "pressure"]),
    ],
)
def test_heads_with_one_choice_are_left_out(settings, names):
    env = paint(**settings)
    assert [head.name for head in env.action_spec.heads] == names
    choices = {"control": 1024, "end": 1024, "flag": 2, "pressure": 10, "size": 6, "red": 20, "green": 20, "blue": 20}
    assert env.action_space.nvec.tolist() == [choices[name] for name in names]


def test_a_location_is_a_row_and_a_column_of_the_grid():
    env = paint(**PEN)
    env.step(move(env, cell(row=8, column=24)))
    canvas = env.step(stroke(env, cell(row=8, column=28)))[0]["canvas"][..., 0]
    assert ink(canvas, row=16, column=52) > 200, "cells are two pixels wide: the stroke runs along row 16"
    assert ink(canvas, row=52, column=16, reach=8) == 0, "row and column are not exchanged"


def test_the_pen_starts_at_the_upper_left_corner():
    env = paint(**PEN)
    canvas = env.step(stroke(env, cell(16, 16)))[0]["canvas"][..., 0]
    assert min(ink(canvas, pixel, pixel) for pixel in (2, 8, 16, 24, 30)) > 200


def test_a_curve_bends_towards_its_control_point_half_of_the_way():
    env = paint(**PEN)
    env.step(move(env, cell(24, 4)))
    canvas = env.step(stroke(env, cell(24, 28), control=cell(4, 16)))[0]["canvas"][..., 0]
    # B(1/2) = (start + 2 control + end) / 4: row (48 + 2 * 8 + 48) / 4 = 28, column (8 + 2 * 32 + 56) / 4 = 32.
    assert ink(canvas, row=28, column=32) > 200
    assert ink(canvas, row=48, column=32, reach=6) == 0, "not the straight line"
    assert ink(canvas, row=8, column=32, reach=6) == 0, "not through the control point"


def test_a_stroke_after_a_move_starts_where_the_move_ended():
    """The published environment starts it at (y, y): here that would be (8, 8) instead of column 48, row 8."""
    env = paint(**PEN)
    env.step(move(env, cell(row=4, column=24)))
    canvas = env.step(stroke(env, cell(row=28, column=24)))[0]["canvas"][..., 0]
    assert min(ink(canvas, row, 48) for row in (10, 24, 40, 54)) > 200
    assert ink(canvas, row=8, column=8, reach=6) == 0


def test_a_move_leaves_the_canvas_as_it_is_and_only_its_end_and_flag_count():
    env = paint()
    before = env.step(stroke(env, cell(20, 20), size=2))[0]["canvas"]
    observation = env.step(move(env, cell(3, 30)))[0]
    np.testing.assert_array_equal(observation["canvas"], before)
    counted = [head.name for head, bit in zip(env.action_spec.heads, observation["action_mask"], strict=True) if bit]
    assert counted == ["end", "flag"]
    assert env.step(stroke(env, 5))[0]["action_mask"].all()


def test_the_sub_actions_that_do_not_count_change_nothing():
    rng = np.random.default_rng(0)
    pictures: list[np.ndarray] = []
    for _ in range(3):
        env = paint()
        lift = env.action_space.nvec - 1 if not pictures else rng.integers(0, env.action_space.nvec)
        lift[env.action_spec.index("flag")] = 0
        lift[env.action_spec.index("end")] = cell(10, 20)
        env.step(lift)
        pictures.append(env.step(stroke(env, cell(25, 8), size=1, red=10))[0]["canvas"])
    np.testing.assert_array_equal(pictures[0], pictures[1])
    np.testing.assert_array_equal(pictures[0], pictures[2])


def test_strokes_are_counted_and_disjoint_ones_are_those_that_begin_anew():
    env = paint(**PEN)
    paints = [1, 1, 0, 1, 0, 0, 1, 1]
    counts = []
    for step, flag in enumerate(paints):
        *_, info = env.step(stroke(env, cell(step, step), flag=flag))
        counts.append((info["strokes"], info["disjoint_strokes"]))
    assert counts == [(1, 1), (2, 1), (2, 1), (3, 2), (3, 2), (3, 2), (4, 3), (5, 3)]


def test_the_length_of_strokes_is_counted_in_thousandths_of_the_side():
    env = paint(**PEN)
    env.step(move(env, cell(8, 0)))
    *_, info = env.step(stroke(env, cell(8, 16)))
    assert info["stroke_length"] == 500, "half a side, straight; the move to its beginning is none of it"
    *_, info = env.step(stroke(env, cell(8, 16), control=cell(8, 24)))
    assert info["stroke_length"] == 750, "to the middle of the control point and back"
    # A quadratic Bézier curve with a right angle and legs a has the length a (√2 + ln(1 + √2)) / √2.
    env.step(move(env, cell(24, 4)))
    *_, info = env.step(stroke(env, cell(8, 20), control=cell(8, 4)))
    assert info["stroke_length"] == 750 + round(500 * (1 + np.log(1 + np.sqrt(2)) / np.sqrt(2)))


def test_strokes_are_as_long_at_every_size():
    counted = []
    for sizes in ({}, {"canvas_size": 100}, {"canvas_size": 32, "render_size": 256}):
        env = paint(**PEN, **sizes, episode_length=8)
        for action in random_programs(env.action_spec, 1, 8, np.random.default_rng(0))[0]:
            *_, info = env.step(action)
        counted.append(info)
    assert counted[0] == counted[1] == counted[2]


def test_a_colour_is_a_mixture_of_twenty_levels_each():
    env = paint(brush="classic/pen")
    canvas = env.step(stroke(env, cell(16, 16), size=3, red=19, green=0, blue=10))[0]["canvas"]
    np.testing.assert_allclose(canvas[16, 16], [255, 0, 255 * 10 / 19], atol=3)


def test_a_larger_size_paints_more():
    amounts = []
    for size in range(6):
        env = paint(color=False, brush="classic/pen")
        amounts.append((255 - env.step(stroke(env, cell(16, 16), size=size))[0]["canvas"].astype(int)).sum())
    assert amounts == sorted(amounts)
    assert amounts[0] < amounts[-1] / 4


def test_indices_become_the_published_numbers():
    settings = PaintSettings()
    action = np.array([cell(31, 0), cell(2, 31), 1, 9, 5, 0, 19, 10])
    numbers = StrokeTable(settings, 64).look_up(action)
    assert numbers.paint
    np.testing.assert_allclose(numbers.control, [0, 62], err_msg="x comes from the column, y from the row")
    np.testing.assert_allclose(numbers.end, [62, 4])
    np.testing.assert_allclose(numbers.pressure, 1.0)
    np.testing.assert_allclose(numbers.radius, 24)
    np.testing.assert_allclose(numbers.color, [0, 1, 10 / 19], rtol=1e-6)
    pressures = StrokeTable(settings, 64).look_up(np.array([[0, 0, 1, k, 0, 0, 0, 0] for k in range(10)])).pressure
    np.testing.assert_allclose(pressures, np.arange(1, 11) / 10, rtol=1e-6)


def test_the_environment_is_the_engine_told_these_numbers():
    env = paint(episode_length=6)
    engine = Canvases(1, 64, 64, "classic/dry_brush")
    table = StrokeTable(env.settings, 64)
    rng = np.random.default_rng(3)
    for _ in range(6):
        action = rng.integers(0, env.action_space.nvec)
        canvas = env.step(action)[0]["canvas"]
        engine.step(*table.look_up(action[None]))
        np.testing.assert_array_equal(canvas, engine.read()[0])


def test_a_larger_render_is_shown_by_the_mean_of_its_pixels():
    settings: dict[str, Any] = {"canvas_size": 64, "brush": "classic/pen", "brush_sizes": (1.5,), "episode_length": 4}
    large = paint(**{**settings, "canvas_size": 256, "brush_sizes": (6.0,)})
    shown = paint(**settings, render_size=256, render_mode="rgb_array")
    rng = np.random.default_rng(0)
    for _ in range(4):
        action = rng.integers(0, shown.action_space.nvec)
        full = large.step(action)[0]["canvas"]
        small = shown.step(action)[0]["canvas"]
        means = full.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
        np.testing.assert_allclose(small, means, atol=1)
        np.testing.assert_array_equal(shown.render(), full)


@pytest.mark.parametrize(
    ("background", "pixel"), [("white", (255, 255, 255)), ("black", (0, 0, 0)), ("#12aBff", (0x12, 0xAB, 0xFF))]
)
def test_the_empty_canvas_has_the_colour_of_the_background(background, pixel):
    env = gymnasium.make(envs.PAINT_ID, background=background, canvas_size=20)
    assert (env.reset()[0]["canvas"] == pixel).all()


def test_what_cannot_be_made_is_refused_by_name():
    with pytest.raises(SettingsError, match="unexpected keyword argument 'cavnas_size'; the settings are canvas_size"):
        paint(cavnas_size=32)
    with pytest.raises(SettingsError, match="render_mode is 'human'"):
        Paint(render_mode="human")
    with pytest.raises(BrushNotFoundError, match="no_such_brush"):
        paint(brush="no_such_brush")
    with pytest.raises(CanvasSizeError, match="count is 0"):
        gymnasium.make_vec(envs.PAINT_ID, num_envs=0)
    with pytest.raises(CanvasSizeError, match="num_threads is 0"):
        gymnasium.make_vec(envs.PAINT_ID, num_envs=2, num_threads=0)
