"""The newest weights of each network in Redis, as sealed safetensors bytes beside their version.

Version and bytes are fields of one hash, written by one script and read by one command, so that a reader never sees the
version of one set of weights with the numbers of another, and the seal holds for both. What someone else has put there
instead is refused by those who read, counted, and replaced by the next weights that are published.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import redis
from numpy.typing import NDArray
from safetensors.numpy import load, save

from cluster.on_redis.connection import KEY_LIFETIME_S, MAX_VALUE_BYTES, RedisAddress, redis_errors
from cluster.on_redis.seal import SEAL_BYTES, seal, unseal
from learners.weights import stale
from spiral.contracts import Arrays, WeightsError

PUBLISH = """
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
local newest = redis.call('HGET', KEYS[1], 'version') or ''
newest = string.match(newest, '^%d%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?%d?$') and tonumber(newest) or -1
if tonumber(ARGV[1]) < newest then return newest end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'weights', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return -2
"""


class RedisWeights:
    """The newest weights of each network, by name, in Redis.

    Versions never fall; a learner that resumes may publish the same version again.

    Attributes:
        refused: how many malformed values this process has met, since it was last set to zero.
    """

    def __init__(self, address: RedisAddress) -> None:
        self._address = address
        self._redis = address.connect()
        self.refused = 0
        self._publish = self._redis.register_script(PUBLISH)

    def publish(self, name: str, version: int, weights: Mapping[str, NDArray[np.generic]]) -> None:
        """Make `weights` the newest of `name`.

        Raises:
            WeightsError: `version` is below the newest one, or the weights are above 512 MiB.
            RedisError: Redis does not answer, or is out of memory.
        """
        data = save({key: np.asarray(value, order="C") for key, value in weights.items()})
        if SEAL_BYTES + len(data) > MAX_VALUE_BYTES:
            raise WeightsError(f"weights of {name!r} have {len(data)} bytes; Redis holds at most {MAX_VALUE_BYTES}")
        sealed = seal(self._address.secret, self._place(name, version), data)
        with redis_errors(self._address.url):
            newest = self._publish([self._key(name)], [version, sealed, KEY_LIFETIME_S])
            if newest != -2 and self._is_damaged(name):
                self._redis.delete(self._key(name))
                newest = self._publish([self._key(name)], [version, sealed, KEY_LIFETIME_S])
        if newest != -2:
            raise stale(name, version, newest)

    def version(self, name: str) -> int:
        """The newest version of `name`, or -1 when there is none that can be read."""
        try:
            version, _ = self._read(name, "version")
            return -1 if version is None else self._number(name, version)
        except WeightsError:
            return -1

    def fetch(self, name: str) -> tuple[int, Arrays]:
        """The newest version of `name` and its weights.

        Raises:
            KeyError: when there is none.
            WeightsError: there is something else in their place.
        """
        version, data = self._read(name, "version", "weights")
        if version is None:
            raise KeyError(f"no weights of {name!r} were published in this run")
        number = self._number(name, version)
        weights = unseal(self._address.secret, self._place(name, number), data or b"")
        if weights is None:
            raise self._malformed(name, "does not hold weights that a process of this run has published")
        return number, load(weights)

    def server(self) -> dict[str, Any]:
        """What Redis says of itself: `run_id` is another after each start; `process_id`; `used_memory` in bytes.

        Nothing to a user without the right to INFO.
        """
        with redis_errors(self._address.url):
            try:
                answer: Any = self._redis.info()
            except redis.exceptions.NoPermissionError:
                return {}
        return dict(answer)

    def _is_damaged(self, name: str) -> bool:
        try:
            self.fetch(name)
        except (KeyError, WeightsError):
            return True
        return False

    def _read(self, name: str, *fields: str) -> tuple[bytes | None, bytes | None]:
        """The first field and the last one."""
        with redis_errors(self._address.url):
            try:
                values: Any = self._redis.hmget(self._key(name), *fields)
            except redis.ResponseError as error:
                raise self._malformed(name, f"is no hash: {error}") from None
        return values[0], values[-1]

    def _key(self, name: str) -> str:
        return self._address.key(f"weights:{name}")

    def _place(self, name: str, version: int) -> str:
        return f"{self._key(name)} {version}"

    def _number(self, name: str, value: bytes) -> int:
        # As the script has it: int() alone would take signs, spaces and underscores too.
        if not re.fullmatch(rb"[0-9]{1,15}", value):
            raise self._malformed(name, f"holds {value!r:.40}, where a version belongs")
        return int(value)

    def _malformed(self, name: str, what: str) -> WeightsError:
        self.refused += 1
        return WeightsError(f"key {self._key(name)} {what}")
