"""A Ray cluster of several nodes on this machine, whose processes can be killed as a power cut would.

The nodes are Ray's own (`ray.cluster_utils`): each has its raylet, its object store and its processes. This process is
connected to the head, which runs nothing of the run but the holder of weights, and is left alone itself; whatever else
dies is noticed by Ray itself.
"""

from __future__ import annotations

import signal
from contextlib import suppress
from types import TracebackType
from typing import Any

import numpy as np
import psutil
import ray

from cluster.on_ray.start import QUIET, prepare_environment

ACTORS = ("RolloutWorker", "PolicyWorker", "RewardWorker")
NODE_TIMEOUT_S = 180.0
OBJECT_STORE_BYTES = 100 * 2**20
# Ray looks at a node every three seconds and gives it five chances; here a dead one is to be noticed sooner.
NOTICE_SOON = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 4}


class ChaosCluster:
    """So many Ray nodes beside the head, with room for two processes of a run a CPU; a context manager.

    A node that was killed is replaced by a new one, so that there is always room.
    """

    def __init__(self, nodes: int = 3, cpus: int = 2) -> None:
        from ray.cluster_utils import Cluster

        prepare_environment()
        self._node: dict[str, Any] = {"num_cpus": cpus, "object_store_memory": OBJECT_STORE_BYTES}
        head = {"num_cpus": 0, "object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
        head["dashboard_port"] = 0  # another cluster on this machine may have the usual one
        self._cluster: Any = Cluster(initialize_head=True, head_node_args={**head, "_system_config": NOTICE_SOON})
        self._nodes = [self._add_node() for _ in range(nodes)]
        ray.init(self._cluster.address, **QUIET)

    def __enter__(self) -> ChaosCluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ray.shutdown()
        self._cluster.shutdown()

    def processes(self, name: str) -> list[psutil.Process]:
        """The processes of actors of the class `name` that run now, on any node."""
        return [
            process
            for node in (self._cluster.head_node, *self._nodes)
            for process in _started_by(node)
            if _class_of(process) == name
        ]

    def kill_node(self, rng: np.random.Generator) -> bool:
        """Whether there was a node with a process of the run on it, which was then killed with all its processes."""
        used = [node for node in self._nodes if any(_class_of(process) in ACTORS for process in _started_by(node))]
        if not used:
            return False
        victim = used[rng.integers(len(used))]
        for process in _started_by(victim):
            kill(process)
        self._cluster.remove_node(victim, allow_graceful=False)
        self._nodes[self._nodes.index(victim)] = self._add_node()
        return True

    def _add_node(self) -> Any:
        # Ray itself waits for half a minute, which a busy machine may need more than.
        node = self._cluster.add_node(wait=False, **self._node)
        self._cluster.wait_for_nodes(NODE_TIMEOUT_S)
        return node


def kill(process: psutil.Process) -> None:
    """Kills a process at once, if it is still there."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)


def _started_by(node: Any) -> list[psutil.Process]:
    """All processes that the node has started."""
    with suppress(psutil.NoSuchProcess):
        raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
        return sorted(raylet.children(recursive=True), key=lambda process: process.pid)
    return []


def _class_of(process: psutil.Process) -> str:
    """The class of the actor that lives in a process, by the title that Ray gives it: `ray::PolicyWorker.step`."""
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline()).strip().removeprefix("ray::").split(".")[0]
    return ""
