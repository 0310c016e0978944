"""Random characters are what they say: strokes of one pen, in the order of writing, within the canvas."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from envs.paint_settings import PaintSettings
from envs.random_characters import ROOM, random_characters
from envs.random_programs import MOVE, PAINT

SETTINGS = PaintSettings(canvas_size=32, color=False, episode_length=16)
SPEC = SETTINGS.action_spec
ROWS = SETTINGS.grid_size


@pytest.fixture(scope="module")
def programs():
    return random_characters(SPEC, 400, 16, np.random.default_rng(0))


def heads(programs: NDArray[np.int64], name: str) -> NDArray[np.int64]:
    return programs[..., SPEC.index(name)]


def begins(program: NDArray[np.int64]) -> NDArray[np.intp]:
    """The steps of the moves to where a stroke begins: those before a curve."""
    flags = program[:, SPEC.index("flag")]
    return np.flatnonzero((flags[:-1] == MOVE) & (flags[1:] == PAINT))


def test_they_have_one_to_eight_strokes_and_more_often_many(programs):
    strokes = np.bincount([len(begins(program)) for program in programs], minlength=9)
    assert strokes[0] == 0 and len(strokes) == 9
    assert strokes[5:].sum() > 2 * strokes[1:5].sum()


def test_each_stroke_is_a_move_and_one_or_two_curves(programs):
    flags = heads(programs, "flag")
    assert (flags[:, 0] == MOVE).all()
    assert not ((flags[:, :-2] == PAINT) & (flags[:, 1:-1] == PAINT) & (flags[:, 2:] == PAINT)).any()
    assert ((flags[:, :-1] == PAINT) & (flags[:, 1:] == PAINT)).any()


def test_strokes_are_written_from_the_top_left_to_the_bottom_right(programs):
    for program in programs:
        row, column = np.divmod(heads(program, "end")[begins(program)], ROWS)
        assert (np.diff(row + 0.5 * column) >= -1.5).all()  # a cell of rounding each way


def test_all_points_lie_within_the_canvas_and_what_is_left_are_moves_on_the_spot(programs):
    low, high = (round(edge * ROWS) for edge in ROOM)
    for name in ("control", "end"):
        counted = SPEC.mask(programs)[..., SPEC.index(name)] > 0
        cells = np.stack(np.divmod(heads(programs, name), ROWS))[:, counted]
        assert cells.min() >= low and cells.max() <= high
    for program in programs:
        last = np.flatnonzero(heads(program, "flag") == PAINT)[-1]
        assert (heads(program, "end")[last:] == heads(program, "end")[last]).all()


def test_the_seed_decides_them_and_short_programs_have_fewer_strokes():
    first, second = (random_characters(SPEC, 8, 5, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert max(len(begins(program)) for program in first) == 2


def test_where_there_is_room_most_natural_programs_are_characters():
    def strokes(length: int) -> list[int]:
        settings = PaintSettings(color=False, episode_length=length)
        return [len(begins(program)) for program in settings.natural_programs(200, np.random.default_rng(0))]

    assert max(strokes(8)) <= 3
    assert np.mean(np.array(strokes(16)) > 3) > 0.5
