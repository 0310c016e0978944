"""Programs whose pictures are kept beside them, so that a change of what an action means is seen.

The pictures are compared with a tolerance, not by a checksum: builds of libmypaint round differently, and a painted
difference is a few levels at the rim of a stroke, far from what another meaning of an action does. How fine the net is,
the second test says. To add a program, save it into the folder and run this file as a script, which paints the pictures
that are missing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from envs.paint_settings import PaintSettings
from envs.program import Program
from envs.pymypaint import fingerprint

FOLDER = Path(__file__).parent / "golden"
PROGRAMS = sorted(FOLDER.glob("*.json"))

TOLERANCE = 0.2  # mean difference over all values of a picture, of 255


def load(path: Path) -> Program:
    """A kept program, if this machine has the brush that it was painted with."""
    program = Program.load(path)
    brush = program.settings["brush"]
    if (here := fingerprint(brush)) != program.brush_fingerprint:
        pytest.skip(f"{brush} has the fingerprint {here} on this machine, not {program.brush_fingerprint}")
    return program


def picture_of(path: Path) -> np.ndarray:
    """The kept picture of a program, [height, width, channels]."""
    picture = np.asarray(Image.open(path.with_suffix(".png")))
    return picture if picture.ndim == 3 else picture[..., None]


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).mean())


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_kept_program_paints_its_kept_picture(path):
    assert difference(load(path).replay(), picture_of(path)) < TOLERANCE


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_an_end_point_one_cell_off_or_one_level_of_pressure_more_would_be_noticed(path):
    program = load(path)
    settings = program.parsed_settings
    assert isinstance(settings, PaintSettings)
    spec = settings.action_spec
    end, pressure = spec.index("end"), spec.index("pressure")
    strokes = np.flatnonzero(program.actions[:, spec.index("flag")])
    changed = program.actions.copy()
    step = strokes[len(strokes) // 2]
    changed[step, end] += 1 if changed[step, end] % settings.grid_size == 0 else -1
    assert difference(replace(program, actions=changed).replay(), picture_of(path)) > 2 * TOLERANCE
    changed = program.actions.copy()
    changed[:, pressure] += np.where(changed[:, pressure] < 5, 1, -1)
    assert difference(replace(program, actions=changed).replay(), picture_of(path)) > TOLERANCE


def test_after_a_move_the_pen_is_where_it_moved():
    """The published environment starts the stroke at (y, y); `after-move` would then have ink at the left."""
    canvas = Program.load(FOLDER / "after-move.json").replay()[..., 0]
    assert canvas[:, 44:52].min() == 0
    assert (canvas[:, :32] == 255).all()


if __name__ == "__main__":
    for path in PROGRAMS:
        if not path.with_suffix(".png").exists():
            canvas = Program.load(path).replay()
            Image.fromarray(canvas if canvas.shape[2] == 3 else canvas[..., 0]).save(path.with_suffix(".png"))
