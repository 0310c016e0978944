"""What a quarter of a pixel changes in a picture of a scene, and what smooth edges cost: `docs/environments.md`.

Random scenes are drawn, and once more by a camera that was moved to the side by so much that what it sees moves by a
quarter of a pixel. `python -m benchmarks.quarter_pixel` prints both for hard edges and for finer and finer ones.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from actors.scene_evaluation import objects_of
from envs.random_scenes import random_scenes
from envs.renderer import CAMERA, FIELD_OF_VIEW, Renderer
from envs.scene_objects import SceneObject
from envs.scene_settings import SceneSettings
from spiral.picture_error import mean_squared_error

SCENES = 100
SIZE, OBJECTS, SEED = 64, 5, 0
SUPERSAMPLING = (1, 2, 3, 4, 8)
MUCH = 64  # of 255 levels, a quarter of what an edge can change
ROUNDS = 5


@dataclass(frozen=True)
class Result:
    """What one kind of edges gives.

    Attributes:
        error: mean squared difference between the pictures, of values in [0, 1].
        changed: share of the pixels that change by more than `MUCH` levels.
        rate: pictures that one core draws in a second.
    """

    error: float
    changed: float
    rate: float


def run(count: int = SCENES) -> dict[int, Result]:
    """The result for each way to supersample."""
    settings = SceneSettings(episode_length=OBJECTS)
    programs = random_scenes(settings.action_spec, count, OBJECTS, np.random.default_rng(SEED), (1, OBJECTS))
    scenes = [objects_of(settings, program) for program in programs]
    return {supersampling: measure(scenes, supersampling) for supersampling in SUPERSAMPLING}


def measure(scenes: list[list[SceneObject]], supersampling: int) -> Result:
    """The result for these scenes."""
    renderer = Renderer(SIZE, 1, OBJECTS, supersampling=supersampling)
    before = _pictures(renderer, scenes)
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        _pictures(renderer, scenes)
        times.append(time.process_time() - start)
    x, y, z = CAMERA["lookat"]
    pixel = float(2 * CAMERA["distance"] * np.tan(np.radians(FIELD_OF_VIEW / 2)) / SIZE)
    renderer.look_from(0, **{**CAMERA, "lookat": (x + pixel / 4, y, z)})
    after = _pictures(renderer, scenes)
    renderer.close()
    changed = np.abs(before.astype(int) - after).max(axis=3) > MUCH
    return Result(mean_squared_error(before, after), float(changed.mean()), len(scenes) / float(np.median(times)))


def _pictures(renderer: Renderer, scenes: list[list[SceneObject]]) -> NDArray[np.uint8]:
    pictures = np.empty((len(scenes), SIZE, SIZE, 3), np.uint8)
    for picture, things in zip(pictures, scenes, strict=True):
        renderer.clear(0)
        for slot, thing in enumerate(things):
            renderer.put(0, slot, thing)
        renderer.draw(0, picture)
    return pictures


def print_table(results: dict[int, Result]) -> None:
    """Print what `run` returned."""
    table = Table(title=f"A quarter of a pixel to the side, {SCENES} scenes of {SIZE} x {SIZE}")
    for title in ("supersampling", "mean squared difference", f"pixels changed by more than {MUCH}", "pictures/s"):
        table.add_column(title, justify="right")
    for supersampling, result in results.items():
        table.add_row(str(supersampling), f"{result.error:.5f}", f"{result.changed:.2%}", f"{result.rate:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    print_table(run())
