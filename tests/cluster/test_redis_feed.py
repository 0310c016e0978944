"""The live feed in Redis among strangers: malformed values in every key, a Redis that is full or gone, many runs."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from cluster.on_redis.connection import FAIL_AT_ONCE, RUNS, RedisAddress, RedisError
from cluster.on_redis.feed import FIELD, KNOWN_RUNS, RedisFeed, RedisFeedReader
from cluster.on_redis.server import EmbeddedRedis
from cluster.run.feed.base import KINDS, Kind
from cluster.run.feed.records import pack_glimpse, pack_sheet
from cluster.run.feed.texts import pack_description, pack_row
from cluster.watch import find
from cluster.watch.find import Wanted, runs_in
from tests.patience import wait_until

from .feeds import description, glimpse, malformed, read_until, row

GOOD: dict[Kind, bytes] = {
    "run": pack_description(description()),
    "sheet": pack_sheet(3, np.zeros((4, 4, 3), np.uint8)),
    "glimpses": pack_glimpse(glimpse(1)),
    "rows": pack_row(row(10, phase="learning", **{"policy/entropy": 1.5})),
}


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_thousand_malformed_values_none_gets_through(address, feed, kind):
    client, reader = address.connect(), RedisFeedReader(address)
    read_until(reader, lambda seen: seen.description is not None)
    for data in malformed(GOOD[kind], 1000, seed=KINDS.index(kind)):
        client.xadd(address.key(f"feed:{kind}"), {FIELD: data})
    while reader.refused < 1000:
        news = reader.read(0.1)
        assert (news.glimpses, news.rows, news.sheet) == ([], [], None)
    feed.show(glimpse(77))
    feed.add_row(row(99))
    feed.hang(5, np.zeros((2, 2, 3), np.uint8))
    news = read_until(reader, lambda seen: bool(seen.rows and seen.glimpses and seen.sheet))
    assert news.description is not None and news.description.preset == "tiny"
    assert [g.episode for g in news.glimpses] == [77]
    assert [r["frames"] for r in news.rows] == [99]
    assert news.sheet is not None and news.sheet[0] == 5
    assert (reader.refused, feed.dropped) == (1000, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_entries_without_our_field_and_keys_of_another_type_are_refused(address, feed, kind):
    client, reader = address.connect(), RedisFeedReader(address)
    read_until(reader, lambda seen: seen.description is not None)
    client.xadd(address.key(f"feed:{kind}"), {"something": "else"})
    wait_until(lambda: reader.read(0.01) is not None and reader.refused == 1)
    client.set(address.key(f"feed:{kind}"), "a text")
    wait_until(lambda: reader.read(0.01) is not None and reader.refused == 2)
    feed.show(glimpse(5))
    feed.add_row(row(6))
    feed.hang(7, np.zeros((2, 2, 3), np.uint8))
    news = read_until(RedisFeedReader(address), lambda seen: bool(seen.rows and seen.glimpses and seen.sheet))
    assert news.description is not None, "the writer has begun the key anew"
    assert feed.dropped == 0


def test_of_malformed_names_of_runs_none_gets_through(address, feed):
    client = address.connect()
    wait_until(lambda: Wanted(address.url).find() == address)
    for number, name in enumerate(malformed(address.run_id.encode(), 1000, seed=9)):
        client.zadd(RUNS, {name: 1e12 + number})
    assert Wanted(address.url).find() in (None, address)
    client.set(RUNS, "a text")
    assert Wanted(address.url).find() is None
    feed.describe(description())
    wait_until(lambda: Wanted(address.url).find() == address)


def test_streams_and_names_are_bounded_and_expire(address, feed):
    client = address.connect()
    for number in range(600):
        feed.show(glimpse(number))
    for number in range(5000):
        feed.add_row(row(number))
    feed.hang(1, np.zeros((2, 2, 3), np.uint8))
    wait_until(lambda: client.xlen(address.key("feed:sheet")) == 1)
    lengths = {kind: client.xlen(address.key(f"feed:{kind}")) for kind in KINDS}
    assert lengths == {"run": 1, "sheet": 1, "glimpses": 512, "rows": 4096}
    assert all(0 < client.ttl(address.key(f"feed:{kind}")) <= 86_400 for kind in ("run", "glimpses", "rows"))
    for number in range(2 * KNOWN_RUNS):
        client.zadd(RUNS, {f"old{number}": number})
    last = RedisFeed(address)
    last.describe(description())
    wait_until(lambda: client.zcard(RUNS) == KNOWN_RUNS)
    last.close()
    assert next(runs_in(address.url)) == address


def test_showing_never_waits_for_a_redis_that_is_gone():
    with EmbeddedRedis(max_megabytes=32) as server:
        feed = RedisFeed(RedisAddress(server.url, "gone"))
        feed.describe(description())
    again = glimpse(1)
    for _ in range(20_000):  # if each waited until Redis is given up, this would take days
        feed.show(again)
    assert feed.dropped > 1000, "what does not fit into the queue"
    feed.close()


def test_a_full_redis_drops_and_goes_on():
    with EmbeddedRedis() as server:
        address = RedisAddress(server.url, "full")
        feed = RedisFeed(address)
        feed.describe(description())
        client = address.connect()
        wait_until(lambda: client.ttl(RUNS) > 0)  # the last that is done for a description
        client.config_set("maxmemory", 1)
        feed.show(glimpse(1))
        wait_until(lambda: feed.dropped == 1)
        client.config_set("maxmemory", 0)
        feed.show(glimpse(2))
        wait_until(lambda: client.xlen(address.key("feed:glimpses")) == 1)
        assert feed.dropped == 1, "the one that came while there was no room"
        feed.close()


def test_the_run_in_a_folder_is_found_among_others(redis_server, tmp_path):
    feeds = []
    for name in ("first", "second", "third"):
        address = RedisAddress(redis_server.url, name)
        feeds.append((address, RedisFeed(address)))
        feeds[-1][1].describe(description(folder=str(tmp_path / name)))
        wait_until(partial(lambda wanted: wanted in list(runs_in(redis_server.url)), address))
    assert Wanted(redis_server.url).find() == feeds[2][0], "the newest"
    assert Wanted(redis_server.url, tmp_path / "first").find() == feeds[0][0]
    assert Wanted(redis_server.url, Path("elsewhere")).find() is None
    for address, feed in feeds:
        feed.close()
        address.forget()
        assert address not in list(runs_in(redis_server.url))


def test_embedded_servers_are_found_unless_they_are_anothers(monkeypatch, tmp_path):
    with EmbeddedRedis() as server:
        address = RedisAddress(server.url, "mine")
        feed = RedisFeed(address)
        feed.describe(description(folder=str(tmp_path)))
        wait_until(lambda: Wanted(None, tmp_path).find() == address)
        assert server.url in find.embedded_urls()
        monkeypatch.setattr("os.getuid", lambda: -7)
        assert find.embedded_urls() == []
        feed.close()
    assert Wanted(None, tmp_path).find() is None


def test_many_writers_share_the_streams(address, feed):
    def write(worker: int) -> None:
        own = RedisFeed(address)
        for number in range(20):
            own.show(glimpse(100 * worker + number, worker=worker))
        own.close()

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    news = read_until(RedisFeedReader(address), lambda seen: len(seen.glimpses) == 80)
    for worker in range(1, 5):
        assert [g.episode for g in news.glimpses if g.worker == worker] == [100 * worker + n for n in range(20)]


def test_a_reader_says_when_redis_is_gone(monkeypatch):
    monkeypatch.setattr("cluster.on_redis.connection.RETRY", FAIL_AT_ONCE)
    with EmbeddedRedis() as server:
        reader = RedisFeedReader(RedisAddress(server.url, "gone"))
    with pytest.raises(RedisError, match="no Redis answers"):
        reader.read()
