"""Stable-Baselines3's PPO learns to copy digits.

    python -m examples.sb3_ppo --frames 200000 --out runs/sb3.png

The environment is a dictionary of pictures and numbers, which `MultiInputPolicy` takes as it is; only the eyes are
given, since those that the library brings look for pictures of 36 pixels or more.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import typer
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor

from actors.scored import Observation
from examples.copying import SMALL, Actions, digits, summary
from examples.eyes import Eyes
from learners.policy_learner import on_the_way


class Features(BaseFeaturesExtractor):
    """Our eyes, behind the preparation of this library: pictures come as float [N, 1, 32, 32] in [0, 1]."""

    def __init__(self, observation_space: spaces.Dict) -> None:
        eyes = Eyes()
        super().__init__(observation_space, eyes.features)
        self.eyes = eyes

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Float [N, `eyes.features`]."""
        pictures = torch.cat((observations["canvas"], observations["target"]), dim=1)
        features: Tensor = self.eyes(
            pictures, observations["action"], observations["action_mask"], observations["step"]
        )
        return features


def build(seed: int, num_envs: int = SMALL.config.policy.batch_size) -> PPO:
    """PPO with the settings of our own preset wherever it has the same ones; a batch is one episode of each env."""
    policy, length = SMALL.config.policy, SMALL.settings.episode_length
    return PPO(
        "MultiInputPolicy",
        make_vec_env(partial(SMALL.environment, digits("train", SMALL)), num_envs, seed=seed),
        learning_rate=lambda left: on_the_way(policy.learning_rate, policy.final_learning_rate, 1.0 - left),
        n_steps=length,
        batch_size=length * num_envs // policy.minibatches,
        n_epochs=policy.passes,
        gamma=policy.discount,
        gae_lambda=1.0,
        clip_range=policy.clip_ratio or 0.2,
        ent_coef=policy.entropy,
        vf_coef=0.5 * policy.value,
        max_grad_norm=policy.max_gradient_norm,
        policy_kwargs={"features_extractor_class": Features, "net_arch": [SMALL.config.agent.hidden]},
        seed=seed,
        device="cpu",
    )


def act(model: PPO, observation: Observation) -> Actions:
    """Actions [N, heads] for N observations, drawn as in training."""
    actions, _ = model.predict(observation, deterministic=False)
    return actions


def main(
    frames: Annotated[int, typer.Option(min=1, help="Commands to learn from, in whole batches.")] = 200_000,
    out: Annotated[Path, typer.Option(help="A PNG of copies, each below its original.")] = Path("runs/sb3.png"),
    seed: Annotated[int, typer.Option(min=0, help="Of everything.")] = 0,
) -> None:
    """Train Stable-Baselines3's PPO, and show how it copies held-out digits."""
    model = build(seed)
    start = time.perf_counter()
    model.learn(frames)
    seconds = time.perf_counter() - start
    copies = SMALL.copy_held_out(partial(act, model))
    copies.save(out)
    print(summary("Stable-Baselines3 PPO", model.num_timesteps, seconds, copies))


if __name__ == "__main__":
    typer.run(main)
