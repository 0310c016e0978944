"""How many members work at a time, and what each may use of the machines.

Members that do not fit take turns, a round each. Tune starts as many as Ray has room for, so room is all that has to be
given out: a limit on the number of trials (`max_concurrent_trials`) would count the paused ones too and stand still.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import ray

from cluster.on_ray.start import gpu_share


@dataclass(frozen=True)
class MemberResources:
    """What one member gets.

    Attributes:
        at_a_time: how many members work at the same time.
        cpus: of each, a part of a core if members share one.
        gpus: the part of a GPU that each gets.
    """

    at_a_time: int
    cpus: float
    gpus: float

    @property
    def threads(self) -> int:
        """Threads in a member's process."""
        return max(1, int(self.cpus))

    def turns(self, members: int) -> int:
        """How many times as long as one member's round the round of all members takes."""
        return math.ceil(members / self.at_a_time)


def share_machines(members: int, at_a_time: int | None, device: str) -> MemberResources:
    """What each member gets of the machines that Ray has; by default as many at a time as there are cores.

    Args:
        members: how many there are.
        at_a_time: how many are to work at the same time, if someone has asked.
        device: of the settings.
    """
    machines = [node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    at_a_time = min(members, at_a_time or max(1, int(sum(machines))))
    on_each = math.ceil(at_a_time / len(machines))
    # Rounded down, so that as many parts as are wanted fit on a machine.
    cpus = math.floor(1e3 * max(machines) / on_each) / 1e3
    return MemberResources(at_a_time, cpus, 0.0 if device == "cpu" else gpu_share(device, at_a_time))
