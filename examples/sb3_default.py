"""Stable-Baselines3 as it comes: PPO or A2C with the library's own policy for dictionaries learns to copy pictures.

    python -m examples.sb3_default --algorithm a2c --frames 20000

DQN and SAC do not take these environments, and say so: an action is several choices at once (`MultiDiscrete`).
"""

from __future__ import annotations

from typing import Any

import typer
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

from examples.sketching import sketching

ALGORITHMS: dict[str, type[PPO] | type[A2C]] = {"ppo": PPO, "a2c": A2C}


def build(algorithm: str, seed: int, num_envs: int = 8, **settings: Any) -> PPO | A2C:
    """An agent that has learned nothing yet; `settings` are those of the library."""
    return ALGORITHMS[algorithm](
        "MultiInputPolicy", make_vec_env(sketching, num_envs, seed=seed), seed=seed, device="cpu", **settings
    )


def main(algorithm: str = "ppo", frames: int = 50_000, seed: int = 0) -> None:
    """Print the mean return of an episode before and after learning."""
    model = build(algorithm, seed)
    before, _ = evaluate_policy(model, make_vec_env(sketching, 1, seed=seed + 1), deterministic=False)
    model.learn(frames)
    after, _ = evaluate_policy(model, make_vec_env(sketching, 1, seed=seed + 1), deterministic=False)
    print(f"{algorithm}: {model.num_timesteps:,} frames, mean return {before:.2f} before, {after:.2f} after")


if __name__ == "__main__":
    typer.run(main)
