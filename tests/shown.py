"""A live feed for tests of what is shown."""

from __future__ import annotations

from cluster.run.feed.memory import MemoryFeed
from spiral.contracts import Glimpse


class Shown(MemoryFeed):
    """A feed that remembers all that it is shown, as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.glimpses: list[Glimpse] = []

    def show(self, glimpse: Glimpse) -> None:
        self.glimpses.append(glimpse)
