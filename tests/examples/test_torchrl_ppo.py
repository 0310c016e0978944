"""TorchRL takes our environments by name and by hand. In a process of its own, for it changes how processes start."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torchrl") is None, reason="TorchRL is not installed: pip install '.[examples]'"
)
BY_NAME = """
import torch
from torchrl.envs import GymEnv, GymWrapper, check_env_specs
import envs, gymnasium

for name in (envs.PAINT_ID, "envs:" + envs.SCENES_V1_ID):
    env = GymEnv(name, episode_length=3, frame_skip=1)
    check_env_specs(env)
    steps = env.rollout(10)
    print(steps["next", "step"].flatten().tolist(), steps["next", "terminated"].flatten().tolist())
try:
    GymEnv(envs.PAINT_ID, colour=False)
except TypeError as error:
    print(str(error)[:36])
"""


def python(*words: str) -> str:
    """What Python prints, in the project's folder."""
    result = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_an_environment_is_made_by_its_name():
    printed = [line for line in python("-c", BY_NAME).splitlines() if "[torchrl]" not in line]
    assert printed == ["[1, 2, 3] [False, False, True]"] * 2 + ["unexpected keyword argument 'colour'"]


def test_its_ppo_learns():
    printed = python("-m", "examples.torchrl_ppo", "--frames", "32", "--batch-size", "16")
    assert re.findall(r"(\d+) frames, mean return -?\d+\.\d\d", printed) == ["16", "32"]
