"""The newest weights of each network, in memory: how learners and actors of one process share them.

The learners publish, the actors and the other learner fetch, and every set of weights has a version, so that a
trajectory can say which agent made it. The form in Ray's object store is tested against this one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from spiral.contracts import Arrays, WeightsError


def stale(name: str, version: int, newest: int) -> WeightsError:
    """The error for a version below the newest one."""
    return WeightsError(
        f"version {version} of {name!r} was published, but version {newest} is there already; versions never fall: "
        "give each run its own store"
    )


class MemoryWeights:
    """The newest weights of each network, by name.

    Versions never fall; a learner that resumes may publish the same version again.
    """

    def __init__(self) -> None:
        self._newest: dict[str, tuple[int, Arrays]] = {}

    def publish(self, name: str, version: int, weights: Mapping[str, NDArray[np.generic]]) -> None:
        """Make a copy of `weights` the newest of `name`.

        Raises:
            WeightsError: `version` is below the newest one.
        """
        if version < self.version(name):
            raise stale(name, version, self.version(name))
        self._newest[name] = version, {key: np.array(value) for key, value in weights.items()}

    def version(self, name: str) -> int:
        """The newest version of `name`, or -1 when there is none."""
        return self._newest[name][0] if name in self._newest else -1

    def fetch(self, name: str) -> tuple[int, Arrays]:
        """The newest version of `name` and its weights, which the caller must not write to.

        Raises:
            KeyError: when there is none.
        """
        if name not in self._newest:
            raise KeyError(f"no weights of {name!r} were published; there are {sorted(self._newest)}")
        return self._newest[name]
