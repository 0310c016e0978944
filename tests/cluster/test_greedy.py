"""The greedy rival: its error falls, its seed decides, and its program paints what it measured."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from benchmarks.command import answer
from benchmarks.greedy.__main__ import main
from benchmarks.greedy.easel import Easel
from benchmarks.greedy.search import Clock, Count, Painting, paint
from benchmarks.greedy.strokes import (
    COLOR,
    GRID,
    PRESSURE,
    SIZE,
    SIZES,
    Proposals,
    best_color,
    settings_for,
)
from envs.area_sums import summed
from envs.program import Program
from spiral.picture_error import mean_squared_error

BRUSH, CHANCE = "deevad/basic_digital_brush", "classic/dry_brush"
TARGET = np.asarray(Image.fromarray(astronaut()).resize((48, 48)))[:32]  # wider than high
STROKES = 8


def painted(brush: str = BRUSH, seed: int = 0) -> Painting:
    return paint(TARGET, brush, STROKES, partial(Count, 1), seed, threads=2, marks=(3,))


@pytest.mark.parametrize("brush", [BRUSH, CHANCE])
@pytest.mark.parametrize("draft", [24, 256])
def test_the_error_falls_with_each_stroke_and_is_that_of_the_program(
    brush: str, draft: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("benchmarks.greedy.search.DRAFT", draft)
    painting = painted(brush)
    assert (np.diff(painting.errors) < 0).all() and len(painting.errors) == STROKES + 1
    assert painting.errors[-1] < painting.errors[0] / 3
    frames = [frame for number, frame in enumerate(painting.program.frames()) if number % 2 == 0]
    np.testing.assert_allclose([mean_squared_error(frame, TARGET) for frame in frames], painting.errors, rtol=1e-6)
    np.testing.assert_array_equal(frames[3], painting.pictures[3])
    np.testing.assert_array_equal(Program.from_json(painting.program.to_json()).replay(), painting.pictures[STROKES])
    assert painting.program.shape == (48, 32) and list(painting.pictures) == [3, STROKES]


def test_the_seed_decides():
    one, same, other = painted(), painted(), painted(seed=1)
    np.testing.assert_array_equal(one.program.actions, same.program.actions)
    assert one.errors == same.errors and one.errors != other.errors


def test_time_is_kept():
    painting = paint(TARGET, BRUSH, 10_000, partial(Clock, 0.3), threads=2)
    assert 0 < len(painting.errors) - 1 < 10_000 and max(painting.seconds.values()) < 3


@pytest.mark.parametrize("brush", [BRUSH, CHANCE])
def test_a_stroke_that_makes_it_worse_leaves_no_trace(brush: str, monkeypatch: pytest.MonkeyPatch):
    """Not even of the luck that it used up."""
    monkeypatch.setattr(Easel, "gains", lambda self, strokes: np.ones(len(strokes)))
    easels = [Easel(TARGET, settings_for(48, brush, 4), 3, 1) for _ in range(2)]
    good, bad, later = np.zeros((3, 11), np.int64)
    for stroke, color in ((good, (12, 8, 8)), (bad, (0, 19, 0)), (later, (11, 6, 4))):
        stroke[:] = [10, 10, 40, 30, 90, 50, 9, 9, *color]
    later[:PRESSURE] += 12
    for easel in easels:
        assert easel.keep(good)
        before = easel.picture, easel.total
    assert not easels[0].keep(bad)
    np.testing.assert_array_equal(easels[0].picture, before[0])
    assert easels[0].total == before[1] and len(easels[0].actions) == 2
    assert easels[0].keep(later) == easels[1].keep(later)
    np.testing.assert_array_equal(easels[0].picture, easels[1].picture)


def test_strokes_are_where_the_error_is_and_in_the_colour_there():
    target = np.full((64, 64, 3), 255, np.uint8)
    target[40:, 40:] = (255, 0, 0)
    settings = settings_for(64, BRUSH, 1)
    proposals = Proposals(target, settings, np.random.default_rng(0))
    error = summed(np.square(255 - target.astype(float)).sum(-1))
    strokes = proposals.anywhere(error, 3, 200)
    assert (strokes >= 0).all() and (strokes[:, :6] < GRID).all() and (strokes[:, SIZE] < SIZES).all()
    middle = (strokes[:, 0:2] + strokes[:, 4:6]) / 2 / 2  # pixels
    assert (middle > 36).mean() > 0.95
    assert (np.abs(strokes[:, COLOR] - (19, 0, 0)) <= 6).all(1).mean() > 0.9
    near = proposals.near(strokes[0], 300)
    assert (near != strokes[0]).any(1).mean() > 0.8 and (near < [GRID] * 6 + [10, SIZES, 20, 20, 20]).all()


def test_the_best_colour_is_found():
    rng = np.random.default_rng(0)
    before, cover = rng.random((5, 7, 3)), rng.uniform(0.2, 1, (5, 7, 1))
    right, tried = np.array([3, 19, 10]), np.array([8, 8, 8])
    mixed = [(1 - cover) * before + cover * color / 19 for color in (tried, right)]
    np.testing.assert_array_equal(best_color(before, mixed[0], mixed[1], tried), right)
    np.testing.assert_array_equal(best_color(before, before, mixed[1], tried), tried)


def test_the_command_writes_programs_pictures_and_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))  # without LPIPS, which takes its time
    words = ["chelsea", "--strokes", "5", "--size", "32", "--rounds", "2", "--brush", "classic/pen"]
    assert answer(main, "greedy", [*words, "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "chelsea" in said and "no LPIPS" in said
    document = json.loads((tmp_path / "greedy.json").read_text())
    (row,) = document["paintings"]
    assert document["rounds"] == 2 and row["strokes"] == 5 and row["tried"] >= 5 * 16
    replayed = Program.load(tmp_path / "chelsea" / "program.json").replay()
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "chelsea" / "painting-5.png")), replayed)
    assert (tmp_path / "chelsea" / "comparison.png").is_file()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("gone.png",), "gone.png cannot be read as a picture"),
        (("chelsea", "--brush", "no/brush"), "no/brush"),
        (("chelsea", "chelsea"), "two pictures are called 'chelsea'"),
    ],
)
def test_what_cannot_be_painted_is_said_in_one_line(
    words: tuple[str, ...], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert answer(main, "greedy", [*words, "--size", "32", "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("greedy: ") and reason in line
