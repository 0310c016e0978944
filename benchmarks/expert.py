"""What expert iteration adds to an agent that copies already (`docs/results.md`).

    python -m benchmarks.expert --share 0.05 --frames 500000 --seed 0

The shipped agent for digits goes on learning in one process as in the second half of a run of its preset, after a
warm-up of the discriminator. All frames count, those that the search paints too. `--share 0` is the side without it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from actors.evaluation import judge_copies, paint
from benchmarks.command import answer
from cluster.commands.options import SeedOption
from cluster.run.launch import load_pictures
from cluster.run.local_engine import LocalEngine
from cluster.run.plan import Counters, Length, phase_of
from spiral.presets import preset
from spiral.shipped import shipped_agent
from spiral.state import load_network

HELD_OUT = 2000
ROWS = 5


@dataclass(frozen=True)
class Row:
    """Where the training stands.

    Attributes:
        counters: what was done.
        seconds: of the processor, without those of the evaluations.
        error: of copies of held-out digits, of an empty canvas's.
        found: the last measurements of the search.
    """

    counters: Counters
    seconds: float
    error: float
    found: dict[str, float]


def run(share: float, simulations: int, frames: int, seed: int) -> Iterator[Row]:
    """A row at the beginning, and after each fifth of the frames."""
    changes = {"seed": seed, "cloning.share": 0, "expert.share": share, "expert.simulations": simulations}
    config = preset("mnist-small-conditional").with_changes(changes)
    pictures, held_out = load_pictures(config)
    engine = LocalEngine(config, pictures)
    load_network(engine.policy.agent, shipped_agent("copy")[1].fetch("agent")[1])
    engine.policy.publish()
    length, counters, seconds = Length(frames=frames), Counters(), 0.0
    found: dict[str, float] = {}
    for row in range(ROWS + 1):
        begun = time.process_time()
        while length.share(counters) < row / ROWS:
            phase = phase_of(config, length.share(counters), counters.reward_steps)
            report = engine.step(replace(phase, progress=(1 + phase.progress) / 2))
            counters.add(report)
            found |= {name: value for name, value in report.metrics.items() if name.startswith("expert/")}
        seconds += time.process_time() - begun
        yield Row(replace(counters), seconds, _error(engine, held_out[:HELD_OUT]), found)
    engine.close()


def _error(engine: LocalEngine, targets: NDArray[np.uint8]) -> float:
    paintings = paint(engine.config, engine.weights, targets, len(targets), seed=0, temperature=1.0)
    return judge_copies(paintings.renders, targets, paintings.empty).relative_error


def main(
    share: Annotated[float, typer.Option(min=0, max=1, help="Of the batches, those that a search made better.")] = 0.05,
    simulations: Annotated[int, typer.Option(min=1, help="Episodes of the search for each program.")] = 20,
    frames: Annotated[int, typer.Option(min=1, help="All that are painted.")] = 500_000,
    seed: SeedOption = 0,
) -> None:
    """Goes on with the shipped copying agent, with a share of batches for it to imitate."""
    for row in run(share, simulations, frames, seed):
        counters = row.counters
        Console(width=160).print(
            f"{counters.frames:>9,} frames, {counters.searched_frames:>9,} of the search; {counters.policy_steps:,} "
            f"policy steps, {counters.expert_steps:,} expert steps; {row.seconds:.0f} s; error {row.error:.4f} "
            + ", ".join(f"{name} {value:.3f}" for name, value in row.found.items())
        )


if __name__ == "__main__":
    sys.exit(answer(main, "expert", sys.argv[1:]))
