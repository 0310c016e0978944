"""How near a painting comes to its picture, hundred by hundred strokes and level by level: `docs/paint.md`.

The photographs are the ten that are held out from all that trains. Errors are shares of the white
canvas's. *Seams* is the error of the pixels along the borders of the squares, divided by that of all others.
`python -m benchmarks.paintings RUN [STROKES]` takes the agent of a run; without one, an agent that was never trained.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from cluster.run.engine import inspect_environment
from cluster.studio.agents import FinishedAgent, load_agent
from cluster.studio.painting.painter import Painter
from cluster.studio.painting.pyramid import SIDE
from cluster.studio.sketch import on_page
from spiral.agent import Agent
from spiral.begun import LEVELS
from spiral.data.held_out_photos import HELD_OUT
from spiral.presets import preset
from spiral.shipped import FinishedWeights
from spiral.state import network_arrays

BRUSH, SEED, STROKES = "deevad/brush", 0, 500


def untrained() -> FinishedAgent:
    """An agent of the preset that knows nothing yet."""
    config = preset("paint-small-conditional")
    spec, shape = inspect_environment(config)
    torch.manual_seed(SEED)
    agent = Agent(spec, shape, config.agent)
    return FinishedAgent("an untrained agent", config, shape, FinishedWeights(network_arrays(agent)))


def seams(errors: NDArray[np.float64]) -> float:
    """The mean error next to the borders of the finest squares, divided by that elsewhere; errors [height, width]."""
    half = (SIDE >> LEVELS - 1) // 2
    at_border = [np.isin(np.arange(length) % half, (0, half - 1)) for length in errors.shape]
    borders = at_border[0][:, None] | at_border[1]
    return float(errors[borders].mean() / errors[~borders].mean())


def main() -> None:
    """Paint each of the photographs."""
    torch.set_num_threads(1)
    agent = load_agent(sys.argv[1]) if sys.argv[1:] else untrained()
    strokes = int(sys.argv[2]) if sys.argv[2:] else STROKES
    table = Table("picture", "strokes", "every hundred", "level by level", "seams", "seconds of a core")
    for photo in HELD_OUT:
        began = time.process_time()
        picture = on_page(Image.fromarray(photo.read()))
        painter = Painter(picture, agent, BRUSH, None, SEED, 1, lambda canvas, done: None)
        painting = painter.paint(strokes)
        share = np.array(painting.errors) / painting.errors[0]
        added = painting.program.replay().astype(np.float64) - np.asarray(picture)
        table.add_row(
            photo.name,
            str(len(share) - 1),
            ", ".join(f"{error:.3f}" for error in share[::100]),
            ", ".join(f"{share[end]:.3f}" for end in painting.level_ends),
            f"{seams(np.square(added).sum(axis=-1)):.2f}",
            f"{time.process_time() - began:.0f}",
        )
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
