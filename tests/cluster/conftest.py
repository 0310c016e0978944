"""One real Redis for all tests of a session; every test works under a run name of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from cluster.redis_connection import RedisAddress
from cluster.redis_server import EmbeddedRedis


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(max_megabytes=256) as server:
        yield server


@pytest.fixture
def address(redis_server: EmbeddedRedis) -> RedisAddress:
    return RedisAddress(redis_server.url, uuid.uuid4().hex)
