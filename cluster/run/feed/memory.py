"""The live feed in memory: what a run in one process shows, and the reference for the form in Redis."""

from __future__ import annotations

from collections import deque

from cluster.run.feed.base import KINDS, Feed, FeedReader, Kind


class MemoryFeed(Feed):
    """A live feed for readers in this process."""

    def __init__(self) -> None:
        super().__init__()
        self._records: dict[Kind, deque[tuple[int, bytes]]] = {kind: deque() for kind in KINDS}
        self._count = 0

    def close(self) -> None:
        """Nothing ever waits here."""

    def reader(self) -> MemoryFeedReader:
        """One who reads from the oldest record on."""
        return MemoryFeedReader(self)

    def since(self, kind: Kind, after: int) -> list[tuple[int, bytes]]:
        """The records of a kind that were put after the one numbered `after`, with their numbers."""
        return [(number, record) for number, record in self._records[kind] if number > after]

    def _put(self, kind: Kind, record: bytes, most: int) -> None:
        self._count += 1
        records = self._records[kind]
        records.append((self._count, record))
        while len(records) > most:
            records.popleft()


class MemoryFeedReader(FeedReader):
    """Reads a `MemoryFeed`; as it lies in the same process, there is nothing to wait for."""

    def __init__(self, feed: MemoryFeed) -> None:
        super().__init__()
        self._feed = feed
        self._after = dict.fromkeys(KINDS, 0)

    def _fetch(self, kinds: tuple[Kind, ...], wait_s: float) -> dict[Kind, list[bytes]]:
        del wait_s
        found: dict[Kind, list[bytes]] = {}
        for kind in kinds:
            records = self._feed.since(kind, self._after[kind])
            self._after[kind] = records[-1][0] if records else self._after[kind]
            found[kind] = [record for _, record in records]
        return found
