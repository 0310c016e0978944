"""How well each rival has learned after the same frames, and after the time that the first needed for them.

Each has the whole machine for itself, one after the other. Starting the processes and measuring are not counted as
time. Who is so much slower that the frames would take ten times as long is measured where it stands then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass

from rich.table import Table

from benchmarks.rivals.own_process import OwnProcess
from benchmarks.rivals.rival import Rival

PATIENCE = 10  # times as long as the first


@dataclass(frozen=True)
class Mark:
    """Where a learner stood: frames learned from, seconds of learning, and error on held-out digits (1 = empty)."""

    frames: int
    seconds: float
    error_ratio: float


@dataclass(frozen=True)
class Result:
    """What one learner reached.

    Attributes:
        name: of the learner.
        parameters: how many numbers its agent learns.
        at_frames: when it had learned from the frames that were asked for, or was not waited for any longer.
        at_time: when the time was up that the first learner needed for them.
    """

    name: str
    parameters: int
    at_frames: Mark
    at_time: Mark


def run_race(rivals: Mapping[str, Callable[[], Rival]], frames: int) -> list[Result]:
    """What each of the rivals reached, in their order."""
    results: list[Result] = []
    for name, make in rivals.items():
        with closing(OwnProcess(make)) as process:
            seconds = results[0].at_frames.seconds if results else 0.0
            results.append(Result(name, process.parameters, *process.call(race, frames, seconds)))
    return results


def race(rival: Rival, frames: int, seconds: float) -> tuple[Mark, Mark]:
    """Where a learner stood after so many frames, and after so many seconds; with 0 seconds both are the same."""
    done, elapsed = 0, 0.0
    at_frames: Mark | None = None
    at_time: Mark | None = None
    while at_frames is None or at_time is None:
        start = time.perf_counter()
        done += rival.step(min(1.0, done / frames))
        elapsed += time.perf_counter() - start
        reached = at_frames is None and (done >= frames or elapsed >= PATIENCE * seconds > 0)
        over = at_time is None and elapsed >= seconds > 0
        if reached or over:
            mark = Mark(done, elapsed, rival.copies().error_ratio)
            at_frames = mark if reached else at_frames
            at_time = mark if over or not seconds else at_time
    return at_frames, at_time


def race_table(results: list[Result]) -> Table:
    """What `run_race` gave."""
    caption = "first after the same frames, then after the same seconds; error 1 is that of an empty canvas"
    table = Table(title="Learning one after the other", caption=caption)
    for heading in ("learner", "frames", "frames/s", "error", "s", "frames", "error"):
        table.add_column(heading, justify="left" if heading == "learner" else "right")
    for result in results:
        end, then = result.at_frames, result.at_time
        table.add_row(
            result.name,
            f"{end.frames:,}",
            f"{end.frames / end.seconds:,.0f}",
            f"{end.error_ratio:.3f}",
            f"{then.seconds:.1f}",
            f"{then.frames:,}",
            f"{then.error_ratio:.3f}",
        )
    return table
