"""RLlib's PPO (its new API stack) learns to copy digits, in processes of its own.

    python -m examples.rllib_ppo --frames 200000 --out runs/rllib.png

Painting and learning take turns, so that every core has a process that paints. The agent is in
`examples/rllib_painter.py`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from ray.rllib.algorithms.ppo import PPO, PPOConfig
from ray.rllib.utils.metrics import ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED

from examples.copying import SMALL, Task
from examples.rllib_painter import configured, show


def build(frames: int, seed: int, task: Task = SMALL, env_runners: int | None = None) -> PPO:
    """PPO that is to learn from so many frames; the arguments are those of `configured`."""
    config = configured(PPOConfig(), task, frames, seed, env_runners)  # type: ignore[no-untyped-call]
    policy = task.config.policy
    config = config.learners(num_learners=0).training(  # it learns in this process
        minibatch_size=config.train_batch_size_per_learner // policy.minibatches,
        num_epochs=policy.passes,
        lambda_=1.0,
        clip_param=policy.clip_ratio or 0.2,
        vf_clip_param=1000.0,  # never: errors of the value are about as large as returns, up to 10
        use_kl_loss=False,
    )
    algorithm: PPO = config.build_algo()
    return algorithm


def train(algorithm: PPO) -> int:
    """How many frames RLlib learned from in its next iteration."""
    result: dict[str, Any] = algorithm.train()  # type: ignore[no-untyped-call]
    return int(result[ENV_RUNNER_RESULTS][NUM_ENV_STEPS_SAMPLED])


def main(
    frames: Annotated[int, typer.Option(min=1, help="Commands to learn from, in whole batches.")] = 200_000,
    out: Annotated[Path, typer.Option(help="A PNG of copies, each below its original.")] = Path("runs/rllib.png"),
    seed: Annotated[int, typer.Option(min=0, help="Of everything.")] = 0,
) -> None:
    """Train RLlib's PPO, and show how it copies held-out digits."""
    show("RLlib PPO", partial(build, frames, seed), train, frames, out)


if __name__ == "__main__":
    typer.run(main)
