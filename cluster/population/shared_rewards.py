"""Learned rewards that all members share, as in SPIRAL++ (Mellor et al., 2019: ten agents, one discriminator).

Members that share them take turns. Whoever's turn it is goes on with the rewards of the one that trained last, their
optimisers and their random states, and trains them on the renders of everybody: the new ones of its own, and those that
the others left in their checkpoints. Without these they would learn whom they have before them, and forget the others
until they come again.

Nothing is kept beside the members' checkpoints: the shared rewards are those which have taken the most steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cluster.population.folder import PopulationFolder
from cluster.run.local_engine import LocalEngine
from learners.checkpoint import Checkpoint, has_checkpoint, latest_checkpoint, load_checkpoint
from learners.replay import MemoryReplay
from spiral.contracts import Renders
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
        counts = np.bincount(rng.integers(1 + len(self.others), size=count), minlength=1 + len(self.others))
        drawn = [super().sample(counts[0], rng)]
        drawn += [other.sample(n, rng) for other, n in zip(self.others, counts[1:], strict=True)]
        targets = [batch.targets for batch in drawn if batch.targets is not None]
        actions = [batch.actions for batch in drawn if batch.actions is not None]
        return Renders(
            np.concatenate([batch.renders for batch in drawn]),
            np.concatenate(targets) if targets else None,
            np.concatenate(actions) if actions else None,
        )


def share_rewards(engine: LocalEngine, folder: PopulationFolder, members: int, number: int) -> None:
    """Let the engine of member `number`, at the beginning of its turn, go on with everybody's rewards."""
    assert engine.rewards is not None and engine.replay is not None, "the plan was checked"
    left = {
        other: load_checkpoint(latest_checkpoint(checkpoints), only=("rewards", "replay"))
        for other in range(members)
        if has_checkpoint(checkpoints := folder.member(other).checkpoints)
    }
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


def newest_rewards(members: Sequence[Checkpoint]) -> Checkpoint:
    """The member in whose checkpoint the shared rewards have taken the most steps."""
    return max(members, key=lambda member: version_of(member.part("rewards")))
