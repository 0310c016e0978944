"""Importing `envs` makes the ids known and costs nothing else."""

from __future__ import annotations

import subprocess
import sys

import gymnasium

import envs
from tests.envs.test_conformance import CASES

HEAVY = ("torch", "ray", "mujoco", "redis", "PIL", "envs.pymypaint", "envs.paint")


def test_importing_the_environments_loads_neither_an_engine_nor_anything_that_learns():
    code = f"import sys, envs\nprint([name for name in {HEAVY} if name in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_replaying_and_exporting_a_program_needs_nothing_that_learns():
    code = (
        "import sys\n"
        "from envs.program import Program\n"
        "program = Program('spiral/Paint-v0', {}, [[0, 527, 1, 9, 2, 0, 0, 0]])\n"
        "assert program.replay().min() < 255 and 'path' in program.to_svg()\n"
        "print([name for name in ('torch', 'ray', 'redis', 'mujoco') if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip().endswith("[]")


def test_gymnasium_finds_the_environments_by_module_and_id():
    code = "import gymnasium; print(gymnasium.make('envs:spiral/Paint-v0').unwrapped.settings.canvas_size)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "64"


def test_every_registered_environment_takes_part_in_the_conformance_suite():
    assert envs.PAINT_ID in gymnasium.registry
    registered = {name for name, spec in gymnasium.registry.items() if spec.namespace == "spiral"}
    assert registered == {case.values[0] for case in CASES}
