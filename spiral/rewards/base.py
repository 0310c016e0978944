"""A reward scores renders: the one kind of thing that an agent is trained on.

Rewards have no gradient and no side effect. A learned reward (the discriminator) is trained elsewhere and only loads
newer weights here.
"""

from __future__ import annotations

from collections.abc import Mapping
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
        counts: what the environment has counted so far, by name, each int64 [B].
    """

    targets: NDArray[np.uint8] | None
    counts: Mapping[str, NDArray[np.int64]]


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


def need_count(name: str, count: str, context: Context) -> NDArray[np.int64]:
    """The count of that name in `context`, [B].

    Raises:
        ValueError: when the environment does not count it.
    """
    if count not in context.counts:
        counted = ", ".join(sorted(context.counts)) or "nothing"
        raise ValueError(f"the reward {name!r} needs {count}, but this environment counts {counted}: leave it out")
    return context.counts[count]
