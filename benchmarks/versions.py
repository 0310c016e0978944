"""Frames per second of each part of a run, of several versions of this project or precisions, side by side.

    git worktree add ../before REVISION && cp envs/pymypaint/*.so ../before/envs/pymypaint/
    python -m benchmarks.versions --preset mnist-small-conditional --side ../before:float32 --side .:auto

Each side is a checkout and a precision, in a process of its own that waits until it is asked. All sides do the same
work in turns, since a machine's speed changes with the minutes: the ratios are medians over the turns. What this asks
of a checkout is little, so that older ones can answer.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

PARTS = ("cloning", "learning", "acting", "rewards", "local", "on_ray")
REPORTS = 4  # of the policy learner on Ray, in one turn
PICTURES = 5000


class Parts:
    """The parts of a run of this process's version, each as a method that does it once and gives the frames."""

    def __init__(self, preset_name: str, precision: str) -> None:
        from cluster.run.local_engine import LocalEngine
        from cluster.run.plan import Phase
        from spiral.data import load
        from spiral.presets import preset

        self.config = preset(preset_name).with_changes({"precision": precision})
        settings = self.config.environment.settings
        size, color = settings.get("canvas_size", 64), settings.get("color", True)
        self.pictures = load(self.config.data.name, "train", size, color)[:PICTURES]
        self.phase = Phase("learning", 0.5)
        self.engine = LocalEngine(self.config, self.pictures)
        self.played = self.engine.rollout.collect()
        if self.engine.replay is not None:
            self.engine.replay.add(self.played.final_renders)

    @cached_property
    def programs(self) -> Any:
        """Demonstrations for an agent with targets; others imitate what they played."""
        if not self.config.agent.conditional:
            return self.played
        if not hasattr(self.engine, "actor"):  # an older checkout
            return self.engine.rollout.demonstrate()  # type: ignore[attr-defined]
        return self.engine.actor.play("cloning").trajectory

    @cached_property
    def ray(self) -> Any:
        """The same run on Ray, which begins when it is first asked for."""
        from cluster.on_ray.engine import RayEngine

        return RayEngine(self.config, self.pictures)

    def do(self, part: str) -> int:
        """The frames of a part, done once."""
        if part == "on_ray":
            return self.on_ray()
        policy, rewards = self.engine.policy, self.engine.rewards
        if part == "cloning":
            policy.clone_step(self.programs)
        elif part == "learning":
            policy.step(self.played, self.phase.progress)
        elif part == "acting":
            self.engine.rollout.collect()
        elif part == "rewards" and rewards is not None:
            for key in rewards.rewards:
                rewards.step(key)
        elif part == "local":
            self.engine.step(self.phase)
        return self.played.frames

    def on_ray(self) -> int:
        """The frames of some steps of the policy learner on Ray."""
        reports: list[Any] = []
        while len(reports) < REPORTS:
            report = self.ray.step(self.phase)
            reports += [] if report is None else [report]
        reports += self.ray.settle()
        return sum(report.frames for report in reports)

    def close(self) -> None:
        """End what was begun."""
        if "ray" in self.__dict__:
            self.ray.close()
        self.engine.close()


def serve(preset: str, precision: str) -> None:
    """Do the parts that standard input names, and print the frames and the seconds of each."""
    answer, sys.stdout = sys.stdout, sys.stderr
    parts = Parts(preset, precision)
    print("ready", file=answer, flush=True)
    for line in sys.stdin:
        begun = time.perf_counter()
        frames = parts.do(line.strip())
        print(frames, time.perf_counter() - begun, file=answer, flush=True)
    parts.close()


class Side:
    """A checkout and a precision, in a process that waits."""

    def __init__(self, name: str, preset: str, threads: int) -> None:
        checkout, _, precision = name.rpartition(":")
        self.name = name
        # Run from this file, whose packages are those of the checkout that PYTHONPATH names.
        command = [sys.executable, "-P", str(Path(__file__).resolve()), "--preset", preset, "--side", name, "--serve"]
        own = {"PYTHONPATH": str(Path(checkout).resolve()), "OMP_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            command, cwd=checkout, env=os.environ | own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._read()

    def speed(self, part: str) -> float:
        """Frames per second of the part, done once."""
        assert self.process.stdin is not None, "it was asked for"
        print(part, file=self.process.stdin, flush=True)
        frames, seconds = self._read()
        return float(frames) / float(seconds)

    def _read(self) -> list[str]:
        assert self.process.stdout is not None, "it was asked for"
        words = self.process.stdout.readline().split()
        if not words:
            raise typer.BadParameter(f"{self.name} ended with status {self.process.wait()}; its error stands above")
        return words


def main(
    preset: str = typer.Option(help="Settings by name."),
    side: list[str] = typer.Option(help="CHECKOUT:PRECISION; may be given again."),  # noqa: B008
    part: list[str] = typer.Option(PARTS, help="May be given again; default: all."),  # noqa: B008
    rounds: int = 5,
    threads: int = 1,
    serving: bool = typer.Option(False, "--serve", hidden=True),
) -> None:
    """Measure the sides in turns, and print a table; the ratios are to the first side."""
    if serving:
        serve(preset, side[0].rpartition(":")[2])
        return
    sides = [Side(name, preset, threads) for name in side]
    table = Table(title=f"{preset}: frames/s, medians of {rounds} turns")
    for column in ("part", *side):
        table.add_column(column, justify="left" if column == "part" else "right")
    for name in part:
        for each in sides:
            each.speed(name)  # in which kernels are made and processes start
        turns = [[each.speed(name) for each in sides] for _ in range(rounds)]
        speeds = [median(turn[place] for turn in turns) for place in range(len(sides))]
        ratios = [median(turn[place] / turn[0] for turn in turns) for place in range(len(sides))]
        table.add_row(name, *(f"{speed:,.0f} ({ratio:.2f})" for speed, ratio in zip(speeds, ratios, strict=True)))
    for each in sides:
        each.process.stdin.close()  # type: ignore[union-attr]
        each.process.wait()
    Console(width=160).print(table)


if __name__ == "__main__":
    typer.run(main)
