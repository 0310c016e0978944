"""Our learner beside RLlib's PPO: the same pictures to copy, the same rewards, frames, time and cores.

The task is that of `examples/copying.py`, learned from nothing. Each learner has the whole machine for itself, one
after the other: ours as in `spiral train`, a worker and a policy learner on Ray, and RLlib's with a painting process on
every core. RLlib's agent has our encoder, and its settings are ours wherever both have the same. Both are measured on
the same held-out digits, after so many frames, and RLlib's also after the time that ours needed for them. Starting the
processes and measuring are not counted as time.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from rich.console import Console
from rich.table import Table

from actors.evaluation import paint
from cluster.on_ray.engine import RayEngine
from cluster.on_ray.start import start_ray
from cluster.run.cores import processors
from cluster.run.engine import inspect_environment
from cluster.run.plan import Phase
from examples import rllib_ppo
from examples.copying import CONFIG, MEASURED, Copies, copy_held_out, digits
from spiral.agent import Agent, count_parameters


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
        at_frames: when it had learned from the frames that were asked for.
        at_time: when the time was up that the first learner needed for them.
    """

    name: str
    parameters: int
    at_frames: Mark
    at_time: Mark


class Rival(Protocol):
    """A learner that is asked for one step after the other."""

    name: str
    parameters: int

    def step(self, progress: float) -> int:
        """How many frames it learned from in its next step, after the share `progress` of the frames."""

    def copies(self) -> Copies:
        """Copies of held-out digits by the newest agent."""

    def close(self) -> None:
        """End its processes."""


class Ours:
    """The engine of `spiral train` on Ray."""

    name = "SPIRAL"

    def __init__(self, frames: int, seed: int) -> None:
        del frames  # the schedules follow the progress
        self.config = CONFIG.with_changes({"seed": seed})
        self.parameters = count_parameters(Agent(*inspect_environment(self.config), self.config.agent))
        self.engine = RayEngine(self.config, digits("train"))

    def step(self, progress: float) -> int:
        """How many frames the policy learner learned from in its next step; 0 if none was finished within a second."""
        report = self.engine.step(Phase("learning", progress))
        return 0 if report is None else report.frames

    def copies(self) -> Copies:
        """Copies of held-out digits by the newest agent."""
        targets = digits("test")[:MEASURED]
        paintings = paint(self.config, self.engine.weights, targets, len(targets), self.config.seed, temperature=1.0)
        return Copies(paintings.renders, targets)

    def close(self) -> None:
        """End its processes."""
        self.engine.close()


class RLlib:
    """RLlib's PPO, as in the example."""

    name = "RLlib PPO"

    def __init__(self, frames: int, seed: int) -> None:
        with ExitStack() as resources:
            resources.enter_context(start_ray(None, processes=processors(), picture_bytes=0, embedded_redis=False))
            self.algorithm = rllib_ppo.build(frames, seed)
            resources.callback(self.algorithm.stop)
            self._resources = resources.pop_all()
        module: Any = self.algorithm.get_module()
        self.parameters = count_parameters(module)

    def step(self, progress: float) -> int:
        """How many frames it learned from in its next iteration."""
        del progress  # its schedules follow the frames
        return rllib_ppo.train(self.algorithm)

    def copies(self) -> Copies:
        """Copies of held-out digits by the newest agent."""
        return copy_held_out(partial(rllib_ppo.act, self.algorithm))

    def close(self) -> None:
        """End its processes."""
        self._resources.close()


def run(frames: int = 200_000, seed: int = 0) -> list[Result]:
    """The results of both learners, ours first."""
    ours = race(Ours(frames, seed), frames, seconds=0.0)
    return [ours, race(RLlib(frames, seed), frames, ours.at_frames.seconds)]


def race(rival: Rival, frames: int, seconds: float) -> Result:
    """What a learner reached after so many frames, and after so many seconds; with 0 seconds both are the same."""
    done, elapsed = 0, 0.0
    at_frames: Mark | None = None
    at_time: Mark | None = None
    try:
        while at_frames is None or at_time is None:
            start = time.perf_counter()
            done += rival.step(min(1.0, done / frames))
            elapsed += time.perf_counter() - start
            reached = at_frames is None and done >= frames
            over = at_time is None and elapsed >= seconds > 0
            if reached or over:
                mark = Mark(done, elapsed, rival.copies().error_ratio)
                at_frames = mark if reached else at_frames
                at_time = mark if over or not seconds else at_time
    finally:
        rival.close()
    return Result(rival.name, rival.parameters, at_frames, at_time)


def print_table(results: list[Result]) -> None:
    """Print what `run` returned."""
    cores = f"{processors()} core{'s' if processors() > 1 else ''}"
    title = f"Copying digits from nothing, on {cores} (error 1: an empty canvas's)"
    table = Table(title=title, caption="first after the same frames, then after the same seconds")
    for title in ("learner", "weights", "frames", "frames/s", "error", "s", "frames", "error"):
        table.add_column(title, justify="left" if title == "learner" else "right")
    for result in results:
        end, then = result.at_frames, result.at_time
        table.add_row(
            result.name,
            f"{result.parameters:,}",
            f"{end.frames:,}",
            f"{end.frames / end.seconds:,.0f}",
            f"{end.error_ratio:.3f}",
            f"{then.seconds:.1f}",
            f"{then.frames:,}",
            f"{then.error_ratio:.3f}",
        )
    Console().print(table)


if __name__ == "__main__":
    print_table(run())
