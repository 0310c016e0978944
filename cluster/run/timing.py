"""How long a piece of work took, and the means of what several gave."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` returns, and how many seconds it took."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def mean_of(measured: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each measurement; nothing, of nothing."""
    return {name: sum(m[name] for m in measured) / len(measured) for name in measured[0]} if measured else {}
