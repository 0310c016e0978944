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
    """The mean of each measurement over those that have it; nothing, of nothing."""
    values: dict[str, list[float]] = {}
    for each in measured:
        for name, value in each.items():
            values.setdefault(name, []).append(value)
    return {name: sum(found) / len(found) for name, found in values.items()}
