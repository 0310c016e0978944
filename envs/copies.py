"""Environments that can be copied and pickled at any moment of an episode, as planners and other processes need it.

A copy makes canvases of its own and takes over what is on the others (`Episodes.take`). A pickle cannot hold them:
libmypaint gives out no brush on its way, and an OpenGL context belongs to its thread. But pixels depend on settings and
actions alone. So it holds the actions since the reset, which are done again where it is read. Either way both go on
independently, and the same actions give the same pixels.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import Any, Self

import numpy as np

from envs.episodes import Episodes


class Copyable:
    """An environment over `Episodes`, for `copy.deepcopy` and `pickle`."""

    closed = False
    _episodes: Episodes

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        for name, part in vars(self).items():
            if name != "_episodes":
                vars(twin)[name] = copy.deepcopy(part, memo)
        twin._episodes = twin._new_episodes()
        twin._episodes.take(np.arange(len(self._episodes.action_mask)), self._episodes)
        if self.closed:
            twin._episodes.close()
        return twin

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_episodes": (self._episodes.start, self._episodes.history())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._episodes = self._new_episodes()
        self._episodes.redo(*state["_episodes"])
        if self.closed:
            self._episodes.close()

    @abstractmethod
    def _new_episodes(self) -> Episodes:
        """Canvases on which nothing was done."""
