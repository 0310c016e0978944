"""Editing a program changes what was asked for, and no pixel of the rest."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import envs
from envs.edits import in_colors, moved, recolored, without
from envs.own import load_class
from envs.paint_settings import PaintSettings
from envs.program import Program, ProgramError
from envs.random_programs import smooth_programs
from envs.scene_objects import ADD, CHANGE, SKIP, SceneObject, apply_action

GREY: dict[str, Any] = {"color": False, "brush": "classic/pen", "brush_sizes": [2], "grid_size": 32}
RED = (1.0, 0.0, 0.0)


def cell(row: int, column: int) -> int:
    return 32 * row + column


def move(row: int, column: int) -> list[int]:
    return [0, cell(row, column), 0, 0]


def line(row: int, column: int) -> list[int]:
    return [cell(row, column), cell(row, column), 1, 9]


def painting(*actions: list[int]) -> Program:
    return Program(envs.PAINT_ID, GREY | {"episode_length": 8}, np.array(actions))


def two_bars() -> Program:
    """Commands 0 and 1 paint a bar near the top, 2 and 3 one near the bottom."""
    return painting(move(8, 8), line(8, 20), move(24, 8), line(24, 20))


def zigzag() -> Program:
    """After a move, three joined strokes and one that is not joined."""
    return painting(move(4, 4), line(4, 26), line(14, 4), line(14, 26), move(26, 4), line(26, 26))


def paths(program: Program) -> list[str]:
    return re.findall(r"<path.*/>", program.to_svg())


def lower_half(program: Program) -> NDArray[np.uint8]:
    return program.replay()[32:]


def test_a_stroke_goes_and_no_other_pixel_changes():
    program = two_bars()
    edited = without(program, 1)
    assert (program.replay()[:32] < 255).any() and (edited.replay()[:32] == 255).all()
    np.testing.assert_array_equal(lower_half(edited), lower_half(program))


def test_a_stroke_that_goes_leaves_the_joined_ones_where_they_are():
    program = zigzag()
    assert len(paths(program)) == 4
    for number, gone in ((1, 0), (2, 1), (3, 2), (5, 3)):
        expected = [path for index, path in enumerate(paths(program)) if index != gone]
        assert paths(without(program, number)) == expected


def test_without_a_move_the_next_stroke_joins_the_last():
    edited = without(zigzag(), 4)
    assert len(edited.actions) == 5
    assert paths(edited)[3].startswith('<path d="M52,28Q')  # x and y of row 14, column 26


@pytest.mark.parametrize("rows, columns", [(3, 2), (-4, 0), (0, -6), (0, 0)])
def test_a_stroke_moves_as_a_whole_with_the_move_to_its_beginning(rows, columns):
    program = two_bars()
    edited = moved(program, 1, rows, columns)
    assert edited.actions[:, 2].tolist() == [0, 1, 0, 1]
    pixels = 2 * rows, 2 * columns  # a cell is 2 pixels wide
    upper = np.roll(program.replay()[:32], pixels, axis=(0, 1))
    np.testing.assert_array_equal(edited.replay()[:32], upper)
    np.testing.assert_array_equal(lower_half(edited), lower_half(program))


def test_joined_strokes_stay_joined_when_one_moves():
    first, second, third, _ = paths(moved(zigzag(), 2, 2, 3))
    assert first == paths(zigzag())[0]
    assert 'd="M52,8Q14,32 14,32"' in second and 'd="M14,32Q52,28 52,28"' in third


def test_a_grey_painting_in_black_has_the_same_pixels():
    settings = PaintSettings.from_keywords(GREY | {"render_size": 128, "background": "#c0c0c0"})
    actions = smooth_programs(settings.action_spec, 1, 12, np.random.default_rng(0))[0]
    program = Program(envs.PAINT_ID, settings.to_json(), actions)
    black = in_colors(program, np.zeros((12, 3)))
    np.testing.assert_array_equal(black.replay(), np.repeat(program.replay(), 3, axis=-1))


def test_a_stroke_gets_a_colour_and_the_others_stay_black():
    program = two_bars()
    picture = recolored(program, 3, RED).replay()
    np.testing.assert_array_equal(picture[:32], np.repeat(program.replay()[:32], 3, axis=-1))
    np.testing.assert_array_equal(picture[32:, :, 0], np.full((32, 64), 255))
    np.testing.assert_array_equal(picture[32:, :, 1], program.replay()[32:, :, 0])
    assert 'stroke="#ff0000"' in paths(recolored(program, 3, RED))[1]
    assert 'stroke="#0086ff"' in paths(recolored(program, 3, (0, 0.52, 1)))[1], "the nearest of 20 levels, 10 / 19"


def test_each_command_gets_its_own_colour():
    strokes = paths(in_colors(two_bars(), [RED, (0, 0, 1), RED, (0, 1, 0)]))
    assert ['stroke="#0000ff"' in strokes[0], 'stroke="#00ff00"' in strokes[1]] == [True, True]


def test_edits_leave_the_program_that_they_were_given():
    program = two_bars()
    before = program.to_json()
    without(program, 1), moved(program, 1, 1, 1), recolored(program, 1, RED)
    assert program.to_json() == before


HEADS = ("shape", "place", "size", "red", "green", "blue", "kind")


def thing(kind: int, row: int, column: int, green: int = 0) -> list[int]:
    return [0, 16 * row + column, 1, 3, green, 0, kind]


def scene() -> Program:
    """An object; another that is changed twice, with a pause; a third."""
    actions = [
        thing(ADD, 3, 3),
        thing(ADD, 8, 8),
        thing(CHANGE, 8, 9),
        thing(SKIP, 0, 0),
        thing(CHANGE, 9, 9, green=3),
        thing(ADD, 12, 12),
    ]
    return Program(envs.SCENES_V1_ID, {"episode_length": 8}, np.array(actions))


def objects(program: Program) -> list[SceneObject]:
    things: list[SceneObject] = []
    for action in program.actions:
        apply_action(things, dict(zip(HEADS, action.tolist(), strict=True)), 16)
    return things


def test_an_object_goes_with_its_changes():
    first, _, third = objects(scene())
    assert objects(without(scene(), 1)) == [first, third]
    assert objects(without(scene(), 5)) == [first, objects(scene())[1]]
    alone = Program(envs.SCENES_V1_ID, scene().settings, scene().actions[[0, 5]])
    np.testing.assert_array_equal(without(scene(), 1).replay(), alone.replay())


def test_a_change_of_an_object_goes_alone():
    first, second, third = objects(without(scene(), 4))
    assert (first, third) == (objects(scene())[0], objects(scene())[2])
    assert (second.row, second.column, second.color) == (8, 9, RED)


def test_an_object_is_moved_and_recoloured_as_it_ends_up():
    first, second, third = objects(moved(scene(), 1, -1, 2))
    assert (first, third) == (objects(scene())[0], objects(scene())[2])
    assert (second.row, second.column) == (8, 11)
    first, second, third = objects(recolored(scene(), 1, (0.3, 0, 1)))
    assert (first, third) == (objects(scene())[0], objects(scene())[2])
    assert second.color == (1 / 3, 0, 1)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda: without(two_bars(), 4), "there is no command 4; the program has those from 0 to 3"),
        (lambda: without(two_bars(), -1), "there is no command -1"),
        (lambda: moved(painting(line(3, 3)), 1, 0, 0), "there is no command 1"),
        (lambda: moved(two_bars(), 1, 24, 0), "the end of command 0 comes to row 32, column 8; the grid has 32 rows"),
        (lambda: moved(two_bars(), 1, 0, 12), "the control of command 1 comes to row 8, column 32"),
        (lambda: moved(scene(), 3, 1, 1), "command 3 has no location: what counts in it is kind"),
        (lambda: recolored(two_bars(), 0, RED), "command 0 has no colour: what counts in it is end, flag"),
        (lambda: recolored(two_bars(), 1, (2, 0, 0)), "give red, green and blue, each from 0 to 1"),
        (lambda: recolored(two_bars(), 1, (1, 0)), "give red, green and blue, each from 0 to 1"),
        (lambda: recolored(two_bars(), 1, (float("nan"), 0, 0)), "each from 0 to 1"),
        (lambda: in_colors(two_bars(), [RED]), r"colors have shape \(1, 3\); give \[4, 3\]"),
    ],
)
def test_what_cannot_be_edited_is_refused_by_name(edit, message):
    with pytest.raises(ProgramError, match=message):
        edit()


def test_an_environment_of_ones_own_is_edited_by_its_heads(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "examples"))
    monkeypatch.delitem(sys.modules, "dots", raising=False)
    load_class("dots:Dots")
    program = Program("dots:Dots", {}, np.array([[0, 3, 1], [9, 3, 1]]))  # place, tone, press; a grid of 8 x 8
    assert moved(program, 1, 1, 2).actions.tolist() == [[0, 3, 1], [19, 3, 1]]
    assert without(program, 0).actions.tolist() == [[9, 3, 1]]
    with pytest.raises(ProgramError, match="commands of dots:Dots have no colour: their heads are place, tone, press"):
        recolored(program, 0, RED)
