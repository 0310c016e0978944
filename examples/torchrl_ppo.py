"""TorchRL's collector, advantage estimator and PPO loss learn to copy pictures.

    python -m examples.torchrl_ppo --frames 20000

`GymWrapper` takes our environment as it is, and `GymEnv("spiral/Paint-v0")` makes one by its name. The library has no
distribution for several choices at once, so that one stands here.
"""

from __future__ import annotations

from typing import Any

import torch
import typer
from tensordict.nn import TensorDictModule
from torch import Tensor, nn
from torch.distributions import Categorical, Independent
from torchrl.collectors import Collector
from torchrl.envs import GymWrapper
from torchrl.modules import ProbabilisticActor, ValueOperator
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE

from examples.sketching import SETTINGS, sketching

CHOICES = torch.from_numpy(SETTINGS.action_spec.nvec)
SEEN = ["canvas", "target"]


class Heads(Independent):  # type: ignore[type-arg]
    """Independent choices for all heads of an action [..., heads], from logits [..., heads, choices]."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__(Categorical(logits=logits), 1)


class Net(nn.Module):
    """Canvas and target [..., 64, 64, 1] through two convolutions and a layer."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        layers = (nn.Conv2d(2, 16, 8, 4), nn.ReLU(), nn.Conv2d(16, 32, 4, 2), nn.ReLU(), nn.Flatten())
        self.layers = nn.Sequential(*layers, nn.Linear(32 * 6 * 6, 256), nn.ReLU(), nn.Linear(256, outputs))

    def forward(self, canvas: Tensor, target: Tensor) -> Tensor:
        """Outputs [..., outputs]."""
        pictures = torch.cat((canvas, target), dim=-1).float().movedim(-1, -3) / 255
        out: Tensor = self.layers(pictures.reshape(-1, *pictures.shape[-3:])).view(*pictures.shape[:-3], -1)
        return out


class Logits(Net):
    """Logits [..., heads, choices] for the heads; those beyond a head's own choices are never drawn."""

    def __init__(self) -> None:
        super().__init__(int(CHOICES.sum()))

    def forward(self, canvas: Tensor, target: Tensor) -> Tensor:
        """Logits [..., heads, choices]."""
        heads = super().forward(canvas, target).split(CHOICES.tolist(), dim=-1)
        most = int(CHOICES.max())
        return torch.stack([nn.functional.pad(head, (0, most - head.shape[-1]), value=-1e9) for head in heads], dim=-2)


def main(frames: int = 20_000, seed: int = 0, batch_size: int = 256) -> None:
    """Print how the return rises."""
    torch.manual_seed(seed)
    env = GymWrapper(sketching(), categorical_action_encoding=True)
    env.set_seed(seed)
    logits: Any = TensorDictModule(Logits(), in_keys=SEEN, out_keys=["logits"])
    actor = ProbabilisticActor(
        logits, in_keys=["logits"], spec=env.action_spec, distribution_class=Heads, return_log_prob=True
    )
    critic = ValueOperator(Net(1), in_keys=SEEN)
    advantage = GAE(gamma=1.0, lmbda=0.95, value_network=critic)
    loss = ClipPPOLoss(actor, critic, entropy_coeff=0.01)
    optimizer = torch.optim.Adam(loss.parameters(), lr=2.5e-4)
    collector = Collector(env, actor, frames_per_batch=batch_size, total_frames=frames)
    for number, batch in enumerate(collector, start=1):
        episodes = int(batch["next", "done"].sum()) or 1
        print(f"{number * batch_size:,} frames, mean return {float(batch['next', 'reward'].sum()) / episodes:.2f}")
        for _ in range(4):
            advantage(batch)
            terms = loss(batch)
            optimizer.zero_grad()
            sum(terms[name] for name in ("loss_objective", "loss_critic", "loss_entropy")).backward()
            nn.utils.clip_grad_norm_(loss.parameters(), 0.5)
            optimizer.step()
    collector.shutdown()


if __name__ == "__main__":
    typer.run(main)
