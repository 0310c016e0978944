"""What it gains to paint a picture several times and to keep the best, or to search: `docs/programs.md`.

    python -m benchmarks.simulations --goal copy --pictures 10 --seed 0

A simulation is an episode: as many commands as a painting has. With k of them one side paints k times and keeps the
nearest painting; another does so at the temperature of a search, at which paintings differ more; the last paints at
most eight times and spends the rest on a search from the nearest (`actors/program_search.py`).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from actors.evaluation import Paintings
from actors.program_search import TEMPERATURE
from benchmarks.command import answer
from cluster.commands.options import MOST_PICTURES, Goal, SeedOption
from cluster.studio.agents import FinishedAgent, first_of, load_agent
from spiral.data import DIGITS, resolve
from spiral.judge import classify, shipped
from spiral.picture_error import mean_squared_errors

SIMULATIONS = (1, 4, 16, 64, 256)
BEGUN = 8  # paintings, of which the nearest is searched from


@dataclass(frozen=True)
class Side:
    """What came of so many simulations.

    Attributes:
        errors: of each picture, of an empty canvas's.
        alike: share that is read as its original; None where it is no digit.
        seconds: of the processor, for all pictures.
    """

    errors: NDArray[np.float64]
    alike: float | None
    seconds: float


@dataclass(frozen=True)
class Result:
    """All sides with k simulations."""

    simulations: int
    sampled: Side
    varied: Side
    searched: Side


def run(
    goal: str = "copy", pictures: int = 10, simulations: tuple[int, ...] = SIMULATIONS, seed: int = 0
) -> Iterator[Result]:
    """The result for each number of simulations, on the first held-out pictures.

    Raises:
        RunError: the agent for this goal copies nothing, or there are fewer pictures.
    """
    agent = load_agent(goal=goal)
    agent.require_conditional()
    targets = first_of(agent.held_out(), pictures)
    for count in simulations:
        begun = min(count, BEGUN)
        yield Result(
            count,
            _side(agent, targets, seed, None, count, 0),
            _side(agent, targets, seed, TEMPERATURE, count, 0),
            _side(agent, targets, seed, None, begun, count - begun),
        )


def _side(
    agent: FinishedAgent, targets: NDArray[np.uint8], seed: int, temperature: float | None, samples: int, search: int
) -> Side:
    start = time.process_time()
    paintings = agent.copy(targets, seed, temperature, samples, search)
    seconds = time.process_time() - start
    empties = np.broadcast_to(paintings.empty, targets.shape)
    errors = mean_squared_errors(paintings.renders, targets) / mean_squared_errors(empties, targets)
    return Side(errors, _alike(agent, paintings, targets), seconds)


def _alike(agent: FinishedAgent, paintings: Paintings, targets: NDArray[np.uint8]) -> float | None:
    if resolve(agent.config.data.name)[0] not in DIGITS:
        return None
    read = [classify(shipped("reader"), pictures)[0] for pictures in (paintings.renders, targets)]
    return float(np.mean(read[0] == read[1]))


def main(
    goal: Annotated[Goal, typer.Option(help="Which shipped agent.")] = Goal.copy,
    pictures: Annotated[int, typer.Option(min=1, max=MOST_PICTURES, help="How many held-out ones.")] = 10,
    most: Annotated[int, typer.Option(min=1, help="Simulations, at most.")] = SIMULATIONS[-1],
    seed: SeedOption = 0,
) -> None:
    """Copies by many samples and by search, with equally many commands."""
    warmer = f"at temperature {TEMPERATURE:g}"
    table = Table("simulations", "samples", warmer, "search", "nearer by search", "read alike", "processor, s")
    for result in run(goal.value, pictures, tuple(count for count in SIMULATIONS if count <= most), seed):
        sides = result.sampled, result.varied, result.searched
        table.add_row(
            str(result.simulations),
            *(f"{side.errors.mean():.3f}" for side in sides),
            f"{(result.searched.errors < np.minimum(result.sampled.errors, result.varied.errors)).sum()} of {pictures}",
            ", ".join("" if side.alike is None else f"{side.alike:.1%}" for side in sides),
            ", ".join(f"{side.seconds:.1f}" for side in sides),
        )
    Console().print(f"{goal.value}: mean error of {pictures} pictures, of an empty canvas's")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(answer(main, "simulations", sys.argv[1:]))
