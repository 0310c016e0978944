"""A painter learns in sixty lines of PyTorch: REINFORCE with a learned baseline (Williams, 1992), and no library of RL.

    python -m examples.plain_torch --frames 200000

Nothing of this project is needed but an environment, rewards and pictures to copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import torch
import typer
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributions import Categorical

import envs
from spiral.data import load
from spiral.rewards.base import Context
from spiral.rewards.pixels import BlankPenalty, SquaredError


class Net(nn.Module):
    """Canvas and target through two convolutions; with the last action they decide all heads and the value."""

    def __init__(self, size: int, choices: list[int]) -> None:
        super().__init__()
        self.choices = choices
        convolutions = (nn.Conv2d(2, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU(), nn.Flatten())
        self.see = nn.Sequential(*convolutions, nn.Linear(32 * (size // 4) ** 2, 128), nn.ReLU())
        self.decide = nn.Linear(128 + len(choices), sum(choices) + 1)

    def forward(self, pictures: Tensor, last: Tensor) -> tuple[list[Categorical], Tensor]:
        """A distribution for each head, and values [N], from pictures [N, 2, H, W] and the last actions [N, heads]."""
        out = self.decide(torch.cat((self.see(pictures), last / torch.tensor(self.choices)), dim=1))
        return [Categorical(logits=logits) for logits in out[:, :-1].split(self.choices, dim=1)], out[:, -1]


def learn(env: VectorEnv[Any, Any, Any], pictures: NDArray[np.uint8], frames: int, seed: int) -> Iterator[float]:
    """Learn to copy grey pictures [N, H, W, 1]; yields the mean return of each batch of episodes, as it is played."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = Net(pictures.shape[1], env.single_action_space.nvec.tolist())  # type: ignore[attr-defined]
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    likeness, blank, length = SquaredError(), BlankPenalty(), env.unwrapped.settings.episode_length
    for _ in range(0, frames, env.num_envs * length):
        targets = pictures[rng.integers(len(pictures), size=env.num_envs)]
        context = Context(targets, {})
        canvas, actions = env.reset()[0]["canvas"], torch.zeros(env.num_envs, len(net.choices))
        scores, log_probs, entropies, values = [], [], [], []
        for _ in range(length):
            scores.append(0.03 * likeness.score(canvas, context))
            seen = torch.from_numpy(np.concatenate((canvas, targets), axis=-1)).permute(0, 3, 1, 2) / 255
            heads, value = net(seen, actions)
            actions = torch.stack([head.sample() for head in heads], dim=1)
            chosen = [head.log_prob(choice) for head, choice in zip(heads, actions.T, strict=True)]
            log_probs.append(torch.stack(chosen).sum(dim=0))
            entropies.append(torch.stack([head.entropy() for head in heads]).sum(dim=0))
            values.append(value)
            canvas = env.step(actions.numpy())[0]["canvas"]
        final = 0.03 * likeness.score(canvas, context) + blank.score(canvas, context)
        advantages = final - torch.stack(scores) - torch.stack(values)  # a step earns the difference that it makes
        normal = ((advantages - advantages.mean()) / advantages.std()).detach()
        loss = 0.5 * advantages.square() - normal * torch.stack(log_probs) - 0.01 * torch.stack(entropies)
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
        yield float((final - scores[0]).mean())


def main(frames: int = 200_000, seed: int = 0, num_envs: int = 128) -> None:
    """Print how the return rises: by how much a copy is nearer to its original than an empty canvas."""
    env = gymnasium.make_vec(
        envs.PAINT_ID,
        num_envs,
        canvas_size=32,
        render_size=64,
        brush="classic/pen",
        brush_sizes=(1,),
        color=False,
        episode_length=8,
    )
    for batch, mean_return in enumerate(learn(env, load("digits", "train", canvas_size=32), frames, seed)):
        if batch % 10 == 0:
            print(f"{batch * num_envs * 8:,} frames, mean return {mean_return:.2f}", flush=True)


if __name__ == "__main__":
    typer.run(main)
