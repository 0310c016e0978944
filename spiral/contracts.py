"""What the parts of a run promise each other, wherever they live.

The policy learner and the discriminator learner meet through a replay of renders and a store of weights (section
6.3.4). In one process both are plain objects (`learners/replay.py`, `learners/weights.py`); on a cluster they are Redis
(`cluster/redis_replay.py`, `cluster/redis_weights.py`). Both forms pass the same tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Renders:
    """Final pictures of episodes, with the targets that they answer.

    Attributes:
        renders: uint8 [B, H, W, C].
        targets: uint8 [B, H, W, C], or None when the agent is unconditional.
    """

    renders: NDArray[np.uint8]
    targets: NDArray[np.uint8] | None

    def __len__(self) -> int:
        return len(self.renders)


class Replay(Protocol):
    """A buffer of the newest renders; the oldest make room.

    Attributes:
        capacity: in pictures.
        refused: how many malformed values were met, since it was last set to zero.
    """

    capacity: int
    refused: int

    @property
    def size(self) -> int:
        """How many pictures are there now, at most `capacity`."""

    def add(self, batch: Renders) -> None:
        """Put a batch in, in place of the oldest pictures when it is full."""

    def sample(self, count: int, rng: np.random.Generator) -> Renders:
        """`count` pictures drawn uniformly, with replacement.

        Raises:
            EmptyReplayError: when nothing was added yet.
        """


class EmptyReplayError(RuntimeError):
    """Nothing was added to the replay yet."""


class WeightsError(ValueError):
    """Weights that cannot be published or read: a version below the newest one, or damaged bytes."""


class WeightStore(Protocol):
    """The newest weights of each network, by name (`agent`, `discriminator`). Versions only grow.

    Attributes:
        refused: how many malformed values were met, since it was last set to zero.
    """

    refused: int

    def publish(self, name: str, version: int, weights: Mapping[str, NDArray[np.generic]]) -> None:
        """Make `weights` the newest of `name`."""

    def version(self, name: str) -> int:
        """The newest version of `name`, or -1 when there is none."""

    def fetch(self, name: str) -> tuple[int, Arrays]:
        """The newest version of `name` and its weights.

        Raises:
            KeyError: when there is none.
            WeightsError: someone has damaged them.
        """
