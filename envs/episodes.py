"""N episodes that advance together, one action each: what an environment has behind it.

The single environment and the vector form play through the same class, so that one canvas and many give the same
pixels. An environment of its own is made by saying how N canvases are cleared and how N actions change them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from envs.actions import ActionError
from envs.settings import Settings, SettingsError

Images = NDArray[np.uint8]
Counts = dict[str, NDArray[np.int64]]


class EpisodeError(ValueError):
    """There is no such episode."""


class Episodes(ABC):
    """N canvases of equal settings, and what was done on them since the reset.

    Attributes:
        brush_fingerprint: of the brush that paints, see `envs.pymypaint.brushes.Brush`; None where there is no brush.
        counts: what `info` counts, by name, each int64 [count].
        start: the pictures that the episodes began on, uint8 [count, canvas_size, canvas_size, channels]; None is empty
            canvases.
        action_mask: the sub-actions that counted in the last action, int8 [count, heads]; zeros after a reset.
    """

    brush_fingerprint: str | None = None
    start: Images | None = None
    counts: Counts
    action_mask: NDArray[np.int8]
    _history: list[NDArray[np.integer[Any]]]

    def __init__(self, settings: Settings, count: int) -> None:
        self._count = count
        self._spec = settings.action_spec
        self._begin()

    def reset(self, start: Images | None = None) -> Images:
        """The empty canvases, or those with the pictures `start` on them, as `step` shows them.

        Raises:
            SettingsError: the pictures are of another shape or type, or this environment begins on none.
        """
        self._begin()
        shown = self._clear()
        self.start = None if start is None else np.array(start)
        if self.start is None:
            return shown
        if self.start.shape != shown.shape or self.start.dtype != np.uint8:
            given, self.start = self.start, None
            raise SettingsError(
                f"the canvas to begin on is {given.dtype} {list(given.shape)}; give uint8 {list(shown.shape)}"
            )
        return self._begin_on(self.start)

    def step(self, actions: NDArray[np.integer[Any]]) -> Images:
        """The canvases after one more action on each, a fresh array [count, canvas_size, canvas_size, channels].

        Args:
            actions: indices, integers [count, heads].

        Raises:
            ActionError: the actions are of another shape or type, or an index is out of range.
        """
        actions = np.array(actions)
        self._spec.check(actions)
        if len(actions) != self._count:
            raise ActionError(f"{len(actions)} actions for {self._count} canvases; give one for each")
        shown = self._act(actions)
        self._note(actions)
        return shown

    def take(self, sources: NDArray[np.integer[Any]], other: Self | None = None) -> Images:
        """Make each episode the one that `sources[i]` of the others is now, and show the canvases as `step` does.

        Both then go on independently, and the same actions give the same pixels.

        Args:
            sources: integers [count].
            other: whose episodes these are, of equal settings, if not its own; they are left as they are.

        Raises:
            EpisodeError: the sources are of another shape or type, or there is no such episode.
        """
        of = self if other is None else other
        given = np.array(sources)
        if given.shape != (self._count,) or given.dtype.kind not in "iu":
            raise EpisodeError(f"sources are {given.dtype} {list(given.shape)}; give {self._count} whole numbers")
        if ((given < 0) | (given >= of._count)).any():
            raise EpisodeError(f"sources are {given.tolist()}; each must be from 0 to {of._count - 1}")
        start = None if of.start is None else of.start[given]
        history = [actions[given] for actions in of._history]
        counts = {name: count[given] for name, count in of.counts.items()}
        action_mask = of.action_mask[given]
        shown = self._take(given, of)
        self.start, self._history, self.counts, self.action_mask = start, history, counts, action_mask
        return shown

    def redo(self, start: Images | None, history: NDArray[np.integer[Any]]) -> Images:
        """What `step` shows once all that was done since a reset with `start`, [steps, count, heads], is done again."""
        shown = self.reset(start)
        for actions in history:
            shown = self.step(actions)
        return shown

    @property
    def steps(self) -> int:
        """The number of actions since the reset."""
        return len(self._history)

    def history(self) -> NDArray[np.int64]:
        """The actions on all canvases since the reset, a fresh array [steps, count, heads]."""
        return np.array(self._history, np.int64).reshape(-1, self._count, len(self._spec.heads))

    def actions(self, index: int) -> NDArray[np.int64]:
        """The actions on one canvas since the reset, a fresh array [steps, heads]."""
        return self.history()[:, index].copy()

    @abstractmethod
    def drawn(self) -> Images:
        """The canvases at the size at which they are drawn, a fresh array [count, size, size, channels]."""

    @abstractmethod
    def close(self) -> None:
        """Give back what the canvases hold; twice does no harm."""

    @abstractmethod
    def _no_counts(self) -> Counts:
        """The counts before the first action."""

    @abstractmethod
    def _clear(self) -> Images:
        """Empty canvases, as they are shown."""

    def _begin_on(self, pictures: Images) -> Images:
        """The cleared canvases with these pictures on them, as they are shown."""
        raise SettingsError("this environment begins with empty canvases alone: leave out the canvas to begin on")

    @abstractmethod
    def _act(self, actions: NDArray[np.integer[Any]]) -> Images:
        """Do the actions, which are in the action space, add to the counts, and show the canvases."""

    def _take(self, sources: NDArray[np.integer[Any]], other: Self) -> Images:
        """What `take` does to the canvases: here, again what was done since the reset, which costs as much as that."""
        return self.redo(None if other.start is None else other.start[sources], other.history()[:, sources])

    def _note(self, actions: NDArray[np.integer[Any]]) -> None:
        """Keeps in mind what was done."""
        self.action_mask = self._spec.mask(actions)
        self._history.append(actions)

    def _begin(self) -> None:
        self._history = []
        self.counts = self._no_counts()
        self.action_mask = np.zeros((self._count, len(self._spec.heads)), np.int8)
