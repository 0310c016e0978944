"""The benchmark of learners counts the frames that each has learned from, and its time without that of measuring."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import astuple
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from benchmarks.rivals import RIVALS, Comparison, print_table
from benchmarks.rivals.ours import Ours
from benchmarks.rivals.own_process import OwnProcess
from benchmarks.rivals.plain_ray import PlainRay
from benchmarks.rivals.race import Mark, Result, race, run_race
from benchmarks.rivals.rival import Rival
from benchmarks.rivals.synchronous import Synchronous
from benchmarks.rivals.turns import Speed, Turn, take_turns, work_for
from examples.copying import SMALL, Copies, Task
from tests.patience import wait_until

TASK = Task(SMALL.preset, episodes=4)
FRAMES = 4 * 8  # in a batch


class Steady:
    """A learner of 100 frames in two seconds; its copies differ from the targets by less and less."""

    parameters = 7

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = self.frames = 0.0
        self.progress: list[float] = []
        monkeypatch.setattr("benchmarks.rivals.race.time.perf_counter", lambda: self.clock)

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
        pass


def test_the_first_is_measured_once(monkeypatch):
    rival = Steady(monkeypatch)
    at_frames, at_time = race(rival, frames=250, seconds=0.0)
    assert astuple(at_frames) == (300, 6.0, pytest.approx(1 / 3, abs=0.01))
    assert at_time == at_frames
    assert rival.progress == [0.0, 0.4, 0.8]


@pytest.mark.parametrize(("seconds", "frames_then"), [(3.0, 200), (9.0, 500)])
def test_the_others_are_also_measured_when_the_time_of_the_first_is_up(monkeypatch, seconds, frames_then):
    at_frames, at_time = race(Steady(monkeypatch), frames=250, seconds=seconds)
    assert astuple(at_frames) == (300, 6.0, pytest.approx(1 / 3, abs=0.01))
    assert astuple(at_time) == (frames_then, frames_then / 50, pytest.approx(100 / frames_then, abs=0.01))


def test_nobody_is_waited_for_longer_than_ten_times_the_first(monkeypatch):
    at_frames, at_time = race(Steady(monkeypatch), frames=10_000, seconds=1.0)
    assert (at_frames.frames, at_frames.seconds) == (500, 10.0)
    assert (at_time.frames, at_time.seconds) == (100, 2.0)


def judged_with_gradient(rival: Rival) -> list[int]:
    """A list that grows by the number of observations in each gradient step of a rival's own painter."""
    learned: list[int] = []
    painter = rival.painter  # type: ignore[attr-defined]

    def count(module: torch.nn.Module, given: tuple[dict[str, torch.Tensor], ...]) -> None:
        if torch.is_grad_enabled():
            learned.append(len(given[0]["canvas"]))

    painter.register_forward_pre_hook(count)
    return learned


@pytest.mark.usefixtures("ray_session")
@pytest.mark.parametrize(("make", "passes"), [(PlainRay, 1), (Synchronous, TASK.config.policy.passes)])
def test_the_frames_that_count_are_those_of_gradient_steps(make, passes):
    rival = make(TASK, frames=10 * FRAMES, seed=0)
    try:
        learned = judged_with_gradient(rival)
        before = {name: tensor.clone() for name, tensor in rival.painter.state_dict().items()}
        assert [rival.step(0.0), rival.step(0.1)] == [FRAMES, FRAMES]
        assert sum(learned) == 2 * FRAMES * passes
        after = rival.painter.state_dict()
        assert not any(torch.equal(before[name], after[name]) for name in after if name.endswith("weight"))
        assert rival.parameters == sum(tensor.numel() for tensor in rival.painter.parameters())
        assert 0.0 < rival.task.copy_held_out(rival.painter.act, count=2).error_ratio != 1.0
    finally:
        rival.close()


@pytest.mark.usefixtures("ray_session")
def test_the_frames_of_ours_are_those_of_the_steps_that_its_policy_took():
    rival = Ours(TASK, frames=10 * FRAMES, seed=0)
    try:
        frames = 0
        while frames < 3 * FRAMES:
            frames += rival.step(0.0)
        for report in rival.engine.settle():
            frames += report.frames
        assert frames == FRAMES * rival.engine.weights.version("agent")
    finally:
        rival.close()


