"""A disk that takes no more: a run goes on, says so, keeps its old checkpoints, and is resumed when there is room."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster.population.event_log import EventLog
from cluster.run.folder import RunError
from cluster.run.launch import begin, resume
from cluster.run.logbook import read_lines
from cluster.run.machines import Machines
from cluster.run.plan import Length
from learners.checkpoint import latest_checkpoint, load_checkpoint
from spiral.config import RunConfig

pytestmark = pytest.mark.usefixtures("quick")
LOCAL = Machines(engine="local")
SMALL = 2000  # bytes, more than a row of figures and less than the agent


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The kernel refuses to make any file larger, with an error as a full disk's."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def checkpoint_at_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.run.loop.CHECKPOINT_INTERVAL_S", 0.0)


@pytest.mark.usefixtures("checkpoint_at_each_step")
def test_a_run_goes_on_without_checkpoints_and_is_resumed_from_the_last_that_was_whole(
    tiny: RunConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    begin(tiny, tmp_path / "run", Length(frames=48), LOCAL)
    kept = latest_checkpoint(tmp_path / "run" / "checkpoints")
    names = sorted(path.name for path in kept.parent.iterdir())
    capsys.readouterr()
    with files_of_at_most(SMALL), pytest.raises(RunError) as told:
        resume(tmp_path / "run", Length(frames=144), LOCAL)
    said = capsys.readouterr().out
    assert said.count("A checkpoint could not be written") == 1 and "the run goes on; make room" in said
    assert "the last checkpoint could not be written" in str(told.value) and str(kept) in str(told.value)
    assert sorted(path.name for path in kept.parent.iterdir()) == names, "the old ones stay, and nothing half-written"
    load_checkpoint(kept)
    assert resume(tmp_path / "run", Length(frames=144), LOCAL).over


def test_the_book_of_a_population_is_whole_as_soon_as_there_is_room_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    book = EventLog(tmp_path / "population.jsonl", 1)
    rows = [{"event": "round", "round": 1, "member": member, "fitness": 0.5} for member in range(9)]
    book.add(rows[0])
    with files_of_at_most(100):
        for row in rows[1:-1]:
            book.add(row)
    said = capsys.readouterr().out
    assert said.count("could not be written") == 1 and "the population goes on; make room" in said
    assert read_lines(book.path) == rows[:1] and book.rows == rows[:-1]
    book.add(rows[-1])
    assert read_lines(book.path) == book.rows == rows and capsys.readouterr().out == ""
