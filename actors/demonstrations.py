"""Demonstrations: programs that an agent imitates before it learns from rewards (behaviour cloning).

Any program is a perfect example of how to paint its own render, so random ones are free. A search
(`actors/stroke_search.py`) or the shipped agent that copies digits shows how real pictures are painted.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from actors.ongoing import state_array
from actors.rollout import Rollout
from actors.stroke_search import StrokeSearch
from spiral.contracts import Arrays
from spiral.shipped import shipped_agent
from spiral.state import under_prefix, with_prefix
from spiral.trajectory import Trajectory


class Demonstrations:
    """Has a rollout paint programs to be cloned, as `cloning.demonstrations` says; other arguments as of `Rollout`.

    Raises:
        ConfigError: the environment does not paint what a search paints.
    """

    def __init__(self, rollout: Rollout, targets: NDArray[np.uint8] | None, seed: int, num_threads: int = 1) -> None:
        self._rollout = rollout
        self._search: StrokeSearch | None = None
        self._teacher: Rollout | None = None
        cloning = rollout.config.cloning
        if cloning.share and cloning.demonstrations == "search":
            self._empty: NDArray[np.uint8] = rollout.environments.reset()[0]["canvas"][0]
            self._search = StrokeSearch(rollout.environments.unwrapped.settings, rollout.batch_size, num_threads)
        if cloning.share and cloning.demonstrations == "parses":
            self._teacher = Rollout(*shipped_agent("copy"), targets, seed, rollout.batch_size, num_threads)

    def collect(self) -> Trajectory:
        """The next unroll of a batch to be cloned: random programs with their own renders as targets, or of a search.

        What the shipped teacher painted comes whole: its episodes are short. What the agent remembers at the beginning
        of an unroll is what it made of the commands before, with the newest weights.
        """
        rollout = self._rollout
        if self._teacher is not None:
            return replace(
                self._teacher.collect(),
                noise=rollout.draw_noise(),
                targets=None,
                views=None,
                versions=np.full(rollout.batch_size, -1),
                state=state_array(rollout.agent.lstm.initial_state(rollout.batch_size)),
            )
        if rollout.unroll_length < rollout.length:
            rollout.fetch_agent()
        if not rollout.paints_programs:
            self._begin()
        return rollout.unroll()

    def state(self) -> Arrays:
        """What a checkpoint needs beside the rollout's own state."""
        return {} if self._teacher is None else with_prefix("teacher", self._teacher.state())

    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave."""
        if self._teacher is not None:
            self._teacher.load_state(under_prefix("teacher", arrays))

    def close(self) -> None:
        """Give back the teacher's canvases."""
        if self._teacher is not None:
            self._teacher.close()

    def _begin(self) -> None:
        rollout = self._rollout
        if self._search is None or rollout.targets is None:
            settings = rollout.environments.unwrapped.settings
            rollout.begin_programs(settings.natural_programs(rollout.batch_size, rollout.rng))
            return
        targets = rollout.draw(rollout.targets)
        starts, levels = rollout.begun(targets)
        begin_on = np.broadcast_to(self._empty, targets.shape) if starts is None else starts
        rollout.begin_programs(self._search.programs(targets, begin_on, rollout.rng), targets, starts, levels)