def synchronous() -> Synchronous:
    return Synchronous(TASK, frames=10 * FRAMES, seed=0)


class Restless(Synchronous):
    """Has a process that writes a line into a file again and again, whether or not anyone asks for a step."""

    def __init__(self, path: Path) -> None:
        super().__init__(TASK, frames=10 * FRAMES, seed=0)
        self.path = path
        self.writer = subprocess.Popen(["sh", "-c", f"while :; do echo >> '{path}'; done"])

    def close(self) -> None:
        self.writer.kill()
        self.writer.wait()
        super().close()


def written(rival: Restless) -> int:
    """How long the file is, once it has grown."""
    start = rival.path.stat().st_size if rival.path.exists() else 0
    while not rival.path.exists() or rival.path.stat().st_size == start:
        os.sched_yield()
    return rival.path.stat().st_size


def writer_of(rival: Restless) -> int:
    return rival.writer.pid


@pytest.fixture(scope="module")
def restless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OwnProcess, Path]]:
    path = tmp_path_factory.mktemp("restless") / "lines"
    with closing(OwnProcess(partial(Restless, path))) as process:
        yield process, path
        writer = process.call(writer_of)
        assert psutil.pid_exists(writer)
    assert not psutil.pid_exists(writer)


def test_nothing_of_a_rival_works_while_it_is_not_called(restless):
    process, path = restless
    process.call(written)
    while {*process._each(psutil.Process.status)} != {psutil.STATUS_STOPPED}:
        os.sched_yield()  # a signal takes effect when its process has a core
    before, taken = path.stat().st_size, process.processor_seconds
    synchronous().step(0.0)
    assert (path.stat().st_size, process.processor_seconds) == (before, taken)
    assert process.call(written) > before
    wait_until(lambda: process.call(written) and process.processor_seconds > taken, "the clock, of hundredths, goes on")
    assert process.memory > 50 * 2**20, "PyTorch alone takes more"


def fail(rival: Rival) -> None:
    raise ZeroDivisionError(rival.parameters)


def test_a_rival_that_fails_says_so_and_can_be_called_again(restless):
    process, _ = restless
    with pytest.raises(ZeroDivisionError, match=str(process.parameters)):
        process.call(fail)
    assert process.call(work_for, 0.0)[0] == FRAMES


def test_a_turn_is_of_whole_batches_and_a_race_of_the_frames_that_were_asked_for():
    rivals = {"only": synchronous}
    (speed,) = take_turns(rivals, rounds=2, seconds=0.0)
    assert speed.name == "only" and [turn.frames for turn in speed.turns] == [FRAMES, FRAMES]
    assert all(turn.seconds > 0 and turn.processor_seconds > 0 for turn in speed.turns)
    (result,) = run_race(rivals, frames=2 * FRAMES)
    assert (result.name, result.at_frames.frames) == ("only", 2 * FRAMES)
    assert result.at_frames == result.at_time and result.at_frames.seconds > 0


def test_ratios_are_of_turns_in_the_same_round():
    ours = Speed("ours", 1, [Turn(100, 1.0, 2.0), Turn(30, 1.0, 1.0), Turn(80, 1.0, 1.0)], 10**9)
    other = Speed("other", 1, [Turn(50, 1.0, 1.0), Turn(10, 1.0, 1.0), Turn(10, 1.0, 1.0)], 2 * 10**9)
    assert other.ratios(ours) == [2.0, 3.0, 8.0]
    assert (ours.pace, other.pace) == (80.0, 10.0)
    assert ours.processor_seconds == pytest.approx(20_000)
    assert other.memory_seconds == pytest.approx(2 * 1e6 / 10)


def test_the_tables_have_every_rival(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    mark = Mark(300, 6.0, 0.25)
    speeds = [Speed(name, 7, [Turn(600 // place, 1.0, 1.0)], 10**9) for place, name in enumerate(RIVALS, 1)]
    results = [Result(name, 7, mark, mark) for name in RIVALS]
    print_table(Comparison("small", speeds, results))
    lines = capsys.readouterr().out.splitlines()
    for place, name in enumerate(RIVALS, 1):
        fast, good = [line for line in lines if line.startswith(f"│ {name} ")]
        assert f" {600 // place} " in fast and "50" in good and "0.250" in good
        assert place == 1 or f" {place}.0 " in fast
