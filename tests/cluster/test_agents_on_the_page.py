"""The pictures in the gallery of the live page are those that the commands below them make."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from actors.scene_making import CHUNK, draw_scenes
from cluster.cli import app
from cluster.watch.server import PAGE
from envs import SCENES_ID
from spiral.data import resolve, scenes
from spiral.data.arrays import SPLITS

AGENT = re.compile(r'<img src="/page/(agents/[^"]+)".*?<code>(.*?)</code>', re.DOTALL)
SHOWN = AGENT.findall((PAGE / "index.html").read_text(encoding="utf-8"))
APART = 38  # of 255, at most, in the mean; on another processor a choice of the agent's may fall otherwise


def drawn_scenes(folder: Path) -> None:
    """The first of the held-out scenes that `spiral data make scenes-2` draws."""
    pictures, programs = draw_scenes((0, SPLITS.index("test"), 0), CHUNK, (1, 2), SCENES_ID)
    scenes.write(folder, "test", scenes.SceneSet(pictures, programs))


@pytest.mark.parametrize(("picture", "command"), SHOWN, ids=[picture for picture, _ in SHOWN])
def test_the_command_makes_the_picture(picture, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "--goal copy" in command and resolve("digits")[0] != "mnist":
        pytest.skip("the digits in the picture are of the full MNIST, which is not here (`spiral data`)")
    if "--goal scenes" in command:
        pytest.importorskip("mujoco")
        drawn_scenes(tmp_path / "scenes-2")
        monkeypatch.setenv("SPIRAL_DATA", str(tmp_path))
    name, *words = shlex.split(command)
    assert name == "spiral"
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    made, shown = (np.asarray(Image.open(path), float) for path in (words[-1], PAGE / picture))
    assert made.shape == shown.shape
    assert abs(made - shown).mean() <= APART


def test_every_picture_hangs_there():
    assert sorted(PAGE / picture for picture, _ in SHOWN) == sorted((PAGE / "agents").iterdir())
