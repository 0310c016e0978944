"""A step down the gradient that is taken only if it is a number, and weights that are kept only if they are.

A learner whose loss is not finite any more cannot mend itself: it stops before its weights are lost, so that those that
were published and kept last are good.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class DivergedError(RuntimeError):
    """A loss, a gradient or a weight is not a number any more; the last checkpoint is good."""


def descend(loss: Tensor, network: nn.Module, optimizer: torch.optim.Optimizer, limit: float, who: str) -> float:
    """The norm of the gradient; the step is taken with the gradient scaled down to the norm `limit` at most.

    Args:
        loss: a scalar.
        network: whose weights the optimizer has.
        optimizer: takes the step.
        limit: infinite to leave the gradient as it is.
        who: names the learner and its step in the message.

    Raises:
        DivergedError: the norm is not finite; the weights are left as they were before.
    """
    optimizer.zero_grad()
    loss.backward()
    norm = float(nn.utils.clip_grad_norm_(network.parameters(), limit))
    if not np.isfinite(norm):
        raise DivergedError(f"{who}: the loss is {float(loss.detach())} and its gradient {norm}; {WAY_OUT}")
    optimizer.step()
    return norm


def require_finite(who: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Refuses arrays with numbers that are not finite.

    Raises:
        DivergedError: naming `who` and the array.
    """
    for name, array in arrays.items():
        if np.issubdtype(array.dtype, np.inexact) and not np.isfinite(array).all():
            raise DivergedError(f"{who}: {name} is not finite any more; {WAY_OUT}")


WAY_OUT = (
    "the last checkpoint is good: resume from it, or start anew with a lower policy.learning_rate or "
    "rewards.NAME.options.learning_rate, or a higher policy.entropy"
)
