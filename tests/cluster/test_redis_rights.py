"""A user of Redis with the rights that the documentation names, and no right to INFO, is enough for a run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cluster.on_redis.connection import RedisAddress, RedisError
from cluster.on_redis.feed import RedisFeed, RedisFeedReader
from cluster.on_redis.replay import RedisReplay
from cluster.on_redis.server import EmbeddedRedis
from cluster.on_redis.server_info import ServerInfo
from cluster.watch.find import runs_in
from spiral.contracts import Renders

from .feeds import description

DEPLOY = Path(__file__).parents[2] / "docs" / "deploy.md"


def address_of(server: EmbeddedRedis, user: str, rules: str) -> RedisAddress:
    client: Any = RedisAddress(server.url, "").connect()
    client.execute_command("ACL", "SETUSER", user, "on", ">secret", *rules.split())
    return RedisAddress(f"unix://{user}:secret@{server.url.removeprefix('unix://')}", f"of-{user}", bytes(32))


def test_the_rights_of_the_documentation_are_enough(redis_server):
    rules = re.search(r"ACL SETUSER spiral on '>PASSWORD' (.*)", DEPLOY.read_text())
    assert rules is not None
    address = address_of(redis_server, "spiral", rules[1].replace("'", ""))
    assert ServerInfo(address).read() == {}, "INFO is not among them"
    replay = RedisReplay(address, 8, (4, 4, 1), False)
    replay.add(Renders(np.full((2, 4, 4, 1), 7, np.uint8), None))
    assert (replay.sample(3, np.random.default_rng(0)).renders == 7).all()
    replay.load_state(replay.state())
    feed, reader = RedisFeed(address), RedisFeedReader(address)
    feed.describe(description())
    feed.close()
    assert address.run_id in [run.run_id for run in runs_in(address.url)]
    reader.close()
    address.forget()
    assert replay.size == 0


def test_a_right_that_is_missing_is_named(redis_server):
    address = address_of(redis_server, "reader", "~spiral:* +ping +client")
    with pytest.raises(RedisError, match=r"refused a command .*evalsha.* rights that docs/deploy.md names"):
        RedisReplay(address, 8, (4, 4, 1), False).add(Renders(np.full((2, 4, 4, 1), 7, np.uint8), None))
