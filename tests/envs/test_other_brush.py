"""A program carries the fingerprint of its brush, and says so where its name means another one."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import envs
from envs.edits import in_colors, moved, recolored, without
from envs.other_brush import OtherBrushWarning
from envs.program import Program, ProgramError
from envs.pymypaint import find_brush, fingerprint
from envs.random_programs import smooth_programs
from tests.brush_sets import NAME, write_set

SETTINGS: dict[str, Any] = {
    "canvas_size": 24,
    "grid_size": 8,
    "brush": NAME,
    "brush_sizes": [2],
    "color": False,
    "episode_length": 4,
}


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A strong and a weak brush of one name; the strong one is found."""
    folders = write_set(tmp_path / "strong", 1.0), write_set(tmp_path / "weak", 0.3)
    monkeypatch.setenv("MYPAINT_BRUSHES", str(folders[0]))
    return folders


@pytest.fixture
def program(sets: tuple[Path, Path], tmp_path: Path) -> Program:
    """What an environment painted with the strong brush, from the disk."""
    env: Any = gymnasium.make(envs.PAINT_ID, **SETTINGS).unwrapped
    env.reset()
    for action in smooth_programs(env.action_spec, 1, 4, np.random.default_rng(0))[0]:
        env.step(action)
    env.program().save(tmp_path / "program.json")
    return Program.load(tmp_path / "program.json")


def test_a_program_of_an_environment_says_which_brush_painted_it(program: Program) -> None:
    assert program.brush_fingerprint == fingerprint(NAME) == program.to_json()["brush_fingerprint"]
    vector: Any = gymnasium.make_vec(envs.PAINT_ID, 2, **SETTINGS).unwrapped
    vector.reset()
    assert vector.program(1).brush_fingerprint == fingerprint(NAME)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        program.render(48)


def test_another_brush_of_that_name_is_painted_with_and_told_in_one_line(
    program: Program, sets: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, there = program.replay(), fingerprint(NAME)
    monkeypatch.setenv("MYPAINT_BRUSHES", str(sets[1]))
    for paint in (program.replay, lambda: list(program.frames()), lambda: program.render(48)):
        with pytest.warns(OtherBrushWarning) as caught:
            paint()
        (message,) = [str(warning.message) for warning in caught]
        for part in (NAME, f"{fingerprint(NAME)} here", f"{there} there", str(find_brush(NAME)), "MYPAINT_BRUSHES"):
            assert part in message
        assert "\n" not in message
    with pytest.warns(OtherBrushWarning):
        assert (program.replay() != before).any()


def test_who_asks_for_a_brush_is_not_warned(
    program: Program, sets: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MYPAINT_BRUSHES", str(sets[1]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for brush in ("classic/pen", NAME, str(find_brush(NAME))):
            program.render(brush=brush)
            program.render(48, brush)
        program.to_svg()


def test_an_edited_program_keeps_the_fingerprint(program: Program) -> None:
    stroke = int(np.flatnonzero(program.actions[:, program.parsed_settings.action_spec.index("flag")])[-1])
    edited = [
        without(program, stroke),
        moved(program, stroke, 0, 0),
        recolored(program, stroke, (1, 0, 0)),
        in_colors(program, np.zeros((len(program.actions), 3))),
        program.at_size(48),
    ]
    assert {each.brush_fingerprint for each in edited} == {program.brush_fingerprint}


def test_programs_of_before_and_those_without_a_brush_say_nothing(
    program: Program, sets: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = program.to_json()
    del document["brush_fingerprint"]
    monkeypatch.setenv("MYPAINT_BRUSHES", str(sets[1]))
    scene = Program(envs.SCENES_ID, {"episode_length": 3}, np.zeros((0, 0), np.int64))
    assert "brush_fingerprint" not in scene.to_json()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        old = Program.from_json(json.loads(json.dumps(document)))
        old.replay()
    assert old.to_json() == document


@pytest.mark.parametrize("wrong", [3, ["a"], True])
def test_a_fingerprint_that_is_none_is_refused(program: Program, wrong: Any) -> None:
    with pytest.raises(ProgramError, match="brush_fingerprint is"):
        Program.from_json({**program.to_json(), "brush_fingerprint": wrong})
    with pytest.raises(ProgramError, match="brush_fingerprint is"):
        replace(program, brush_fingerprint=wrong)
