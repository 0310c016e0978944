"""A run has one writer: a second is told who that is, and one that died stands in nobody's way."""

from __future__ import annotations

import json
import os
import socket

import pytest

from cluster.population.folder import Plan, PopulationFolder
from cluster.population.run import resume as resume_population
from cluster.run.folder import WRITER, RunError, RunFolder
from cluster.run.folder_lock import only_writer
from cluster.run.logbook import read_rows
from cluster.run.plan import Length
from tests.patience import wait_until

from .conftest import FRAMES
from .test_interrupts import train


@pytest.mark.usefixtures("quick")
def test_a_run_at_work_has_its_folder_for_itself_until_it_ends_by_whatever(tiny, tmp_path, spiral):
    out = tmp_path / "run"
    both = [train(tiny, out, "local") for _ in range(2)]  # at the same moment
    try:
        wait_until(lambda: any(run.poll() is not None for run in both), "one of two gives up")
        run, late = sorted(both, key=lambda run: run.poll() is not None)
        said = f"spiral: {out} is being written to by process {run.pid} on {socket.gethostname()} since 20"
        err = late.communicate()[1]
        # The first may not have said yet who it is.
        either = (said, f"spiral: {out} is being written to by another process")
        assert late.returncode == 2 and err.startswith(either), err
        wait_until(lambda: any("policy/return" in row for row in read_rows(RunFolder(out))), "a row of figures")
        status, _, err = spiral("train", "--resume", "--engine", "local", "--out", out)
        assert status == 2 and err.startswith(said) and err.count("\n") == 1, err
        assert spiral("curves", out, "--out", tmp_path / "curves.png")[::2] == (0, ""), "who reads is let in"
    finally:
        for each in both:
            each.kill()  # by SIGKILL
            each.communicate()
    assert (out / WRITER).is_file(), "it could not say that it ends"
    status, text, err = spiral("train", "--resume", "--engine", "local", "--frames", FRAMES, "--out", out)
    assert (status, err) == (0, "") and "Done: " in text
    assert not list(out.glob(".*")), "nothing of it is left"


def test_a_folder_into_which_nothing_was_put_goes_again(tmp_path):
    folder = tmp_path / "new" / "run"
    with only_writer(folder):
        message = f"{folder} is being written to by process {os.getpid()} on"
        with pytest.raises(RunError, match=message), only_writer(folder):
            pass
        assert (folder / WRITER).is_file(), "who was refused took nothing away"
    assert not folder.parent.exists()


def test_what_another_host_says_counts_until_it_is_removed(tmp_path):
    said = {"host": "elsewhere", "process": 7, "since": "2026-01-02 03:04:05+00:00"}
    (tmp_path / WRITER).write_text(json.dumps(said))
    message = rf"process 7 on elsewhere since 2026-01-02 03:04:05\+00:00, .*remove {tmp_path / WRITER}"
    with pytest.raises(RunError, match=message), only_writer(tmp_path):
        pass
    assert json.loads((tmp_path / WRITER).read_text()) == said
    (tmp_path / WRITER).unlink()
    with only_writer(tmp_path):
        said = json.loads((tmp_path / WRITER).read_text())
    assert (said["host"], said["process"]) == (socket.gethostname(), os.getpid())


@pytest.mark.parametrize("left", ["", "[]", "{", json.dumps({"host": socket.gethostname(), "process": 1})])
def test_what_was_left_here_does_not_count(tmp_path, left):
    (tmp_path / WRITER).write_text(left)
    with only_writer(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(RunError, match=f"{tmp_path / 'file' / 'run'} cannot be made or written to"),
        only_writer(tmp_path / "file" / "run"),
    ):
        pass


def test_a_population_does_not_go_on_while_one_of_its_members_does(tiny, tmp_path):
    folder = PopulationFolder(tmp_path)
    folder.begin(Plan(tiny, Length(frames=FRAMES), members=2, rounds=1, fitness="scores"))
    with (
        only_writer(folder.member(1).path),
        pytest.raises(RunError, match=f"{folder.member(1).path} is being written to by process {os.getpid()}"),
    ):
        resume_population(tmp_path)
