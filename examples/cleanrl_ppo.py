"""PPO in one file, in the manner of CleanRL: no library of RL, everything in sight (Schulman et al., 2017).

    python -m examples.cleanrl_ppo --frames 50000

Gymnasium's own wrappers do the rest: canvas and target become one picture of two channels, a vector environment plays
several episodes at once, and another wrapper adds up the rewards.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import typer
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import RecordEpisodeStatistics, TransformObservation
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributions import Categorical

from actors.scored import Observation
from examples.sketching import SETTINGS, sketching

CHOICES = SETTINGS.action_spec.nvec.tolist()
GAMMA, LAMBDA, CLIP, EPOCHS, MINIBATCHES = 1.0, 0.95, 0.2, 4, 4


def make_env() -> RecordEpisodeStatistics[Any, Any]:
    """The task, seen as uint8 [2, 64, 64], canvas and target."""
    shown = Box(0, 255, (2, SETTINGS.canvas_size, SETTINGS.canvas_size), np.uint8)
    return RecordEpisodeStatistics(TransformObservation(sketching(), canvas_and_target, shown))


def canvas_and_target(observation: Observation) -> NDArray[np.uint8]:
    """Both pictures of an observation, the channel first."""
    return np.stack((observation["canvas"][..., 0], observation["target"][..., 0]))


class Agent(nn.Module):
    """Independent choices for all heads of an action, and the value, from the same features."""

    def __init__(self) -> None:
        super().__init__()
        layers = (nn.Conv2d(2, 16, 8, 4), nn.ReLU(), nn.Conv2d(16, 32, 4, 2), nn.ReLU(), nn.Flatten())
        self.see = nn.Sequential(*layers, nn.Linear(32 * 6 * 6, 256), nn.ReLU())
        self.actor, self.critic = nn.Linear(256, sum(CHOICES)), nn.Linear(256, 1)

    def forward(self, pictures: Tensor, actions: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Actions [N, heads], drawn where none are given; their log-probability, entropy and value, each [N]."""
        features = self.see(pictures.float() / 255)
        heads = [Categorical(logits=logits) for logits in self.actor(features).split(CHOICES, dim=1)]
        if actions is None:
            actions = torch.stack([head.sample() for head in heads], dim=1)
        log_probs = torch.stack([head.log_prob(choice) for head, choice in zip(heads, actions.T, strict=True)])
        entropy = torch.stack([head.entropy() for head in heads]).sum(dim=0)
        return actions, log_probs.sum(dim=0), entropy, self.critic(features).squeeze(1)


def learn(frames: int, seed: int, num_envs: int = 8, num_steps: int = 64) -> Iterator[float]:
    """Learn; yields the mean return of the episodes of each batch, as it is played."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    environments: Any = SyncVectorEnv([make_env] * num_envs, autoreset_mode=AutoresetMode.SAME_STEP)
    agent = Agent()
    optimizer = torch.optim.Adam(agent.parameters(), lr=2.5e-4, eps=1e-5)
    observation, _ = environments.reset(seed=seed)
    for _ in range(0, frames, num_envs * num_steps):
        played: list[tuple[Tensor, ...]] = []
        returns: list[float] = []
        for _ in range(num_steps):
            seen = torch.from_numpy(observation)
            with torch.no_grad():
                actions, log_probs, _, values = agent(seen)
            observation, rewards, terminated, _, infos = environments.step(actions.numpy())
            played.append((seen, actions, log_probs, values, torch.from_numpy(rewards), torch.from_numpy(terminated)))
            if terminated.any():
                returns += infos["final_info"]["episode"]["r"][terminated].tolist()
        seen, actions, log_probs, values, rewards, ended = (torch.stack(part) for part in zip(*played, strict=True))
        with torch.no_grad():
            following = agent(torch.from_numpy(observation))[3]
        advantages, advantage = torch.zeros_like(values), torch.zeros(num_envs)
        for step in reversed(range(num_steps)):
            goes_on = (~ended[step]).float()
            delta = rewards[step].float() + GAMMA * following * goes_on - values[step]
            advantage = delta + GAMMA * LAMBDA * goes_on * advantage
            advantages[step], following = advantage, values[step]
        batch = [part.flatten(0, 1) for part in (seen, actions, log_probs, advantages, advantages + values)]
        for _ in range(EPOCHS):
            for chosen in np.array_split(rng.permutation(num_envs * num_steps), MINIBATCHES):
                update(agent, optimizer, *(part[torch.from_numpy(chosen)] for part in batch))
        yield float(np.mean(returns)) if returns else 0.0
    environments.close()


def update(
    agent: Agent,
    optimizer: torch.optim.Optimizer,
    seen: Tensor,
    actions: Tensor,
    log_probs: Tensor,
    advantages: Tensor,
    returns: Tensor,
) -> None:
    """One step of the optimiser on a minibatch."""
    _, new_log_probs, entropy, values = agent(seen, actions)
    ratio = (new_log_probs - log_probs).exp()
    advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    gain = torch.min(advantages * ratio, advantages * ratio.clamp(1 - CLIP, 1 + CLIP))
    loss = -gain.mean() - 0.01 * entropy.mean() + 0.5 * (values - returns).square().mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
    optimizer.step()


def main(frames: int = 50_000, seed: int = 0, num_envs: int = 8) -> None:
    """Print how the return rises."""
    for batch, mean_return in enumerate(learn(frames, seed, num_envs), start=1):
        if batch % 10 == 1:
            print(f"{batch * num_envs * 64:,} frames, mean return {mean_return:.2f}", flush=True)


if __name__ == "__main__":
    typer.run(main)
