"""The newest weights of each network in Ray's object store, which copies them once to each machine that reads them.

A small process, the holder, keeps a reference to the newest weights of each name and none to older ones, so that Ray
frees these as soon as nobody reads them. It puts them into the store itself, on the machine of the process that directs
the run, so that they outlive the learner that published them. If the holder dies, Ray starts it again with nothing:
whoever has weights goes on with those until the next are published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import ObjectLostError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.on_ray.calls import result_of
from learners.weights import stale
from spiral.contracts import Arrays, WeightsError


class WeightHolder:
    """The process that knows where the newest weights of each name are."""

    def __init__(self) -> None:
        self._newest: dict[str, tuple[int, Any]] = {}

    def publish(self, name: str, version: int, weights: Arrays) -> None:
        """Make `weights` the newest of `name`; raises as `RayWeights.publish` does."""
        if version < self.version(name):
            raise stale(name, version, self.version(name))
        self._newest[name] = version, ray.put(weights)

    def version(self, name: str) -> int:
        """The newest version of `name`, or -1 when there is none."""
        return self._newest[name][0] if name in self._newest else -1

    def newest(self, name: str) -> tuple[int, list[Any]] | None:
        """The newest version of `name` and, in a list that Ray does not look into, the reference to its weights."""
        if name not in self._newest:
            return None
        version, reference = self._newest[name]
        return version, [reference]


class RayWeights:
    """The newest weights of each network, by name; any process of the run may have a copy of this object.

    Versions never fall; a learner that resumes may publish the same version again.

    Args:
        holder: Ray's handle of a `WeightHolder`.
    """

    def __init__(self, holder: Any) -> None:
        self._holder = holder

    def publish(self, name: str, version: int, weights: Mapping[str, NDArray[np.generic]]) -> None:
        """Make a copy of `weights` the newest of `name`.

        Raises:
            WeightsError: `version` is below the newest one.
        """
        result_of(self._holder.publish.remote(name, version, dict(weights)))

    def version(self, name: str) -> int:
        """The newest version of `name`, or -1 when there is none."""
        version: int = result_of(self._holder.version.remote(name))
        return version

    def fetch(self, name: str) -> tuple[int, Arrays]:
        """The newest version of `name` and its weights, which lie in the object store and cannot be written to.

        Raises:
            KeyError: when there is none.
            WeightsError: they were lost with the holder.
        """
        newest = result_of(self._holder.newest.remote(name))
        if newest is None:
            raise KeyError(f"no weights of {name!r} were published in this run")
        version, (reference,) = newest
        try:
            return version, ray.get(reference)
        except ObjectLostError:
            raise WeightsError(f"version {version} of {name!r} was lost with the process that held it") from None


def weights_called(name: str) -> RayWeights:
    """The store of weights that was given this name."""
    return RayWeights(ray.get_actor(name))


@contextmanager
def weights_of_a_run(name: str | None = None) -> Iterator[RayWeights]:
    """A new store of weights, whose holder runs on this machine and ends afterwards.

    By a `name`, processes find it to which it cannot be handed, as those that Ray begins again by itself.
    """
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    # A call that meets a holder which has just died is made again.
    options = ray.remote(WeightHolder).options(
        name=name, num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=here
    )
    holder: Any = options.remote()
    try:
        yield RayWeights(holder)
    finally:
        ray.kill(holder)
