"""Follows a run through Redis for as long as the server runs, and the next run when that one is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cluster.on_redis.connection import RedisAddress, RedisError
from cluster.on_redis.feed import RedisFeedReader
from cluster.run.feed.base import News
from cluster.watch.find import Wanted

WAIT_S = 0.5  # for news, before it is looked whether to stop
QUIET_S = 3.0  # without news, after which it is looked for a newer run
SEARCH_S = 1.0  # between two searches for a run


@dataclass(frozen=True)
class Heard:
    """What is known of the run now.

    Attributes:
        run_id: its name in Redis, or None where there is no run.
        news: what it showed since the last time.
        refused: how many malformed records were met in all.
    """

    run_id: str | None
    news: News
    refused: int


class Follower(threading.Thread):
    """Calls `tell` from its own thread with whatever it heard, at least about every second, until `stop`."""

    def __init__(self, wanted: Wanted, tell: Callable[[Heard], None]) -> None:
        super().__init__(name="follower", daemon=True)
        self._wanted = wanted
        self._tell = tell
        self._refused = 0
        self._stopped = threading.Event()

    def run(self) -> None:
        """Follow one run after the other."""
        while not self._stopped.is_set():
            address = self._wanted.find()
            if address is not None:
                try:
                    self._follow(address)
                except RedisError:
                    address = None
            if address is None:
                self._tell(Heard(None, News(None), self._refused))
                self._stopped.wait(SEARCH_S)

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._stopped.set()
        self.join()

    def _follow(self, address: RedisAddress) -> None:
        reader = RedisFeedReader(address)
        before = self._refused
        heard_at = time.monotonic()
        try:
            while not self._stopped.is_set():
                news = reader.read(WAIT_S)
                self._refused = before + reader.refused
                self._tell(Heard(address.run_id, news, self._refused))
                if news.glimpses or news.rows or news.sheet:
                    heard_at = time.monotonic()
                elif time.monotonic() > heard_at + QUIET_S and self._wanted.find() != address:
                    return
        finally:
            reader.close()
