"""Environments that can be copied and pickled at any moment of an episode, as planners and other processes need it.

What is behind a canvas cannot be copied: libmypaint gives out no brush on its way, and an OpenGL context belongs to its
thread. But pixels depend on settings and actions alone. So a copy makes canvases of its own and does again what was
done since the reset; then both go on independently, and the same actions give the same pixels. It costs as much as
those actions did.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from envs.episodes import Episodes


class Replayed:
    """An environment over `Episodes`, which `copy.deepcopy` and `pickle` take as its actions; all else is copied."""

    closed = False
    _episodes: Episodes

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_episodes": (self._episodes.start, self._episodes.history())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._episodes = self._new_episodes()
        start, history = state["_episodes"]
        if start is not None:
            self._episodes.reset(start)
        for actions in history:
            self._episodes.step(actions)
        if self.closed:
            self._episodes.close()

    @abstractmethod
    def _new_episodes(self) -> Episodes:
        """Canvases on which nothing was done."""
