"""The process that directs a run is killed: whatever it began ends too, and the run goes on from a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from subprocess import Popen

import psutil
import pytest

from cluster.logbook import read_rows
from cluster.plan import Counters
from cluster.run_folder import RunFolder
from learners.checkpoint import load_checkpoint

from .conftest import FRAMES
from .test_interrupts import command, train

INTERVAL_S = 3.0
SAVING_S = 5.0  # for a step and for the checkpoint itself, on a busy machine
SAVES_OFTEN = ("-c", f"from cluster import cli, run; run.CHECKPOINT_INTERVAL_S = {INTERVAL_S}; cli.main()")
PATIENCE_S = 240.0
# They report the end to Ray's server, which is gone, and by a constant of Ray's wait a minute for it to answer.
RAYS_AGENTS = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")


def wait_until(condition: Callable[[], bool], run: Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < deadline, f"not in {PATIENCE_S} s"
        time.sleep(0.05)


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


@pytest.mark.timeout(900)
@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_run_whose_driver_is_killed_loses_a_checkpoint_interval_at_most_and_goes_on(tiny, tmp_path, engine):
    folder = RunFolder(tmp_path / "run")
    run = train(tiny, folder.path, engine, program=SAVES_OFTEN)
    try:
        wait_until(lambda: len(kept(folder)) == 2 and read_rows(folder)[-1]["frames"] > kept(folder)[-1].frames, run)
        begun = children_of(run)
    finally:
        run.kill()  # by SIGKILL, as the kernel does when memory is short
    run.communicate(timeout=PATIENCE_S)
    assert psutil.wait_procs(begun, timeout=PATIENCE_S)[1] == [], "nothing outlives the driver"

    before, last = kept(folder)
    assert last.seconds - before.seconds <= INTERVAL_S + SAVING_S
    assert read_rows(folder)[-1]["seconds"] - last.seconds <= INTERVAL_S + SAVING_S

    goal = last.frames + 20 * FRAMES
    again = command("train", "--resume", "--frames", str(goal), "--engine", engine, "--out", str(folder.path))
    out, err = again.communicate(timeout=PATIENCE_S)
    assert (again.returncode, err) == (0, "") and "Done: " in out
    end = kept(folder)[-1]
    assert end.frames >= goal and end.frames == FRAMES * end.policy_steps, "each batch counts once"
    frames = [row["frames"] for row in read_rows(folder)]
    assert frames == sorted(frames) and frames[-1] == end.frames
