"""Random paintings: what `smooth_programs` are to handwriting, for colour pictures that fill the canvas.

A painter begins with the large brush and ends with the small one. So most of the last strokes can be seen in the
finished picture, and of the first ones the ground between them: a program can be told from its render.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.actions import ActionSpec

PAINT = 1
SIZE_SPREAD = 0.6  # of the number of a brush around the course from large to small, standard deviation
TINT, VARIATION = 0.15, 0.1  # of a colour from grey, for the whole painting and a stroke, as shares of the range


def random_paintings(spec: ActionSpec, count: int, length: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Programs that paint in colour from coarse to fine, [count, length, heads].

    Every action paints: a move would cost one of the commands. Places and pressures are uniform. A stroke has any
    brightness; how its colour differs from grey is mostly the same all over the painting.

    Args:
        spec: the heads of `spiral/Paint-v0` with colour.
        count: the number of programs.
        length: the number of actions in each.
        rng: decides everything.
    """
    actions = rng.integers(0, spec.nvec, (count, length, len(spec.heads)))
    actions[..., spec.index("flag")] = PAINT
    brightness = rng.random((count, length))
    for head in spec.heads:
        last = head.choices - 1
        if head.name == "size":
            course = np.linspace(last, 0, length) + SIZE_SPREAD * rng.normal(size=(count, length))
            actions[..., spec.index("size")] = np.clip(np.rint(course), 0, last)
        elif head.name in ("red", "green", "blue"):
            tint = TINT * rng.normal(size=(count, 1)) + VARIATION * rng.normal(size=(count, length))
            actions[..., spec.index(head.name)] = np.clip(np.rint(last * (brightness + tint)), 0, last)
    actions *= spec.mask(actions)
    return actions
