"""MUJOCO SCENES (thesis 6.4.1): 50,000 training scenes and 1,000 held-out ones, drawn by several processes.

The scenes are drawn in chunks, each from a seed of its own, so that the same seed makes the same pictures whatever the
number of processes.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from numpy.typing import NDArray

from envs.random_scenes import random_scenes
from envs.scene_settings import SceneSettings
from envs.scenes import ScenesVector
from spiral.data.arrays import SPLITS
from spiral.data.pictures import Split
from spiral.data.scenes import SceneSet

CHUNK = 250


def make_scenes(
    split: Split,
    count: int,
    seed: int,
    processes: int,
    progress: Callable[[int], None],
    objects: tuple[int, int] = (1, 5),
) -> SceneSet:
    """Scenes with a uniform number of objects, each with its program.

    Args:
        split: another split has other scenes.
        count: how many scenes.
        seed: decides everything.
        processes: how many draw at the same time.
        progress: told how many more scenes are there, whenever some are.
        objects: the least and the most objects in a scene.
    """
    chunks = [
        ((seed, SPLITS.index(split), number), min(CHUNK, count - start), objects)
        for number, start in enumerate(range(0, count, CHUNK))
    ]
    images, actions = [], []
    # A forked process would share the OpenGL of this one.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for drawn, programs in pool.map(draw_scenes, *zip(*chunks, strict=True)):
            images.append(drawn)
            actions.append(programs)
            progress(len(drawn))
    return SceneSet(np.concatenate(images), np.concatenate(actions))


def draw_scenes(
    seed: tuple[int, ...], count: int, objects: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures uint8 [count, 64, 64, 3] of random scenes, and their programs [count, most objects, heads]."""
    settings = SceneSettings(episode_length=max(objects[1], 1))
    programs = random_scenes(settings.action_spec, count, settings.episode_length, np.random.default_rng(seed), objects)
    environments = ScenesVector(count, episode_length=settings.episode_length)
    pictures = environments.draw(programs)
    environments.close()
    return pictures, programs
