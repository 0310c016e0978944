"""Learned rewards that all members share, as in SPIRAL++ (Mellor et al., 2019: ten agents, one discriminator).

Members that are whole runs on Ray have them at the same time, from one process beside them all
(`cluster/on_ray/shared_rewards.py`). Members in one process each take turns. Whoever's turn it is goes on with the
rewards of the one that trained last, their optimisers and their random states, and trains them on the renders of
everybody: the new ones of its own, and those that the others left in their checkpoints. Without these they would learn
whom they have before them, and forget the others until they come again.

Nothing is kept beside the members' checkpoints: the shared rewards are those which have taken the most steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cluster.population.folder import PopulationFolder
from cluster.run.local_engine import LocalEngine
from learners.checkpoint import Checkpoint, has_checkpoint, latest_checkpoint, load_checkpoint
from learners.replay import MemoryReplay, sample_evenly
from spiral.contracts import Arrays, Renders
from spiral.state import version_of


class SharedReplay(MemoryReplay):
    """The replay of a member whose turn it is; what is drawn from it comes from all members alike.

    Args:
        own: the member's replay so far.
        others: those of the other members, none of them empty.
    """

    def __init__(self, own: MemoryReplay, others: Sequence[MemoryReplay]) -> None:
        super().__init__(own.capacity, own.canvas_shape, own.with_targets, own.programs)
        self.load_state(own.state())
        self.others = others

    def sample(self, count: int, rng: np.random.Generator) -> Renders:
        """`count` pictures, for each of which first a member and then one of its pictures is drawn uniformly.

        Raises:
            EmptyReplayError: when nothing was added yet.
        """
        return sample_evenly([super().sample, *(other.sample for other in self.others)], count, rng)


def share_rewards(engine: LocalEngine, folder: PopulationFolder, members: int, number: int) -> None:
    """Let the engine of member `number`, at the beginning of its turn, go on with everybody's rewards."""
    assert engine.rewards is not None and engine.replay is not None, "the plan was checked"
    left = _left_by(folder, members, ("rewards", "replay"))
    if not left:
        return
    engine.rewards.load_state(newest_rewards(list(left.values())).part("rewards"))
    others = []
    for other, checkpoint in left.items():
        own = engine.replay
        replay = MemoryReplay(own.capacity, own.canvas_shape, own.with_targets, own.programs)
        replay.load_state(checkpoint.part("replay"))
        if other != number and replay.size:
            others.append(replay)
    engine.replay = engine.rewards.replay = SharedReplay(engine.replay, others)


def last_rewards(folder: PopulationFolder, members: int) -> Arrays | None:
    """The state of the shared rewards in the checkpoints of so many members; None before there is one."""
    left = _left_by(folder, members, ("rewards",))
    return newest_rewards(list(left.values())).part("rewards") if left else None


def newest_rewards(members: Sequence[Checkpoint]) -> Checkpoint:
    """The member in whose checkpoint the shared rewards have taken the most steps."""
    return max(members, key=lambda member: version_of(member.part("rewards")))


def _left_by(folder: PopulationFolder, members: int, parts: tuple[str, ...]) -> dict[int, Checkpoint]:
    """These parts of the checkpoint of each member that has one."""
    return {
        number: load_checkpoint(latest_checkpoint(checkpoints), only=parts)
        for number in range(members)
        if has_checkpoint(checkpoints := folder.member(number).checkpoints)
    }
