"""An actor: a rollout, and what it paints beside the agent's own episodes for the agent to imitate.

It plays what the phase of a run asks for. While the agent learns, every so often a batch is an expert's
(`actors/expert.py`), of exactly the share that the settings ask for.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from actors.broadcast import Broadcast
from actors.demonstrations import Demonstrations
from actors.expert import Expert
from actors.play import Play, PlayKind
from actors.rollout import Rollout
from spiral.config import RunConfig
from spiral.contracts import Arrays, WeightStore

TURN = "expert/turn"  # in its state


class Actor:
    """Plays batches for the learners; arguments as of `Rollout`.

    Attributes:
        rollout: that paints them.

    Raises:
        ConfigError: the settings do not fit the environment, or each other.
    """

    def __init__(
        self,
        config: RunConfig,
        weights: WeightStore,
        targets: NDArray[np.uint8] | None,
        seed: int,
        batch_size: int,
        num_threads: int = 1,
        broadcast: Broadcast | None = None,
    ) -> None:
        self.rollout = Rollout(config, weights, targets, seed, batch_size, num_threads, broadcast)
        self._demonstrations = Demonstrations(self.rollout, targets, seed, num_threads)
        self._share = config.expert.share
        self._expert = Expert(self.rollout, seed, num_threads) if self._share else None
        self._turn = 0  # batches of the learning so far

    def play(self, phase: str) -> Play:
        """The next batch for a phase, played with the newest weights.

        Args:
            phase: `cloning`, `warm-up` or `learning`.

        Raises:
            WeightsError: there are none.
        """
        if phase == "cloning":
            return Play("cloning", self._demonstrations.collect())
        if phase == "learning" and self._expert is not None:
            self._turn += 1
            if int(self._turn * self._share) > int((self._turn - 1) * self._share):
                return self._expert.collect()
        return Play(cast("PlayKind", phase), self.rollout.collect())

    def state(self) -> Arrays:
        """The random states, and the episodes that are not over, for a checkpoint."""
        own = self.rollout.state() | self._demonstrations.state()
        return own if self._expert is None else own | self._expert.state() | {TURN: np.array(self._turn)}

    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave; the episodes of a rollout with more of them or fewer are not gone on with."""
        self.rollout.load_state(arrays)
        self._demonstrations.load_state(arrays)
        if self._expert is not None:
            self._expert.load_state(arrays)
            self._turn = int(arrays[TURN])

    def close(self) -> None:
        """Give back the canvases."""
        self.rollout.close()
        self._demonstrations.close()
        if self._expert is not None:
            self._expert.close()
