"""What any number of rollout cores would need of the rest of a run: arithmetic on what one batch costs each part.

So many cores paint so many batches a second, and everything else follows in proportion. Nothing here is measured:
`benchmarks/ceiling.py` measures the costs. Of some parts a run has one, unless it is changed; the part of which most
would be needed breaks first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.table import Table

from benchmarks.trips import Trip

MEGABYTE = 1e6
LINK = 1.25e9  # bytes a second in each direction: a network of 10 Gbit/s


@dataclass(frozen=True)
class Costs:
    """What one batch of episodes costs.

    Attributes:
        name: of the preset.
        frames: in a batch.
        renders: that the reward learner learns from in the steps that belong to a batch.
        rollout, policy, rewards: seconds of a rollout core and of a process of each learner.
        trajectory_bytes: that go from the rollout to the policy learner.
        weight_bytes: of the agent, of which each machine with rollouts gets one copy.
        trips: to Redis, by name.
    """

    name: str
    frames: int
    renders: int
    rollout: float
    policy: float
    rewards: float
    trajectory_bytes: int
    weight_bytes: int
    trips: dict[str, Trip]

    def in_redis(self, quantity: Callable[[Trip], float]) -> float:
        """The sum of a quantity over all trips of one batch."""
        return sum(trip.per_batch * quantity(trip) for trip in self.trips.values())

    @property
    def parts(self) -> dict[str, float]:
        """Seconds for which one batch takes each part that a run has once."""
        traffic = max(self.in_redis(lambda trip: trip.received), self.in_redis(lambda trip: trip.sent))
        return {
            "policy learner": self.policy,
            "reward learner": self.rewards,
            "Redis": self.in_redis(lambda trip: trip.busy),
            "link to a policy learner": self.trajectory_bytes / LINK,
            "link of Redis": traffic / LINK,
        }


@dataclass(frozen=True)
class Need:
    """What so many rollout cores would need; rates are per second.

    Attributes:
        cores: how many.
        batches, frames: that they would paint.
        parts: how many of each part would be at work all the time.
        trajectory_bytes: to each process of the policy learner.
        commands, redis_bytes: that Redis would execute, and that would go in or out.
        weight_bytes: of the agent's weights, to each machine with rollouts at most.
    """

    cores: int
    batches: float
    frames: float
    parts: dict[str, float]
    trajectory_bytes: float
    commands: float
    redis_bytes: float
    weight_bytes: float

    @property
    def broken(self) -> list[str]:
        """The parts of which one is not enough, first those that break first."""
        return [part for part in sorted(self.parts, key=self.parts.__getitem__, reverse=True) if self.parts[part] > 1]


def need(costs: Costs, cores: int) -> Need:
    """What so many rollout cores would need, if each paints without a pause, each batch with new weights."""
    batches = cores / costs.rollout
    return Need(
        cores=cores,
        batches=batches,
        frames=batches * costs.frames,
        parts={part: batches * seconds for part, seconds in costs.parts.items()},
        trajectory_bytes=batches * costs.trajectory_bytes,
        commands=batches * costs.in_redis(lambda trip: trip.commands),
        redis_bytes=batches * costs.in_redis(lambda trip: trip.received + trip.sent),
        weight_bytes=batches * costs.weight_bytes,
    )


def cores_served(costs: Costs) -> dict[str, float]:
    """With how many rollout cores one of each part keeps up."""
    return {part: costs.rollout / seconds for part, seconds in costs.parts.items()}


def needs_table(name: str, needs: list[Need]) -> Table:
    """What so many rollout cores would need: a column for each."""
    table = Table("rollout cores", title=f"{name}: what follows by arithmetic")
    rows: dict[str, list[str]] = {}
    for column in needs:
        table.add_column(f"{column.cores:,}", justify="right")
        values = {
            "frames/s": f"{column.frames:,.0f}",
            "batches/s": f"{column.batches:,.1f}",
            "trajectories, MB/s": f"{column.trajectory_bytes / MEGABYTE:,.1f}",
            "Redis, commands/s": f"{column.commands:,.0f}",
            "Redis, MB/s": f"{column.redis_bytes / MEGABYTE:,.1f}",
            "weights to each machine, MB/s": f"{column.weight_bytes / MEGABYTE:,.1f}",
            **{f"needed: {part}": f"{count:,.2f}" for part, count in column.parts.items()},
            "breaks first": column.broken[0] if column.broken else "nothing",
        }
        for row, value in values.items():
            rows.setdefault(row, []).append(value)
    for row, cells in rows.items():
        table.add_row(row, *cells)
    return table
