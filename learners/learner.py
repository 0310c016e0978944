"""What both learners have in common: weights that they publish, a state that a checkpoint keeps, and versions.

A learner that takes the place of one that died goes on from the last checkpoint, above all versions that there were, so
that nothing which actors or the other learner hold seems newer (thesis, section 6.3.4).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from spiral.contracts import Arrays, WeightStore
from spiral.descent import require_finite


class Learner(ABC):
    """Trains something and publishes it in `weights`."""

    weights: WeightStore

    @abstractmethod
    def published(self) -> Iterator[tuple[str, int, Arrays]]:
        """The name, the version and the present weights of each network that actors or learners follow."""

    @abstractmethod
    def state(self) -> Arrays:
        """Everything that a checkpoint needs to go on bit for bit."""

    @abstractmethod
    def load_state(self, arrays: Arrays) -> None:
        """Take over what `state` gave, and publish it; versions never fall."""

    def begin(self, state: Arrays | None) -> None:
        """Publish fresh weights, or go on from what `state` gave."""
        if state is None:
            self.publish()
        else:
            self.load_state(state)

    def publish(self) -> None:
        """Make the present weights the newest.

        Raises:
            DivergedError: they are not finite.
        """
        for name, version, arrays in self.published():
            require_finite(f"{name} at step {version}", arrays)
            self.weights.publish(name, version, arrays)
