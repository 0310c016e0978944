"""A training on Ray with its live page beside it, on which the benchmarks of watching are made."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.on_ray.engine import RayEngine
from cluster.on_redis.server import EmbeddedRedis
from cluster.run.engine import describe_run
from cluster.run.machines import Machines
from cluster.run.plan import Length, Phase
from cluster.watch.find import Wanted
from cluster.watch.start import listen, serve_beside
from spiral.config import RunConfig
from spiral.data import load
from spiral.presets import preset

LEARNING = Phase("learning", 0.5)
PRESET = "mnist-small-conditional"
WARM_UP = 5  # steps of the policy learner
STEPS_A_ROW = 10


class Training:
    """A run of which only the learning is done, and shown as a run shows itself."""

    def __init__(self, config: RunConfig, engine: RayEngine, folder: Path) -> None:
        self._engine = engine
        self._frames = 0
        self._steps = 0
        self._begun = time.monotonic()
        engine.feed.describe(describe_run(config, folder, Length(minutes=60)))

    def go_on(self, seconds: float = 0.0, steps: int = 1) -> int:
        """How many frames were learned from in about so many seconds, and in so many steps at least."""
        begun, before, done = time.monotonic(), self._frames, 0
        while done < steps or time.monotonic() < begun + seconds:
            report = self._engine.step(LEARNING)
            if report is None:
                continue
            done += 1
            self._steps += 1
            self._frames += report.frames
            if self._steps % STEPS_A_ROW == 0:
                passed = time.monotonic() - self._begun
                self._engine.feed.add_row({"frames": self._frames, "seconds": passed, **report.metrics})
        return self._frames - before


@dataclass(frozen=True)
class Watched:
    """A training that is watched.

    Attributes:
        training: warmed up.
        redis: in which it shows itself.
        server: the process of the live page.
        port: where the page is.
    """

    training: Training
    redis: EmbeddedRedis
    server: int
    port: int


@contextmanager
def watched_training() -> Iterator[Watched]:
    """A training with its live page, until the context ends."""
    config = preset(PRESET)
    pictures = load(config.data.name, "train", 32)
    with EmbeddedRedis() as redis, tempfile.TemporaryDirectory() as folder, page_of(redis.url) as (server, port):
        engine = RayEngine(config, pictures, Machines(redis_url=redis.url))
        try:
            training = Training(config, engine, Path(folder))
            training.go_on(steps=WARM_UP)
            yield Watched(training, redis, server, port)
        finally:
            engine.close()


@contextmanager
def page_of(redis_url: str) -> Iterator[tuple[int, int]]:
    """Process and port of a live page."""
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=serve_beside, args=(listener, Wanted(redis_url)), daemon=True)
    server.start()
    listener.close()
    assert server.pid is not None
    try:
        yield server.pid, port
    finally:
        server.terminate()
        server.join()
