"""What it gains to paint a picture several times and to keep the best, as `spiral parse` does: `docs/programs.md`."""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.table import Table

from actors.evaluation import CopyReport, judge_copies, read_alike
from cluster.studio.agents import load_agent
from spiral.data import load

DIGITS = 200
SAMPLES = (1, 4, 16, 100)
SEED = 0


def run(digits: int = DIGITS, samples: tuple[int, ...] = SAMPLES) -> list[tuple[CopyReport, float]]:
    """For each number of samples, the report on the best copies of the first test digits, and how many read alike."""
    agent = load_agent()
    targets = load("digits", "test", agent.canvas_shape[0])[:digits]
    repeated = np.repeat(targets, max(samples), axis=0)
    paintings = agent.copy(repeated, SEED, 1.0)
    renders = paintings.renders
    errors = np.square(renders.astype(float) - repeated).mean(axis=(1, 2, 3)).reshape(digits, -1)
    renders = renders.reshape(digits, -1, *targets.shape[1:])
    best = [renders[np.arange(digits), errors[:, :count].argmin(axis=1)] for count in samples]
    return [(judge_copies(copies, targets, paintings.empty), read_alike(copies, targets)) for copies in best]


def print_table(reports: list[tuple[CopyReport, float]], samples: tuple[int, ...] = SAMPLES) -> None:
    """Writes the reports to the terminal."""
    table = Table("samples", "error, share of an empty canvas's", "read as the same digit")
    for count, (report, alike) in zip(samples, reports, strict=True):
        table.add_row(str(count), f"{report.relative_error:.3f}", f"{alike:.1%}")
    Console().print(table)


if __name__ == "__main__":
    print_table(run())
