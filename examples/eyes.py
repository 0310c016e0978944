"""What agents of other libraries see with, so that they see as well as ours does: our encoder, and heads of their own.

The heads are drawn independently of each other, as those libraries do it. Our own agent draws one after the other, each
knowing those before, and remembers what it saw.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import Categorical
from torch.nn import functional as F

from actors.scored import Observation
from examples.copying import SMALL, Actions, Task
from spiral.agent import as_pictures, writable_tensor
from spiral.encoder import Encoder
from spiral.layers import mlp

Seen = dict[str, Tensor]


def tensors(observation: Observation) -> Seen:
    """The arrays of N observations as tensors of the same memory."""
    return {name: writable_tensor(array) for name, array in observation.items()}


class Eyes(nn.Module):
    """The first layers of an agent: the encoder of the task's preset."""

    def __init__(self, task: Task = SMALL) -> None:
        super().__init__()
        settings, agent = task.settings, task.config.agent
        self.length = settings.episode_length
        self.features = agent.hidden + 1
        size = settings.canvas_size
        self.encoder = Encoder(settings.action_spec, (size, size, settings.channels), agent)

    def forward(self, pictures: Tensor, action: Tensor, action_mask: Tensor, step: Tensor) -> Tensor:
        """Features [N, `features`] from canvas and target, float [N, 2, H, W] in [0, 1], and what else is seen."""
        seen, _ = self.encoder(pictures, action.long(), action_mask.float(), pictures.new_zeros(len(pictures), 0))
        over = step.float().view(-1, 1) / self.length
        return torch.cat((F.relu(seen), over), dim=1)


class Painter(nn.Module):
    """An agent: eyes, and a layer and a head each for the choices of all heads of an action and for the value."""

    def __init__(self, task: Task = SMALL) -> None:
        super().__init__()
        self.choices = [int(count) for count in task.settings.action_spec.nvec]
        self.eyes = Eyes(task)
        hidden = task.config.agent.hidden
        self.pi = mlp(self.eyes.features, (hidden, sum(self.choices)))
        self.vf = mlp(self.eyes.features, (hidden, 1))

    def look(self, seen: Seen) -> Tensor:
        """Features [N, `eyes.features`] of N observations, as the environment gives them."""
        pictures = torch.cat((as_pictures(seen["canvas"]), as_pictures(seen["target"])), dim=1)
        features: Tensor = self.eyes(pictures, seen["action"], seen["action_mask"], seen["step"])
        return features

    def forward(self, seen: Seen, actions: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Actions [N, heads], drawn where none are given; their log-probability, entropy and value, each [N]."""
        features = self.look(seen)
        heads = [Categorical(logits=logits) for logits in self.pi(features).split(self.choices, dim=1)]
        if actions is None:
            actions = torch.stack([head.sample() for head in heads], dim=1)
        log_probs = [head.log_prob(choice) for head, choice in zip(heads, actions.unbind(dim=1), strict=True)]
        entropies = [head.entropy() for head in heads]
        return actions, torch.stack(log_probs).sum(dim=0), torch.stack(entropies).sum(dim=0), self.vf(features)[:, 0]

    @torch.no_grad()
    def act(self, observation: Observation) -> Actions:
        """Actions [N, heads] for N observations, drawn as in training."""
        actions: Actions = self(tensors(observation))[0].numpy()
        return actions
