"""What the parts of a run promise each other, wherever they live.

The policy learner and the reward learner meet through a replay of renders and a store of weights (section
6.3.4), and whoever watches a run sees it through a live feed. In one process all are plain objects
(`learners/replay.py`, `learners/weights.py`, `cluster/run/feed/memory.py`); on a cluster replay and feed are in Redis
(`cluster/on_redis`), and the weights in Ray's object store (`cluster/on_ray/weights.py`). Both forms pass the same
tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Renders:
    """Final pictures of episodes, with the targets that they answer and the programs that they are of.

    Attributes:
        renders: uint8 [B, H, W, C].
        targets: uint8 [B, H, W, C], or None when the agent is unconditional.
        actions: the whole programs, int64 [B, T, heads], or None where nobody has them. A replay keeps them only where
            a reward reads them.
    """

    renders: NDArray[np.uint8]
    targets: NDArray[np.uint8] | None
    actions: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.renders)


class SampledRenders(Protocol):
    """Renders of which a learner draws.

    Attributes:
        refused: how many malformed values were met, since it was last set to zero.
    """

    refused: int

    def sample(self, count: int, rng: np.random.Generator) -> Renders:
        """`count` pictures drawn uniformly, with replacement.

        Raises:
            EmptyReplayError: when nothing was added yet.
        """


class Replay(SampledRenders, Protocol):
    """A buffer of the newest renders; the oldest make room.

    Attributes:
        capacity: in pictures.
    """

    capacity: int

    @property
    def size(self) -> int:
        """How many pictures are there now, at most `capacity`."""

    def add(self, batch: Renders) -> None:
        """Put a batch in, in place of the oldest pictures when it is full."""


class EmptyReplayError(RuntimeError):
    """Nothing was added to the replay yet."""


class WeightsError(ValueError):
    """Weights that cannot be published or taken over: below the newest version, of another network, or lost."""


class WeightStore(Protocol):
    """The newest weights of each network, by name (`agent`, and every learned reward). Versions only grow."""

    def publish(self, name: str, version: int, weights: Mapping[str, NDArray[np.generic]]) -> None:
        """Make `weights` the newest of `name`."""

    def version(self, name: str) -> int:
        """The newest version of `name`, or -1 when there is none."""

    def fetch(self, name: str) -> tuple[int, Arrays]:
        """The newest version of `name` and its weights.

        Raises:
            KeyError: when there is none.
            WeightsError: they were lost with a process that died.
        """


@dataclass(frozen=True)
class Glimpse:
    """Some commands of one episode that follow each other, and what they did to the canvas.

    Attributes:
        episode: the episode's name, a random number of 64 bits.
        worker: which of the rollouts of the run painted it.
        member: which member of the population the rollout belongs to; 0 where there is none.
        version: of the weights that decided, -1 where nobody did (a program to be imitated).
        length: the number of commands in the whole episode.
        first: the place in the episode of the first command that is here.
        actions: int64 [N, heads].
        canvases: uint8 [N+1, H, W, C], before the first of these commands and after each.
        target: uint8 [H, W, C], or None when the agent is unconditional.
        painted: when the last command was done, seconds since 1970.
    """

    episode: int
    worker: int
    member: int
    version: int
    length: int
    first: int
    actions: NDArray[np.int64]
    canvases: NDArray[np.uint8]
    target: NDArray[np.uint8] | None
    painted: float

    @property
    def last(self) -> bool:
        """Whether the episode ends with these commands."""
        return self.first + len(self.actions) == self.length


class LiveFeed(Protocol):
    """What a run shows of itself to whoever watches.

    It keeps the newest of everything within fixed bounds. Showing never waits and never raises, whatever happens to
    those who watch: what cannot be shown is dropped and counted.
    """

    @property
    def dropped(self) -> int:
        """How much was not shown since the beginning."""

    def describe(self, description: Mapping[str, Any]) -> None:
        """Say what run this is, in plain JSON (`cluster.run.feed.texts.Description`); nothing is shown before."""

    def show(self, glimpse: Glimpse) -> None:
        """Show a piece of an episode."""

    def add_row(self, row: Mapping[str, Any]) -> None:
        """Show a row of figures, as `metrics.jsonl` has them."""

    def hang(self, frames: int, sheet: NDArray[np.uint8]) -> None:
        """Show a contact sheet, uint8 [H, W, 3], made at so many frames, in place of the last one."""

    def close(self) -> None:
        """Send what waits, for a moment at most, and show nothing more."""
