"""The process that directs a run is killed: whatever it began ends too, and the run goes on from a checkpoint."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from typing import Any

import numpy as np
import psutil
import pytest

from cluster.run.folder import RunFolder
from cluster.run.logbook import read_rows
from cluster.run.plan import Counters
from learners.checkpoint import CheckpointError, load_checkpoint
from tests.patience import PATIENCE_S, wait_until

from .conftest import FRAMES
from .test_interrupts import command, train

INTERVAL_S = 1.0
SAVE_OFTEN = f"from cluster import cli; from cluster.run import loop; loop.CHECKPOINT_INTERVAL_S = {INTERVAL_S}"
SAVES_OFTEN = ("-c", f"{SAVE_OFTEN}; cli.main()")
# They report the end to Ray's server, which is gone, and by a constant of Ray's wait a minute for it to answer.
RAYS_AGENTS = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")


def children_of(run: Popen[str]) -> list[psutil.Process]:
    """All processes that a run has begun, but for `RAYS_AGENTS`."""
    found = []
    for child in psutil.Process(run.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if not " ".join(child.cmdline()).startswith(RAYS_AGENTS):
                found.append(child)
    return found


def kept(folder: RunFolder) -> list[Counters]:
    """How far the newest two checkpoints are, the newest last; an older one may be removed at any time."""
    paths: list[Path] = sorted(folder.checkpoints.glob("0*"))[-2:]
    return [Counters(**load_checkpoint(path, only=()).document["counters"]) for path in paths]


def has_work_to_lose(run: Popen[str], folder: RunFolder) -> bool:
    """Whether there are two checkpoints and a row after the last."""
    assert run.poll() is None, run.communicate()
    with suppress(CheckpointError):  # it was removed while it was read
        return len(counts := kept(folder)) == 2 and read_rows(folder)[-1]["frames"] > counts[-1].frames
    return False


def longest_gap(rows: list[dict[str, Any]]) -> float:
    """The most seconds between two rows: on any machine no less than a step or the writing of a checkpoint takes."""
    return float(np.diff([0.0, *(row["seconds"] for row in rows)]).max())


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_run_whose_driver_is_killed_loses_a_checkpoint_interval_at_most_and_goes_on(tiny, tmp_path, engine):
    folder = RunFolder(tmp_path / "run")
    run = train(tiny, folder.path, engine, program=SAVES_OFTEN)
    try:
        wait_until(lambda: has_work_to_lose(run, folder), "two checkpoints and a row")
        begun = children_of(run)
    finally:
        run.kill()  # by SIGKILL, as the kernel does when memory is short
    run.communicate(timeout=PATIENCE_S)
    assert psutil.wait_procs(begun, timeout=PATIENCE_S)[1] == [], "nothing outlives the driver"

    before, last = kept(folder)
    rows = read_rows(folder)
    # A checkpoint is due an interval after the last one was written, and is written when the step under way has ended.
    most = INTERVAL_S + 2 * longest_gap(rows)
    assert last.seconds - before.seconds <= most and rows[-1]["seconds"] - last.seconds <= most

    goal = last.frames + 20 * FRAMES
    again = command("train", "--resume", "--frames", str(goal), "--engine", engine, "--out", str(folder.path))
    out, err = again.communicate(timeout=PATIENCE_S)
    assert (again.returncode, err) == (0, "") and "Done: " in out
    end = kept(folder)[-1]
    assert end.frames >= goal and end.frames == FRAMES * end.policy_steps, "each batch counts once"
    frames = [row["frames"] for row in read_rows(folder)]
    assert frames == sorted(frames) and frames[-1] == end.frames
