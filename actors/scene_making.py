"""MUJOCO SCENES (thesis 6.4.1), and scenes in any light: training ones and held-out ones, drawn by several processes.

The scenes are drawn in chunks, each from a seed of its own, so that the same seed makes the same pictures whatever the
number of processes.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from gymnasium import make_vec
from numpy.typing import NDArray

from envs import SCENES_ID, entry
from envs.random_scenes import random_scenes
from envs.scene_settings import SceneSettings
from envs.scene_views import draw_views
from spiral.data.arrays import SPLITS
from spiral.data.pictures import Split
from spiral.data.scenes import SceneSet
from spiral.data.segmented import Segmented

CHUNK = 250
VIEW_SIZE = 64  # pixels
Drawing = Callable[[tuple[int, ...], int], tuple[NDArray[np.uint8], NDArray[np.generic]]]


def make_scenes(
    split: Split,
    count: int,
    seed: int,
    processes: int,
    progress: Callable[[int], None],
    objects: tuple[int, int] = (1, 5),
    env_id: str = SCENES_ID,
) -> SceneSet:
    """Scenes with a uniform number of objects, each with its program.

    Args:
        split: another split has other scenes.
        count: how many scenes.
        seed: decides everything.
        processes: how many draw at the same time.
        progress: told how many more scenes are there, whenever some are.
        objects: the least and the most objects in a scene.
        env_id: of the environment that draws them.
    """
    draw = partial(draw_scenes, objects=objects, env_id=env_id)
    images, actions = _joined(draw, split, count, seed, processes, progress)
    return SceneSet(images, actions.astype(np.int64))


def make_views(split: Split, count: int, seed: int, processes: int, progress: Callable[[int], None]) -> Segmented:
    """Scenes in any light, from anywhere, with what each pixel shows; arguments as of `make_scenes`."""
    draw = partial(draw_views, size=VIEW_SIZE)
    images, classes = _joined(draw, split, count, seed, processes, progress)
    return Segmented(images, classes.astype(np.uint8))


def draw_scenes(
    seed: tuple[int, ...], count: int, objects: tuple[int, int], env_id: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures uint8 [count, 64, 64, 3] of random scenes, and their programs [count, most objects, heads]."""
    settings = SceneSettings(episode_length=max(objects[1], 1))
    programs = random_scenes(settings.action_spec, count, settings.episode_length, np.random.default_rng(seed), objects)
    environments = make_vec(entry(env_id), num_envs=count, episode_length=settings.episode_length)
    pictures = environments.unwrapped.draw(programs)
    environments.close()
    return pictures, programs


def _joined(
    draw: Drawing, split: Split, count: int, seed: int, processes: int, progress: Callable[[int], None]
) -> tuple[NDArray[np.uint8], NDArray[np.generic]]:
    """What `draw` gives for so many pictures, drawn in chunks."""
    starts = range(0, count, CHUNK)
    seeds = [(seed, SPLITS.index(split), number) for number in range(len(starts))]
    sizes = [min(CHUNK, count - start) for start in starts]
    images, others = [], []
    # A forked process would share the OpenGL of this one.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for drawn, other in pool.map(draw, seeds, sizes):
            images.append(drawn)
            others.append(other)
            progress(len(drawn))
    return np.concatenate(images), np.concatenate(others)
