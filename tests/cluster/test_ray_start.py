"""Ray gives its processes half a minute to start: where that was too short, it is tried once more, and then told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]
# Ray's processes are begun, but nobody hears of them, and the half minute passes quickly.
SCRIPT = """
import time
import psutil
import ray
from ray._private import node, services
from cluster.on_ray.start import EngineError, start_ray

class Clock:
    now, sleep, time = 0.0, staticmethod(lambda seconds: None), staticmethod(time.time)

    def monotonic(self):
        self.now += 20.0
        return self.now

starts, begin, find = 0, node.Node.start_ray_processes, services.get_node

def start_ray_processes(self):
    global starts
    starts += 1
    begin(self)

def get_node(*where):
    if starts <= {failures}:
        raise RuntimeError("not there yet")
    return find(*where)

node.Node.start_ray_processes, services.get_node, node.time = start_ray_processes, get_node, Clock()
try:
    with start_ray(None, 1, 0, True):
        print(starts, "started", ray.is_initialized())
except EngineError as error:
    print(starts, error)
print(psutil.Process().children(), ray.is_initialized())
"""


@pytest.mark.parametrize("failures", [1, 9])
def test_ray_that_does_not_start_in_time_is_started_once_more_and_then_told_in_one_line(failures):
    others = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    command = [sys.executable, "-c", SCRIPT.replace("{failures}", str(failures))]
    run = subprocess.run(command, cwd=ROOT, env=others, capture_output=True, text=True, timeout=PATIENCE_S)
    said, left = run.stdout.splitlines()
    assert (run.returncode, run.stderr) == (0, "")
    if failures == 1:
        assert said == "2 started True"
    else:
        assert said.startswith("2 Ray did not start on this machine, twice (The current node timed out during startup")
        assert said.endswith("try again when they are free, or train with --engine local")
    assert left == "[] False", "nothing outlives a failed start"
