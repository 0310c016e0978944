"""What the tests of the live feed share: a run that describes itself, glimpses made up, and malformed bytes."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cluster.run.feed.base import FeedReader, News
from envs.paint_settings import PaintSettings
from spiral.contracts import Glimpse
from tests.patience import PATIENCE_S
from tests.tiny import PAINT, SHAPE, SPEC

SETTINGS = PaintSettings(**PAINT | {"episode_length": 3})


def description(**changes: Any) -> dict[str, Any]:
    return {
        "folder": "/somewhere/runs/demo",
        "preset": "tiny",
        "begun": 1.7e9,
        "minutes": 1.0,
        "frames": None,
        "environment": "spiral/Paint-v0",
        "settings": SETTINGS.to_json(),
        "action_spec": SPEC.to_json(),
        "episode_length": 3,
        "shape": SHAPE,
        "conditional": True,
    } | changes


def glimpse(episode: int = 1, first: int = 0, count: int = 3, **changes: Any) -> Glimpse:
    """A piece of an episode; what is painted follows from the episode's number."""
    rng = np.random.default_rng(episode)
    actions = rng.integers(0, SPEC.nvec, (3, len(SPEC.heads)))
    canvases = rng.integers(0, 256, (4, *SHAPE), np.uint8)
    content: dict[str, Any] = {
        "episode": episode,
        "worker": 2,
        "member": 0,
        "version": 5,
        "length": 3,
        "first": first,
        "actions": actions[first : first + count],
        "canvases": canvases[first : first + count + 1],
        "target": rng.integers(0, 256, SHAPE, np.uint8),
        "painted": time.time(),
    }
    return Glimpse(**content | changes)


def row(frames: int, **figures: float | str) -> dict[str, float | str]:
    return {"frames": frames, "seconds": frames / 100, **figures}


def read_until(reader: FeedReader, done: Callable[[News], bool]) -> News:
    """Everything that a reader gives until it is enough."""
    seen = News(None)
    deadline = time.monotonic() + PATIENCE_S
    while not done(seen):
        assert time.monotonic() < deadline, f"not in {PATIENCE_S:.0f} s: {seen}"
        news = reader.read(0.1)
        seen.description = news.description
        seen.glimpses += news.glimpses
        seen.rows += news.rows
        seen.sheet = news.sheet or seen.sheet
    return seen


def malformed(good: bytes, count: int, seed: int) -> Iterator[bytes]:
    """So many byte strings that are near to `good` and none of its kind.

    They are cut short, have something behind them, or begin like `good` and go on at random; or they are pickles, or
    brackets of a depth that no reader should follow.
    """
    rng = np.random.default_rng(seed)
    for number in range(count):
        match number % 5:
            case 0:
                yield good[: rng.integers(len(good))]
            case 1:
                yield good + b"\0" + rng.bytes(int(rng.integers(40)))
            case 2:
                kept = int(rng.integers(len(good)))
                yield good[:kept] + b"\xff" + rng.bytes(len(good) - kept)
            case 3:
                yield pickle.dumps([good, float(rng.random())])
            case _:
                yield b"[" * int(rng.integers(1, 5000))
