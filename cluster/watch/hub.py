"""Everyone who watches, each with a short queue of messages.

A message is made once, whatever the number of watchers. One who reads too slowly loses what waits for him and is told
the state anew when he reads again: he holds up nobody, and costs no more than his queue.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence

from cluster.watch.messages import Message

QUEUE = 128  # messages
MAX_WATCHERS = 256


class Watcher:
    """One who watches.

    Attributes:
        name: by which he says that something is for him; he alone is told it.
        own: the newest message that was for him alone, or None.
        work: what is done for him alone, which ends when he leaves.
    """

    def __init__(self) -> None:
        self.name = secrets.token_hex(16)
        self.own: Message | None = None
        self.work: asyncio.Task[None] | None = None
        self.behind = True
        self.newcomer = True
        self._queue: asyncio.Queue[Message | None] = asyncio.Queue(QUEUE)

    def tell(self, message: Message) -> None:
        """Offer him a message that is for him alone."""
        self.own = message
        self.offer([message])

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


def end(work: asyncio.Task[None]) -> None:
    """Cancel it, unless it is already: a second time would break off how it cleans up."""
    if not work.cancelling():
        work.cancel()


class Hub:
    """All who watch.

    Args:
        everything: gives the messages that tell a watcher the state, with films for a newcomer.

    Attributes:
        dropped: how many messages were dropped because somebody read too slowly.
    """

    def __init__(self, everything: Callable[[Watcher], list[Message]]) -> None:
        self._everything = everything
        self._watchers: dict[str, Watcher] = {}
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._watchers)

    @property
    def full(self) -> bool:
        """Whether no one more can watch."""
        return len(self._watchers) >= MAX_WATCHERS

    def find(self, name: str) -> Watcher | None:
        """The watcher of that name, or None if he is not here."""
        return self._watchers.get(name)

    def send(self, messages: Sequence[Message]) -> None:
        """Offer messages to all."""
        for watcher in self._watchers.values():
            self.dropped += watcher.offer(messages)

    def begin(self) -> None:
        """Tell everyone the state anew, films included."""
        for watcher in self._watchers.values():
            watcher.newcomer = True
            watcher.fall_behind()

    async def messages(self) -> AsyncGenerator[Message]:
        """What a new watcher is sent, for as long as he watches."""
        watcher = Watcher()
        watcher.fall_behind()
        self._watchers[watcher.name] = watcher
        try:
            while True:
                message = await watcher.next()
                if message is not None:
                    yield message
                    continue
                watcher.behind = False
                for message in self._everything(watcher):
                    yield message
                if watcher.own is not None:
                    yield watcher.own
                watcher.newcomer = False
        finally:
            del self._watchers[watcher.name]
            if watcher.work is not None:
                end(watcher.work)
