"""Agents that other rewards trained, side by side, by measures that none of them saw: `docs/results.md`.

`python -m benchmarks.judged PICTURE RUN RUN ...` paints a thousand digits with each agent, prints what a reader or a
judge of digits makes of them as Markdown, and writes the first of them, one row for each run, to the file PICTURE.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actors.evaluation import judge_inventions
from cluster.run.contact_sheet import contact_sheet, save_picture
from cluster.studio.agents import first_of, load_agent
from spiral.judge import frechet_distance, read_as

COUNT = 1000
SHOWN = 16
SEED = 0


def measured(run: Path, count: int = COUNT) -> tuple[dict[str, str], NDArray[np.uint8], NDArray[np.uint8] | None]:
    """The figures of an agent of digits by name, what it painted, and what it was shown, both uint8 [N, H, W, C].

    Raises:
        ValueError: it is shown pictures that nobody has labelled.
    """
    agent = load_agent(run)
    held_out = agent.held_out()
    if not agent.conditional:
        renders = agent.invent(count, SEED).renders
        report = judge_inventions(renders)
        distance = frechet_distance(renders, held_out.images[:count])
        return {"accepted as digits": f"{report.accepted:.1%}", "Fréchet distance": f"{distance:.0f}"}, renders, None
    if held_out.labels is None:
        raise ValueError(
            f"the pictures of {agent.config.data.name}, which {run} is shown, have no labels to be read by"
        )
    targets = first_of(held_out, count)
    renders = agent.copy(targets, SEED).renders
    right = read_as(renders, held_out.labels[: len(targets)])
    return {"read as the digit shown": f"{right:.1%}"}, renders, targets


def main(picture: Path, runs: list[Path]) -> None:
    """Prints the table and writes the picture."""
    rows: list[NDArray[np.uint8]] = []
    for run in runs:
        figures, renders, targets = measured(run)
        if not rows:
            print("| run | " + " | ".join(figures) + " |", "|---" * (1 + len(figures)) + "|", sep="\n")
        print(f"| {run.name} | " + " | ".join(figures.values()) + " |", flush=True)
        if targets is not None and not rows:
            rows.append(_first(targets))
        rows.append(_first(renders))
    save_picture(picture, contact_sheet(np.concatenate(rows), columns=SHOWN))


def _first(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    some = pictures[:SHOWN]
    return np.repeat(some, 3, axis=-1) if some.shape[-1] == 1 else some


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(run) for run in sys.argv[2:]])
