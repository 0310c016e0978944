"""What RLlib's algorithms (on its new API stack) need to learn to copy digits, in processes of its own.

RLlib's own networks take no dictionary, so the agent is an `RLModule` around ours of `examples/eyes.py`. All else is
RLlib's, with the settings of our preset wherever both have the same ones.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from gymnasium.spaces import MultiDiscrete
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.core.columns import Columns
from ray.rllib.core.distribution.torch.torch_distribution import TorchMultiCategorical
from ray.rllib.core.rl_module.apis import ValueFunctionAPI
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.tune.registry import register_env
from torch import Tensor

from actors.scored import Observation
from cluster.on_ray.start import start_ray
from cluster.run.cores import processors
from examples.copying import SMALL, Actions, Task, digits, summary
from examples.eyes import Painter, tensors


class RLlibPainter(TorchRLModule, ValueFunctionAPI):
    """The agent: independent choices for all heads of an action, and the value, from the same features."""

    def setup(self) -> None:
        """Make the layers."""
        assert isinstance(self.action_space, MultiDiscrete), "our environments take one choice for each head"
        settings: Any = self.model_config
        self.painter = Painter(settings["task"])
        distribution: Any = TorchMultiCategorical
        self.action_dist_cls = distribution.get_partial_dist_cls(
            space=self.action_space, input_lens=self.painter.choices
        )

    def compute_values(self, batch: dict[str, Any], embeddings: Tensor | None = None) -> Tensor:
        """Values [N]."""
        features = self.painter.look(batch[Columns.OBS]) if embeddings is None else embeddings
        values: Tensor = self.painter.vf(features).squeeze(-1)
        return values

    def _forward(self, batch: dict[str, Any], **keywords: Any) -> dict[str, Tensor]:
        features = self.painter.look(batch[Columns.OBS])
        return {Columns.ACTION_DIST_INPUTS: self.painter.pi(features), Columns.EMBEDDINGS: features}


def configured(config: Any, task: Task, frames: int, seed: int, env_runners: int | None = None) -> Any:
    """An algorithm's settings with the task in them, and with those of our preset; it needs a Ray that runs.

    Args:
        config: of the algorithm.
        task: what is learned.
        frames: over which learning rate and entropy cost go to their final values.
        seed: of everything.
        env_runners: processes that paint; None is one for each core.
    """
    register_env(task.preset, lambda _: task.environment(digits("train", task)))
    policy, length = task.config.policy, task.settings.episode_length
    env_runners = env_runners or processors()
    episodes = max(1, policy.batch_size // env_runners)  # of each of them
    rate, entropy = policy.learning_rate, policy.entropy
    logging.getLogger("ray.rllib").setLevel(logging.ERROR)  # it tells at length that this API is the new one
    return (
        config.environment(task.preset)
        .env_runners(
            num_env_runners=env_runners,
            num_envs_per_env_runner=episodes,
            rollout_fragment_length=length,
            sample_timeout_s=600.0,  # of a machine that is slow or busy
        )
        .training(
            lr=[[0, rate], [frames, rate if policy.final_learning_rate is None else policy.final_learning_rate]],
            entropy_coeff=[[0, entropy], [frames, entropy if policy.final_entropy is None else policy.final_entropy]],
            train_batch_size_per_learner=episodes * env_runners * length,
            gamma=policy.discount,
            vf_loss_coeff=0.5 * policy.value,
            grad_clip=policy.max_gradient_norm,
        )
        .rl_module(rl_module_spec=RLModuleSpec(module_class=RLlibPainter, model_config={"task": task}))
        .debugging(seed=seed, log_level="ERROR")
    )


@torch.no_grad()
def act(algorithm: Algorithm, observation: Observation) -> Actions:
    """Actions [N, heads] for N observations, drawn as in training."""
    module: Any = algorithm.get_module()
    out = module.forward_inference({Columns.OBS: tensors(observation)})
    actions: Actions = module.action_dist_cls.from_logits(out[Columns.ACTION_DIST_INPUTS]).sample().numpy()
    return actions


def show(name: str, build: Callable[[], Algorithm], train: Callable[[Any], int], frames: int, out: Path) -> None:
    """Train for so many frames, draw how held-out digits are copied then, and say how it went.

    Args:
        name: of the algorithm.
        build: makes it, with a Ray that runs.
        train: gives how many frames it learned from in its next iteration.
        frames: commands to learn from, in whole batches.
        out: a PNG of copies, each below its original.
    """
    with start_ray(None, processes=processors() + 1, picture_bytes=0, embedded_redis=False):
        algorithm = build()
        done, start = 0, time.perf_counter()
        while done < frames:
            done += train(algorithm)
        seconds = time.perf_counter() - start
        copies = SMALL.copy_held_out(partial(act, algorithm))
        algorithm.stop()  # type: ignore[no-untyped-call]
    copies.save(out)
    print(summary(name, done, seconds, copies))
