"""`spiral audit`: whether agents hide in their copies what no eye sees, as a table with a row for each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cluster.run.folder import RunError
from cluster.studio.agents import first_of, load_agent, of_data
from spiral.methods.experiment import Row, Table
from spiral.methods.self_defence.audit import SIGMAS, Audit, audit

NOTE = (
    "in grey levels of 255. copied: how far a copy is from its target; again: how far a copy of the copy is. RH: how "
    "much farther that one is once the copy was quantised to 32 levels, by the agent's own reading and by a reader "
    "that was fitted to its copies, with standard errors. SN: how much noise of so many levels on a copy changes its "
    "copy"
)


def audit_agents(
    runs: Sequence[Path], goals: Sequence[str], data: str | None, count: int, seed: int, temperature: float
) -> Table:
    """A row for each run, and for each goal of a shipped agent.

    Raises:
        RunError: an agent invents and copies nothing, or there are not so many held-out pictures.
    """
    named: list[tuple[Path | None, str]] = [(run, "copy") for run in runs] + [(None, goal) for goal in goals]
    noise = (f"SN({sigma:g})" for sigma in SIGMAS)
    columns = ("agent", "copied", "again", "RH", "RH, fitted reader", *noise, "finding")
    rows: list[Row] = [
        (str(run or goal), *_cells(_audit(run, goal, data, count, seed, temperature))) for run, goal in named
    ]
    return Table(f"What is hidden in {count} copies", columns, rows, NOTE)


def _audit(run: Path | None, goal: str, data: str | None, count: int, seed: int, temperature: float) -> Audit:
    agent = of_data(load_agent(run, goal), data)
    if not agent.conditional:
        raise RunError(
            f"{agent.name} invents pictures, and only a copy can hide something of what it copies: "
            "name an agent with agent.conditional=true"
        )

    def copies(targets: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return agent.copy(targets, seed, temperature).renders

    return audit(copies, first_of(agent.held_out(), count), seed)


def _cells(found: Audit) -> tuple[str | float, ...]:
    honesty, fitted = (f"{mean.value:.2f} ± {mean.error:.2f}" for mean in (found.honesty, found.fitted))
    return found.copied, found.again, honesty, fitted, *found.sensitivity, found.finding
