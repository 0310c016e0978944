"""Rows of figures in bounded number: what a curve needs of a run of any length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

R = TypeVar("R", bound=Mapping[str, Any])


def thinned(rows: Sequence[R], most: int) -> list[R]:
    """At most about `most` of the rows, in their order: of the older half, every second is left out, again and again.

    Rows with measurements on held-out pictures are few, and all are kept.
    """
    kept = list(rows)
    while len(kept) > most:
        half = len(kept) // 2
        older = [row for place, row in enumerate(kept[:half]) if place % 2 or _is_show(row)]
        if len(older) == half:
            break
        kept = older + kept[half:]
    return kept


def _is_show(row: Mapping[str, Any]) -> bool:
    return any(name.startswith("held_out/") for name in row)
