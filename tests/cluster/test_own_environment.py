"""An environment of a user's own, in one file, is trained in by its name, with no change of this project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cluster.cli import app, is_user_error
from envs.own import EnvironmentNotFound, load_class, loaded_class
from envs.program import Program, ProgramError
from tests.foreign import foreign_folder

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
DISCRIMINATOR = {
    "name": "discriminator",
    "when": "step",
    "options": {"loss": "logistic", "batch_size": 8, "width": 4},
    "pace": {"floor": 4, "ceiling": 4},
    "warm_up": 0,
}


@pytest.fixture
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.delitem(sys.modules, "dots", raising=False)


def train(out: Path, folder: Path, path: list[Path], *options: str) -> None:
    """Train in the folder, with these on the search path."""
    rewards = f"rewards={json.dumps([DISCRIMINATOR])}"
    batches = ["policy.batch_size=8", "policy.anchor=0", "data.name=mnist5k", rewards]
    small = [*batches, "precision=float32", "agent.channels=[8]", "agent.hidden=16"]
    settings = [part for change in small for part in ("--set", change)]
    command = ["train", "--preset", "mnist-small", "--env", "dots:Dots", "--frames", "240", "--out", str(out)]
    # A process of its own: a Ray that an earlier test began would not know this PYTHONPATH.
    # As the installed command does, which has not the current folder on its search path.
    words = [sys.executable, "-P", "-m", "cluster.cli", *command, *settings, *options]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    result = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_it_is_trained_in_by_its_name(engine, tmp_path, on_the_path):
    folder = foreign_folder(tmp_path / "work")
    if engine == "ray":  # found in the current folder, beside packages that have the names of ours
        shutil.copy(EXAMPLES / "dots.py", folder)
    train(tmp_path / "run", folder, [ROOT] if engine == "ray" else [EXAMPLES, ROOT], "--engine", engine)
    load_class("dots:Dots")
    program = Program.load(tmp_path / "run" / "programs" / "0.json")
    assert (program.env_id, program.actions.shape) == ("dots:Dots", (10, 3))
    pressed = program.actions[program.actions[:, 2] == 1]
    assert len(np.unique(program.replay())) > 1 or (pressed[:, 1] == 3).all() or not len(pressed)
    assert program.render(64).shape == (64, 64, 1)


def test_a_program_makes_nothing_be_imported(tmp_path, on_the_path):
    load_class("dots:Dots")
    program = Program("dots:Dots", {}, np.zeros((1, 3), np.int64))
    program.save(tmp_path / "dot.json")
    del sys.modules["dots"]
    with pytest.raises(ProgramError, match="import dots first"):
        Program.load(tmp_path / "dot.json")
    document = json.loads((tmp_path / "dot.json").read_text()) | {"environment": "os:system"}
    with pytest.raises(ProgramError, match="os has no class system that is"):
        Program.from_json(document)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere:Dots", "nowhere cannot be imported .*; run this in the folder of nowhere.py"),
        ("::", "a module without a name cannot be imported .*ValueError"),
        (".dots:Dots", "dots cannot be imported .*TypeError"),
        ("dots:Stamping", "dots has no class Stamping that is an envs.canvas_env.CanvasEnv"),
        ("dots:Nothing", "dots has no class Nothing"),
    ],
)
def test_what_is_no_environment_is_refused_in_one_line(name, message, on_the_path):
    with pytest.raises(EnvironmentNotFound, match=message) as caught:
        load_class(name)
    assert is_user_error(caught.value)
    with pytest.raises(EnvironmentNotFound):
        loaded_class(name)


def test_a_reward_that_the_environment_cannot_give_is_refused_before_anything_starts(tmp_path, on_the_path):
    command = ["train", "--preset", "mnist-small", "--env", "dots:Dots", "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(app, command)
    assert "'stroke_start' needs disjoint_strokes, but this environment counts stamps: leave it out" in str(
        result.exception
    )
    assert result.exception is not None and is_user_error(result.exception) and not (tmp_path / "run").exists()
