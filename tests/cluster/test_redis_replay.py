"""The replay in Redis among strangers: concurrent writers, damaged records, bounded memory, one round trip."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cluster.on_redis.connection import RedisAddress
from cluster.on_redis.replay import RedisReplay
from cluster.on_redis.server import EmbeddedRedis
from learners.replay import ReplayError
from spiral.contracts import EmptyReplayError, Renders

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


def test_well_formed_records_take_the_place_of_damaged_ones(address):
    replay = RedisReplay(address, 8, SHAPE, False)
    replay.add(pictures(7, 8))
    for slot in range(4):
        address.connect().hset(address.key("replay:slots"), str(slot), b"junk")
    sample = replay.sample(64, np.random.default_rng(0))
    assert len(sample) == 64 and (sample.renders == 7).all() and replay.refused > 20
    assert len(replay.state()["renders"]) == 4


@pytest.mark.parametrize("count", ["many", "-3", "1e3", "nan", " 5", "9" * 400, None])
def test_a_count_that_is_none_is_begun_anew(address, count):
    replay, client = RedisReplay(address, 8, SHAPE, False), address.connect()
    replay.add(pictures(1, 8))
    client.delete(address.key("replay:added"))
    if count is None:
        client.lpush(address.key("replay:added"), "a list")
    else:
        client.set(address.key("replay:added"), count)
    assert (replay.size, replay.refused) == (0, 1)
    with pytest.raises(EmptyReplayError):
        replay.sample(1, np.random.default_rng(0))
    replay.add(pictures(2, 3))
    assert replay.size == 3 and (replay.sample(9, np.random.default_rng(0)).renders == 2).all()


def test_slots_of_another_type_are_begun_anew(address):
    replay = RedisReplay(address, 8, SHAPE, False)
    replay.add(pictures(1, 8))
    address.connect().set(address.key("replay:slots"), "text")
    with pytest.raises(EmptyReplayError):
        replay.sample(1, np.random.default_rng(0))
    assert len(replay.state()["renders"]) == 0
    replay.add(pictures(2, 8))
    assert (replay.sample(9, np.random.default_rng(0)).renders == 2).all()


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


def test_memory_is_bounded_and_a_replay_that_does_not_fit_is_refused_at_once():
    with EmbeddedRedis(max_megabytes=4) as server:
        address = RedisAddress(server.url, "full")
        small = RedisReplay(address, 16, SHAPE, False)
        for _ in range(20):
            small.add(pictures(1, 100))
        assert address.connect().hlen(address.key("replay:slots")) == 16
        with pytest.raises(ReplayError, match=r"takes 16 MiB.*maxmemory of 4 MiB: lower replay\.pictures"):
            RedisReplay(address, 64, (512, 512, 1), False)


def test_what_others_put_into_a_full_redis_goes_first():
    with EmbeddedRedis(max_megabytes=4) as server:
        address = RedisAddress(server.url, "ours")
        replay, client = RedisReplay(address, 64, SHAPE, False), address.connect()
        for index in range(200):
            replay.add(pictures(3, 8))
            client.set(f"junk:{index}", bytes(100_000))
        assert client.info("memory")["used_memory"] < 5 * 2**20
        assert (replay.sample(64, np.random.default_rng(0)).renders == 3).all()


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
