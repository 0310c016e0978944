"""The replay in Redis among strangers: concurrent writers, damaged records, bounded memory, one round trip."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cluster.redis_connection import RedisAddress, RedisError
from cluster.redis_replay import RedisReplay
from cluster.redis_server import EmbeddedRedis
from learners.replay import ReplayError
from spiral.contracts import Renders

SHAPE = (4, 4, 1)


def pictures(value: int, count: int) -> Renders:
    return Renders(np.full((count, *SHAPE), value, np.uint8), None)


@pytest.mark.parametrize(
    "record",
    [b"", b"short", b"SPR1" + bytes(24), b"\x80\x04" + bytes(26), bytes(10_000)],
    ids=["empty", "short", "header of zeros", "a pickle's first bytes", "long"],
)
def test_a_damaged_record_is_refused_and_counted(address, record):
    replay = RedisReplay(address, 8, SHAPE, False)
    replay.add(pictures(7, 1))
    address.connect().hset(address.key("replay:slots"), "0", record)
    with pytest.raises(ReplayError, match="another program writes to it"):
        replay.sample(1, np.random.default_rng(0))
    assert replay.refused == 1


def test_a_run_with_other_pictures_is_refused(address):
    RedisReplay(address, 8, (2, 8, 1), False).add(Renders(np.zeros((3, 2, 8, 1), np.uint8), None))
    with pytest.raises(ReplayError, match="another run has the same name"):
        RedisReplay(address, 8, SHAPE, False).sample(1, np.random.default_rng(0))


def test_keys_of_another_type_are_refused(address):
    replay = RedisReplay(address, 8, SHAPE, False)
    address.connect().set(address.key("replay:added"), "many")
    with pytest.raises(ReplayError, match="where a count of pictures belongs"):
        _ = replay.size
    address.connect().set(address.key("replay:added"), "3")
    address.connect().set(address.key("replay:slots"), "text")
    with pytest.raises(RedisError, match="refused a command"):
        replay.sample(1, np.random.default_rng(0))


def test_several_writers_never_share_a_slot(address):
    def write(value: int) -> None:
        replay = RedisReplay(address, 200, SHAPE, False)
        for _ in range(10):
            replay.add(pictures(value, 5))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(1, 5)))
    replay = RedisReplay(address, 200, SHAPE, False)
    counts = np.bincount(replay.state()["renders"][:, 0, 0, 0])
    assert (replay.size, counts.tolist()) == (200, [0, 50, 50, 50, 50])


def test_a_sample_is_one_round_trip(address):
    replay = RedisReplay(address, 64, SHAPE, False)
    replay.add(pictures(1, 64))
    replay.sample(64, np.random.default_rng(0))
    client = address.connect()

    def commands() -> int:
        return int(client.info("commandstats")["cmdstat_evalsha"]["calls"])

    before = commands()
    replay.sample(64, np.random.default_rng(0))
    assert commands() - before == 1


def test_memory_is_bounded_and_its_end_is_an_error():
    with EmbeddedRedis(max_megabytes=4) as server:
        address = RedisAddress(server.url, "full")
        small = RedisReplay(address, 16, SHAPE, False)
        for _ in range(20):
            small.add(pictures(1, 100))
        assert address.connect().hlen(address.key("replay:slots")) == 16
        large = RedisReplay(address, 64, (512, 512, 1), False)
        with pytest.raises(RedisError, match="maxmemory"):
            large.add(Renders(np.zeros((64, 512, 512, 1), np.uint8), None))


def test_keys_expire_and_can_be_forgotten(address):
    replay = RedisReplay(address, 8, SHAPE, False)
    replay.add(pictures(1, 8))
    client = address.connect()
    keys = list(client.scan_iter(match=f"*{address.run_id}*"))
    assert len(keys) == 2 and all(0 < client.ttl(key) <= 86_400 for key in keys)
    RedisReplay(RedisAddress(address.url, "neighbour"), 8, SHAPE, False).add(pictures(2, 1))
    address.forget()
    assert not list(client.scan_iter(match=f"*{address.run_id}*"))
    assert list(client.scan_iter(match="*neighbour*"))
