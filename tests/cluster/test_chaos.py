"""A run whose processes are killed keeps its promises; and a broken promise does not go unnoticed."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cluster.chaos.campaign import VICTIMS, schedule_of
from cluster.chaos.evidence import Evidence, promises

MIB = 2**20


def test_a_schedule_repeats_and_leaves_nobody_out():
    assert schedule_of(50, np.random.default_rng(3)) == schedule_of(50, np.random.default_rng(3))
    assert schedule_of(50, np.random.default_rng(3)) != schedule_of(50, np.random.default_rng(4))
    assert {kind for _, kind in schedule_of(len(VICTIMS), np.random.default_rng(0))} == set(VICTIMS)
    counts = Counter(kind for _, kind in schedule_of(50, np.random.default_rng(0)))
    assert counts.total() == 50 and min(counts.values()) >= 4
    assert min(gap for gap, _ in schedule_of(50, np.random.default_rng(0))) >= 1


def evidence(**changes: Any) -> Evidence:
    """Of a run of three kills in which all went well, but for the changes."""
    kept: dict[str, Any] = {
        "kills": Counter({"node": 1, "Redis": 2}),
        "checked": 40,
        "lost_s": [4.0, 9.5],
        "memory": {"driver": [100 * MIB] * 9},
    }
    return Evidence(**(kept | changes))


def broken(seen: Evidence, reached: int = 960) -> list[str]:
    return [promise for promise, (well, _) in promises(seen, 3, 960, reached).items() if not well]


def test_all_promises_are_kept_when_all_went_well():
    assert broken(evidence()) == []
    assert broken(evidence(memory={"Redis": [3 * MIB] * 6 + [4 * MIB] * 3})) == [], "its buffers come and go"


@pytest.mark.parametrize(
    ("changes", "promise"),
    [
        ({"kills": Counter({"node": 1, "Redis": 1})}, "all were killed"),
        ({"wrong": ["a lag of -1"]}, "no trajectory was wrong"),
        ({"checked": 0}, "no trajectory was wrong"),
        ({"lost_s": [4.0, 11.5]}, "no learner lost more than a checkpoint interval"),
        ({"outdated": ["the policy went on from version 3, not 9"]}, "no learner lost more than a checkpoint interval"),
        ({"memory": {"driver": [100 * MIB] * 6 + [120 * MIB] * 3}}, "memory was flat"),
        ({"memory": {"Redis": [3 * MIB] * 6 + [8 * MIB] * 3}}, "memory was flat"),
    ],
)
def test_a_broken_promise_is_noticed(changes, promise):
    assert broken(evidence(**changes)) == [promise]
    assert broken(evidence(), reached=959) == ["the run reached its frames"]


def test_one_of_each_kind_is_killed_and_nothing_is_lost():
    command = [sys.executable, "-m", "cluster.cli", "chaos", "--kills", str(len(VICTIMS)), "--seed", "0"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("kept") == 5 and "BROKEN" not in done.stdout
