"""Random programs are in the action space and repeat with their seed; some look like handwriting or a painting."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

import envs
from envs.actions import ActionSpec, Head, paint_action_spec
from envs.paint_settings import PaintSettings
from envs.random_paintings import random_paintings
from envs.random_programs import random_programs, smooth_programs

SPECS = {
    "colour": paint_action_spec(32, 6, color=True),
    "grey": paint_action_spec(32, 6, color=False),
    "one size": paint_action_spec(16, 1, color=False),
    "splines": paint_action_spec(32, 6, color=True, control=False),
}
GREY = SPECS["grey"]


def smooth(spec: ActionSpec = GREY, count: int = 500, length: int = 8, seed: int = 0) -> np.ndarray:
    return smooth_programs(spec, count, length, np.random.default_rng(seed))


def sub_action(actions: np.ndarray, name: str, spec: ActionSpec = GREY) -> np.ndarray:
    return actions[..., spec.index(name)]


@pytest.mark.parametrize("generate", [random_programs, smooth_programs, random_paintings])
@pytest.mark.parametrize("name", SPECS)
@hypothesis(derandomize=True, deadline=None)
@given(count=st.integers(0, 20), length=st.integers(2, 20), seed=st.integers(0, 2**32))
def test_programs_are_in_the_action_space_and_repeat_with_their_seed(generate, name, count, length, seed):
    spec = SPECS[name]
    programs = generate(spec, count, length, np.random.default_rng(seed))
    assert programs.shape == (count, length, len(spec.heads))
    assert programs.dtype == np.int64
    assert ((programs >= 0) & (programs < spec.nvec)).all()
    np.testing.assert_array_equal(programs, generate(spec, count, length, np.random.default_rng(seed)))


def test_random_programs_use_every_choice_equally_often():
    programs = random_programs(GREY, 2000, 10, np.random.default_rng(0))
    for head in GREY.heads:
        counts = np.bincount(sub_action(programs, head.name).ravel(), minlength=head.choices)
        expected = 20_000 / head.choices
        assert (np.abs(counts - expected) < 6 * np.sqrt(expected)).all(), head.name


def test_a_drawing_starts_with_a_move_then_paints_and_ends_with_moves_on_the_spot():
    programs = smooth()
    flags, ends = sub_action(programs, "flag"), sub_action(programs, "end")
    assert not flags[:, 0].any()
    assert flags[:, 1].all()
    for flag, end in zip(flags, ends, strict=True):
        last = np.flatnonzero(flag).max()
        assert (end[last:] == end[last]).all()


def test_drawings_have_one_to_three_pen_strokes_of_varying_length():
    flags = sub_action(smooth(length=20), "flag")
    pen_strokes = ((flags[:, 1:] == 1) & (flags[:, :-1] == 0)).sum(axis=1)
    assert set(pen_strokes) == {1, 2, 3}
    assert np.bincount(pen_strokes).argmax() == 1
    assert set(flags.sum(axis=1)) >= set(range(1, 10))


def test_sub_actions_that_do_not_count_are_zero():
    programs = smooth(SPECS["colour"])
    assert not programs[SPECS["colour"].mask(programs) == 0].any()


def test_size_and_pressure_seldom_change_within_a_drawing():
    programs = smooth()
    painted = (sub_action(programs, "flag")[:, 1:-1] & sub_action(programs, "flag")[:, 2:]).astype(bool)
    for name in ("size", "pressure"):
        values = sub_action(programs, name)
        changes = (values[:, 1:-1] != values[:, 2:])[painted].mean()
        assert 0.01 < changes < 0.08
        assert set(values[:, 1]) == set(range(GREY.head(name).choices))


def test_drawings_fill_the_middle_of_the_canvas():
    programs = smooth()
    rows, columns = np.divmod(sub_action(programs, "end"), 32)
    painted = sub_action(programs, "flag") == 1
    spread = []
    for index in range(len(programs)):
        at = np.flatnonzero(painted[index])
        touched = np.union1d(at, at - 1)
        height, width = np.ptp(rows[index, touched]), np.ptp(columns[index, touched])
        spread.append(max(height, width) / 32)
    assert 0.4 < np.median(spread) < 0.75
    assert np.percentile(spread, 95) < 0.85
    assert abs(rows[painted].mean() / 32 - 0.5) < 0.1
    assert abs(columns[painted].mean() / 32 - 0.5) < 0.05


def test_some_drawings_close_a_loop_and_most_keep_turning_the_same_way():
    programs = smooth(count=2000)
    flags, ends = sub_action(programs, "flag"), sub_action(programs, "end")
    single = ((flags[:, 1:] > flags[:, :-1]).sum(axis=1) == 1) & (flags.sum(axis=1) >= 3)
    closed = (ends[:, -1] == ends[:, 0])[single].mean()
    assert 0.1 < closed < 0.5
    points = np.stack(np.divmod(ends, 32)[::-1], axis=-1).astype(float)
    legs = np.diff(points, axis=1)
    turns = legs[:, :-1, 0] * legs[:, 1:, 1] - legs[:, :-1, 1] * legs[:, 1:, 0]
    same_way = (np.sign(turns[:, :-1]) == np.sign(turns[:, 1:]))[(flags[:, 1:-2] & flags[:, 2:-1] & flags[:, 3:]) > 0]
    assert same_way.mean() > 0.6


def test_every_smooth_program_leaves_ink_inside_the_canvas():
    programs = smooth(count=64)
    vector = gymnasium.make_vec(envs.PAINT_ID, 64, brush="classic/pen", color=False, brush_sizes=(1, 1.2, 1.5, 2, 3, 4))
    vector.reset()
    for step in range(8):
        canvas = vector.step(programs[:, step])[0]["canvas"]
    ink = (255 - canvas.astype(int)).sum(axis=(1, 2, 3)) / 255
    assert (ink > 5).all()
    assert (ink < 64 * 64 / 2).all()


def test_an_action_without_locations_cannot_be_drawn_smoothly():
    spec = ActionSpec((Head("kind", 2), Head("end", 4, (2, 2))), ("kind", "end"), "kind", (("end",), ("end",)))
    with pytest.raises(ValueError, match=r"\['flag'\] are not there"):
        smooth(spec)
    with pytest.raises(ValueError, match="length is 1; a drawing needs 2 actions"):
        smooth(length=1)


def test_paintings_go_from_the_largest_brush_to_the_smallest():
    spec = SPECS["colour"]
    paintings = random_paintings(spec, 500, 20, np.random.default_rng(0))
    assert np.all(sub_action(paintings, "flag", spec) == 1)
    mean = sub_action(paintings, "size", spec).mean(axis=0)
    np.testing.assert_allclose(mean[1:-1], np.linspace(5, 0, 20)[1:-1], atol=0.25)
    assert mean[0] > 4.6 and mean[-1] < 0.4


def test_the_colors_of_a_painting_share_a_tint():
    """Within a painting red and green rise and fall together; how far they lie apart differs from one to another."""
    spec = SPECS["colour"]
    paintings = random_paintings(spec, 500, 20, np.random.default_rng(0))
    red, green = (sub_action(paintings, name, spec).astype(float) for name in ("red", "green"))
    assert np.corrcoef(red.ravel(), green.ravel())[0, 1] > 0.6
    assert (red - green).mean(axis=1).std() > 2 * (red - green).std(axis=1).mean() / np.sqrt(20)
    assert {0, 19} <= set(np.unique(red)), "up to white and black"


def test_what_looks_natural_depends_on_color():
    rngs = [np.random.default_rng(3) for _ in range(4)]
    color, grey = (PaintSettings(color=color, episode_length=6) for color in (True, False))
    np.testing.assert_array_equal(
        color.natural_programs(5, rngs[0]), random_paintings(color.action_spec, 5, 6, rngs[1])
    )
    np.testing.assert_array_equal(grey.natural_programs(5, rngs[2]), smooth_programs(grey.action_spec, 5, 6, rngs[3]))
