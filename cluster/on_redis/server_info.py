"""What a Redis says of itself, for those who ask again and again: whether it was started anew, and what it carries."""

from __future__ import annotations

from typing import Any

import redis

from cluster.on_redis.connection import RedisAddress, redis_errors


class ServerInfo:
    """Asks a Redis for its INFO over one connection."""

    def __init__(self, address: RedisAddress) -> None:
        self._address = address
        self._redis = address.connect()

    def read(self, *sections: str) -> dict[str, Any]:
        """The fields of these sections of INFO: `run_id`, say, is another after each start of the server.

        Nothing to a user without the right to INFO.

        Raises:
            RedisError: Redis does not answer.
        """
        with redis_errors(self._address.url):
            try:
                answer: Any = self._redis.info(*sections)
            except redis.exceptions.NoPermissionError:
                return {}
        return dict(answer)
