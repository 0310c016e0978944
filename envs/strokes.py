"""From the indices of an action to the numbers of a stroke (Ganin et al. 2018, section 6.4.2).

A location index is a cell of a grid laid over the canvas, row by row, and stands for the cell's upper left corner. The
other indices choose among evenly spaced pressures and intensities, and among the brush sizes of the settings.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.paint_settings import MAX_RADIUS, MIN_RADIUS, PaintSettings

Floats = NDArray[np.float32]


class Strokes(NamedTuple):
    """What the paint engine is told, one entry for each action.

    paint: [...], False for a move, for which only `end` counts.
    control, end: [..., 2], x and y in pixels from the upper left corner; with splines `control` is `end`.
    pressure: [...], 0.1 to 1.
    radius: [...], pixels.
    color: [..., 3], red, green and blue in [0, 1].
    """

    paint: NDArray[np.bool_]
    control: Floats
    end: Floats
    pressure: Floats
    radius: Floats
    color: Floats


class StrokeTable:
    """The numbers that each index stands for, on a canvas of `size` pixels."""

    def __init__(self, settings: PaintSettings, size: int) -> None:
        self._column = {head.name: place for place, head in enumerate(settings.action_spec.heads)}
        row, column = np.divmod(np.arange(settings.grid_size**2), settings.grid_size)
        self._corners = (np.stack((column, row), axis=1) * (size / settings.grid_size)).astype(np.float32)
        radii = np.array(settings.brush_sizes) * (size / settings.canvas_size)
        self._radii = np.clip(radii, MIN_RADIUS, MAX_RADIUS).astype(np.float32)
        self._pressures = np.linspace(0.1, 1.0, 10, dtype=np.float32)
        self._intensities = np.linspace(0.0, 1.0, 20, dtype=np.float32)

    def look_up(self, actions: NDArray[np.integer[Any]]) -> Strokes:
        """The strokes of actions [..., heads] that are in the action space."""
        at = self._column
        every = actions.shape[:-1]
        radius = self._radii[actions[..., at["size"]]] if "size" in at else np.full(every, self._radii[0])
        colors = [at[name] for name in ("red", "green", "blue") if name in at]
        color = self._intensities[actions[..., colors]] if colors else np.zeros((*every, 3), np.float32)
        return Strokes(
            paint=actions[..., at["flag"]] == 1,
            control=self._corners[actions[..., at.get("control", at["end"])]],
            end=self._corners[actions[..., at["end"]]],
            pressure=self._pressures[actions[..., at["pressure"]]],
            radius=radius,
            color=color,
        )
