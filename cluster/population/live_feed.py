"""A population on the live page: it is one run there, in which every member shows itself under its own number.

Training does not need the page. So a member that finds no Redis at the beginning of a round plays it all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.on_redis.connection import RedisAddress, RedisError
from cluster.on_redis.feed import RedisFeed
from cluster.population.folder import Plan, PopulationFolder
from cluster.run.engine import describe_run
from cluster.run.feed.base import MAX_ROWS, Feed
from cluster.run.feed.memory import MemoryFeed
from cluster.run.logbook import show_rows


def introduce(redis: RedisAddress, plan: Plan, folder: PopulationFolder) -> dict[str, Any]:
    """Show what population begins, and what its members did before; what is said of it, for them to repeat."""
    description = describe_run(plan.config, folder.path, plan.length)
    feed = RedisFeed(redis)
    feed.describe(description)
    for number in range(plan.members):
        show_rows(folder.member(number), feed, MAX_ROWS // 2 // plan.members)
    feed.close()
    return description


def member_feed(redis: RedisAddress, description: Mapping[str, Any]) -> Feed:
    """The feed of the population, for one of its members."""
    try:
        feed = RedisFeed(redis)
    except RedisError:
        return MemoryFeed()
    feed.describe(description)
    return feed
