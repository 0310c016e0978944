"""Pictures that tell nothing by themselves, and with their programs everything: a bar in one of eight places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spiral.contracts import Renders
from spiral.rewards.base import Context, Reward
from tests.tiny import SHAPE, SPEC

PLACES = 8


def bars(places: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A dark bar in each place, on paper with grains that no two have alike, uint8 [N, 16, 16, 1]."""
    pictures = rng.integers(215, 256, (len(places), *SHAPE), np.uint8)
    for picture, place in zip(pictures, places, strict=True):
        picture[:, 2 * place : 2 * place + 2] = 0
    return pictures


def programs_of(places: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """A program of four commands for each place, whose third is a stroke that ends in the column of that place."""
    programs: NDArray[np.int64] = rng.integers(0, SPEC.nvec, (len(places), 4, len(SPEC.heads)))
    programs[..., SPEC.index("flag")] = 0
    programs[:, 2, SPEC.index("flag")] = 1
    programs[:, 2, SPEC.index("end")] = 8 * rng.integers(0, 8, len(places)) + places
    return programs


def wrong_copies(count: int, seed: int) -> Renders:
    """Renders and targets, both with bars in all places, whose programs say where the target's is.

    A bar that is painted four places away is again one of a target.
    """
    rng = np.random.default_rng(seed)
    places = rng.permutation(np.arange(count) % PLACES)
    elsewhere = (places + PLACES // 2) % PLACES
    return Renders(bars(elsewhere, rng), bars(places, rng), programs_of(places, rng))


def told_apart(reward: Reward, pairs: Renders) -> float:
    """The share of the pairs of target and render in which the target has the higher score; chance is 0.5."""
    assert pairs.targets is not None
    context = Context(pairs.targets, {}, pairs.actions)
    return float((reward.score(pairs.targets, context) > reward.score(pairs.renders, context)).float().mean())
