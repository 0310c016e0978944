"""MuJoCo draws wherever EGL is, whatever the environment says of displays; a choice that is none is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envs.opengl import CHOICES

ROOT = Path(__file__).parents[2]
SCRIPT = """
from envs.opengl import StageError
try:
    from envs.stage import Stage
    Stage(16, 1, 1)
    print("drawn")
except StageError as error:
    print(error)
"""


def draws(**variables: str) -> str:
    others = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", *CHOICES)}
    command = [sys.executable, "-c", SCRIPT]
    return subprocess.run(command, cwd=ROOT, env=others | variables, stdout=subprocess.PIPE, text=True).stdout


def test_a_display_that_nobody_serves_is_no_obstacle():
    assert draws(DISPLAY=":987") == "drawn\n"


@pytest.mark.parametrize("choice", ["foo", "disable"])
def test_a_choice_that_cannot_draw_is_named(choice):
    assert f"leave out MUJOCO_GL={choice}, or set MUJOCO_GL=egl" in draws(MUJOCO_GL=choice)
