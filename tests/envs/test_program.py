"""A program is a document: it survives the disk, replays, renders otherwise, and refuses to be what it is not."""

from __future__ import annotations

import json
import tracemalloc
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

import envs
from envs.paint_settings import PaintSettings
from envs.program import Program, ProgramError
from envs.pymypaint import BrushNotFoundError
from envs.random_programs import random_programs, smooth_programs

GREY = {"color": False, "brush": "classic/pen", "brush_sizes": [2, 4], "episode_length": 8}


def digit(settings: dict[str, Any] = GREY, seed: int = 0) -> Program:
    """A smooth program."""
    read = PaintSettings.from_keywords(settings)
    actions = smooth_programs(read.action_spec, 1, read.episode_length, np.random.default_rng(seed))[0]
    return Program(envs.PAINT_ID, settings, actions)


def document(**changes: Any) -> dict[str, Any]:
    """The document of a good program, with changes; a change to None leaves the entry out."""
    changed = {**digit().to_json(), **changes}
    return {name: value for name, value in changed.items() if value is not None}


def test_a_program_survives_the_disk_and_replays_to_the_same_pixels(tmp_path):
    env: Any = gymnasium.make(envs.PAINT_ID, episode_length=6, canvas_size=48, render_size=96).unwrapped
    env.reset()
    for action in random_programs(env.action_spec, 1, 6, np.random.default_rng(0))[0]:
        canvas = env.step(action)[0]["canvas"]
    path = tmp_path / "program.json"
    env.program().save(path)
    loaded = Program.load(path)
    assert loaded.to_json() == env.program().to_json()
    np.testing.assert_array_equal(loaded.replay(), canvas)


def test_an_unfinished_and_an_empty_episode_are_programs_too():
    program = digit()
    unfinished = Program(program.env_id, program.settings, program.actions[:3])
    np.testing.assert_array_equal(unfinished.replay(), list(program.frames())[3])
    empty = Program(program.env_id, program.settings, np.zeros((0, 5), np.int64))
    assert (empty.replay() == 255).all()
    assert Program.from_json(json.loads(json.dumps(empty.to_json()))).actions.shape == (0, 5)


def test_a_program_does_not_change_with_the_array_that_it_was_made_from():
    actions = digit().actions.copy()
    program = Program(envs.PAINT_ID, GREY, actions)
    actions[:] = 0
    assert program.actions.any()


def test_the_document_says_every_setting_so_that_later_defaults_cannot_change_the_picture():
    assert digit().to_json()["settings"] == PaintSettings.from_keywords(GREY).to_json()


def test_saving_leaves_one_whole_file_and_no_other(tmp_path):
    path = tmp_path / "program.json"
    path.write_text("old")
    digit().save(path)
    assert Program.load(path).to_json() == digit().to_json()
    assert [file.name for file in tmp_path.iterdir()] == ["program.json"]
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="folder"):
        digit().save(folder)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["folder", "program.json"]


def test_a_program_renders_at_any_size():
    program = digit()
    small = program.replay().astype(float)
    for size in (256, 1024):
        large = program.render(size)
        assert large.shape == (size, size, 1)
        factor = size // 64
        shrunk = large.reshape(64, factor, 64, factor).mean(axis=(1, 3))[..., None]
        both = np.minimum(255 - shrunk, 255 - small).sum()
        assert both > 0.9 * (255 - shrunk).sum(), f"at {size}, there is ink where there was none"
        assert both > 0.85 * (255 - small).sum(), f"at {size}, ink is missing: strokes must not grow thin"
    np.testing.assert_array_equal(program.render(), program.replay())
    np.testing.assert_array_equal(program.render(64), program.replay())


def test_a_program_renders_with_another_brush():
    program = digit()
    pencil = program.render(brush="classic/pencil")
    assert pencil.shape == (64, 64, 1)
    assert (pencil != program.replay()).any()
    with pytest.raises(BrushNotFoundError, match="no_brush"):
        program.render(brush="no_brush")
    with pytest.raises(ProgramError, match="size is 0; give a whole number from 1 to 8192"):
        program.render(0)


def test_svg_has_one_path_for_each_painting_action():
    """By hand: from the corner, on from there, then a move, and on from where the move ended."""
    settings = {"canvas_size": 64, "brush_sizes": [2, 3], "background": "#102030", "episode_length": 4}
    actions = [  # the first two are locations: 32 · row + column
        [5, 32 * 10 + 5, 1, 9, 0, 19, 0, 0],
        [32 + 1, 32 * 2 + 3, 1, 4, 1, 0, 19, 10],
        [32 * 9 + 9, 32 * 20 + 8, 0, 3, 1, 7, 7, 7],
        [32 * 31 + 31, 32 * 30, 1, 0, 0, 0, 0, 0],
    ]
    root = ET.fromstring(Program(envs.PAINT_ID, settings, np.array(actions)).to_svg(size=200))
    name = "{http://www.w3.org/2000/svg}"
    assert root.get("viewBox") == "0 0 64 64"
    assert root.get("width") == "200"
    assert [rect.get("fill") for rect in root.iter(f"{name}rect")] == ["#102030"]
    paths = [(path.get("d"), path.get("stroke"), path.get("stroke-width")) for path in root.iter(f"{name}path")]
    assert paths == [
        ("M0,0Q10,0 10,20", "#ff0000", "4"),  # 2 · 2 · (1 + 1) / 2
        ("M10,20Q2,2 6,4", "#00ff86", "5.25"),  # 2 · 3 · (1 + (1 + 0.5) / 2) / 2; green 10/19 is 134
        ("M16,40Q62,62 0,60", "#000000", "2.2"),  # after a move the pressure is 0.1 throughout
    ]


