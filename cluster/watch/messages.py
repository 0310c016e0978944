"""What a watcher is sent: JSON texts, and films, a line of JSON and then a PNG of all frames below each other.

A message is made once and sent to all.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from cluster.run.contact_sheet import QUICKLY, png
from cluster.run.feed.texts import Row
from spiral.contracts import Glimpse
from spiral.picture_error import mean_squared_error

Message = str | bytes

FIGURES = (
    "member",
    "frames",
    "seconds",
    "speed/frames_per_s",
    "held_out/error_ratio",
    "held_out/accepted",
    "policy/return",
    "policy/entropy",
    "policy/lag",
    "policy/learning_rate",
    "cloning/loss",
    "phase",
)
OF_A_REWARD = re.compile(r"reward/[^/]+/(real|fake)")  # each learned reward has its own figures
MAX_OF_REWARDS = 64  # in a message, whatever rows a stranger may have put into the feed


def message(kind: str, **content: Any) -> str:
    """A message as JSON text."""
    return json.dumps({"kind": kind, **content}, allow_nan=False, separators=(",", ":"))


def rows_message(rows: list[Row]) -> str:
    """Rows of figures as a table; a figure that a row does not have is null."""
    found = dict.fromkeys(name for row in rows for name in row if OF_A_REWARD.fullmatch(name))
    names = (*FIGURES, *list(found)[:MAX_OF_REWARDS])
    table = [[_rounded(row.get(name)) for name in names] for row in rows]
    return message("rows", names=names, rows=table)


def film_message(name: str, glimpse: Glimpse) -> bytes:
    """A piece of an episode: a line of JSON, and a PNG of the target, if there is one, and the canvases below it."""
    _, height, width, _ = glimpse.canvases.shape
    error = None
    frames = glimpse.canvases
    if glimpse.target is not None:
        frames = np.concatenate((glimpse.target[None], frames))
        error = mean_squared_error(glimpse.canvases[-1], glimpse.target) if glimpse.last else None
    head = message(
        "film",
        episode=name,
        worker=glimpse.worker,
        member=glimpse.member,
        version=glimpse.version,
        length=glimpse.length,
        first=glimpse.first,
        count=len(glimpse.actions),
        painted=glimpse.painted,
        height=height,
        width=width,
        target=glimpse.target is not None,
        error=error,
    )
    return head.encode() + b"\n" + png(frames.reshape(-1, *frames.shape[2:]), QUICKLY)


def _rounded(value: float | str | None) -> float | str | None:
    return float(f"{value:.6g}") if isinstance(value, float) and abs(value) < 1e5 else value
