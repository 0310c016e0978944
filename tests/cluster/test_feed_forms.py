"""What every live feed promises, checked on the in-memory form and on the one in a real Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from cluster.on_redis.feed import RedisFeed, RedisFeedReader
from cluster.run.feed import base as feed_module
from cluster.run.feed.base import Feed, FeedReader
from cluster.run.feed.memory import MemoryFeed
from tests.patience import PATIENCE_S

from .feeds import description, glimpse, read_until, row

Form = tuple[Feed, Callable[[], FeedReader]]


@pytest.fixture(params=["memory", "redis"])
def form(request: pytest.FixtureRequest) -> Iterator[Form]:
    """A feed of the form under test, and how one becomes its reader."""
    if request.param == "memory":
        memory = MemoryFeed()
        yield memory, memory.reader
        return
    address = request.getfixturevalue("address")
    feed = RedisFeed(address)
    yield feed, lambda: RedisFeedReader(address)
    feed.close()


def test_what_was_shown_is_read_in_its_order(form):
    feed, reader = form
    feed.describe(description())
    shown = [glimpse(1, 0, 2), glimpse(2), glimpse(1, 2, 1)]
    for each in shown:
        feed.show(each)
    feed.add_row(row(10, phase="learning", **{"policy/return": 0.5}))
    feed.add_row(row(20))
    sheet = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    feed.hang(20, sheet)
    news = read_until(reader(), lambda seen: seen.sheet is not None)
    assert news.description is not None and news.description.preset == "tiny"
    assert [(g.episode, g.first, len(g.actions), g.last) for g in news.glimpses] == [
        (1, 0, 2, False),
        (2, 0, 3, True),
        (1, 2, 1, True),
    ]
    for found, given in zip(news.glimpses, shown, strict=True):
        np.testing.assert_array_equal(found.actions, given.actions)
        np.testing.assert_array_equal(found.canvases, given.canvases)
        np.testing.assert_array_equal(found.target, given.target)
        assert (found.worker, found.member, found.version, found.painted) == (2, 0, 5, given.painted)
    assert news.rows[0] == {"frames": 10.0, "seconds": 0.1, "phase": "learning", "policy/return": 0.5, "member": 0.0}
    assert news.rows[1]["frames"] == 20
    assert news.sheet is not None and news.sheet[0] == 20
    np.testing.assert_array_equal(news.sheet[1], sheet)
    assert feed.dropped == 0


def test_every_reader_begins_with_the_oldest_and_meets_nothing_twice(form):
    feed, make_reader = form
    feed.describe(description())
    feed.add_row(row(1))
    first = make_reader()
    read_until(first, lambda seen: len(seen.rows) == 1)
    feed.add_row(row(2))
    assert [r["frames"] for r in read_until(first, lambda seen: len(seen.rows) == 1).rows] == [2]
    assert [r["frames"] for r in read_until(make_reader(), lambda seen: len(seen.rows) == 2).rows] == [1, 2]
    assert first.read().rows == []


def test_the_newest_are_kept_within_bounds(form, monkeypatch):
    feed, make_reader = form
    monkeypatch.setattr(feed_module, "MAX_ROWS", 10)
    monkeypatch.setattr(feed_module, "GLIMPSE_BYTES", 5000)
    feed.describe(description())
    for number in range(40):
        feed.show(glimpse(number))
        feed.add_row(row(number))
    feed.hang(1, np.zeros((2, 2, 3), np.uint8))
    feed.hang(2, np.zeros((2, 2, 3), np.uint8))
    if isinstance(feed, RedisFeed):
        monkeypatch.setattr("cluster.on_redis.feed.CLOSING_S", PATIENCE_S)
        feed.close()  # waits until all is sent
    news = read_until(make_reader(), lambda seen: seen.sheet is not None and len(seen.rows) >= 10)
    assert [r["frames"] for r in news.rows] == list(range(30, 40))
    assert [g.episode for g in news.glimpses] == [37, 38, 39], "each has some 1,400 bytes"
    assert news.sheet is not None and news.sheet[0] == 2


def test_what_cannot_be_shown_is_dropped_and_counted(form):
    feed, make_reader = form
    feed.describe(description())
    feed.describe({"preset": "no more"})
    feed.describe(description(begun=float("nan")))
    feed.add_row({"seconds": 3.0})
    feed.add_row(row(1, **{"a name with spaces": 1.0}))
    feed.show(glimpse(worker=-1))
    feed.hang(-1, np.zeros((2, 2, 3), np.uint8))
    feed.hang(1, np.zeros((2, 2, 1), np.uint8))
    assert feed.dropped == 7
    feed.add_row(row(2, **{"policy/loss": float("nan"), "policy/entropy": 1.0}))
    reader = make_reader()
    news = read_until(reader, lambda seen: bool(seen.rows))
    assert news.rows == [{"frames": 2.0, "seconds": 0.02, "member": 0.0, "policy/entropy": 1.0}]
    assert (news.glimpses, news.sheet, reader.refused) == ([], None, 0)


def test_another_runs_glimpses_are_refused(form):
    feed, make_reader = form
    feed.describe(description(conditional=False))
    for wrong in (
        glimpse(1),  # with a target
        glimpse(2, target=None, canvases=np.zeros((4, 8, 8, 1), np.uint8)),
        glimpse(3, target=None, length=4),
        glimpse(4, target=None, actions=np.full((3, 5), 99)),
        replace(glimpse(5, target=None), first=2),
        glimpse(6, target=None, painted=float("nan")),
    ):
        feed.show(wrong)
    feed.show(glimpse(7, target=None))
    reader = make_reader()
    news = read_until(reader, lambda seen: bool(seen.glimpses))
    assert [g.episode for g in news.glimpses] == [7]
    assert reader.refused == 6


def test_nothing_is_judged_before_the_run_has_said_what_it_is(form):
    feed, make_reader = form
    feed.show(glimpse(1))
    reader = make_reader()
    assert reader.read(0.05).description is None
    feed.describe(description())
    assert [g.episode for g in read_until(reader, lambda seen: bool(seen.glimpses)).glimpses] == [1]
