"""Everyone who watches, each with a short queue of messages.

A message is made once, whatever the number of watchers. One who reads too slowly loses what waits for him and is told
the state anew when he reads again: he holds up nobody, and costs no more than his queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from cluster.watch.messages import Message

QUEUE = 128  # messages
MAX_WATCHERS = 256


class Watcher:
    """One who watches."""

    def __init__(self) -> None:
        self.behind = True
        self.newcomer = True
        self._queue: asyncio.Queue[Message | None] = asyncio.Queue(QUEUE)

    def offer(self, messages: Sequence[Message]) -> int:
        """Put messages into the queue, or drop all that wait if there are too many; how many were dropped."""
        if self.behind:
            return 0 if self.newcomer else len(messages)  # what comes next tells a newcomer everything
        if self._queue.qsize() + len(messages) < QUEUE:
            for message in messages:
                self._queue.put_nowait(message)
            return 0
        dropped = len(messages) + self._queue.qsize()
        self.fall_behind()
        return dropped

    def fall_behind(self) -> None:
        """Drop all that waits: the state comes next."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self.behind = True
        self._queue.put_nowait(None)

    async def next(self) -> Message | None:
        """The next message, or None when the state is to be told anew."""
        return await self._queue.get()


class Hub:
    """All who watch.

    Args:
        everything: gives the messages that tell the state, with films for a newcomer.

    Attributes:
        dropped: how many messages were dropped because somebody read too slowly.
    """

    def __init__(self, everything: Callable[[bool], list[Message]]) -> None:
        self._everything = everything
        self._watchers: set[Watcher] = set()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._watchers)

    @property
    def full(self) -> bool:
        """Whether no one more can watch."""
        return len(self._watchers) >= MAX_WATCHERS

    def send(self, messages: Sequence[Message]) -> None:
        """Offer messages to all."""
        for watcher in self._watchers:
            self.dropped += watcher.offer(messages)

    def begin(self) -> None:
        """Tell everyone the state anew, films included."""
        for watcher in self._watchers:
            watcher.newcomer = True
            watcher.fall_behind()

    async def messages(self) -> AsyncGenerator[Message]:
        """What a new watcher is sent, for as long as he watches."""
        watcher = Watcher()
        watcher.fall_behind()
        self._watchers.add(watcher)
        try:
            while True:
                message = await watcher.next()
                if message is not None:
                    yield message
                    continue
                watcher.behind = False
                for message in self._everything(watcher.newcomer):
                    yield message
                watcher.newcomer = False
        finally:
            self._watchers.discard(watcher)
