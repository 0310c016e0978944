"""The figures of a run for Prometheus, which collects them from the nodes of a Ray cluster.

Their names are those in `metrics.jsonl`, with `ray_spiral_` before them and `_` for what is no letter or digit; what
only grows is a counter, whose name ends in `_total`. The label `run` is the name of the run's folder. Without Ray
nothing is shown.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any


class Figures:
    """What Prometheus is shown of the run called `run`."""

    def __init__(self, run: str) -> None:
        self._tags = {"run": run}
        self._metrics: dict[str, Any] = {}
        self._counted: dict[str, int] = {}

    def show(self, row: Mapping[str, Any], counts: Mapping[str, Any]) -> None:
        """Show the numbers of a row as they are, and how far the counts grew since the last one."""
        # A run in one process may do without Ray, which takes long to import.
        if "ray" not in sys.modules or not sys.modules["ray"].is_initialized():
            return
        from ray.util.metrics import Counter, Gauge

        for name, value in row.items():
            if isinstance(value, float):
                self._metric(Gauge, name).set(value, self._tags)
        for name, count in counts.items():
            if isinstance(count, int) and count > self._counted.get(name, 0):
                self._metric(Counter, name).inc(count - self._counted.get(name, 0), self._tags)
                self._counted[name] = count

    def _metric(self, kind: Any, name: str) -> Any:
        if name not in self._metrics:
            name_there = re.sub(r"[^a-zA-Z0-9_]", "_", f"spiral_{name}")
            self._metrics[name] = kind(name_there, description=f"{name} of a run", tag_keys=("run",))
        return self._metrics[name]
