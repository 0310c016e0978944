"""How many members work at a time, and what each may use of the machines.

A member is one process, or as many as a run on Ray has: rollout workers, both learners, and what directs them. It keeps
a core busy with each worker and one with its learners. Its processes have room that is set aside for them together, a
placement group, so that no member waits for half of its processes while another has the rest. Where all members have
the same learned rewards, the learner of these is a process beside them.

Members that do not fit take turns, a round each. Tune starts as many as Ray has room for, so room is all that has to be
given out: a limit on the number of trials (`max_concurrent_trials`) would count the paused ones too and stand still.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import ray

from cluster.on_ray.parts import CPU_SHARE
from cluster.on_ray.start import EngineError, gpu_share

OWN_LEARNERS = 2  # of a policy and of rewards


@dataclass(frozen=True)
class Room:
    """Where a population works.

    Attributes:
        redis_url: the Redis in which it shows itself; None starts one of its own.
        address: of a Ray cluster to join; None is `$RAY_ADDRESS`, or else this machine alone.
        at_a_time: how many members work at the same time; None decides by the cores.
        workers: rollout workers of each member, which then has processes of its own; 0 is a member in one process.
    """

    redis_url: str | None = field(default=None, repr=False)  # it may hold a password
    address: str | None = None
    at_a_time: int | None = None
    workers: int = 0


@dataclass(frozen=True)
class MemberResources:
    """What one member gets.

    Attributes:
        at_a_time: how many members work at the same time.
        cpus: of each, a part of a core if members share one.
        gpus: the part of a GPU that each of its processes with networks gets.
        workers: its rollout workers; 0 is a member in one process.
        learners: its processes with networks that learn, where it has workers.
    """

    at_a_time: int
    cpus: float
    gpus: float
    workers: int = 0
    learners: int = OWN_LEARNERS

    @property
    def cores(self) -> int:
        """Whole cores of a machine that a member may use, at least one."""
        return max(1, int(self.cpus))

    @property
    def bundles(self) -> list[dict[str, float]]:
        """What each process of a member asks Ray for, the one that directs it first."""
        if not self.workers:
            return [{"CPU": self.cpus, "GPU": self.gpus}]
        process = {"CPU": CPU_SHARE}
        learner = process | {"GPU": self.gpus}
        return [process, *[learner] * self.learners, *[process] * self.workers]

    def turns(self, members: int) -> int:
        """How many times as long as one member's round the round of all members takes."""
        return math.ceil(members / self.at_a_time)


def kept_busy(cores: float, workers: int) -> int:
    """How many members with so many workers keep so many cores busy, at least one."""
    return max(1, int(cores) // (workers + 1))


def room_for(at_a_time: int, workers: int, shared: bool = False) -> int:
    """How many cores Ray must know of, so that so many members find room, and the learner of what is `shared`."""
    if not workers:
        return 1
    member = MemberResources(at_a_time, 0.0, 0.0, workers, OWN_LEARNERS - shared)
    return math.ceil(at_a_time * sum(each["CPU"] for each in member.bundles) + shared * CPU_SHARE)


def share_machines(
    members: int, at_a_time: int | None, device: str, workers: int = 0, shared: bool = False
) -> MemberResources:
    """What each member gets of the machines that Ray has; by default as many at a time as keep their cores busy.

    Args:
        members: how many there are.
        at_a_time: how many are to work at the same time, if someone has asked.
        device: of the settings.
        workers: of each member; 0 is a member in one process.
        shared: whether all have the same learned rewards at the same time.

    Raises:
        EngineError: the cluster has no room for so many.
    """
    machines = [node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    at_a_time = min(members, at_a_time or kept_busy(sum(machines), workers))
    if (needed := room_for(at_a_time, workers, shared)) > sum(machines):
        raise EngineError(
            f"{at_a_time} members with --workers {workers} need room for {needed} cores, and the cluster has "
            f"{sum(machines):.0f}: give fewer --workers or a smaller --at-a-time"
        )
    on_each = math.ceil(at_a_time / len(machines))
    # Rounded down, so that as many parts as are wanted fit on a machine.
    cpus = math.floor(1e3 * max(machines) / on_each) / 1e3
    learners = OWN_LEARNERS - shared
    with_networks = at_a_time * (learners if workers else 1) + shared
    gpus = 0.0 if device == "cpu" else gpu_share(device, with_networks)
    return MemberResources(at_a_time, cpus, gpus, workers, learners)
