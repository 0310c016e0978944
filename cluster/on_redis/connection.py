"""How every process of a run finds its Redis: a URL and the name of the run, small enough to travel to any actor.

Connections do not cross processes, so a process opens its own from this address. Keys carry the name of the run, so
that several runs share one Redis, and expire a day after their last use, so that a killed run leaves nothing behind.
A URL may hold a password, which no message, log or `repr` shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

KEY_LIFETIME_S = 86_400
RUNS = "spiral:runs"  # a sorted set: the names of runs that show themselves, by the time at which they began
MAX_VALUE_BYTES = 512 * 2**20  # what Redis accepts as one value (proto-max-bulk-len)

CONNECT_TIMEOUT_S = 5
ANSWER_TIMEOUT_S = 30
FAIL_AT_ONCE = Retry(NoBackoff(), 0)  # at the start, when the address may be wrong
RETRY = Retry(ExponentialBackoff(cap=1.0, base=0.05), 24)  # later, until a Redis that died is back: about 20 seconds


class RedisError(RuntimeError):
    """Redis cannot be reached or refuses to work; the message says where and what to do."""


@dataclass(frozen=True)
class RedisAddress:
    """Where a run keeps its replay and shows itself.

    Attributes:
        url: `redis://`, `rediss://` (TLS) or `unix://`, with user and password if it needs them. After `?` come options
            of redis-py, such as `ssl_ca_certs`, the file of the authority that signed the server's certificate.
        run_id: the name under which this run's keys live.
        secret: what the run's processes seal their values with; see `cluster/on_redis/seal.py`. Redis never sees it.
    """

    url: str = field(repr=False)
    run_id: str
    secret: bytes = field(default=b"", repr=False)

    def connect(self) -> redis.Redis:
        """A connection that answered once.

        Raises:
            RedisError: the URL is malformed, nobody answers, the certificate is not trusted, or the password is wrong.
        """
        with redis_errors(self.url):
            try:
                client = redis.Redis.from_url(
                    self.url,
                    retry=FAIL_AT_ONCE,
                    socket_timeout=ANSWER_TIMEOUT_S,
                    socket_connect_timeout=CONNECT_TIMEOUT_S,
                )
                client.ping()
            except (TypeError, ValueError):
                # What these say may hold a part of a password that was cut at one of its characters.
                raise RedisError(
                    f"{hide_password(self.url)!r} is no address of a Redis; give redis://host:6379/0, "
                    "rediss://host:6380/0 or unix:///path/redis.sock, with nothing after ? but options of redis-py, "
                    "and write / ? # @ % in a password as %2F %3F %23 %40 %25"
                ) from None
            client.set_retry(RETRY)
            return client

    def key(self, name: str) -> str:
        """The key `name` of this run; the braces keep all keys of a run on one node of a Redis cluster."""
        return f"spiral:{{{self.run_id}}}:{name}"

    def forget(self) -> None:
        """Delete all keys of this run."""
        with redis_errors(self.url):
            client = self.connect()
            keys = list(client.scan_iter(match=self.key("*").replace("[", "\\["), count=1000))
            if keys:
                client.delete(*keys)
            with suppress(redis.ResponseError):  # someone may have put something else there
                client.zrem(RUNS, self.run_id)
            client.close()


@contextmanager
def redis_errors(url: str) -> Iterator[None]:
    """Turns a failed connection into a `RedisError` of one line that names the server and the ways out."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise RedisError(
            f"no Redis answers at {hide_password(url)} ({str(error).rstrip('.')}): {_way_out(url, error)}, "
            "or leave --redis out for the embedded server"
        ) from None
    except redis.exceptions.NoPermissionError as error:
        raise RedisError(
            f"the Redis at {hide_password(url)} refused a command ({error}): give its user the rights that "
            "docs/deploy.md names"
        ) from None
    except redis.ResponseError as error:
        raise RedisError(f"the Redis at {hide_password(url)} refused a command: {error}") from None


def hide_password(url: str) -> str:
    """The URL with `***` in place of its password, fit for messages and logs."""
    # To the last @, since a password may hold one that should have been written as %40.
    return re.sub(r"://([^:@/]*):.*@", r"://\1:***@", re.sub(r"(password=)[^&]*", r"\1***", url))


def _way_out(url: str, error: Exception) -> str:
    """What to do about a server that cannot be talked to."""
    if isinstance(error, redis.AuthenticationError):
        return "correct the user and password in --redis"
    if "certificate" in str(error).lower():
        return "name the file of the authority that signed it: rediss://host:6380/0?ssl_ca_certs=/path/ca.pem"
    if url.startswith("rediss:"):
        return "start it with TLS or give redis:// to do without, correct --redis or the files that it names"
    if url.startswith("redis:"):
        return "start it or give rediss:// if it wants TLS, correct --redis"
    return "start it, correct --redis"
