"""What an actor plays at a time: a batch of unrolls, and what it is for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from spiral.trajectory import Trajectory

# The phases of a run, and, while it learns, batches of what a search found.
PlayKind = Literal["cloning", "warm-up", "learning", "expert"]


@dataclass(frozen=True)
class Play:
    """A batch of unrolls.

    Attributes:
        kind: what is to be done with it.
        trajectory: the unrolls.
        searched: how many commands were painted to find them, beside their own.
        metrics: what was measured of the search.
    """

    kind: PlayKind
    trajectory: Trajectory
    searched: int = 0
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def acted(self) -> bool:
        """Whether the agent acted, so that its pictures are for the rewards to learn from; or else it is to imitate."""
        return self.kind in ("warm-up", "learning")
