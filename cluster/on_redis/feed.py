"""The live feed in Redis: streams that are cut at the newest records, written by a thread of its own.

So a rollout that shows something never waits for Redis. What waits for the thread is bounded: when Redis is slow, full
or gone, the rest is dropped. A stream that someone else has spoilt is begun anew.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping
from typing import Any

import redis

from cluster.on_redis.connection import KEY_LIFETIME_S, RUNS, RedisAddress, RedisError, redis_errors
from cluster.run.feed.base import Feed, FeedReader, Kind

KNOWN_RUNS = 64
MAX_WAITING_BYTES = 16 * 2**20
CLOSING_S = 2.0
DESCRIBE_S = 1.0
READ_AT_ONCE = 64  # records of each stream
FIELD = b"record"


class RedisFeed(Feed):
    """A live feed for readers anywhere.

    Raises:
        RedisError: nobody answers at the address.
    """

    def __init__(self, address: RedisAddress) -> None:
        super().__init__()
        self._address = address
        self._redis = address.connect()
        self._queue: queue.SimpleQueue[tuple[Kind, bytes, int] | None] = queue.SimpleQueue()
        self._waiting_bytes = 0
        self._lock = threading.Lock()
        self._description: bytes | None = None
        self._describe_at = 0.0
        self._thread = threading.Thread(target=self._send_all, name="live feed", daemon=True)
        self._thread.start()

    def describe(self, description: Mapping[str, Any]) -> None:
        """Say what run this is, and be found by those who look for the newest."""
        self._began = time.time()
        super().describe(description)

    def close(self) -> None:
        """Send what waits, for a moment at most, and show nothing more."""
        self._queue.put(None)
        self._thread.join(CLOSING_S)

    def _put(self, kind: Kind, record: bytes, most: int) -> None:
        if self._wait(len(record)):
            self._queue.put((kind, record, most))

    def _wait(self, size: int) -> bool:
        """Whether there was room for so many more bytes to wait; a negative size leaves the room again."""
        with self._lock:
            if size > 0 and self._waiting_bytes + size > MAX_WAITING_BYTES:
                self.dropped += 1
                return False
            self._waiting_bytes += size
            return True

    def _send_all(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                with redis_errors(self._address.url):
                    self._send(*item)
            except (RedisError, redis.RedisError):
                self.dropped += 1
            finally:
                self._wait(-len(item[1]))

    def _send(self, kind: Kind, record: bytes, most: int) -> None:
        if kind == "run":
            self._description = record
        try:
            self._add(kind, record, most)
        except redis.OutOfMemoryError:
            raise
        except redis.ResponseError:
            self._redis.unlink(RUNS, self._address.key(f"feed:{kind}"))
            self._add(kind, record, most)
        # Now and then the run says again what it is, in case that someone wrote over it.
        if kind != "run" and self._description is not None and time.monotonic() > self._describe_at:
            self._describe_at = time.monotonic() + DESCRIBE_S
            self._send("run", self._description, 1)

    def _add(self, kind: Kind, record: bytes, most: int) -> None:
        key = self._address.key(f"feed:{kind}")
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.xadd(key, {FIELD: record}, maxlen=most, approximate=False)
            pipeline.expire(key, KEY_LIFETIME_S)
            if kind == "run":
                pipeline.zadd(RUNS, {self._address.run_id: self._began})
                pipeline.zremrangebyrank(RUNS, 0, -KNOWN_RUNS - 1)
                pipeline.expire(RUNS, KEY_LIFETIME_S)
            pipeline.execute()


class RedisFeedReader(FeedReader):
    """Reads the live feed of the run at an address, from its oldest record on.

    Raises:
        RedisError: nobody answers at the address; `read` raises it too.
    """

    def __init__(self, address: RedisAddress) -> None:
        super().__init__()
        self._address = address
        self._redis = address.connect()
        self._after: dict[Kind, bytes] = {}
        self._spoilt: set[Kind] = set()

    def close(self) -> None:
        """Give back the connection."""
        self._redis.close()

    def _fetch(self, kinds: tuple[Kind, ...], wait_s: float) -> dict[Kind, list[bytes]]:
        with redis_errors(self._address.url):
            try:
                answer = self._read(kinds, max(1, int(1000 * wait_s)))
            except redis.ResponseError:
                # One of the keys is no stream: the others can still be read.
                answer = [found for kind in kinds for found in self._read_alone(kind)]
                time.sleep(wait_s)
            else:
                self._spoilt.clear()
        records: dict[Kind, list[bytes]] = {}
        for kind in kinds:
            entries = [entry for key, found in answer for entry in found if key == self._key(kind)]
            if entries:
                self._after[kind] = entries[-1][0]
            # A record without our field is refused as empty bytes are.
            records[kind] = [fields.get(FIELD, b"") for _, fields in entries]
        return records

    def _read_alone(self, kind: Kind) -> list[Any]:
        try:
            return self._read((kind,), None)
        except redis.ResponseError:
            self.refused += kind not in self._spoilt
            self._spoilt.add(kind)
            return []

    def _read(self, kinds: tuple[Kind, ...], block_ms: int | None) -> list[Any]:
        streams = {self._key(kind): self._after.get(kind, b"0") for kind in kinds}
        answer: Any = self._redis.xread(streams, count=READ_AT_ONCE, block=block_ms)  # type: ignore[arg-type]
        return list(answer.items()) if isinstance(answer, dict) else list(answer or [])

    def _key(self, kind: Kind) -> bytes:
        return self._address.key(f"feed:{kind}").encode()
