"""The benchmark of learners measures each at the moments that count, and their time without that of measuring."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from benchmarks import rivals
from examples.copying import Copies


class Steady:
    """A learner of 100 frames in two seconds; its copies differ from the targets by less and less."""

    name = "steady"
    parameters = 7

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = self.frames = 0.0
        self.progress: list[float] = []
        self.closed = False
        monkeypatch.setattr("benchmarks.rivals.time.perf_counter", lambda: self.clock)

    def step(self, progress: float) -> int:
        self.progress.append(progress)
        self.clock += 2.0
        self.frames += 100
        return 100

    def copies(self) -> Copies:
        self.clock += 1000.0
        targets = np.zeros((1, 2, 2, 1), np.uint8)
        return Copies(np.full_like(targets, round(255 * (100 / self.frames) ** 0.5)), targets)

    def close(self) -> None:
        self.closed = True


def test_the_first_is_measured_once(monkeypatch):
    rival = Steady(monkeypatch)
    result = rivals.race(rival, frames=250, seconds=0.0)
    assert (result.name, result.parameters, rival.closed) == ("steady", 7, True)
    assert astuple(result.at_frames) == (300, 6.0, pytest.approx(1 / 3, abs=0.01))
    assert result.at_time == result.at_frames
    assert rival.progress == [0.0, 0.4, 0.8]


@pytest.mark.parametrize(("seconds", "frames_then"), [(3.0, 200), (9.0, 500)])
def test_the_others_are_also_measured_when_the_time_of_the_first_is_up(monkeypatch, seconds, frames_then):
    result = rivals.race(Steady(monkeypatch), frames=250, seconds=seconds)
    assert astuple(result.at_frames) == (300, 6.0, pytest.approx(1 / 3, abs=0.01))
    assert astuple(result.at_time) == (frames_then, frames_then / 50, pytest.approx(100 / frames_then, abs=0.01))


def test_a_learner_that_fails_is_closed(monkeypatch):
    rival = Steady(monkeypatch)
    monkeypatch.setattr(rival, "copies", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        rivals.race(rival, frames=100, seconds=0.0)
    assert rival.closed


def test_the_table_has_a_row_for_each(capsys):
    mark = rivals.Mark(300, 6.0, 0.25)
    rivals.print_table([rivals.Result("steady", 7, mark, mark)])
    row = next(line for line in capsys.readouterr().out.splitlines() if "steady" in line)
    assert "50" in row and "0.250" in row
