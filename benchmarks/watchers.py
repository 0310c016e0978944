"""What those who watch a run cost it: CPU seconds of the training for each frame, with and without watchers.

One training runs throughout, with its live page beside it. By turns nobody watches, and then twenty do and one more who
connects and reads nothing. The order changes from pair to pair, so that a drift of the machine cancels out.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from statistics import median
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.watched import PRESET, Training, watched_training
from cluster.on_redis.connection import RedisAddress
from cluster.run.feed.base import KINDS

WATCHERS = 20


@dataclass(frozen=True)
class Window:
    """A stretch of the training.

    Attributes:
        watched: whether there were watchers.
        frames: how many were learned from.
        training: CPU seconds of the processes that train, this one included.
        redis, server: CPU seconds of these beside them.
    """

    watched: bool
    frames: int
    training: float
    redis: float
    server: float

    @property
    def cost(self) -> float:
        """CPU seconds of the training for a million frames."""
        return 1e6 * self.training / self.frames


@dataclass(frozen=True)
class Result:
    """Pairs of windows, without and with watchers, and what the streams held at the end: records, and bytes in all."""

    pairs: list[tuple[Window, Window]]
    records: dict[str, int]
    stream_bytes: int
    messages: int

    @property
    def ratio(self) -> float:
        """The median over the pairs of the cost with watchers to the cost without."""
        return median(watched.cost / alone.cost for alone, watched in self.pairs)


def run(seconds: float = 20.0, pairs: int = 10) -> Result:
    """The result of so many pairs of windows, each of `seconds`."""
    with watched_training() as it:
        outsiders = {it.redis.pid: "redis", it.server: "server"}
        measured, messages = [], 0
        for number in range(pairs):
            windows = dict[bool, Window]()
            for watched in (False, True) if number % 2 == 0 else (True, False):
                if watched:
                    with watching(it.port) as count:
                        windows[watched] = measure(it.training, seconds, watched, outsiders)
                    messages += count.value
                else:
                    windows[watched] = measure(it.training, seconds, watched, outsiders)
            measured.append((windows[False], windows[True]))
        client = RedisAddress(it.redis.url, "").connect()
        streams = {kind: key for kind in KINDS for key in client.scan_iter(match=f"*:feed:{kind}")}
        records = {str(kind): int(client.xlen(key)) for kind, key in streams.items()}
        used = sum(int(client.memory_usage(key, samples=0) or 0) for key in streams.values())
        return Result(measured, records, used, messages)


def measure(training: Training, seconds: float, watched: bool, outsiders: dict[int, str]) -> Window:
    """One window."""
    before = cpu_seconds(outsiders)
    frames = training.go_on(seconds)
    after = cpu_seconds(outsiders)
    spent = {part: after[part] - before[part] for part in after}
    return Window(watched, frames, spent["training"], spent["redis"], spent["server"])


def cpu_seconds(outsiders: dict[int, str]) -> dict[str, float]:
    """CPU seconds so far of the training, which is this process and Ray's workers, and of those beside it."""
    spent = {"training": 0.0, "redis": 0.0, "server": 0.0}
    me = psutil.Process()
    for process in [me, *me.children(recursive=True)]:
        try:
            times = process.cpu_times()
            above = {process.pid, *(parent.pid for parent in process.parents())}
            part = next((name for pid, name in outsiders.items() if pid in above), None)
            if part is None and (process == me or process.name().startswith("ray::")):
                part = "training"
        except psutil.NoSuchProcess:
            continue
        if part is not None:
            spent[part] += times.user + times.system
    return spent


@contextmanager
def watching(port: int) -> Iterator[Any]:
    """Twenty watchers and one who reads nothing, in a process of their own; counts the messages that they got."""
    context = multiprocessing.get_context("spawn")
    ready, count = context.Event(), context.Value("q", 0)
    process = context.Process(target=watch_all, args=(port, ready, count), daemon=True)
    process.start()
    if not ready.wait(60):
        raise RuntimeError("the watchers did not connect within 60 s")
    try:
        yield count
    finally:
        process.terminate()
        process.join()


def watch_all(port: int, ready: Event, count: Any) -> None:
    """Connect, and read for ever."""
    os.setsid()  # no part of the training's processes that a signal reaches
    asyncio.run(_watch_all(port, ready, count))


async def _watch_all(port: int, ready: Event, count: Any) -> None:
    from websockets.asyncio.client import connect

    idle = socket.create_connection(("127.0.0.1", port))
    idle.sendall(
        f"GET /live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n".encode()
    )
    connected = 0

    async def watch() -> None:
        nonlocal connected
        async with connect(f"ws://127.0.0.1:{port}/live", compression=None) as watcher:
            connected += 1
            if connected == WATCHERS:
                ready.set()
            async for _ in watcher:
                count.value += 1

    await asyncio.gather(*(watch() for _ in range(WATCHERS)))


def print_table(result: Result) -> None:
    """Print what `run` returned."""
    table = Table(title=f"{PRESET}: CPU seconds of the training for a million frames")
    for column in ("without watchers", f"{WATCHERS} watchers, and one who reads nothing", "ratio", "server's share"):
        table.add_column(column, justify="right")
    for alone, watched in result.pairs:
        share = watched.server / (watched.server + watched.training)
        table.add_row(f"{alone.cost:,.0f}", f"{watched.cost:,.0f}", f"{watched.cost / alone.cost:.3f}", f"{share:.1%}")
    console = Console()
    console.print(table)
    kept = ", ".join(f"{kind} {count:,}" for kind, count in result.records.items())
    console.print(f"median of {len(result.pairs)} ratios: {result.ratio:.3f}", highlight=False)
    console.print(f"in Redis at the end: {kept} records, {result.stream_bytes / 2**20:.1f} MiB", highlight=False)
    console.print(f"messages that the watchers got: {result.messages:,}", highlight=False)


if __name__ == "__main__":
    print_table(run())
