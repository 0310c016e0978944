"""A learned reward of a user's own, in one file, trains an agent by its name, and outlives its learner and its run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import Popen

import numpy as np
import psutil
import pytest

from cluster.run.folder import RunFolder
from cluster.run.logbook import read_rows
from learners.checkpoint import has_checkpoint, latest_checkpoint, load_checkpoint
from tests.foreign import foreign_folder
from tests.patience import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[2]
REWARD = "patches:PatchCritic"
SMALL = (
    f'rewards=[{{"name": "{REWARD}", "when": "step", "options": {{"width": 4}}, "warm_up": 20}}, {{"name": "blank"}}]',
    "policy.batch_size=8", "policy.anchor=0", "data.name=mnist5k", "precision=float32", "agent.channels=[8]",
    "agent.hidden=16",
)  # fmt: skip


def spiral(folder: Path, *words: str) -> Popen[str]:
    """The command in a folder that holds the user's file, as an installed one runs."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", "cluster.cli", *words]
    return Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder, beside whose file lie packages that have the names of ours."""
    made = foreign_folder(tmp_path / "work")
    shutil.copy(ROOT / "examples" / "patches.py", made)
    return made


def train(folder: Path, engine: str, frames: int) -> Popen[str]:
    settings = [part for change in SMALL for part in ("--set", change)]
    words = ["train", "--preset", "mnist-small", "--engine", engine, "--frames", str(frames), "--out", "run"]
    return spiral(folder, *words, *settings)


def test_it_is_trained_in_one_process(folder):
    run = train(folder, "local", 960)
    said = run.communicate(timeout=PATIENCE_S)[0]
    assert run.returncode == 0, said
    checkpoint = load_checkpoint(latest_checkpoint(RunFolder(folder / "run").checkpoints))
    assert (
        int(checkpoint.part("rewards")[f"{REWARD}/version"]) == checkpoint.document["counters"]["reward_steps"][REWARD]
    )
    rows = [row for row in read_rows(RunFolder(folder / "run")) if f"reward/{REWARD}/real" in row]
    assert rows and all(np.isfinite(row[f"reward/{REWARD}/real"]) for row in rows)


def reward_learner(run: Popen[str]) -> psutil.Process | None:
    """The process of the reward learner, once there is one."""
    for child in psutil.Process(run.pid).children(recursive=True):
        try:
            if child.cmdline()[:1] == ["ray::RewardWorker"] or child.cmdline()[0].startswith("ray::RewardWorker"):
                return child
        except (psutil.NoSuchProcess, IndexError):
            continue
    return None


def restarts(folder: Path) -> float:
    return max((row.get("rewards/restarts", 0.0) for row in read_rows(RunFolder(folder / "run"))), default=0.0)


def test_on_ray_its_learner_is_killed_and_comes_back_and_so_does_the_run(folder):
    run = train(folder, "ray", 10**6)
    try:
        wait_until(lambda: bool(read_rows(RunFolder(folder / "run"))) or run.poll() is not None, "a row of figures")
        victim = reward_learner(run)
        assert victim is not None, run.communicate()
        victim.kill()
        wait_until(lambda: restarts(folder) >= 1, "a row that tells of the reward learner's return")
        run.send_signal(signal.SIGINT)  # as Ctrl-C does: it keeps a checkpoint
        said = run.communicate(timeout=PATIENCE_S)[0]
    finally:
        run.kill()
    checkpoints = RunFolder(folder / "run").checkpoints
    assert has_checkpoint(checkpoints), said
    before = load_checkpoint(latest_checkpoint(checkpoints))
    goal = before.document["counters"]["frames"] + 480
    again = spiral(folder, "train", "--resume", "--engine", "ray", "--frames", str(goal), "--out", "run")
    assert "Done: " in again.communicate(timeout=PATIENCE_S)[0] and again.returncode == 0
    after = load_checkpoint(latest_checkpoint(checkpoints))
    assert after.document["counters"]["reward_steps"][REWARD] > before.document["counters"]["reward_steps"][REWARD]
    assert int(after.part("rewards")[f"{REWARD}/version"]) > int(before.part("rewards")[f"{REWARD}/version"])