def test_svg_of_grey_strokes_is_black():
    assert 'stroke="#000000"' in digit().to_svg()


def test_svg_of_an_empty_program_is_the_background():
    program = digit()
    assert "<path" not in Program(program.env_id, program.settings, program.actions[:0]).to_svg()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], 'a JSON object with "format": "spiral-program" was expected'),
        ({"format": "png"}, 'a JSON object with "format": "spiral-program" was expected'),
        (document(version=2), "format version is 2; this release reads version 1"),
        (document(actions=None), "actions not there"),
        (
            document(environment="spiral/Sculpt-v0"),
            "environment is 'spiral/Sculpt-v0'; programs are known for spiral",
        ),
        (document(environment=["spiral/Paint-v0"]), "environment must be a text"),
        (document(settings=[1]), "settings an object"),
        (document(settings={"canvas_size": -1}), "in the settings, canvas_size is -1; give a whole number"),
        (document(settings={"colour": True}), "in the settings, unexpected keyword argument 'colour'"),
        (document(heads=["end", "control", "flag", "pressure", "size"]), "these settings call for"),
        (document(actions="paint"), "in the actions, actions are <U5 of shape"),
        (document(actions=[[1, 2], [1]]), "in the actions, "),
        (
            document(actions=[[1, 2, 1]]),
            r"of shape \(1, 3\); give whole numbers for control, end, flag",
        ),
        (document(actions=[[1, 2, 1, 3.5, 0]]), "actions are float64"),
        (document(actions=[[1, 2, 1, 10**30, 0]]), "actions are object"),
        (document(actions=[[0] * 5, [1, 2, 2, 0, 0]]), "flag of action 1 is 2; it must be from 0 to 1"),
        (document(actions=[[0, -1, 0, 0, 0]]), "end of action 0 is -1; it must be from 0 to 1023"),
        (document(actions=[[0] * 5] * 9), "with at most 8 steps, the episode_length of the settings"),
        (document(actions=[[[0] * 5] * 2] * 2), r"give \[steps, heads\]"),
    ],
)
def test_a_document_that_is_no_program_is_refused_with_its_file(wrong, message, tmp_path):
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(wrong))
    with pytest.raises(ProgramError, match=message) as caught:
        Program.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"NaN"])
def test_a_file_that_is_not_json_is_refused(content, tmp_path):
    path = tmp_path / "wrong.json"
    path.write_bytes(content)
    with pytest.raises(ProgramError, match=r"wrong\.json"):
        Program.load(path)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@hypothesis(derandomize=True, deadline=None)
@given(name=st.sampled_from(sorted(document())), value=values)
def test_whatever_stands_in_a_document_it_is_a_program_or_a_program_error(name, value):
    changed = {**document(), name: value}
    try:
        program = Program.from_json(changed)
    except ProgramError:
        return
    assert program.to_json()["environment"] == envs.PAINT_ID


@hypothesis(derandomize=True, deadline=None)
@given(name=st.sampled_from(sorted(PaintSettings().to_json())), value=values)
def test_whatever_stands_in_its_settings_it_is_a_program_or_a_program_error(name, value):
    changed = document(settings={**GREY, name: value})
    try:
        program = Program.from_json(changed)
    except ProgramError:
        return
    assert len(program.actions) <= program.parsed_settings.episode_length


def test_a_large_picture_takes_the_memory_of_one_canvas_however_many_commands_it_has():
    peaks = []
    for steps in (2, 20):
        actions = np.resize(digit().actions, (steps, 5))
        program = Program(envs.PAINT_ID, {**GREY, "episode_length": 20}, actions)
        tracemalloc.start()
        assert program.render(1024).shape == (1024, 1024, 1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1024 * 1024  # a canvas


def test_a_page_is_the_upper_left_part_of_the_canvas():
    whole = digit()
    side = whole.parsed_settings.canvas_size
    program = replace(whole, page=(side, side // 2))
    np.testing.assert_array_equal(program.replay(), whole.replay()[: side // 2])
    np.testing.assert_array_equal(program.render(3 * side), whole.render(3 * side)[: 3 * side // 2])
    assert program.render(2 * side, "classic/pen").shape[:2] == (side, 2 * side)
    assert Program.from_json(program.to_json()).page == (side, side // 2)
    assert "page" not in whole.to_json()
    root = ET.fromstring(program.to_svg(2 * side))
    assert (root.get("width"), root.get("height")) == (str(2 * side), str(side))
    assert root.get("viewBox") == f"0 0 {side} {side // 2}"


@pytest.mark.parametrize("page", [(0, 4), (4,), (4, 100_000), "ab", 5, (4.5, 4), (4, 4, 4), {}])
def test_a_page_that_is_no_part_of_the_canvas_is_refused(page):
    with pytest.raises(ProgramError, match="page is .*give width and height, each a whole number from 1 to"):
        replace(digit(), page=page)
