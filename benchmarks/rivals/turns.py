"""How fast each rival learns, by turns: one works for some seconds while the others are stopped, then the next.

A round is a turn of each. Whatever else the machine does changes in minutes, so that the rivals of one round have much
the same of it: what is compared is a rival with ours in the same round, and of that the median of all rounds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from rich.table import Table

from benchmarks.rivals.own_process import OwnProcess
from benchmarks.rivals.rival import Rival

MILLION, GIGABYTE = 1e6, 1e9


@dataclass(frozen=True)
class Turn:
    """Frames that were learned from in so many seconds, and what all processes took of the processors for them."""

    frames: int
    seconds: float
    processor_seconds: float

    @property
    def pace(self) -> float:
        """Frames a second."""
        return self.frames / self.seconds


@dataclass(frozen=True)
class Speed:
    """The turns of one rival.

    Attributes:
        name: of the rival.
        parameters: how many numbers its agent learns.
        turns: one of each round.
        memory: the most bytes that all of its processes took together at the end of a turn.
    """

    name: str
    parameters: int
    turns: list[Turn]
    memory: int

    @property
    def pace(self) -> float:
        """Frames a second, the median of the turns."""
        return median(turn.pace for turn in self.turns)

    @property
    def processor_seconds(self) -> float:
        """For a million frames, the median of the turns."""
        return median(turn.processor_seconds / turn.frames for turn in self.turns) * MILLION

    @property
    def memory_seconds(self) -> float:
        """Gigabytes times the seconds that a million frames take."""
        return self.memory / GIGABYTE * MILLION / self.pace

    def ratios(self, other: Speed) -> list[float]:
        """How many times faster the other one was, in each round."""
        return [theirs.pace / own.pace for own, theirs in zip(self.turns, other.turns, strict=True)]


def take_turns(rivals: Mapping[str, Callable[[], Rival]], rounds: int, seconds: float) -> list[Speed]:
    """How fast the rivals learn, in so many rounds, in which each has a turn of so many seconds."""
    processes: dict[str, OwnProcess] = {}
    turns: dict[str, list[Turn]] = {name: [] for name in rivals}
    with ExitStack() as stack:
        for name, make in rivals.items():
            processes[name] = OwnProcess(make)
            stack.callback(processes[name].close)
            processes[name].call(work_for, 0.0)  # the first step is another: memory and caches are filled
        for count in range(1, rounds + 1):
            for name, process in processes.items():
                before = process.processor_seconds
                frames, elapsed = process.call(work_for, seconds)
                turn = Turn(frames, elapsed, process.processor_seconds - before)
                turns[name].append(turn)
                print(f"round {count} of {rounds}: {name}, {turn.pace:,.1f} frames/s", file=sys.stderr, flush=True)
    return [Speed(name, process.parameters, turns[name], process.memory) for name, process in processes.items()]


def work_for(rival: Rival, seconds: float) -> tuple[int, float]:
    """Frames that a rival learned from in so many seconds and the rest of the step that was under way, and how long.

    What had begun in the turn before is learned from in this one, and in its place something is under way in the end.
    """
    frames, start = 0, time.perf_counter()
    while True:
        step = rival.step(0.0)
        frames += step
        elapsed = time.perf_counter() - start
        if step and elapsed >= seconds:
            return frames, elapsed


def speed_table(speeds: list[Speed]) -> Table:
    """What `take_turns` gave, each beside the first."""
    ours = speeds[0]
    rounds = len(ours.turns)
    table = Table(title=f"Learning by turns, medians of {rounds} rounds", caption="in brackets the least and the most")
    table.add_column("learner")
    for heading in ("weights", "frames/s", f"{ours.name} is faster by", "processor s", "peak GB", "GB·s"):
        table.add_column(heading, justify="right")
    for speed in speeds:
        table.add_row(
            speed.name,
            f"{speed.parameters:,}",
            f"{speed.pace:,.0f} {extent([turn.pace for turn in speed.turns], ',.0f')}",
            "" if speed is ours else f"{median(speed.ratios(ours)):.1f} {extent(speed.ratios(ours), '.1f')}",
            f"{speed.processor_seconds:,.0f}",
            f"{speed.memory / GIGABYTE:.1f}",
            f"{speed.memory_seconds:,.0f}",
        )
    return table


def extent(values: list[float], form: str) -> str:
    """The least and the most of the values."""
    return f"({min(values):{form}}–{max(values):{form}})"
