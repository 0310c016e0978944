"""PPO in one process and one file, in the manner of CleanRL: environments in step, and learning when they are done.

All environments play a whole episode each, and the agent is asked once for all of them; then it learns from the batch
in several passes (Schulman et al., 2017). Rewards of an episode are added up without a discount. PyTorch has all cores,
and nothing works beside it.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from gymnasium.vector import SyncVectorEnv
from torch import Tensor, nn

from actors.scored import Observation
from cluster.run.cores import processors
from examples.copying import Copies, Task, digits
from examples.eyes import Painter, Seen, tensors
from learners.policy_learner import on_the_way
from spiral.agent import count_parameters


class Synchronous:
    """The loop; a step plays and learns from one batch."""

    def __init__(self, task: Task, frames: int, seed: int) -> None:
        del frames  # the schedules follow the progress
        torch.manual_seed(seed)
        torch.set_num_threads(processors())
        self.task, self.policy = task, task.config.policy
        self.rng = np.random.default_rng(seed)
        pictures = digits("train", task)
        self.environments = SyncVectorEnv([partial(task.environment, pictures)] * self.policy.batch_size)
        self.environments.reset(seed=seed)
        self.painter = Painter(task)
        self.parameters = count_parameters(self.painter)
        self.optimizer = torch.optim.Adam(self.painter.parameters())

    def step(self, progress: float) -> int:
        """How many frames it learned from in its next step."""
        seen, actions, log_probs, advantages, returns = self._play()
        rate = on_the_way(self.policy.learning_rate, self.policy.final_learning_rate, progress)
        self.optimizer.param_groups[0]["lr"] = rate
        for _ in range(self.policy.passes):
            for rows in np.array_split(self.rng.permutation(len(actions)), self.policy.minibatches):
                chosen = torch.from_numpy(rows)
                part = {name: tensor[chosen] for name, tensor in seen.items()}
                batch = (tensor[chosen] for tensor in (actions, log_probs, advantages, returns))
                self._update(progress, part, *batch)
        return len(actions)

    @torch.no_grad()
    def _play(self) -> tuple[Seen, Tensor, Tensor, Tensor, Tensor]:
        """What was seen, actions, their log-probabilities, advantages and returns of one batch, each [T·B, …]."""
        observation: Observation
        observation, _ = self.environments.reset()
        views: list[Seen] = []
        decided: list[tuple[Tensor, Tensor, Tensor]] = []
        rewards: list[Tensor] = []
        for _ in range(self.task.settings.episode_length):
            views.append(tensors(observation))
            actions, log_probs, _, values = self.painter(views[-1])
            observation, reward, *_ = self.environments.step(actions.numpy())
            decided.append((actions, log_probs, values))
            rewards.append(torch.from_numpy(reward).float())
        actions, log_probs, values = (torch.cat(part) for part in zip(*decided, strict=True))
        returns = torch.stack(rewards).flip(0).cumsum(0).flip(0).flatten()
        seen = {name: torch.cat([view[name] for view in views]) for name in views[0]}
        return seen, actions, log_probs, returns - values, returns

    def _update(
        self, progress: float, seen: Seen, actions: Tensor, log_probs: Tensor, advantages: Tensor, returns: Tensor
    ) -> None:
        """One step of the optimiser on a minibatch."""
        policy, clip = self.policy, self.policy.clip_ratio or 0.2
        _, new_log_probs, entropy, values = self.painter(seen, actions)
        ratio = (new_log_probs - log_probs).exp()
        normal = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        gain = torch.min(normal * ratio, normal * ratio.clamp(1 - clip, 1 + clip)).mean()
        bonus = on_the_way(policy.entropy, policy.final_entropy, progress) * entropy.mean()
        loss = 0.5 * policy.value * (values - returns).square().mean() - gain - bonus
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.painter.parameters(), policy.max_gradient_norm)
        self.optimizer.step()

    def copies(self) -> Copies:
        """Copies of held-out digits by the newest agent."""
        return self.task.copy_held_out(self.painter.act)

    def close(self) -> None:
        """Give back the environments."""
        self.environments.close()
