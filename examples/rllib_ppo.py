"""RLlib's PPO (its new API stack) learns to copy digits, in processes of its own.

    python -m examples.rllib_ppo --frames 200000 --out runs/rllib.png

RLlib's own networks take no dictionary, so the agent is an `RLModule` of ours: the eyes, and a layer and a head each
for actions and value. All else is RLlib's, with the settings of our preset wherever both have the same ones.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from gymnasium.spaces import MultiDiscrete
from ray.rllib.algorithms.ppo import PPO, PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.distribution.torch.torch_distribution import TorchMultiCategorical
from ray.rllib.core.rl_module.apis import ValueFunctionAPI
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.rllib.utils.metrics import ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED
from ray.tune.registry import register_env
from torch import Tensor

from actors.scored import Observation
from cluster.on_ray.start import start_ray
from cluster.run.cores import processors
from examples.copying import CONFIG, SETTINGS, Actions, Eyes, copy_held_out, copying, digits, summary
from spiral.agent import as_pictures
from spiral.layers import mlp

TASK = "copying"


class Painter(TorchRLModule, ValueFunctionAPI):
    """The agent: independent choices for all heads of an action, and the value, from the same features."""

    def setup(self) -> None:
        """Make the layers."""
        assert isinstance(self.action_space, MultiDiscrete), "our environments take one choice for each head"
        choices = [int(count) for count in self.action_space.nvec]
        self.eyes = Eyes()
        self.pi = mlp(Eyes.features, (CONFIG.agent.hidden, sum(choices)))
        self.vf = mlp(Eyes.features, (CONFIG.agent.hidden, 1))
        distribution: Any = TorchMultiCategorical
        self.action_dist_cls = distribution.get_partial_dist_cls(space=self.action_space, input_lens=choices)

    def compute_values(self, batch: dict[str, Any], embeddings: Tensor | None = None) -> Tensor:
        """Values [N]."""
        features = self._look(batch) if embeddings is None else embeddings
        values: Tensor = self.vf(features).squeeze(-1)
        return values

    def _forward(self, batch: dict[str, Any], **keywords: Any) -> dict[str, Tensor]:
        features = self._look(batch)
        return {Columns.ACTION_DIST_INPUTS: self.pi(features), Columns.EMBEDDINGS: features}

    def _look(self, batch: dict[str, Any]) -> Tensor:
        seen = batch[Columns.OBS]
        pictures = torch.cat((as_pictures(seen["canvas"]), as_pictures(seen["target"])), dim=1)
        features: Tensor = self.eyes(pictures, seen["action"], seen["action_mask"], seen["step"])
        return features


def build(frames: int, seed: int, env_runners: int | None = None, batch_size: int = CONFIG.policy.batch_size) -> PPO:
    """PPO that is to learn from so many frames; it needs a Ray that runs.

    Args:
        frames: over which learning rate and entropy cost go to their final values.
        seed: of everything.
        env_runners: processes that paint; None is one for each core, since painting and learning take turns.
        batch_size: episodes in a batch.
    """
    register_env(TASK, lambda _: copying(digits("train")))
    policy, length = CONFIG.policy, SETTINGS.episode_length
    env_runners = env_runners or processors()
    episodes = max(1, batch_size // env_runners)  # of each of them
    batch = episodes * env_runners * length
    logging.getLogger("ray.rllib").setLevel(logging.ERROR)  # it tells at length that this API is the new one
    config: Any = PPOConfig()  # type: ignore[no-untyped-call]
    config = (
        config.environment(TASK)
        .env_runners(
            num_env_runners=env_runners,
            num_envs_per_env_runner=episodes,
            rollout_fragment_length=length,
            sample_timeout_s=600.0,  # of a machine that is slow or busy
        )
        .learners(num_learners=0)  # in this process
        .training(
            lr=[[0, policy.learning_rate], [frames, policy.final_learning_rate]],
            entropy_coeff=[[0, policy.entropy], [frames, policy.final_entropy]],
            train_batch_size_per_learner=batch,
            minibatch_size=batch // policy.minibatches,
            num_epochs=policy.passes,
            gamma=policy.discount,
            lambda_=1.0,
            clip_param=policy.clip_ratio,
            vf_loss_coeff=0.5 * policy.value,
            vf_clip_param=1000.0,  # never: errors of the value are about as large as returns, up to 10
            use_kl_loss=False,
            grad_clip=policy.max_gradient_norm,
        )
        .rl_module(rl_module_spec=RLModuleSpec(module_class=Painter))
        .debugging(seed=seed, log_level="ERROR")
    )
    algorithm: PPO = config.build_algo()
    return algorithm


def train(algorithm: PPO) -> int:
    """How many frames RLlib learned from in its next iteration."""
    result: dict[str, Any] = algorithm.train()  # type: ignore[no-untyped-call]
    return int(result[ENV_RUNNER_RESULTS][NUM_ENV_STEPS_SAMPLED])


@torch.no_grad()
def act(algorithm: PPO, observation: Observation) -> Actions:
    """Actions [N, heads] for N observations, drawn as in training."""
    module: Any = algorithm.get_module()
    seen = {name: torch.from_numpy(array) for name, array in observation.items()}
    out = module.forward_inference({Columns.OBS: seen})
    actions: Actions = module.action_dist_cls.from_logits(out[Columns.ACTION_DIST_INPUTS]).sample().numpy()
    return actions


def main(
    frames: Annotated[int, typer.Option(min=1, help="Commands to learn from, in whole batches.")] = 200_000,
    out: Annotated[Path, typer.Option(help="A PNG of copies, each below its original.")] = Path("runs/rllib.png"),
    seed: Annotated[int, typer.Option(min=0, help="Of everything.")] = 0,
) -> None:
    """Train RLlib's PPO, and show how it copies held-out digits."""
    with start_ray(None, processes=processors(), picture_bytes=0, embedded_redis=False):
        algorithm = build(frames, seed)
        done, start = 0, time.perf_counter()
        while done < frames:
            done += train(algorithm)
        seconds = time.perf_counter() - start
        copies = copy_held_out(partial(act, algorithm))
        algorithm.stop()  # type: ignore[no-untyped-call]
    copies.save(out)
    print(summary("RLlib PPO", done, seconds, copies))


if __name__ == "__main__":
    typer.run(main)
