"""The replay buffer in Redis: actors on any machine add, the reward learner samples.

One field of a hash for each slot of the ring, its value a record of `cluster/on_redis/pictures.py`. Lua makes adding
atomic, and sampling one round trip: the random numbers go in, the pictures come out. A malformed record is refused and
counted, and another one takes its place in the sample, until new pictures take its place in the ring. A count that is
none is begun anew.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import redis

from cluster.on_redis.connection import KEY_LIFETIME_S, RedisAddress, redis_errors
from cluster.on_redis.pictures import PictureFormat
from learners.replay import ReplayError, unpack_state
from spiral.contracts import Arrays, EmptyReplayError, Renders
from spiral.program_space import ProgramSpace

CHUNK = 256  # pictures in one command, which bounds how long Redis is held up

ADD = """
for i, kind in ipairs({'string', 'hash'}) do
    if redis.call('TYPE', KEYS[i]).ok ~= kind then redis.call('DEL', KEYS[i]) end
end
local added = redis.call('GET', KEYS[1]) or ''
added = string.match(added, '^%d%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?$') and tonumber(added) or 0
local capacity, lifetime = tonumber(ARGV[1]), tonumber(ARGV[2])
for i = 3, #ARGV do redis.call('HSET', KEYS[2], (added + i - 3) % capacity, ARGV[i]) end
redis.call('SET', KEYS[1], string.format('%.0f', added + #ARGV - 2), 'EX', lifetime)
redis.call('EXPIRE', KEYS[2], lifetime)
"""

SAMPLE = """
for i, kind in ipairs({'string', 'hash'}) do
    if redis.call('TYPE', KEYS[i]).ok ~= kind then return {} end
end
local added = redis.call('GET', KEYS[1])
if not string.match(added, '^%d%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?$') then return {} end
local size = math.min(tonumber(added), tonumber(ARGV[1]))
if size == 0 then return {} end
local slots = {}
for i = 3, #ARGV do slots[i - 2] = math.floor(tonumber(ARGV[i]) * size) end
"""

READ = """
if redis.call('TYPE', KEYS[2]).ok ~= 'hash' then return {} end
local slots = {unpack(ARGV, 3)}
"""

# A value of another length, which may be huge, is not even sent.
SEND = """
local records = {}
for i, slot in ipairs(slots) do
    records[i] = redis.call('HSTRLEN', KEYS[2], slot) == tonumber(ARGV[2]) and redis.call('HGET', KEYS[2], slot)
end
return records
"""


class RedisReplay:
    """A ring of the newest `capacity` pictures in Redis; the arguments are those of `MemoryReplay`, after the address.

    Attributes:
        capacity: in pictures.
        refused: how many malformed batches, records and counts this process has met, since it was last set to zero.
    """

    def __init__(
        self,
        address: RedisAddress,
        capacity: int,
        canvas_shape: tuple[int, int, int],
        with_targets: bool,
        programs: ProgramSpace | None = None,
    ) -> None:
        if capacity < 1:
            raise ReplayError(f"a replay of {capacity} pictures was asked for; it holds 1 or more")
        self.capacity = capacity
        self.refused = 0
        self._keys = [address.key("replay:added"), address.key("replay:slots")]
        self._pictures = PictureFormat(canvas_shape, with_targets, programs, address.secret, self._keys[1])
        self._limits = [capacity, self._pictures.record_bytes]
        self._address = address
        self._redis = address.connect()
        self._require_room()
        self._add = self._redis.register_script(ADD)
        self._sample = self._redis.register_script(SAMPLE + SEND)
        self._read = self._redis.register_script(READ + SEND)

    @property
    def size(self) -> int:
        """How many pictures are there now, at most `capacity`."""
        return min(self._count_added(), self.capacity)

    def add(self, batch: Renders) -> None:
        """Put a batch in, in place of the oldest pictures when it is full.

        Raises:
            ReplayError: the batch has another shape or type.
            RedisError: Redis does not answer, or is out of memory.
        """
        try:
            self._pictures.check(batch)
        except ReplayError:
            self.refused += 1
            raise
        records = self._pictures.pack(batch)
        with redis_errors(self._address.url):
            for start in range(0, len(records), CHUNK):
                self._add(self._keys, [self.capacity, KEY_LIFETIME_S, *records[start : start + CHUNK]])

    def sample(self, count: int, rng: np.random.Generator) -> Renders:
        """`count` pictures drawn uniformly, with replacement: one round trip for each 256.

        Raises:
            EmptyReplayError: when nothing was added yet.
            ReplayError: Redis holds no record of this replay among those that were drawn.
            RedisError: Redis does not answer.
        """
        draws = [repr(draw) for draw in rng.random(count).tolist()]
        records: list[bytes | None] = []
        with redis_errors(self._address.url):
            for start in range(0, count, CHUNK):
                answer = self._sample(self._keys, [*self._limits, *draws[start : start + CHUNK]])
                if not answer:
                    raise EmptyReplayError("the replay is empty: add renders before the reward learner samples")
                records += answer
        good = self._well_formed(records)
        if not good:
            raise self._pictures.malformed(records[0])
        if len(good) < count:
            good += [good[other] for other in rng.integers(len(good), size=count - len(good))]
        return self._pictures.unpack(good)

    def state(self) -> Arrays:
        """All pictures in the order of their slots, and how many were ever added; `load_state` takes it back."""
        added = self._count_added()
        slots = list(range(min(added, self.capacity)))
        records: list[bytes | None] = []
        with redis_errors(self._address.url):
            for start in range(0, len(slots), CHUNK):
                records += self._read(self._keys, [*self._limits, *slots[start : start + CHUNK]])
        good = self._well_formed(records)
        added = added if len(good) == len(slots) else len(good)
        batch = self._pictures.unpack(good)
        arrays: Arrays = {name: array for name, array in vars(batch).items() if array is not None}
        return {"added": np.array([added])} | arrays

    def load_state(self, arrays: Arrays) -> None:
        """Go on from what `state` of this or of the in-memory form gave.

        Raises:
            ReplayError: the pictures have another shape, or their number does not fit.
        """
        added, batch = unpack_state(arrays, self.capacity)
        self._pictures.check(batch)
        with redis_errors(self._address.url):
            self._redis.delete(*self._keys)
            self.add(batch)
            self._redis.set(self._keys[0], added, ex=KEY_LIFETIME_S)

    def _require_room(self) -> None:
        """Refuses a replay that Redis would evict, or not take, before it is full; without INFO nobody can tell."""
        with redis_errors(self._address.url):
            try:
                info: Any = self._redis.info("memory")
            except redis.exceptions.NoPermissionError:
                return
        room, wanted = int(info["maxmemory"]), self.capacity * self._pictures.record_bytes
        if 0 < room < wanted:
            raise ReplayError(
                f"a replay of {self.capacity} {self._pictures} takes {wanted / 2**20:,.0f} MiB, and "
                f"Redis has a maxmemory of {room / 2**20:,.0f} MiB: lower replay.pictures or raise it"
            )

    def _count_added(self) -> int:
        with redis_errors(self._address.url):
            try:
                value: Any = self._redis.get(self._keys[0])
            except redis.ResponseError:
                value = b""  # a key of another type
        if value is None:
            return 0
        if not re.fullmatch(rb"[0-9]{1,15}", value):
            self.refused += 1
            return 0
        return int(value)

    def _well_formed(self, records: list[bytes | None]) -> list[bytes]:
        good = self._pictures.well_formed(records)
        self.refused += len(records) - len(good)
        return good
