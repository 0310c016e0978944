"""N canvases, one action each, in one native call, and the counts of an episode.

`Paint` and `PaintVector` both paint through this class, so that one canvas and many give the same pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.pymypaint import Canvases
from envs.settings import PaintSettings
from envs.strokes import ActionError, StrokeTable

Images = NDArray[np.uint8]

SECONDS_AT_64 = 0.1  # between two points of a curve, as published, on a canvas of 64 pixels
MOST_SECONDS = 5.0  # after longer ones libmypaint begins a new stroke


class Painter:
    """N canvases of equal settings, and what has been done on them in this episode.

    Attributes:
        strokes: how many actions painted so far, int64 [count].
        disjoint_strokes: how many of those came first or after a move, int64 [count].
        action_mask: the sub-actions that counted in the last action, int8 [count, heads]; zeros after a reset.
    """

    strokes: NDArray[np.int64]
    disjoint_strokes: NDArray[np.int64]
    action_mask: NDArray[np.int8]

    def __init__(self, settings: PaintSettings, count: int, num_threads: int = 1) -> None:
        self._settings = settings
        self._count = count
        self._spec = settings.action_spec
        self._table = StrokeTable(settings, settings.painted_size)
        self._engine = Canvases(
            count,
            settings.painted_size,
            settings.painted_size,
            settings.brush,
            channels=settings.channels,
            background=settings.background_rgb,
            # A brush feels its speed in pixels a second, so a wider painting takes longer in proportion.
            seconds_per_point=min(SECONDS_AT_64 * settings.painted_size / 64, MOST_SECONDS),
            num_threads=num_threads,
        )
        self._history: list[NDArray[np.integer[Any]]] = []
        self._painting = np.zeros(count, bool)
        self._clear_counts()

    def reset(self) -> Images:
        """The empty canvases, as `step` shows them; the pens are up at the upper left corner."""
        self._engine.reset()
        self._clear_counts()
        return self._engine.read(self._empty(self._settings.canvas_size))

    def step(self, actions: NDArray[np.integer[Any]]) -> Images:
        """The canvases after one more action on each, a fresh array [count, canvas_size, canvas_size, channels].

        Args:
            actions: indices, integers [count, heads].

        Raises:
            ActionError: the actions are of another shape or type, or an index is out of range.
        """
        actions = np.array(actions)
        self._table.check(actions)
        if len(actions) != self._count:
            raise ActionError(f"{len(actions)} actions for {self._count} canvases; give one for each")
        strokes = self._table.look_up(actions)
        shown = self._empty(self._settings.canvas_size)
        self._engine.step(*strokes, out=shown)
        self.strokes += strokes.paint
        self.disjoint_strokes += strokes.paint & ~self._painting
        self._painting = strokes.paint
        self.action_mask = self._spec.mask(actions)
        self._history.append(actions)
        return shown

    @property
    def steps(self) -> int:
        """The number of actions since the reset."""
        return len(self._history)

    def painted(self) -> Images:
        """The canvases at the size at which they are painted, a fresh array [count, size, size, channels]."""
        return self._engine.read(self._empty(self._settings.painted_size))

    def actions(self, index: int) -> NDArray[np.int64]:
        """The actions on one canvas since the reset, a fresh array [steps, heads]."""
        done = [actions[index] for actions in self._history]
        return np.array(done, np.int64).reshape(-1, len(self._spec.heads))

    def _clear_counts(self) -> None:
        self._history = []
        self._painting = np.zeros(self._count, bool)
        self.strokes = np.zeros(self._count, np.int64)
        self.disjoint_strokes = np.zeros(self._count, np.int64)
        self.action_mask = np.zeros((self._count, len(self._spec.heads)), np.int8)

    def _empty(self, size: int) -> Images:
        return np.empty((self._count, size, size, self._settings.channels), np.uint8)
