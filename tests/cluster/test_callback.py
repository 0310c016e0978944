"""A callback hears every row of a run, can end it, and whatever it raises is not taken for a fault of the run's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cluster.run.folder import RunFolder
from cluster.run.launch import begin, resume
from cluster.run.logbook import read_rows
from cluster.run.machines import Machines
from cluster.run.plan import Length
from spiral.config import RunConfig

from .conftest import FRAMES

LOCAL = Machines("local")
ROW = 10 * FRAMES  # frames after which there is one
pytestmark = pytest.mark.usefixtures("quick")


def test_it_hears_the_rows_that_are_written_to_the_last_one_and_those_of_a_resumed_run(tiny: RunConfig, tmp_path: Path):
    heard: list[dict[str, Any]] = []
    begin(tiny, str(tmp_path / "run"), Length(frames=ROW + FRAMES), LOCAL, heard.append)
    assert heard == read_rows(RunFolder(tmp_path / "run")) and heard[-1]["frames"] == ROW + FRAMES
    resume(str(tmp_path / "run"), Length(frames=2 * ROW), LOCAL, callback=heard.append)
    assert heard == read_rows(RunFolder(tmp_path / "run")) and heard[-1]["frames"] == 2 * ROW


def test_where_it_answers_true_the_run_ends_with_a_checkpoint_and_can_go_on(tiny: RunConfig, tmp_path: Path):
    summary = begin(tiny, tmp_path / "run", Length(frames=4 * ROW), LOCAL, lambda row: row["frames"] >= ROW)
    assert not summary.over and summary.counters.frames == ROW and summary.checkpoint.is_dir()
    assert resume(tmp_path / "run", None, LOCAL).over


@pytest.mark.parametrize("error", [OSError("no pipe"), ValueError("mine"), KeyboardInterrupt()], ids=repr)
def test_what_it_raises_comes_out_as_it_is(error: BaseException, tiny: RunConfig, tmp_path: Path):
    """An OSError of a callback's is no full disk, over which a run goes on."""

    def callback(row: dict[str, Any]) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        begin(tiny, tmp_path / "run", Length(frames=2 * ROW), LOCAL, callback)
    assert caught.value is error
    assert resume(tmp_path / "run", None, LOCAL).over
