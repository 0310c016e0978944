"""Which run is watched: the newest one in a Redis that was named, or in any embedded one on this machine.

An embedded Redis listens in a temporary folder of its own, so those folders are where to look. Those of other users are
left alone: nobody has to believe what a stranger left in a folder that all share.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.on_redis.connection import RUNS, RedisAddress, RedisError, hide_password, redis_errors
from cluster.on_redis.feed import RedisFeedReader
from cluster.on_redis.server import FOLDER_PREFIX, SOCKET


@dataclass(frozen=True)
class Wanted:
    """What is to be watched.

    Attributes:
        redis_url: a Redis, or None for every embedded one of this user on this machine.
        folder: of the run that alone is wanted, or None for the newest.
    """

    redis_url: str | None = field(default=None, repr=False)
    folder: Path | None = None

    def __str__(self) -> str:
        place = "an embedded Redis on this machine" if self.redis_url is None else hide_password(self.redis_url)
        return f"{'a run' if self.folder is None else f'the run in {self.folder}'} in {place}"

    def find(self) -> RedisAddress | None:
        """Where the newest run that is wanted shows itself, or None as long as there is none."""
        for url in [self.redis_url] if self.redis_url is not None else embedded_urls():
            with suppress(RedisError):
                for address in runs_in(url):
                    if self._wants(address):
                        return address
        return None

    def _wants(self, address: RedisAddress) -> bool:
        reader = RedisFeedReader(address)
        try:
            description = reader.read().description
        finally:
            reader.close()
        if description is None:
            return False
        return self.folder is None or Path(description.folder) == self.folder.resolve()


def runs_in(url: str) -> Iterator[RedisAddress]:
    """The runs that a Redis knows of, the newest first.

    Raises:
        RedisError: it does not answer.
    """
    client = RedisAddress(url, "").connect()
    try:
        with redis_errors(url):
            names: Any = client.zrevrange(RUNS, 0, -1)
    finally:
        client.close()
    for name in names:
        if re.fullmatch(rb"[0-9A-Za-z_-]{1,64}", name):
            yield RedisAddress(url, name.decode())


def embedded_urls() -> list[str]:
    """The embedded servers of this user on this machine, the newest first."""
    sockets = []
    for place in {tempfile.gettempdir(), "/tmp"}:
        for socket in Path(place).glob(f"{FOLDER_PREFIX}*/{SOCKET}"):
            with suppress(OSError):
                state = socket.parent.stat()
                if state.st_uid == os.getuid():
                    sockets.append((state.st_mtime, f"unix://{socket}"))
    return [url for _, url in sorted(sockets, reverse=True)]
