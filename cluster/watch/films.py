"""Pictures of a program for those who look closer: painted anew, large, as PNG, SVG, or a film of all its steps.

Painting at 1024 pixels takes a while and runs in a thread, one picture at a time, so that nobody else has to wait.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anyio
import numpy as np
from anyio import CapacityLimiter

from cluster.run.contact_sheet import QUICKLY, png
from envs.program import Program

PICTURE_SIZE = 1024
FILM_SIZE = 384
MAX_FILM_HEIGHT = 16_000  # pixels of all frames together; browsers show images of up to 32,767

# What says that a program cannot be painted here: its environment is unknown, refuses, or lacks its engine.
NOT_PAINTED = (ValueError, RuntimeError, ImportError)


def json_of(document: dict[str, Any]) -> bytes:
    """The program as a JSON document."""
    return json.dumps(document, indent=1).encode()


def svg_of(document: dict[str, Any]) -> bytes:
    """The picture as SVG, to be shown at 1024 pixels."""
    return Program.from_json(document).to_svg(PICTURE_SIZE).encode()


def png_of(document: dict[str, Any]) -> bytes:
    """The picture at 1024 pixels, as PNG."""
    return png(Program.from_json(document).render(PICTURE_SIZE), QUICKLY)


def film_of(document: dict[str, Any]) -> bytes:
    """The canvas before the first and after every command, below each other, as PNG."""
    size = max(1, min(FILM_SIZE, MAX_FILM_HEIGHT // (len(document["actions"]) + 1)))
    return png(np.concatenate(list(Program.from_json(document).at_size(size).frames())), QUICKLY)


FORMS: dict[str, tuple[str, Callable[[dict[str, Any]], bytes]]] = {
    "json": ("application/json", json_of),
    "svg": ("image/svg+xml", svg_of),
    "png": ("image/png", png_of),
    "film": ("image/png", film_of),
}


class Painter:
    """Makes the forms of a program, one at a time."""

    def __init__(self) -> None:
        self._one = CapacityLimiter(1)

    async def paint(self, form: str, document: dict[str, Any]) -> bytes:
        """The program in a form of `FORMS`.

        Raises:
            NOT_PAINTED: it cannot be painted here.
        """
        return await anyio.to_thread.run_sync(FORMS[form][1], document, limiter=self._one)
