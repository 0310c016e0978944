"""Several policy learners that take one step together, each on its share of a batch of episodes.

PyTorch's DistributedDataParallel (Li et al., 2020) averages their gradients: all of them take the same step, the
one that a single learner takes on the whole batch: a loss is a mean over episodes, and the mean of the means of equal
shares is that of all. The gradient is clipped after it was averaged. Only what normalises advantages, and what entropy
is to be expected, has to be asked of the others. Should a reward be published anew while they fetch it, some
score with the one before. None can go on without the others: the death of one ends the run, where a single learner
would come back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

import numpy as np
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from spiral.config import RunConfig
from spiral.contracts import Arrays, WeightStore
from spiral.section import ConfigError
from spiral.trajectory import Trajectory

T = TypeVar("T")


def meeting_place(host: str, port: int, listener: int | None = None) -> Any:
    """Where learners find each other: on the port that the socket `listener` has, or else that of another process."""
    return dist.TCPStore(  # type: ignore[attr-defined]  # its stubs leave it out
        host, port, is_master=listener is not None, wait_for_workers=False, master_listen_fd=listener
    )


@dataclass(frozen=True)
class Seat:
    """The place of one learner in a team.

    Attributes:
        rank, size: which of how many.
        host, port: of the `meeting_place`.
        backend: what they exchange gradients with: `nccl` where each has a GPU for itself, otherwise `gloo`.
    """

    rank: int
    size: int
    host: str
    port: int
    backend: Literal["gloo", "nccl"] = "gloo"

    def take(self) -> None:
        """Make this process one of the team; returns when all are there."""
        store = meeting_place(self.host, self.port)
        dist.init_process_group(self.backend, store=store, rank=self.rank, world_size=self.size)


def check_shares(config: RunConfig, learners: int) -> None:
    """Refuses a team whose learners would not have the same number of episodes in each of their updates.

    Raises:
        ConfigError: the batch does not divide.
    """
    for section in ("policy", "cloning"):
        parts = learners * getattr(config, section).minibatches
        if learners > 1 and config.policy.batch_size % parts:
            raise ConfigError(
                f"policy.batch_size={config.policy.batch_size} cannot be shared by {learners} policy learners with "
                f"{section}.minibatches={parts // learners}: give a multiple of {parts}, or other --policy-learners"
            )


class Team:
    """A learner and those that it takes its steps with: those of its process group, if it is in one.

    Args:
        network: whose gradients are averaged; it begins with the weights of the first learner.
    """

    def __init__(self, network: nn.Module) -> None:
        self.size = dist.get_world_size() if dist.is_initialized() else 1
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self._forward: Callable[..., Any] | None = None
        if self.size > 1:
            # What the last sub-action of a command leads to is never read, so that some layers have no gradient.
            self._forward = DistributedDataParallel(_Forward(network), find_unused_parameters=True)

    def differentiate(self, loss: Callable[[], T]) -> T:
        """What `loss` gives: a scalar, maybe with measurements; its gradients will be the means over all learners."""
        return loss() if self._forward is None else cast("T", self._forward(loss))

    def share(self, trajectory: Trajectory) -> Trajectory:
        """The episodes that this learner learns from, as many as every other's."""
        if self.size == 1:
            return trajectory
        return trajectory.select(np.array_split(np.arange(trajectory.batch_size), self.size)[self.rank])

    def normalized(self, values: Tensor) -> Tensor:
        """The values less their mean over all learners, divided by their standard deviation."""
        mean = self.total(values.sum()) / (self.size * values.numel())
        variance = self.total((values - mean).square().sum()) / (self.size * values.numel() - 1)
        return (values - mean) / (variance.sqrt() + 1e-8)

    def total(self, value: Tensor) -> Tensor:
        """The sum of what each learner has, in place."""
        if self.size > 1:
            dist.all_reduce(value)
        return value


class Unpublished:
    """A store of weights to which nothing is published: of each step, the first learner's weights are enough."""

    def __init__(self, weights: WeightStore) -> None:
        self._weights = weights

    def publish(self, name: str, version: int, weights: Mapping[str, NDArray[np.generic]]) -> None:
        """Keeps nothing."""

    def version(self, name: str) -> int:
        """As the store has it."""
        return self._weights.version(name)

    def fetch(self, name: str) -> tuple[int, Arrays]:
        """As the store has it."""
        return self._weights.fetch(name)


class _Forward(nn.Module):
    """A network whose forward pass is whatever it is called with: the agent has more than one."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, loss: Callable[[], T]) -> T:
        return loss()
