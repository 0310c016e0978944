"""Steps a second of the scene environment, beside a plain loop over MuJoCo's own `Renderer` on the same scenes.

The loop changes one geom of its model in place for each step, updates its scene and renders, with shadows and
reflections off as in the environment; it checks nothing and keeps no pictures. Both take turns in one run, and what
counts is the median of the ratios. One core is compared by time of the processor, and two threads with one by the clock
on the wall.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import Any

# isort: off
from envs import renderer as ours  # before MuJoCo, for which it chooses the kind of OpenGL
import mujoco

# isort: on
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from actors.scene_evaluation import objects_of
from benchmarks.episodes import seconds_of
from envs.random_programs import random_programs
from envs.scene_objects import ADD, PLATFORM, SceneObject
from envs.scene_settings import SceneSettings
from envs.scenes import ScenesVector

COUNT = 32  # environments
SEED = 0
SETTINGS = SceneSettings()


@dataclass(frozen=True)
class Result:
    """Steps a second of one core: medians over rounds, and their ratio with its range; and what two threads gain."""

    environment: float
    plain_loop: float
    ratio: float
    lowest: float
    highest: float
    two_threads: float


class PlainLoop:
    """MuJoCo's renderer on a model with a geom for each object, changed in place."""

    def __init__(self) -> None:
        hidden = '<geom type="sphere" size="0.1" pos="0 0 -9" rgba="0 0 0 0"/>' * SETTINGS.episode_length
        size = SETTINGS.drawn_size
        model = ours.MODEL.format(size=size, half=PLATFORM).replace("</worldbody>", f"{hidden}</worldbody>")
        self.model = mujoco.MjModel.from_xml_string(model)
        self.model.vis.global_.fovy = ours.FIELD_OF_VIEW
        self.data = mujoco.MjData(self.model)
        mujoco.mj_forward(self.model, self.data)
        self.camera = mujoco.MjvCamera()
        for name, value in ours.CAMERA.items():
            setattr(self.camera, name, value)
        self.renderer = mujoco.Renderer(self.model, size, size)
        for name in ours.OFF:
            self.renderer.scene.flags[getattr(mujoco.mjtRndFlag, f"mjRND_{name}")] = 0

    def clear(self) -> None:
        """Take all objects away."""
        self.model.geom_rgba[1:, 3] = 0

    def step(self, slot: int, thing: SceneObject) -> NDArray[np.uint8]:
        """The picture with one more object."""
        geom = slot + 1  # after the platform
        self.model.geom_type[geom] = ours.GEOMS[thing.shape]
        self.model.geom_size[geom] = thing.half_extents
        self.model.geom_rgba[geom] = (*thing.color, 1.0)
        self.data.geom_xpos[geom] = (thing.x, thing.y, thing.height)
        self.renderer.update_scene(self.data, self.camera)
        picture: NDArray[np.uint8] = self.renderer.render()
        return picture


def run(seconds: float = 20.0, rounds: int = 7) -> Result:
    """The result, after about `seconds`."""
    spec = SETTINGS.action_spec
    actions = random_programs(spec, COUNT, SETTINGS.episode_length, np.random.default_rng(SEED))
    actions[..., spec.index("kind")] = ADD
    scenes = [objects_of(SETTINGS, program) for program in actions]
    plain = PlainLoop()
    single, double = (ScenesVector(COUNT, num_threads=threads) for threads in (1, 2))
    once = seconds_of(single, actions, 1, time.perf_counter)
    repeats = max(1, round(seconds / rounds / 4 / once))
    steps = repeats * COUNT * SETTINGS.episode_length
    rates, limits, gains = [], [], []
    for _ in range(rounds):
        limits.append(steps / draw_plainly(plain, scenes, repeats))
        rates.append(steps / seconds_of(single, actions, repeats, time.process_time))
        walls = [seconds_of(environments, actions, repeats, time.perf_counter) for environments in (single, double)]
        gains.append(walls[0] / walls[1])
    plain.renderer.close()
    single.close()
    double.close()
    ratios = [rate / limit for rate, limit in zip(rates, limits, strict=True)]
    return Result(median(rates), median(limits), median(ratios), min(ratios), max(ratios), median(gains))


def draw_plainly(plain: PlainLoop, scenes: list[list[SceneObject]], repeats: int) -> float:
    """Processor seconds for the same steps by the plain loop."""
    start = time.process_time()
    for _ in range(repeats):
        for objects in scenes:
            plain.clear()
            for slot, thing in enumerate(objects):
                plain.step(slot, thing)
    return time.process_time() - start


def print_table(result: Result) -> None:
    """Print what `run` returned."""
    table = Table(title=f"Steps a second, scenes of 64 x 64, {COUNT} environments")
    row: dict[str, Any] = {
        "environment, one core": f"{result.environment:,.0f}",
        "plain loop": f"{result.plain_loop:,.0f}",
        "ratio (range)": f"{result.ratio:.2f} ({result.lowest:.2f} to {result.highest:.2f})",
        "two threads": f"{result.two_threads:.2f} x",
    }
    for title in row:
        table.add_column(title, justify="right")
    table.add_row(*row.values())
    Console().print(table)


if __name__ == "__main__":
    print_table(run())
