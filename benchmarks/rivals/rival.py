"""What the benchmark asks of a learner, whosever it is."""

from __future__ import annotations

from typing import Protocol

from examples.copying import Copies


class Rival(Protocol):
    """A learner that is asked for one step after the other.

    Attributes:
        parameters: how many numbers its agent learns.
    """

    parameters: int

    def step(self, progress: float) -> int:
        """How many frames it learned from in its next step, after the share `progress` of the frames.

        A frame counts once the learner has taken a gradient step on it, and once however often it goes over it. 0 where
        no step was finished within a second or so.
        """

    def copies(self) -> Copies:
        """Copies of held-out digits by the newest agent."""

    def close(self) -> None:
        """End its processes."""
