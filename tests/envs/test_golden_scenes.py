"""Scenes whose pictures are kept beside them: a version of the environment draws what it always drew.

By the same driver they are the same to the last pixel; others round differently, and may take another pixel on an edge.
To add a program, save it into the folder and run this file as a script, which draws the pictures that are missing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from envs.program import Program

FOLDER = Path(__file__).parent / "golden" / "scenes"
PROGRAMS = sorted(FOLDER.glob("*.json"))
LARGE = 120  # pixels
NEAR, FEW = 3, 0.004  # levels of 255, and the share of pixels that may be further away

with_each_program = pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)


def pictures(program: Program) -> list[np.ndarray]:
    """At its own size, and larger."""
    return [program.replay(), program.render(LARGE)]


def kept(path: Path) -> list[Path]:
    """Where the pictures of a program are."""
    return [path.with_suffix(".png"), path.with_name(f"{path.stem}-{LARGE}.png")]


def away(picture: np.ndarray, place: Path) -> float:
    """The share of its pixels that are not as they were kept."""
    return float((np.abs(picture - np.asarray(Image.open(place)).astype(int)).max(axis=2) > NEAR).mean())


@with_each_program
def test_a_kept_scene_is_drawn_as_its_kept_pictures(path):
    for picture, place in zip(pictures(Program.load(path)), kept(path), strict=True):
        assert away(picture, place) < FEW


@with_each_program
def test_other_edges_and_the_next_cell_would_be_noticed(path):
    program = Program.load(path)
    edges = 1 if program.settings["supersampling"] > 1 else 2
    moved = program.actions.copy()
    moved[0, program.parsed_settings.action_spec.index("place")] += 1
    for settings, actions in (
        ({**program.settings, "supersampling": edges}, program.actions),
        (program.settings, moved),
    ):
        others = pictures(Program(program.env_id, settings, actions))
        assert min(away(*pair) for pair in zip(others, kept(path), strict=True)) > 2 * FEW


if __name__ == "__main__":
    for path in PROGRAMS:
        for picture, place in zip(pictures(Program.load(path)), kept(path), strict=True):
            if not place.exists():
                Image.fromarray(picture).save(place)
