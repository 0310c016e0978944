"""The newest weights of each network in Redis, as safetensors bytes beside their version.

Version and bytes are fields of one hash, written by one script and read by one command, so that a reader never sees the
version of one set of weights with the numbers of another.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from cluster.redis_connection import KEY_LIFETIME_S, MAX_VALUE_BYTES, RedisAddress, redis_errors
from learners.weights import WeightsError, stale
from spiral.contracts import Arrays

PUBLISH = """
local newest = tonumber(redis.call('HGET', KEYS[1], 'version') or '-1')
if tonumber(ARGV[1]) < newest then return newest end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'weights', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return -2
"""


class RedisWeights:
    """The newest weights of each network, by name, in Redis.

    Versions never fall; a learner that resumes may publish the same version again.
    """

    def __init__(self, address: RedisAddress) -> None:
        self._address = address
        self._redis = address.connect()
        self._publish = self._redis.register_script(PUBLISH)

    def publish(self, name: str, version: int, weights: Mapping[str, NDArray[np.generic]]) -> None:
        """Make `weights` the newest of `name`.

        Raises:
            WeightsError: `version` is below the newest one, or the weights are above 512 MiB.
            RedisError: Redis does not answer, or is out of memory.
        """
        data = save({key: np.asarray(value, order="C") for key, value in weights.items()})
        if len(data) > MAX_VALUE_BYTES:
            raise WeightsError(f"weights of {name!r} have {len(data)} bytes; Redis holds at most {MAX_VALUE_BYTES}")
        with redis_errors(self._address.url):
            newest = self._publish([self._key(name)], [version, data, KEY_LIFETIME_S])
        if newest != -2:
            raise stale(name, version, newest)

    def version(self, name: str) -> int:
        """The newest version of `name`, or -1 when there is none.

        Raises:
            WeightsError: the key does not hold a version.
        """
        with redis_errors(self._address.url):
            value = self._redis.hget(self._key(name), "version")
        return -1 if value is None else self._number(name, value)

    def fetch(self, name: str) -> tuple[int, Arrays]:
        """The newest version of `name` and its weights.

        Raises:
            KeyError: when there is none.
            WeightsError: the bytes are no safetensors.
        """
        with redis_errors(self._address.url):
            version, data = self._redis.hmget(self._key(name), "version", "weights")
        if version is None:
            raise KeyError(f"no weights of {name!r} were published in this run")
        try:
            return self._number(name, version), load(bytes(data or b""))  # type: ignore[arg-type]
        except SafetensorError as error:
            raise WeightsError(f"key {self._key(name)} does not hold weights: {error}") from None

    def _key(self, name: str) -> str:
        return self._address.key(f"weights:{name}")

    def _number(self, name: str, value: bytes | str) -> int:
        try:
            return int(value)
        except ValueError:
            raise WeightsError(f"key {self._key(name)} holds {value!r:.40}, where a version belongs") from None
