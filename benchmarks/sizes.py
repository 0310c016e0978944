"""How well an agent builds scenes again from pictures that are larger than its canvas: `docs/results.md`.

Random scenes of the kind that it knows are drawn at several sizes and made smaller as `spiral parse` does.
`python -m benchmarks.sizes RUN` takes another agent than the shipped one.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from actors.evaluation import judge_copies
from cluster.studio.agents import load_agent
from cluster.studio.preprocessing import resized
from envs.program import Program
from envs.random_scenes import random_scenes
from envs.scene_settings import SceneSettings

SCENES = 100
SIZES = (64, 96, 128, 200, 512)
SEED = 0


def run(folder: Path | None = None, count: int = SCENES, sizes: tuple[int, ...] = SIZES) -> list[float]:
    """For each size, the error of one painting of each scene, as a share of the bare platform's."""
    agent = load_agent(folder, "scenes")
    environment = agent.config.environment
    settings = SceneSettings(**environment.settings)
    length, objects = settings.episode_length, (1, settings.most_objects)
    actions = random_scenes(settings.action_spec, count, length, np.random.default_rng(SEED), objects)
    programs = [Program(environment.id, environment.settings, scene) for scene in actions]
    errors = []
    for size in sizes:
        pictures = [Image.fromarray(program.render(size)) for program in programs]
        targets = np.stack([resized(picture, settings.canvas_size, Image.Resampling.BILINEAR) for picture in pictures])
        paintings = agent.copy(targets, SEED, 1.0)
        errors.append(judge_copies(paintings.renders, targets, paintings.empty).relative_error)
    return errors


def print_table(errors: list[float], sizes: tuple[int, ...] = SIZES) -> None:
    """Writes the errors to the terminal."""
    table = Table("picture, pixels", "error, share of the bare platform's")
    for size, error in zip(sizes, errors, strict=True):
        table.add_row(f"{size} x {size}", f"{error:.3f}")
    Console().print(table)


if __name__ == "__main__":
    print_table(run(Path(sys.argv[1]) if sys.argv[1:] else None))
