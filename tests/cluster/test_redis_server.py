"""The embedded server and the addresses of others: found, protected, ended, and explained when they do not answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from cluster.on_redis.connection import RedisAddress, RedisError, hide_password
from cluster.on_redis.server import EmbeddedRedis
from cluster.run.machines import Machines
from tests.patience import wait_until


def test_it_listens_on_a_socket_alone_and_leaves_nothing_behind():
    with EmbeddedRedis() as server:
        client = RedisAddress(server.url, "run").connect()
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lfu"}
        folder = Path(server.url.removeprefix("unix://")).parent
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(server.url).ping()
    server.close()


def test_a_server_that_dies_is_back_at_the_same_address_and_empty():
    with EmbeddedRedis() as server:
        address = RedisAddress(server.url, "run")
        client = address.connect()
        for _ in range(3):
            client.set("key", "value")
            before = client.info("server")
            os.kill(before["process_id"], signal.SIGKILL)
            assert client.get("key") is None  # the connection tries again until the server is back
            assert client.info("server")["run_id"] != before["run_id"]
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(server.url).ping()


def test_it_ends_with_a_run_that_was_killed_and_leaves_nothing_behind():
    script = (
        "import os, signal\n"
        "from cluster.on_redis.server import EmbeddedRedis\n"
        "print(EmbeddedRedis().url, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[2]
    url = subprocess.run([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True).stdout.strip()
    client = redis.Redis.from_url(url)
    with pytest.raises(redis.ConnectionError):
        while True:  # each turn asks the server, until it has ended
            client.ping()
    folder = Path(url.removeprefix("unix://")).parent
    wait_until(lambda: not folder.exists(), "the end of its folder")


def test_a_long_temporary_folder_is_no_obstacle(tmp_path, monkeypatch):
    deep = tmp_path / ("x" * 90)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with EmbeddedRedis() as server:
        assert RedisAddress(server.url, "run").connect().ping()


def test_a_password_opens_the_door(redis_server, address):
    client = address.connect()
    client.acl_setuser("painter", enabled=True, passwords=["+secret"], keys=["*"], commands=["+@all"])
    path = redis_server.url.removeprefix("unix://")
    assert RedisAddress(f"unix://painter:secret@{path}", "run").connect().ping()
    with pytest.raises(RedisError) as refused:
        RedisAddress(f"unix://painter:wrong@{path}", "run").connect()
    assert "wrong@" not in str(refused.value) and "painter:***@" in str(refused.value)


def test_a_missing_server_is_explained_in_one_line(tmp_path):
    with pytest.raises(RedisError, match="no Redis answers at unix://.*leave --redis out") as error:
        RedisAddress(f"unix://{tmp_path}/none.sock", "run").connect()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["http://host", "host:6379", "", "redis://host:port/0", "redis://host/0?colour=red", "redis://:se/cret@host"]
)
def test_an_address_of_another_kind_is_explained(url):
    with pytest.raises(RedisError, match="redis://host:6379/0.*%2F") as error:
        RedisAddress(url, "run").connect()
    assert "cret" not in str(error.value) and "'se'" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:hunter2@host:1/0", "redis://:***@host:1/0"),
        ("rediss://me:hunter2@host", "rediss://me:***@host"),
        ("unix:///a.sock?password=hunter2&db=1", "unix:///a.sock?password=***&db=1"),
        ("rediss://:a@b/c?d#hunter2@host:1/0", "rediss://:***@host:1/0"),
        ("unix:///a.sock?password=hunt@er2", "unix:///a.sock?password=***"),
        ("rediss://host/0?ssl_password=hunter2", "rediss://host/0?ssl_password=***"),
        ("redis://host:6379/0", "redis://host:6379/0"),
    ],
)
def test_passwords_are_never_shown(url, shown):
    assert hide_password(url) == shown
    assert "hunter2" not in repr(RedisAddress(url, "run")) + repr(Machines(redis_url=url))
