"""Each picture is looked at once: a move leaves a canvas as it is, and an episode shows one target all the time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def distinct(*arrays: NDArray[np.uint8]) -> tuple[list[int], list[int]]:
    """Where each different row [N, …] of the arrays together is met first, and for every row which of these it is."""
    found: dict[tuple[bytes, ...], int] = {}
    first: list[int] = []
    places: list[int] = []
    for index, row in enumerate(zip(*arrays, strict=True)):
        place = found.setdefault(tuple(part.tobytes() for part in row), len(found))
        if place == len(first):
            first.append(index)
        places.append(place)
    return first, places
