"""Rooms of known factors (`spiral/data/shapes_3d.py`), drawn by several processes.

A picture is decided by the seed, the split and its number alone, so that the number of processes changes nothing.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from numpy.typing import NDArray

from envs.rooms import KINDS, Room, draw_rooms
from spiral.data.pictures import Split
from spiral.data.shapes_3d import FACTORS, factors_of

SIDE = 64
CHUNK = 500
SIZES = np.linspace(0.3, 0.65, FACTORS["size"])
ORIENTATIONS = np.linspace(-30.0, 30.0, FACTORS["orientation"])


def room_of(factors: NDArray[np.int64]) -> Room:
    """The room of six factors, [6]."""
    floor, wall, thing, size, shape, orientation = (int(factor) for factor in factors)
    hues = (floor / FACTORS["floor_hue"], wall / FACTORS["wall_hue"], thing / FACTORS["object_hue"])
    return Room(*hues, float(SIZES[size]), tuple(KINDS)[shape], float(ORIENTATIONS[orientation]))


def make_rooms(
    split: Split, count: int, seed: int, processes: int, progress: Callable[[int], None]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The first `count` pictures of a split, uint8 [N, 64, 64, 3], and their factors; `progress` is told of chunks."""
    factors = factors_of(split, seed, range(count))
    chunks = [factors[start : start + CHUNK] for start in range(0, count, CHUNK)]
    images = []
    # A forked process would share the OpenGL of this one.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for drawn in pool.map(_draw, chunks):
            images.append(drawn)
            progress(len(drawn))
    return np.concatenate(images), factors


def _draw(factors: NDArray[np.int64]) -> NDArray[np.uint8]:
    return draw_rooms([room_of(each) for each in factors], SIDE)
