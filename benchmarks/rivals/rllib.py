"""RLlib's algorithms on its new API stack, as in the examples."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from cluster.on_ray.start import start_ray
from cluster.run.cores import processors
from examples import rllib_impala, rllib_ppo
from examples.copying import Copies, Task
from examples.rllib_painter import act
from spiral.agent import count_parameters


class RLlib:
    """One of RLlib's algorithms, with a process that paints on every core.

    Args:
        build: makes it from frames, seed and task.
        train: gives how many frames it learned from in its next iteration.
    """

    def __init__(
        self, build: Callable[[int, int, Task], Any], train: Callable[[Any], int], task: Task, frames: int, seed: int
    ) -> None:
        self.task = task
        self._train = train
        with ExitStack() as resources:
            resources.enter_context(start_ray(None, processes=processors() + 1, picture_bytes=0, embedded_redis=False))
            self.algorithm = build(frames, seed, task)
            resources.callback(self.algorithm.stop)
            self._resources = resources.pop_all()
        self.parameters = count_parameters(self.algorithm.get_module())

    def step(self, progress: float) -> int:
        """How many frames it learned from in its next iteration."""
        del progress  # its schedules follow the frames
        return self._train(self.algorithm)

    def copies(self) -> Copies:
        """Copies of held-out digits by the newest agent."""
        return self.task.copy_held_out(partial(act, self.algorithm))

    def close(self) -> None:
        """End its processes."""
        self._resources.close()


IMPALA = partial(RLlib, rllib_impala.build, rllib_impala.train)
PPO = partial(RLlib, rllib_ppo.build, rllib_ppo.train)
