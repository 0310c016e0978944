"""A plain loop on Ray, as one writes it first: a storage of weights, painters that fetch them, and a learner.

It goes the way of the public project that is nearest to ours, wu375/spiral-pytorch-ray: every painter has one
environment and fetches all weights from the storage at every command; the learner waits for a batch of whole episodes
and takes one step of A2C on them (Mnih et al., 2016), with the values of when they were painted as baseline.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np
import ray
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cluster.on_ray.start import start_ray
from cluster.run.cores import processors
from examples.copying import Copies, Task, digits
from examples.eyes import Painter, tensors
from learners.policy_learner import on_the_way
from spiral.agent import count_parameters, writable_tensor

Weights = dict[str, Tensor]
Episode = dict[str, NDArray[Any]]  # [T, …]: what was seen, and `choices`, `values` and `rewards`


class Storage:
    """Keeps the newest weights."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    def put(self, weights: Weights) -> None:
        """Replace them."""
        self.weights = weights

    def get(self) -> Weights:
        """All of them."""
        return self.weights


class RayPainter:
    """Plays episodes in an environment of its own, in a process of its own."""

    def __init__(self, task: Task, storage: Any, seed: int) -> None:
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        self.storage = storage
        self.painter = Painter(task)
        self.environment = task.environment(digits("train", task))
        self.environment.reset(seed=seed)

    @torch.no_grad()
    def play(self) -> Episode:
        """One episode."""
        observation, _ = self.environment.reset()
        played: list[dict[str, Any]] = []
        over = False
        while not over:
            self.painter.load_state_dict(ray.get(self.storage.get.remote()))
            seen = {name: tensor[None] for name, tensor in tensors(observation).items()}
            choices, _, _, value = self.painter(seen)
            following, reward, over, *_ = self.environment.step(choices[0].numpy())
            played.append({**observation, "choices": choices[0].numpy(), "values": value[0].numpy(), "rewards": reward})
            observation = following
        return {name: np.stack([step[name] for step in played]) for name in played[0]}


class PlainRay:
    """The loop: this process learns, and there are two painters for each core, since each waits for weights."""

    def __init__(self, task: Task, frames: int, seed: int) -> None:
        del frames  # the schedules follow the progress
        torch.manual_seed(seed)
        torch.set_num_threads(processors())
        self.task, self.policy = task, task.config.policy
        self.painter = Painter(task)
        self.parameters = count_parameters(self.painter)
        self.optimizer = torch.optim.Adam(self.painter.parameters())
        count = 2 * processors()
        with ExitStack() as resources:
            resources.enter_context(start_ray(None, processes=count + 1, picture_bytes=0, embedded_redis=False))
            share: Any = ray.remote(num_cpus=0.5)
            self._storage = share(Storage).remote(self.painter.state_dict())
            self._painters = [share(RayPainter).remote(task, self._storage, seed + index) for index in range(count)]
            for actor in (self._storage, *self._painters):
                resources.callback(ray.kill, actor)
            self._resources = resources.pop_all()
        self._playing = {painter.play.remote(): painter for painter in self._painters}

    def step(self, progress: float) -> int:
        """How many frames it learned from in its next step."""
        episodes: list[Episode] = []
        while len(episodes) < self.policy.batch_size:
            (played,), _ = ray.wait(list(self._playing), num_returns=1)
            painter = self._playing.pop(played)
            self._playing[painter.play.remote()] = painter
            episodes.append(ray.get(played))
        batch = {name: writable_tensor(np.stack([each[name] for each in episodes])) for name in episodes[0]}
        self._learn(batch, progress)
        self._storage.put.remote(self.painter.state_dict())
        return batch["rewards"].numel()

    def _learn(self, batch: dict[str, Tensor], progress: float) -> None:
        """One step on episodes [B, T, …]."""
        policy = self.policy
        returns = batch["rewards"].float().flip(1).cumsum(1).flip(1).flatten()
        seen = {name: tensor.flatten(0, 1) for name, tensor in batch.items()}
        advantages = returns - seen["values"]
        _, log_probs, entropy, values = self.painter(seen, seen["choices"])
        normal = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        bonus = on_the_way(policy.entropy, policy.final_entropy, progress) * entropy.mean()
        loss = 0.5 * policy.value * (returns - values).square().mean() - (normal * log_probs).mean() - bonus
        self.optimizer.param_groups[0]["lr"] = on_the_way(policy.learning_rate, policy.final_learning_rate, progress)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.painter.parameters(), policy.max_gradient_norm)
        self.optimizer.step()

    def copies(self) -> Copies:
        """Copies of held-out digits by the newest agent."""
        return self.task.copy_held_out(self.painter.act)

    def close(self) -> None:
        """End its processes."""
        self._resources.close()
