"""A rival in a process of its own, with a Ray of its own, that is stopped while others have their turn.

All that it starts descends from that process. So what it takes can be told from what the others take, and while it is
stopped (SIGSTOP) none of its processes works ahead.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import psutil

from benchmarks.rivals.rival import Rival

Answer = TypeVar("Answer")

_here: Rival  # in the rival's own process


class OwnProcess:
    """Calls a rival that lives in another process, and is at work only while it is called.

    Args:
        make: makes the rival, there.

    Attributes:
        parameters: how many numbers its agent learns.
        memory: the most bytes that all of its processes took together at the end of a call.
    """

    def __init__(self, make: Callable[[], Rival]) -> None:
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        self._process = psutil.Process(self._pool.submit(os.getpid).result())
        self.memory = 0
        try:
            self.parameters = self._pool.submit(_begin, make).result()
        except BaseException:
            self._pool.shutdown()
            raise
        self._each(psutil.Process.suspend)

    def call(self, work: Callable[..., Answer], *args: Any) -> Answer:
        """What `work` gives for the rival and these arguments."""
        self._each(psutil.Process.resume)
        try:
            return self._pool.submit(_apply, work, *args).result()
        finally:
            self._each(psutil.Process.suspend)
            self.memory = max(self.memory, sum(self._each(memory_of)))

    @property
    def processor_seconds(self) -> float:
        """What all of its processes have taken of the processors since they began."""
        return sum(self._each(processor_seconds_of))

    def close(self) -> None:
        """End its processes."""
        self._each(psutil.Process.resume)
        self._pool.submit(_end).result()
        self._pool.shutdown()

    def _each(self, ask: Callable[[psutil.Process], Answer]) -> list[Answer]:
        """What its process answers, and all that descend from it; those that end meanwhile are left out."""
        answers = []
        for process in [self._process, *self._process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                answers.append(ask(process))
        return answers


def memory_of(process: psutil.Process) -> int:
    """Bytes that a process takes: of what it shares with others its part, where the system tells, or else nothing."""
    info: Any = process.memory_full_info()
    return int(getattr(info, "pss", info.uss))


def processor_seconds_of(process: psutil.Process) -> float:
    """What a process has taken of the processors."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _begin(make: Callable[[], Rival]) -> int:
    global _here
    _here = make()
    return _here.parameters


def _apply(work: Callable[..., Answer], *args: Any) -> Answer:
    return work(_here, *args)


def _end() -> None:
    _here.close()
