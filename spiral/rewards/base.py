"""A reward scores renders: the one kind of thing that an agent is trained on.

Rewards have no gradient and no side effect. A learned reward (the discriminator) is trained elsewhere and only loads
newer weights here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Context:
    """What a reward may know beside the picture itself.

    Attributes:
        targets: uint8 [B, H, W, C], or None when the agent is unconditional.
        strokes: strokes painted so far, int64 [B].
        disjoint_strokes: of these, those that began after a move, int64 [B].
    """

    targets: NDArray[np.uint8] | None
    strokes: NDArray[np.int64]
    disjoint_strokes: NDArray[np.int64]


class Reward(Protocol):
    """`score` says how good each render is."""

    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B], of renders uint8 [B, H, W, C]; higher is better."""


def need_targets(name: str, context: Context) -> NDArray[np.uint8]:
    """The targets of `context`.

    Raises:
        ValueError: when there are none.
    """
    if context.targets is None:
        raise ValueError(f"the reward {name!r} compares with a target; set agent.conditional=true or leave it out")
    return context.targets
