"""Splines: painting actions that follow each other are one smooth line, painted piece by piece."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest

import envs
from cluster.studio.edit import edit
from cluster.studio.plot import pen_lines
from envs.curves import on_curve, program_curves
from envs.edits import moved, recolored, without
from envs.paint_settings import PaintSettings
from envs.program import Program
from envs.pymypaint import Canvases
from envs.random_programs import random_programs

GREY: dict[str, Any] = {"strokes": "splines", "brush": "classic/pen", "brush_sizes": (2,), "color": False}
SIDE = 64
CELL = 2  # pixels


def cell(row: int, column: int) -> int:
    return 32 * row + column


def move(row: int, column: int) -> list[int]:
    return [cell(row, column), 0, 0]


def point(row: int, column: int, pressure: int = 9) -> list[int]:
    return [cell(row, column), 1, pressure]


def program(*actions: list[int], **settings: Any) -> Program:
    return Program(envs.PAINT_ID, GREY | settings, np.array(actions))


def arc() -> Program:
    """A line through four points, and where the brush goes afterwards."""
    return program(move(20, 4), point(8, 10), point(8, 20), point(20, 26), move(30, 30))


def ink(canvas: np.ndarray, x: float, y: float) -> int:
    """How dark the darkest pixel within one of (x, y) is, 0 to 255."""
    row, column = int(y), int(x)
    return 255 - int(canvas[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].min())


def test_a_painting_action_says_where_its_piece_ends_and_has_no_control_point():
    spec = PaintSettings(strokes="splines").action_spec
    assert [head.name for head in spec.heads] == ["end", "flag", "pressure", "size", "red", "green", "blue"]
    assert spec.decoding_order == ("flag", "end", "size", "pressure", "red", "green", "blue")
    assert spec.mask(np.array([5, 0, 3, 2, 1, 1, 1])).tolist() == [1, 1, 0, 0, 0, 0, 0], "a move"


def test_the_line_goes_through_all_points_and_bends_between_them():
    picture = arc().replay()[..., 0]
    for row, column in ((20, 4), (8, 10), (8, 20), (20, 26)):
        assert ink(picture, CELL * column, CELL * row) > 150
    # In the middle of the second piece it is (start + end) / 2 + (start − before + end − after) / 16: row 6.5.
    assert ink(picture, CELL * 15, CELL * 6.5) > 150
    assert ink(picture, CELL * 15, CELL * 6.5 + 5) == 0, "not the straight line between two points"


def test_pieces_join_in_place_and_direction_and_speed():
    rng = np.random.default_rng(0)
    settings = PaintSettings.from_keywords(GREY)
    actions = random_programs(settings.action_spec, 1, 12, rng)[0]
    actions[:, 1] = 1
    curves = program_curves(settings, actions, SIDE)
    assert curves.paint.tolist() == [False] + [True] * 11
    before, after = curves.points[1:-1].astype(float), curves.points[2:].astype(float)
    np.testing.assert_array_equal(after[:, 0], before[:, 3])
    np.testing.assert_allclose(after[:, 1] - after[:, 0], before[:, 3] - before[:, 2], atol=1e-4)


def test_a_piece_is_painted_when_the_next_point_or_the_end_of_the_line_is_known():
    frames = list(arc().frames())
    changed = [(frame != before).any() for before, frame in zip(frames[:-1], frames[1:], strict=True)]
    assert changed == [False, False, True, True, True], "one action late; the last piece with the move"
    assert (frames[2][..., 0][:, : CELL * 4] == 255).all() and (frames[3][20:, 28:] == 255).all()


def test_two_points_are_a_straight_line_and_without_a_next_action_nothing():
    straight = program(move(8, 8), point(8, 24), move(0, 0))
    as_curve = Program(envs.PAINT_ID, GREY | {"strokes": "curves"}, np.array([[0, *move(8, 8)], [272, *point(8, 24)]]))
    np.testing.assert_array_equal(straight.replay(), as_curve.replay())
    assert (replace(straight, actions=straight.actions[:2]).replay() == 255).all()


@pytest.mark.parametrize("brush", ["classic/pen", "classic/dry_brush"])
def test_the_environment_is_the_engine_told_the_pieces_in_one_stroke(brush):
    env: Any = gymnasium.make(envs.PAINT_ID, strokes="splines", brush=brush, episode_length=12).unwrapped
    env.reset()
    actions = random_programs(env.action_spec, 1, 12, np.random.default_rng(4))[0]
    curves, ends = program_curves(env.settings, actions, SIDE), np.stack(np.divmod(actions[:, 0], 32)[::-1], axis=1) * 2
    engine = Canvases(1, SIDE, SIDE, brush)
    for step, action in enumerate(actions):
        now = [part[step : step + 1] for part in curves]
        if curves.paint[step]:
            engine.step(now[0], now[2][:, 1:3], now[2][:, 3], now[3][:, 1], now[4], now[5])
        if action[1] == 0:
            engine.step([False], ends[None, step], ends[None, step], [0.5], [1.0], np.zeros((1, 3)))
        np.testing.assert_array_equal(env.step(action)[0]["canvas"], engine.read()[0])


def test_pressure_goes_evenly_from_point_to_point():
    light_to_bold = program(move(16, 4), point(16, 12, 0), point(16, 28, 9), move(0, 0)).replay()[..., 0]
    widths = [(light_to_bold[:, CELL * column] < 128).sum() for column in (8, 16, 22, 27)]
    assert widths == sorted(widths) and widths[0] < widths[-1]
    curves = program_curves(PaintSettings.from_keywords(GREY), arc().actions, SIDE)
    np.testing.assert_allclose(curves.pressure[2:], 1.0)


def test_strokes_are_counted_by_their_points_and_are_as_long_as_they_are_painted():
    env: Any = gymnasium.make(envs.PAINT_ID, **GREY).unwrapped
    env.reset()
    counted = [list(env.step(np.array(action))[4].values()) for action in (move(8, 8), point(8, 24), point(8, 28))]
    assert counted == [[0, 0, 0], [1, 1, 0], [2, 1, 500]]
    assert list(env.step(np.array(move(0, 0)))[4].values()) == [2, 1, 625]


def test_svg_and_plotters_have_the_true_curves():
    given = program(move(20, 4), point(8, 10), point(8, 22), move(30, 30), point(30, 20), move(0, 0))
    paths = re.findall(r' d="([^"]*)"', given.to_svg())
    assert len(paths) == 3 and paths[2] == "M60,60C53.3333,60 46.6667,60 40,60"
    picture = given.replay()[..., 0]
    lines = pen_lines(given)
    assert [line.shape for line in lines] == [(2, 4, 2), (1, 4, 2)], "a line ends where the brush is lifted"
    for curve in np.concatenate(lines):
        for x, y in on_curve(curve, np.linspace(0, 1, 9)[:, None]):
            assert ink(picture, x, y) > 100
    first = paths[0].replace("M", "").replace("C", " ")
    np.testing.assert_allclose([list(map(float, pair.split(","))) for pair in first.split()], lines[0][0], atol=1e-3)


def test_at_any_size_and_from_the_disk_it_is_the_same_line(tmp_path):
    arc().save(tmp_path / "arc.json")
    loaded = Program.load(tmp_path / "arc.json")
    np.testing.assert_array_equal(loaded.replay(), arc().replay())
    large = loaded.render(512).reshape(64, 8, 64, 8).mean(axis=(1, 3))
    small = arc().replay()[..., 0]
    both = np.minimum(255 - large, 255 - small.astype(float)).sum()
    assert both > 0.85 * (255 - large).sum() and both > 0.8 * (255.0 - small).sum()


def two_lines() -> Program:
    """Commands 0 to 3 are a bend at the top, 4 to 6 one at the bottom, 7 ends it."""
    upper = move(4, 4), point(8, 12), point(4, 20), point(8, 28)
    return program(*upper, move(24, 4), point(28, 12), point(24, 20), move(0, 0))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_line_is_edited_as_a_whole_and_no_other_pixel_changes(number):
    whole = two_lines()
    lower = whole.replay()[32:]
    gone = without(whole, number)
    assert (gone.replay()[:32] == 255).all() and len(gone.actions) == 8
    shifted = moved(whole, number, 2, 1).replay()
    np.testing.assert_array_equal(shifted[:32], np.roll(whole.replay()[:32], (4, 2), axis=(0, 1)))
    red = recolored(whole, number, (1, 0, 0)).replay()
    assert (red[:32, :, 0] == 255).all() and (red[:32, :, 1] < 128).any()
    for edited in (gone.replay(), shifted, red[..., 1:2]):
        np.testing.assert_array_equal(edited[32:], lower)


def test_the_last_line_of_a_program_and_the_first_without_a_move_are_edited_too():
    open_ended = program(point(8, 12), point(4, 20), move(24, 4), point(28, 12))
    assert without(open_ended, 0).actions[:, 1].tolist() == [0, 0, 0, 1]
    assert without(open_ended, 3).actions[:, 1].tolist() == [1, 1, 0, 0]
    np.testing.assert_array_equal(moved(open_ended, 0, 1, 2).actions[:, 0] - open_ended.actions[:, 0], [34, 34, 0, 0])
    np.testing.assert_array_equal(moved(open_ended, 3, 1, 2).actions[:, 0] - open_ended.actions[:, 0], [0, 0, 34, 34])


def test_two_commands_of_a_line_are_taken_out_as_one(tmp_path):
    """Numbers are those of the given program, so that the second must not mean another command by then."""
    two_lines().save(tmp_path / "lines.json")
    edit(tmp_path / "lines.json", tmp_path / "edited.json", [1, 3], [], [])
    edited = Program.load(tmp_path / "edited.json").replay()
    assert (edited[:32] == 255).all()
    np.testing.assert_array_equal(edited[32:], two_lines().replay()[32:])


@pytest.mark.parametrize("settings", [{"episode_length": 8}, {"episode_length": 16}])
def test_random_drawings_leave_ink_in_the_middle_and_end_with_a_move(settings):
    drawn = PaintSettings.from_keywords(GREY | settings)
    programs = drawn.natural_programs(32, np.random.default_rng(0))
    drawn.action_spec.check(programs)
    assert not programs[:, -1, 1].any() and not programs[:, -1, 2].any()
    vector = gymnasium.make_vec(envs.PAINT_ID, num_envs=32, **drawn.to_json())
    vector.reset()
    for step in range(programs.shape[1]):
        canvas = vector.step(programs[:, step])[0]["canvas"]
    darkness = (255 - canvas.astype(int)).sum(axis=(1, 2, 3)) / 255
    assert (darkness > 5).mean() > 0.9 and (darkness < SIDE * SIDE / 2).all()


def test_random_paintings_in_colour_are_of_long_lines():
    settings = PaintSettings(strokes="splines", episode_length=6)
    programs = settings.natural_programs(5, np.random.default_rng(3))
    flags = programs[..., settings.action_spec.index("flag")]
    assert flags[:, :-1].all() and not flags[:, -1].any()
